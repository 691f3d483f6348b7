"""A sparse matrix in compressed rows times a dense block, its transpose times one, and times itself.

Each entry of a result is summed by one thread in the order of storage, so the digits
do not depend on the number of threads.
"""

from cython cimport floating
from cython.parallel cimport prange
from libc.stdint cimport int32_t, int64_t, uint8_t

import numpy as np

from lrfact.kernels._thread_count import granted_threads

ctypedef fused index_t:
    int32_t
    int64_t

cdef extern from "_csr_rows.h" nogil:
    int indices_in_range_f32_i32(const int32_t*, Py_ssize_t, Py_ssize_t) noexcept
    int indices_in_range_f32_i64(const int64_t*, Py_ssize_t, Py_ssize_t) noexcept

    void gather_row_f32_i32(
        const float*, const int32_t*, Py_ssize_t, Py_ssize_t,
        const float*, Py_ssize_t, float*) noexcept
    void gather_row_f32_i64(
        const float*, const int64_t*, Py_ssize_t, Py_ssize_t,
        const float*, Py_ssize_t, float*) noexcept
    void gather_row_f64_i32(
        const double*, const int32_t*, Py_ssize_t, Py_ssize_t,
        const double*, Py_ssize_t, double*) noexcept
    void gather_row_f64_i64(
        const double*, const int64_t*, Py_ssize_t, Py_ssize_t,
        const double*, Py_ssize_t, double*) noexcept

    void scatter_row_f32_i32(
        const float*, const int32_t*, Py_ssize_t, Py_ssize_t, Py_ssize_t,
        const float*, Py_ssize_t, float*) noexcept
    void scatter_row_f32_i64(
        const float*, const int64_t*, Py_ssize_t, Py_ssize_t, Py_ssize_t,
        const float*, Py_ssize_t, float*) noexcept
    void scatter_row_f64_i32(
        const double*, const int32_t*, Py_ssize_t, Py_ssize_t, Py_ssize_t,
        const double*, Py_ssize_t, double*) noexcept
    void scatter_row_f64_i64(
        const double*, const int64_t*, Py_ssize_t, Py_ssize_t, Py_ssize_t,
        const double*, Py_ssize_t, double*) noexcept


cdef inline void _gather(
    const floating* values, const index_t* columns, Py_ssize_t n_stored, Py_ssize_t n_readable,
    const floating* block, Py_ssize_t width, floating* out,
) noexcept nogil:
    if floating is float:
        if index_t is int32_t:
            gather_row_f32_i32(values, columns, n_stored, n_readable, block, width, out)
        else:
            gather_row_f32_i64(values, columns, n_stored, n_readable, block, width, out)
    else:
        if index_t is int32_t:
            gather_row_f64_i32(values, columns, n_stored, n_readable, block, width, out)
        else:
            gather_row_f64_i64(values, columns, n_stored, n_readable, block, width, out)


cdef inline void _scatter(
    const floating* values, const index_t* columns, Py_ssize_t n_stored,
    Py_ssize_t first, Py_ssize_t last,
    const floating* row, Py_ssize_t width, floating* out,
) noexcept nogil:
    if floating is float:
        if index_t is int32_t:
            scatter_row_f32_i32(values, columns, n_stored, first, last, row, width, out)
        else:
            scatter_row_f32_i64(values, columns, n_stored, first, last, row, width, out)
    else:
        if index_t is int32_t:
            scatter_row_f64_i32(values, columns, n_stored, first, last, row, width, out)
        else:
            scatter_row_f64_i64(values, columns, n_stored, first, last, row, width, out)


cdef inline bint _row_is_sound(
    const index_t* columns, int64_t start, int64_t stop, int64_t n_stored, Py_ssize_t n_columns,
) noexcept nogil:
    """Whether a row lies inside the arrays and its indices inside the matrix."""
    if start < 0 or stop < start or stop > n_stored:
        return False
    if index_t is int32_t:
        return indices_in_range_f32_i32(columns + start, stop - start, n_columns)
    else:
        return indices_in_range_f32_i64(columns + start, stop - start, n_columns)


