"""Stochastic gradient descent on the pairwise logistic loss of triples, block by block.

Blocks without a row or column range in common touch no parameter in common: they run at the same
time, in any order, with the same digits, as those of `_masked_sgd` do.
"""

from cython cimport floating
from cython.parallel cimport parallel
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t

import numpy as np

from lrfact.kernels._block_schedule cimport (
    ALL_TAKEN, NONE_READY, block_schedule, finish_block, round_of, take_block,
)
from lrfact.kernels._thread_count import granted_threads

cdef extern from "_bpr_sgd.h" nogil:
    enum: FACTOR_SQUARES
    enum: BIAS_SQUARES
    enum: N_COLUMN_STATES
    int triples_inside(
        const int32_t*, const int32_t*, const int32_t*, Py_ssize_t, const uint8_t*,
        const uint8_t*, uint32_t, uint32_t, uint8_t, uint8_t) noexcept
    void descend_bpr_triples_f32(
        const int32_t*, const int32_t*, const int32_t*, Py_ssize_t, double, double, int,
        Py_ssize_t, float*, float*, float*, float*, double*) noexcept
    void descend_bpr_triples_f64(
        const int32_t*, const int32_t*, const int32_t*, Py_ssize_t, double, double, int,
        Py_ssize_t, double*, double*, double*, double*, double*) noexcept


cdef inline void _descend_block(
    const int32_t* rows, const int32_t* positives, const int32_t* negatives,
    Py_ssize_t n_entries, double learning_rate, double reg, bint bias, Py_ssize_t width,
    floating* row_factors, floating* row_squares, floating* column_factors,
    floating* column_state, double* sums,
) noexcept nogil:
    if floating is float:
        descend_bpr_triples_f32(
            rows, positives, negatives, n_entries, learning_rate, reg, bias, width,
            row_factors, row_squares, column_factors, column_state, sums)
    else:
        descend_bpr_triples_f64(
            rows, positives, negatives, n_entries, learning_rate, reg, bias, width,
            row_factors, row_squares, column_factors, column_state, sums)


def _check_rounds(rounds):
    n_ranges = rounds.shape[1]
    if not 1 <= n_ranges <= 256:
        raise ValueError(f"rounds has {n_ranges} columns; it must have 1 to 256")
    if (np.sort(rounds, axis=1) != np.arange(n_ranges)).any():
        raise ValueError("each of the rounds must hold every range of columns once")


def _check_blocks(block_start, n_ranges, n_triples):
    n_blocks = n_ranges * n_ranges
    if len(block_start) != n_blocks + 1:
        raise ValueError(f"block_start has {len(block_start)} entries; it must have {n_blocks + 1}")
    falls = (block_start[1:] < block_start[:-1]).any()
    if block_start[0] != 0 or block_start[n_blocks] != n_triples or falls:
        raise ValueError(f"block_start must rise from 0 to {n_triples}")


