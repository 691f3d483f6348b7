"""What a bug report needs to know about the machine."""

import platform
import sys
from importlib.metadata import PackageNotFoundError, version

from threadpoolctl import threadpool_info

from lrfact import kernels
from lrfact.checks._threads import effective_n_threads

_DISTRIBUTIONS = (
    "lrfact",
    "numpy",
    "scipy",
    "scikit-learn",
    "joblib",
    "threadpoolctl",
    "matplotlib",
    "pandas",
    "polars",
    "Cython",
    "meson-python",
    "pip",
)


def show_versions() -> None:
    """Print the versions, kernels and thread pools in use, for bug reports.

    Returns
    -------
    None
        The report goes to standard output.

    See Also
    --------
    sklearn.show_versions : The same for scikit-learn.

    Examples
    --------
    >>> import lrfact
    >>> lrfact.show_versions()  # doctest: +SKIP
    """
    _print_section(
        "System",
        {
            "python": sys.version.replace("\n", " "),
            "executable": sys.executable,
            "machine": platform.platform(),
        },
    )
    _print_section("Python packages", {name: _version_of(name) for name in _DISTRIBUTIONS})
    _print_section(
        "Kernels",
        {
            "implementation": kernels.IMPLEMENTATION,
            **({"reason": kernels.FALLBACK_REASON} if kernels.FALLBACK_REASON else {}),
            "OpenMP": kernels.openmp_enabled(),
            "threads": effective_n_threads(None),
        },
    )
    for pool in threadpool_info():
        _print_section("Thread pool", pool)


def _version_of(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "not installed"


def _print_section(title: str, facts: dict[str, object]) -> None:
    width = max(map(len, facts))
    print(f"\n{title}:")
    for name, fact in facts.items():
        print(f"  {name:>{width}}: {fact}")
