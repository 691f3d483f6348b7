"""Rows of least pairwise logistic loss on given columns, one convex problem each.

The digits do not depend on the number of threads, nor those of a row on the others.
"""

from cython cimport floating
from cython.parallel cimport prange, threadid
from libc.stdint cimport int32_t, int64_t, uint8_t

from lrfact.kernels._row_bounds cimport index_t, row_is_sound

import numpy as np

from lrfact.kernels._thread_count import granted_threads
from lrfact.kernels._argument_checks import check_row_pointers

cdef extern from "_bpr_rows.h" nogil:
    enum: RANKING_MEMORY
    ctypedef struct ranking_row_f32:
        Py_ssize_t n_positives, n_negatives, width
        const float* positives
        const float* positive_offsets
        const float* negatives
        const float* negative_offsets
        const uint8_t* taken
        Py_ssize_t n_free
        double penalty
        const float* preconditioner
        float* scores
        float* weights
    ctypedef struct ranking_row_f64:
        Py_ssize_t n_positives, n_negatives, width
        const double* positives
        const double* positive_offsets
        const double* negatives
        const double* negative_offsets
        const uint8_t* taken
        Py_ssize_t n_free
        double penalty
        const double* preconditioner
        double* scores
        double* weights
    int fit_ranking_row_f32(
        const ranking_row_f32*, double, Py_ssize_t, float*, float*) noexcept
    int fit_ranking_row_f64(
        const ranking_row_f64*, double, Py_ssize_t, double*, double*) noexcept


cdef inline void _mark_taken(
    const index_t* indices, Py_ssize_t n_stored, const int32_t* sample, Py_ssize_t n_sample,
    uint8_t* taken,
) noexcept nogil:
    """Mark the columns of the ascending sample that are among the indices."""
    cdef Py_ssize_t p, low, high, middle
    for p in range(n_sample):
        taken[p] = 0
    for p in range(n_stored):
        low, high = 0, n_sample
        while low < high:
            middle = (low + high) // 2
            if sample[middle] < indices[p]:
                low = middle + 1
            else:
                high = middle
        if low < n_sample and sample[low] == indices[p]:
            taken[low] = 1


cdef inline uint8_t _fit_row(
    const index_t* indices, Py_ssize_t n_stored, const floating* columns,
    const floating* offsets, const int32_t* sample, const floating* negatives,
    const floating* negative_offsets, Py_ssize_t n_sample, Py_ssize_t width,
    const floating* preconditioner, double reg, double tol, Py_ssize_t max_iter,
    Py_ssize_t longest, floating* row, floating* work, uint8_t* taken,
) noexcept nogil:
    """`work`: (width + 3) longest, 2 n_sample, (2 memory + 5) width."""
    cdef:
        floating* panel = work
        floating* panel_offsets = panel + longest * width
        floating* scores = panel_offsets + longest
        floating* weights = scores + longest + n_sample
        floating* rest = weights + longest + n_sample
        const floating* column
        ranking_row_f32 single
        ranking_row_f64 double_
        Py_ssize_t p, f, n_free = 0

    _mark_taken(indices, n_stored, sample, n_sample, taken)
    for p in range(n_sample):
        n_free += not taken[p]
    # Nothing to compare: what is left is the penalty.
    if n_stored == 0 or n_free == 0:
        for f in range(width):
            row[f] = 0
        return True
    for p in range(n_stored):
        column = columns + indices[p] * width
        panel_offsets[p] = offsets[indices[p]]
        for f in range(width):
            panel[p * width + f] = column[f]
    if floating is float:
        single.n_positives, single.n_negatives, single.width = n_stored, n_sample, width
        single.positives, single.positive_offsets = panel, panel_offsets
        single.negatives, single.negative_offsets = negatives, negative_offsets
        single.taken, single.n_free = taken, n_free
        single.penalty, single.preconditioner = reg, preconditioner
        single.scores, single.weights = scores, weights
        return fit_ranking_row_f32(&single, tol, max_iter, row, rest)
    else:
        double_.n_positives, double_.n_negatives, double_.width = n_stored, n_sample, width
        double_.positives, double_.positive_offsets = panel, panel_offsets
        double_.negatives, double_.negative_offsets = negatives, negative_offsets
        double_.taken, double_.n_free = taken, n_free
        double_.penalty, double_.preconditioner = reg, preconditioner
        double_.scores, double_.weights = scores, weights
        return fit_ranking_row_f64(&double_, tol, max_iter, row, rest)


