"""Nothing of an earlier or a failed fit stays behind."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def reset_on_error(estimator: Any) -> Iterator[None]:
    """Drop what `estimator` has learnt, before a fit and again should the fit fail.

    Parameters
    ----------
    estimator : estimator
        Estimator whose attributes that end in an underscore, or start with ``_fitted``, are removed
        on error.

    Yields
    ------
    None
    """
    _forget(estimator)
    try:
        yield
    except BaseException:  # an interrupt must not leave half a model either
        _forget(estimator)
        raise


def _forget(estimator: Any) -> None:
    learnt = [
        name
        for name in vars(estimator)
        if (name.endswith("_") and not name.startswith("__")) or name.startswith("_fitted")
    ]
    for name in learnt:
        delattr(estimator, name)