def _check_shapes(
    Py_ssize_t n_values, Py_ssize_t n_indices, Py_ssize_t n_pointers,
    block_rows, block_rows_requested, out_shape, required_shape, int n_threads,
):
    if n_pointers < 1:
        raise ValueError("indptr is empty; it must have n_rows + 1 entries")
    if n_values != n_indices:
        raise ValueError(f"data has {n_values} entries and indices {n_indices}; they must agree")
    if block_rows != block_rows_requested:
        raise ValueError(f"block has {block_rows} rows; it must have {block_rows_requested}")
    if out_shape != required_shape:
        raise ValueError(f"out has shape {out_shape}; it must have {required_shape}")
    if n_threads < 1:
        raise ValueError(f"n_threads={n_threads} must be at least 1")


def _check_rows(sound):
    if not sound.all():
        raise ValueError(
            f"row {int(np.argmin(sound))} of the sparse matrix is damaged: indptr must rise from 0 "
            "to the number of stored entries, and indices must lie inside the matrix"
        )


def _check_without_addresses(indices, indptr, n_columns):
    """The check of all rows for arrays of which one is empty: nothing to take an address of."""
    rows, columns = np.asarray(indptr), np.asarray(indices)
    sound = rows[0] >= 0 and rows[len(rows) - 1] <= len(columns) and (rows[1:] >= rows[:-1]).all()
    if sound:
        kept = columns[rows[0]:rows[len(rows) - 1]]
        sound = ((kept >= 0) & (kept < n_columns)).all()
    _check_rows(np.array([sound]))


def csr_matmat(
    const floating[::1] data not None,       # IN   (nnz,)
    const index_t[::1] indices not None,     # IN   (nnz,)
    const index_t[::1] indptr not None,      # IN   (n_rows + 1,)
    const floating[:, ::1] block not None,   # IN   (n_columns, width)
    floating[:, ::1] out not None,           # OUT  (n_rows, width)
    int n_threads,
):
    cdef:
        Py_ssize_t n_rows = indptr.shape[0] - 1
        Py_ssize_t n_columns = block.shape[0]
        Py_ssize_t width = block.shape[1]
        Py_ssize_t i
        int64_t n_stored = indices.shape[0]
        uint8_t[::1] sound
        const floating* values
        const index_t* columns
        const floating* first_block
        floating* first_out

    _check_shapes(
        data.shape[0], indices.shape[0], indptr.shape[0], n_columns, n_columns,
        (out.shape[0], out.shape[1]), (n_rows, width), n_threads,
    )
    if n_rows == 0 or width == 0 or n_stored == 0 or n_columns == 0:
        _check_without_addresses(indices, indptr, n_columns)
        np.asarray(out)[...] = 0
        return
    n_threads = granted_threads(n_threads)
    sound = np.zeros(n_rows, dtype=np.uint8)
    values, columns = &data[0], &indices[0]
    first_block, first_out = &block[0, 0], &out[0, 0]
    for i in prange(
        n_rows, nogil=True, schedule="dynamic", chunksize=64, num_threads=n_threads
    ):
        sound[i] = _row_is_sound(columns, indptr[i], indptr[i + 1], n_stored, n_columns)
        if sound[i]:
            _gather(
                values + indptr[i], columns + indptr[i], indptr[i + 1] - indptr[i],
                n_stored - indptr[i], first_block, width, first_out + i * width,
            )
    _check_rows(np.asarray(sound))


