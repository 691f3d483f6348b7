# Blocks of a grid visited in rounds: cimported by the kernels that descend on them.

from libc.stdint cimport int64_t

cdef extern from "_block_schedule.h" nogil:
    enum: ALL_TAKEN
    enum: NONE_READY
    ctypedef struct block_schedule:
        Py_ssize_t n_rounds
        Py_ssize_t n_ranges
        const int64_t* rounds
        int64_t* started
        int64_t* finished
        int64_t* of_columns
    Py_ssize_t take_block(block_schedule*) noexcept
    int64_t round_of(const block_schedule*, Py_ssize_t) noexcept
    void finish_block(block_schedule*, Py_ssize_t) noexcept
