"""Version and system information for bug reports."""

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version

from threadpoolctl import threadpool_info

from lrfact import kernels
from lrfact._known_problems import known_problems
from lrfact._threads import effective_n_threads

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
        The report is printed to standard output, in one piece. If standard output is a closed
        pipe, it is printed to standard error instead of raising an error.

    See Also
    --------
    sklearn.show_versions : Print the versions relevant to scikit-learn.

    Notes
    -----
    The last section lists known problems of the loaded libraries.

    Examples
    --------
    >>> import lrfact
    >>> lrfact.show_versions()  # doctest: +SKIP
    """
    _print_once(_report())


def _report() -> str:
    pools = threadpool_info()
    problems = dict(enumerate(known_problems(pools), start=1))
    sections: list[tuple[str, dict]] = [
        (
            "System",
            {
                "python": sys.version.replace("\n", " "),
                "executable": sys.executable,
                "machine": platform.platform(),
            },
        ),
        ("Python packages", {name: _version_of(name) for name in _DISTRIBUTIONS}),
        (
            "Kernels",
            {
                "implementation": kernels.IMPLEMENTATION,
                **({"reason": kernels.FALLBACK_REASON} if kernels.FALLBACK_REASON else {}),
                "OpenMP": kernels.openmp_enabled(),
                "threads": effective_n_threads(None),
            },
        ),
        *(("Thread pool", pool) for pool in pools),
        ("Known problems", problems or {"none": "no such combination of libraries is loaded"}),
    ]
    return "".join(_section(title, facts) for title, facts in sections)


def _version_of(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "not installed"


def _section(title: str, facts: dict[object, object]) -> str:
    width = max(len(str(name)) for name in facts)
    lines = [f"  {name!s:>{width}}: {fact}\n" for name, fact in facts.items()]
    return f"\n{title}:\n" + "".join(lines)


def _print_once(text: str) -> None:
    """Print `text` to standard output, or to standard error if that is a closed pipe."""
    try:
        print(text, end="", flush=True)
    except BrokenPipeError:
        _discard_standard_output()
        print(text, end="", file=sys.stderr, flush=True)


def _discard_standard_output() -> None:
    """Redirect standard output to the null device, as the interpreter flushes it at exit."""
    try:
        descriptor = sys.stdout.fileno()
    except (OSError, AttributeError):
        return  # not a file, so there is nothing to flush
    null_device = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null_device, descriptor)
    finally:
        os.close(null_device)
