# Rows of compressed sparse matrices before anything is read by their indices: cimported by the
# kernels that walk along rows.

from libc.stdint cimport int32_t, int64_t

ctypedef fused index_t:
    int32_t
    int64_t


cdef inline bint row_is_sound(
    const index_t* columns, int64_t start, int64_t stop, int64_t n_stored, Py_ssize_t n_columns,
) noexcept nogil:
    """Whether a row lies inside the arrays and its indices inside the matrix."""
    cdef int64_t at
    cdef bint sound = True
    if start < 0 or stop < start or stop > n_stored:
        return False
    for at in range(start, stop):
        sound = sound and 0 <= columns[at] < n_columns
    return sound