def descend_bpr_triples(
    const int32_t[:, ::1] triples not None,      # IN    (3, n_triples)  row, positive, negative
    const int64_t[::1] block_start not None,     # IN    (n_ranges^2 + 1,)  of block a n_ranges + b
    const uint8_t[::1] row_range not None,       # IN    (n_rows,)
    const uint8_t[::1] column_range not None,    # IN    (n_columns,)
    const int64_t[:, ::1] rounds not None,       # IN    (n_rounds, n_ranges)  b of each a
    floating[:, ::1] row_factors not None,       # INOUT (n_rows, width)
    floating[::1] row_squares not None,          # INOUT (n_rows,)
    floating[:, ::1] column_factors not None,    # INOUT (n_columns, width)
    floating[:, ::1] column_state not None,      # INOUT (n_columns, 3)
    double[:, ::1] sums not None,                # OUT   (n_ranges^2, 2)
    double learning_rate,
    double reg,
    bint bias,
    int n_threads,
):
    cdef:
        Py_ssize_t n_rounds = rounds.shape[0]
        Py_ssize_t n_ranges = rounds.shape[1]
        Py_ssize_t n_triples = triples.shape[1]
        Py_ssize_t n_rows = row_factors.shape[0]
        Py_ssize_t n_columns = column_factors.shape[0]
        Py_ssize_t width = row_factors.shape[1]
        Py_ssize_t a, b, block
        int64_t start, n
        int64_t[:, ::1] progress
        block_schedule schedule
        uint8_t[::1] damaged

    if not learning_rate > 0:
        raise ValueError(f"learning_rate={learning_rate} must be positive")
    if not reg >= 0:
        raise ValueError(f"reg={reg} must not be negative")
    if n_threads < 1:
        raise ValueError(f"n_threads={n_threads} must be at least 1")
    if width < 1:
        raise ValueError("row_factors has no columns; it must have one at least")
    if max(n_rows, n_columns) >= 2**31:
        raise ValueError("row_factors and column_factors must have fewer than 2**31 rows")
    _check_rounds(np.asarray(rounds))
    _check_blocks(np.asarray(block_start), n_ranges, n_triples)
    for name, shape, wanted in (
        ("triples", (triples.shape[0], triples.shape[1]), (3, n_triples)),
        ("row_range", (row_range.shape[0],), (n_rows,)),
        ("column_range", (column_range.shape[0],), (n_columns,)),
        ("row_squares", (row_squares.shape[0],), (n_rows,)),
        ("column_factors", (column_factors.shape[0], column_factors.shape[1]), (n_columns, width)),
        ("column_state", (column_state.shape[0], column_state.shape[1]),
         (n_columns, N_COLUMN_STATES)),
        ("sums", (sums.shape[0], sums.shape[1]), (n_ranges * n_ranges, 2)),
    ):
        if shape != wanted:
            raise ValueError(f"{name} has shape {shape}; it must have {wanted}")
    of_columns = np.asarray(column_state)[:, [FACTOR_SQUARES, BIAS_SQUARES]]
    if not (of_columns > 0).all() or not (np.asarray(row_squares) > 0).all():
        raise ValueError("row_squares and column_state must have positive sums of squares")
    np.asarray(sums)[...] = 0
    # Without rows or columns, a triple could only lie outside.
    if n_triples and not (n_rows and n_columns):
        raise ValueError("triples must lie inside of the matrix, which is empty")
    if n_triples == 0 or n_rounds == 0:
        return
    damaged = np.zeros(n_ranges * n_ranges, dtype=np.uint8)
    progress = np.zeros((3, n_ranges), dtype=np.int64)
    schedule.n_rounds, schedule.n_ranges, schedule.rounds = n_rounds, n_ranges, &rounds[0, 0]
    schedule.started, schedule.finished = &progress[0, 0], &progress[1, 0]
    schedule.of_columns = &progress[2, 0]
    n_threads = granted_threads(n_threads)
    with nogil, parallel(num_threads=n_threads):
        while True:
            a = take_block(&schedule)
            if a == ALL_TAKEN:
                break
            if a == NONE_READY:
                continue
            b = rounds[round_of(&schedule, a), a]
            block = a * n_ranges + b
            start = block_start[block]
            n = block_start[block + 1] - start
            # Nothing to take an address of where a block is empty.
            if n > 0:
                damaged[block] = not triples_inside(
                    &triples[0, start], &triples[1, start], &triples[2, start], n,
                    &row_range[0], &column_range[0], n_rows, n_columns, a, b,
                )
                if not damaged[block]:
                    _descend_block(
                        &triples[0, start], &triples[1, start], &triples[2, start], n,
                        learning_rate, reg, bias, width,
                        &row_factors[0, 0], &row_squares[0],
                        &column_factors[0, 0], &column_state[0, 0], &sums[block, 0],
                    )
            finish_block(&schedule, a)
    if np.asarray(damaged).any():
        raise ValueError(
            f"block {int(np.argmax(damaged))} has triples outside of its rows or columns"
        )
