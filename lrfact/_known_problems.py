"""Detection of combinations of libraries with known problems in the running process."""

import re

# OpenBLAS releases whose threaded syrk and potrf crash at about 16 400 rows and more.
_CRASHING_OPENBLAS = {"0.3.30", "0.3.31"}


def known_problems(pools: list[dict]) -> list[str]:
    """Describe known problems of the thread pools in use.

    Parameters
    ----------
    pools : list of dict
        Loaded libraries, as returned by `threadpoolctl.threadpool_info`.

    Returns
    -------
    list of str
        Description and workaround of each problem; empty if none is known.
    """
    problems = []
    crashing = {
        str(pool["version"])
        for pool in pools
        if pool.get("internal_api") == "openblas"
        and pool.get("num_threads", 1) > 1
        and _release(pool.get("version")) in _CRASHING_OPENBLAS
    }
    if crashing:
        problems.append(
            f"OpenBLAS {', '.join(sorted(crashing))} with several threads crashes in `A.T @ A` and "
            "in Cholesky factorizations of about 16 400 rows or more; lrfact itself makes no such "
            "call. In your own code set OPENBLAS_NUM_THREADS=1, or use another version"
        )
    openmp = {pool.get("prefix") for pool in pools if pool.get("user_api") == "openmp"}
    if {"libiomp", "libomp"} <= openmp:
        problems.append(
            "the OpenMP libraries of Intel (libiomp) and LLVM (libomp) are loaded together, which "
            "may crash or deadlock on Linux; set MKL_THREADING_LAYER=GNU, or install all packages "
            "from one source"
        )
    return problems


def _release(version: object) -> str:
    """Return the first three numbers of a version, such as "0.3.31" for "0.3.31.dev"."""
    found = re.match(r"\d+\.\d+\.\d+", str(version))
    return found.group() if found else ""
