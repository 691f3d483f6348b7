"""What the kernels were built with: the Python face of OpenMP."""


def openmp_enabled():
    """Whether the kernels were compiled with OpenMP."""
    return LRFACT_OPENMP != 0


def max_threads():
    """Threads OpenMP would use now; follows OMP_NUM_THREADS and limits set at run time."""
    return omp_get_max_threads()
