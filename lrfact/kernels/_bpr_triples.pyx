"""Triples of a row, a column that it has and one that it has not, sorted into a grid of blocks.

Rows and columns are cut into ranges. Both columns of a triple are of one range, so that blocks
without a range in common have no row and no column in common.
"""

from cython.parallel cimport prange, threadid
from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t

import numpy as np

from lrfact.kernels._thread_count import granted_threads

ctypedef fused index_t:
    int32_t
    int64_t

cdef extern from "_bpr_triples.h" nogil:
    enum: TRIPLES_MOST_RANGES
    enum: RANGE_COLUMN_OUTSIDE
    enum: RANGE_UNSORTED
    int triples_of_range_i32(
        const int32_t*, const int32_t*, const int32_t*, Py_ssize_t, const int32_t*,
        const int64_t*, const uint8_t*, int32_t, Py_ssize_t, uint64_t, uint64_t, int64_t*,
        int32_t*, int32_t*, int32_t*, int32_t*) noexcept
    int triples_of_range_i64(
        const int64_t*, const int64_t*, const int32_t*, Py_ssize_t, const int32_t*,
        const int64_t*, const uint8_t*, int64_t, Py_ssize_t, uint64_t, uint64_t, int64_t*,
        int32_t*, int32_t*, int32_t*, int32_t*) noexcept


cdef inline int _triples_of_range(
    const index_t* indices, const index_t* indptr, const int32_t* range_rows,
    Py_ssize_t n_range_rows, const int32_t* column_order, const int64_t* column_bounds,
    const uint8_t* column_range, index_t n_columns, Py_ssize_t n_ranges, uint64_t seed,
    uint64_t first_block, int64_t* starts, int32_t* triples, Py_ssize_t n_entries,
    int32_t* stamps,
) noexcept nogil:
    if index_t is int32_t:
        return triples_of_range_i32(
            indices, indptr, range_rows, n_range_rows, column_order, column_bounds, column_range,
            n_columns, n_ranges, seed, first_block, starts, triples, triples + n_entries,
            triples + 2 * n_entries, stamps)
    else:
        return triples_of_range_i64(
            indices, indptr, range_rows, n_range_rows, column_order, column_bounds, column_range,
            n_columns, n_ranges, seed, first_block, starts, triples, triples + n_entries,
            triples + 2 * n_entries, stamps)


def _check_side(name, order, bounds, n_ranges):
    n = len(order)
    inside = (order >= 0) & (order < n)
    if not inside.all() or (np.bincount(order, minlength=n) != 1).any():
        raise ValueError(f"{name}_order must hold each of 0 to {n - 1} once")
    if len(bounds) != n_ranges + 1:
        raise ValueError(f"{name}_bounds has {len(bounds)} entries; it must have {n_ranges + 1}")
    if bounds[0] != 0 or bounds[len(bounds) - 1] != n or (bounds[1:] < bounds[:-1]).any():
        raise ValueError(f"{name}_bounds must rise from 0 to {n}")


