"""Stand-in for `_openmp` where no kernel was compiled: one thread."""


def openmp_enabled() -> bool:
    """Whether the kernels were compiled with OpenMP."""
    return False


def max_threads() -> int:
    """Threads OpenMP would use now."""
    return 1
