"""The one warning a user gets where the NumPy twins run instead of the kernels."""

import functools
import warnings
from collections.abc import Callable
from typing import TypeVar

Kernel = TypeVar("Kernel", bound=Callable[..., object])

_already_warned = False


class KernelFallbackWarning(RuntimeWarning):
    """The compiled kernels are missing, so slower NumPy code runs in their place."""


def warn_at_first_use(fallback: Kernel, reason: str) -> Kernel:
    """Make `twin` warn once per process, whichever of the wrapped twins is called first.

    Parameters
    ----------
    twin : callable
        The NumPy function that stands in for a kernel.

    reason : str
        Why the kernels could not be imported.

    Returns
    -------
    callable
        `twin` with the warning in front.
    """

    @functools.wraps(fallback)
    def wrapped(*args: object, **kwargs: object) -> object:
        global _already_warned
        if not _already_warned:
            # Set first: where warnings are errors, the second call must get through.
            _already_warned = True
            warnings.warn(
                "lrfact runs without its compiled kernels, which is slower and single-threaded "
                f"({reason}). Install a C compiler, then: "
                "pip install --force-reinstall --no-deps --no-binary lrfact lrfact; "
                "`lrfact.show_versions()` says which kernels run.",
                KernelFallbackWarning,
                stacklevel=2,
            )
        return fallback(*args, **kwargs)

    return wrapped  # type: ignore[return-value]
