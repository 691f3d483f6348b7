# OpenMP with stand-ins where the compiler has none: kernels cimport from here
# and build either way.

cdef extern from *:
    """
    #ifdef _OPENMP
        #include <omp.h>
        #define LRFACT_OPENMP 1
    #else
        #define LRFACT_OPENMP 0
        #define omp_get_thread_num() 0
        #define omp_get_max_threads() 1
    #endif
    """
    const bint LRFACT_OPENMP
    int omp_get_thread_num() noexcept nogil
    int omp_get_max_threads() noexcept nogil