def csr_rmatmat(
    const floating[::1] data not None,       # IN   (nnz,)
    const index_t[::1] indices not None,     # IN   (nnz,)
    const index_t[::1] indptr not None,      # IN   (n_rows + 1,)
    const floating[:, ::1] block not None,   # IN   (n_rows, width)
    const int64_t[::1] bounds not None,      # IN   (n_parts + 1,)  columns, 0 up to n_columns
    floating[:, ::1] out not None,           # OUT  (n_columns, width)
    int n_threads,
):
    cdef:
        Py_ssize_t n_rows = indptr.shape[0] - 1
        Py_ssize_t n_columns = out.shape[0]
        Py_ssize_t width = block.shape[1]
        Py_ssize_t n_parts = bounds.shape[0] - 1
        Py_ssize_t i, part
        int64_t n_stored = indices.shape[0]
        uint8_t[::1] sound
        const floating* values
        const index_t* columns
        const floating* first_block
        floating* first_out

    _check_shapes(
        data.shape[0], indices.shape[0], indptr.shape[0], block.shape[0], n_rows,
        (out.shape[0], out.shape[1]), (n_columns, width), n_threads,
    )
    parts = np.asarray(bounds)
    if (n_parts < 1 or parts[0] != 0 or parts[len(parts) - 1] != n_columns
            or (parts[1:] < parts[:-1]).any()):
        raise ValueError(f"bounds must rise from 0 to the number of columns, {n_columns}")
    np.asarray(out)[...] = 0
    if n_columns == 0 or width == 0 or n_rows == 0 or n_stored == 0:
        _check_without_addresses(indices, indptr, n_columns)
        return
    n_threads = granted_threads(n_threads)
    sound = np.zeros(n_rows, dtype=np.uint8)
    values, columns = &data[0], &indices[0]
    first_block, first_out = &block[0, 0], &out[0, 0]
    for i in prange(n_rows, nogil=True, schedule="static", num_threads=n_threads):
        sound[i] = _row_is_sound(columns, indptr[i], indptr[i + 1], n_stored, n_columns)
    _check_rows(np.asarray(sound))
    # A part of the columns belongs to one thread, so no two threads write one row of `out`.
    for part in prange(
        n_parts, nogil=True, schedule="dynamic", chunksize=1, num_threads=n_threads
    ):
        for i in range(n_rows):
            _scatter(
                values + indptr[i], columns + indptr[i], indptr[i + 1] - indptr[i],
                bounds[part], bounds[part + 1],
                first_block + i * width, width, first_out,
            )


def csr_gram(
    const floating[::1] data not None,       # IN   (nnz,)
    const index_t[::1] indices not None,     # IN   (nnz,)
    const index_t[::1] indptr not None,      # IN   (n_rows + 1,)
    double[:, ::1] out not None,             # OUT  (n_columns, n_columns)
    int n_threads,
):
    cdef:
        Py_ssize_t n_rows = indptr.shape[0] - 1
        Py_ssize_t n_columns = out.shape[0]
        Py_ssize_t n_parts, part, i, width
        int64_t n_stored = indices.shape[0]
        uint8_t[::1] sound
        const floating* values
        const index_t* columns
        double* first_out

    _check_shapes(
        data.shape[0], indices.shape[0], indptr.shape[0], n_columns, n_columns,
        (out.shape[0], out.shape[1]), (n_columns, n_columns), n_threads,
    )
    np.asarray(out)[...] = 0
    if n_columns == 0 or n_rows == 0 or n_stored == 0:
        _check_without_addresses(indices, indptr, n_columns)
        return
    n_threads = granted_threads(n_threads)
    sound = np.zeros(n_rows, dtype=np.uint8)
    values, columns, first_out = &data[0], &indices[0], &out[0, 0]
    for i in prange(n_rows, nogil=True, schedule="static", num_threads=n_threads):
        sound[i] = _row_is_sound(columns, indptr[i], indptr[i + 1], n_stored, n_columns)
    _check_rows(np.asarray(sound))
    # A part of the rows of `out` belongs to one thread; every thread reads the whole matrix.
    n_parts = min(n_columns, 4 * n_threads)
    width = (n_columns + n_parts - 1) // n_parts
    for part in prange(
        n_parts, nogil=True, schedule="dynamic", chunksize=1, num_threads=n_threads
    ):
        for i in range(n_rows):
            _add_squares(
                values + indptr[i], columns + indptr[i], indptr[i + 1] - indptr[i],
                part * width, (part + 1) * width, n_columns, first_out,
            )


cdef inline void _add_squares(
    const floating* values, const index_t* columns, Py_ssize_t n_stored,
    Py_ssize_t first, Py_ssize_t last, Py_ssize_t n_columns, double* out,
) noexcept nogil:
    """Add the products of the entries of a row, for some of the columns of the first."""
    cdef Py_ssize_t a, b
    cdef double value
    cdef double* line
    for a in range(n_stored):
        if first <= columns[a] < last:
            value = values[a]
            line = out + columns[a] * n_columns
            for b in range(n_stored):
                line[columns[b]] += value * values[b]