def fit_bpr_rows(
    const index_t[::1] indices not None,       # IN   (nnz,)
    const index_t[::1] indptr not None,        # IN   (n_rows + 1,)
    const floating[:, ::1] columns not None,   # IN   (n_columns, width)
    const floating[::1] offsets not None,      # IN   (n_columns,)
    const int32_t[::1] sample not None,        # IN   (n_sample,)  columns, ascending
    const floating[:, ::1] preconditioner not None,  # IN  (width, width)  positive definite
    floating[:, ::1] rows not None,            # OUT  (n_rows, width)
    uint8_t[::1] at_rest not None,             # OUT  (n_rows,)  whether the tolerance was reached
    double reg,
    double tol,
    int64_t max_iter,
    int n_threads,
):
    cdef:
        Py_ssize_t n_rows = rows.shape[0]
        Py_ssize_t width = rows.shape[1]
        Py_ssize_t n_columns = columns.shape[0]
        Py_ssize_t n_sample = sample.shape[0]
        Py_ssize_t n_stored = indices.shape[0]
        Py_ssize_t i, longest
        const index_t* first_index
        const floating* first_column
        const floating* first_offset
        const floating* first_negative
        const floating* first_negative_offset
        const int32_t* first_sample
        const floating[:, ::1] negatives
        const floating[::1] negative_offsets
        floating[:, ::1] work
        uint8_t[:, ::1] taken
        uint8_t[::1] sound

    for name, shape, wanted in (
        ("indptr", (indptr.shape[0],), (n_rows + 1,)),
        ("columns", (columns.shape[0], columns.shape[1]), (n_columns, width)),
        ("offsets", (offsets.shape[0],), (n_columns,)),
        ("preconditioner", (preconditioner.shape[0], preconditioner.shape[1]), (width, width)),
        ("at_rest", (at_rest.shape[0],), (n_rows,)),
    ):
        if shape != wanted:
            raise ValueError(f"{name} has shape {shape}; it must have {wanted}")
    if not reg >= 0:
        raise ValueError(f"reg={reg} must not be negative")
    if n_threads < 1:
        raise ValueError(f"n_threads={n_threads} must be at least 1")
    ascending = np.asarray(sample)
    if (ascending[1:] <= ascending[:-1]).any():
        raise ValueError("sample must ascend")
    if n_sample and (sample[0] < 0 or sample[n_sample - 1] >= n_columns):
        raise ValueError(f"sample must lie from 0 to {n_columns - 1}")
    if n_rows == 0 or width == 0:
        check_row_pointers(np.asarray(indptr), n_stored)
        np.asarray(at_rest)[...] = 1
        return
    dtype = np.float32 if floating is float else np.float64
    longest = max(1, min(n_stored, int(np.diff(indptr).max())))
    negatives = np.ascontiguousarray(np.asarray(columns)[ascending])
    negative_offsets = np.ascontiguousarray(np.asarray(offsets)[ascending])
    n_threads = granted_threads(n_threads)
    work = np.empty(
        (n_threads, (width + 3) * longest + 2 * n_sample + (2 * RANKING_MEMORY + 5) * width),
        dtype=dtype,
    )
    taken = np.empty((n_threads, max(1, n_sample)), dtype=np.uint8)
    sound = np.ones(n_rows, dtype=np.uint8)
    first_index = &indices[0] if n_stored else NULL
    first_column = &columns[0, 0] if n_columns else NULL
    first_offset = &offsets[0] if n_columns else NULL
    first_negative = &negatives[0, 0] if n_sample else NULL
    first_negative_offset = &negative_offsets[0] if n_sample else NULL
    first_sample = &sample[0] if n_sample else NULL
    for i in prange(n_rows, nogil=True, schedule="dynamic", chunksize=16, num_threads=n_threads):
        sound[i] = indptr[i + 1] - indptr[i] <= longest and row_is_sound(
            first_index, indptr[i], indptr[i + 1], n_stored, n_columns
        )
        if sound[i]:
            at_rest[i] = _fit_row(
                first_index + indptr[i], indptr[i + 1] - indptr[i], first_column, first_offset,
                first_sample, first_negative, first_negative_offset, n_sample, width,
                &preconditioner[0, 0], reg, tol, max_iter, longest, &rows[i, 0],
                &work[threadid(), 0], &taken[threadid(), 0],
            )
    if not np.asarray(sound).all():
        raise ValueError(
            f"row {int(np.argmin(sound))} of the sparse matrix is damaged: indptr must rise from 0 "
            "to the number of stored entries, and indices must lie inside the matrix"
        )