def draw_bpr_triples(
    const index_t[::1] indices not None,         # IN   (nnz,)  ascending in each row
    const index_t[::1] indptr not None,          # IN   (n_rows + 1,)
    const int32_t[::1] row_order not None,       # IN   (n_rows,)
    const int64_t[::1] row_bounds not None,      # IN   (n_ranges + 1,)  0 up to n_rows
    const int32_t[::1] column_order not None,    # IN   (n_columns,)
    const int64_t[::1] column_bounds not None,   # IN   (n_ranges + 1,)  0 up to n_columns
    int32_t[:, ::1] triples not None,            # OUT  (3, nnz)  block after block
    int64_t[::1] block_start not None,           # OUT  (n_ranges^2 + 1,)
    int64_t seed,
    int n_threads,
):
    cdef:
        Py_ssize_t n_rows = row_order.shape[0]
        Py_ssize_t n_columns = column_order.shape[0]
        Py_ssize_t n_ranges = row_bounds.shape[0] - 1
        Py_ssize_t n_entries = indices.shape[0]
        Py_ssize_t a
        int64_t[::1] ends
        uint8_t[::1] column_range
        int32_t[:, ::1] stamps
        int[::1] status

    if not 1 <= n_ranges <= TRIPLES_MOST_RANGES:
        raise ValueError(f"row_bounds has {n_ranges + 1} entries; it must have 2 to 257")
    if n_threads < 1:
        raise ValueError(f"n_threads={n_threads} must be at least 1")
    if max(n_rows, n_columns) >= 2**31:
        raise ValueError("row_order and column_order must have fewer than 2**31 entries")
    _check_side("row", np.asarray(row_order), np.asarray(row_bounds), n_ranges)
    _check_side("column", np.asarray(column_order), np.asarray(column_bounds), n_ranges)
    if indptr.shape[0] != n_rows + 1:
        raise ValueError(f"indptr has {indptr.shape[0]} entries; it must have {n_rows + 1}")
    pointers = np.asarray(indptr)
    if (pointers[0] != 0 or pointers[len(pointers) - 1] != n_entries
            or (pointers[1:] < pointers[:-1]).any()):
        raise ValueError(f"indptr must rise from 0 to {n_entries}")
    if (triples.shape[0], triples.shape[1]) != (3, n_entries):
        raise ValueError(f"triples must have shape {(3, n_entries)}")
    if block_start.shape[0] != n_ranges * n_ranges + 1:
        wanted = n_ranges * n_ranges + 1
        raise ValueError(f"block_start has {block_start.shape[0]} entries; it must have {wanted}")
    ends = np.zeros(n_rows + 1, dtype=np.int64)
    np.cumsum(np.diff(pointers)[np.asarray(row_order)], out=np.asarray(ends)[1:])
    for a in range(n_ranges):
        block_start[a * n_ranges] = ends[row_bounds[a]]
    block_start[n_ranges * n_ranges] = n_entries
    if n_entries == 0:
        np.asarray(block_start)[...] = 0
        return
    column_range = np.empty(n_columns, dtype=np.uint8)
    of_place = np.repeat(np.arange(n_ranges, dtype=np.uint8), np.diff(column_bounds))
    np.asarray(column_range)[np.asarray(column_order)] = of_place
    n_threads = granted_threads(n_threads)
    stamps = np.full((n_threads, n_columns), -1, dtype=np.int32)
    status = np.zeros(n_ranges, dtype=np.intc)
    # A matrix of no columns has no address of them, and the first entry is then outside.
    if n_columns == 0:
        raise ValueError("indices must lie inside of the matrix, which has no columns")
    for a in prange(n_ranges, nogil=True, schedule="dynamic", chunksize=1, num_threads=n_threads):
        if row_bounds[a + 1] > row_bounds[a]:
            status[a] = _triples_of_range(
                &indices[0], &indptr[0], &row_order[row_bounds[a]],
                row_bounds[a + 1] - row_bounds[a], &column_order[0], &column_bounds[0],
                &column_range[0], <index_t> n_columns, n_ranges, <uint64_t> seed,
                <uint64_t> (a * n_ranges), &block_start[a * n_ranges], &triples[0, 0], n_entries,
                &stamps[threadid(), 0],
            )
        else:
            _fill(&block_start[a * n_ranges], n_ranges)
    if (np.asarray(status) == RANGE_COLUMN_OUTSIDE).any():
        raise ValueError(f"indices must lie from 0 to {n_columns - 1}")
    if (np.asarray(status) == RANGE_UNSORTED).any():
        raise ValueError("indices must ascend in each row, each column once; sort them and sum")


cdef inline void _fill(int64_t* starts, Py_ssize_t n) noexcept nogil:
    """An empty range: all its blocks start where the first does."""
    cdef Py_ssize_t b
    for b in range(1, n):
        starts[b] = starts[0]
