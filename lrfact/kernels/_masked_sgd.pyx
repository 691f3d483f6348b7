"""Stochastic gradient descent over the observed entries of a matrix, block by block.

Rows and columns are cut into the same number of ranges, so that the entries fall into a grid of
blocks. Blocks without a row or column range in common touch no parameter in common: they run at
the same time, in any order, with the same digits (Gemulla, Nijkamp, Haas and Sismanis, 2011,
doi:10.1145/2020408.2020426; Zhuang, Chin, Juan and Lin, 2013, doi:10.1145/2507157.2507164).
"""

from cython cimport floating
from cython.parallel cimport parallel
from libc.stdint cimport int32_t, int64_t, uint8_t

import numpy as np

from lrfact.kernels._block_schedule cimport (
    ALL_TAKEN, NONE_READY, block_schedule, finish_block, round_of, take_block,
)
from lrfact.kernels._thread_count import granted_threads

cdef extern from "_masked_sgd.h" nogil:
    enum: FACTOR_SQUARES
    enum: BIAS_SQUARES
    enum: N_STATES
    int indices_inside(const int32_t*, Py_ssize_t, int64_t, int64_t) noexcept
    void descend_block_f32(
        const int32_t*, const int32_t*, const float*, const float*, Py_ssize_t,
        double, double, int, int, Py_ssize_t, const float*, const float*,
        float*, float*, float*, float*, double*) noexcept
    void descend_block_f64(
        const int32_t*, const int32_t*, const double*, const double*, Py_ssize_t,
        double, double, int, int, Py_ssize_t, const double*, const double*,
        double*, double*, double*, double*, double*) noexcept


cdef inline void _descend_block(
    const int32_t* entry_rows, const int32_t* entry_columns, const floating* values,
    const floating* weights, Py_ssize_t n_entries, double intercept, double learning_rate,
    bint bias, bint nonnegative, Py_ssize_t width, const floating* row_penalty,
    const floating* column_penalty, floating* row_factors, floating* row_state,
    floating* column_factors, floating* column_state, double* sums,
) noexcept nogil:
    if floating is float:
        descend_block_f32(
            entry_rows, entry_columns, values, weights, n_entries, intercept, learning_rate,
            bias, nonnegative, width, row_penalty, column_penalty, row_factors, row_state,
            column_factors, column_state, sums)
    else:
        descend_block_f64(
            entry_rows, entry_columns, values, weights, n_entries, intercept, learning_rate,
            bias, nonnegative, width, row_penalty, column_penalty, row_factors, row_state,
            column_factors, column_state, sums)


def _check_bounds(name, bounds, n_ranges, last):
    if len(bounds) != n_ranges + 1:
        raise ValueError(f"{name} has {len(bounds)} entries; it must have {n_ranges + 1}")
    if bounds[0] != 0 or bounds[len(bounds) - 1] != last or (bounds[1:] < bounds[:-1]).any():
        raise ValueError(f"{name} must rise from 0 to {last}")


def _check_rounds(rounds):
    n_ranges = rounds.shape[1]
    if n_ranges < 1:
        raise ValueError("rounds has no columns; it must have one for each range of rows")
    if (np.sort(rounds, axis=1) != np.arange(n_ranges)).any():
        raise ValueError("each of the rounds must hold every range of columns once")


def _check_side(name, factors, state, penalty, width):
    if factors.shape[1] != width:
        raise ValueError(f"{name}_factors has {factors.shape[1]} columns; it must have {width}")
    if state.shape != (len(factors), N_STATES):
        wanted = (len(factors), N_STATES)
        raise ValueError(f"{name}_state has shape {state.shape}; it must have {wanted}")
    if len(penalty) != width + 1:
        raise ValueError(f"{name}_penalty has {len(penalty)} entries; it must have {width + 1}")
    if not (state[:, [FACTOR_SQUARES, BIAS_SQUARES]] > 0).all():
        raise ValueError(f"{name}_state has sums of squares that are not positive")


def descend_blocks(
    const int32_t[::1] entry_rows not None,      # IN    (nnz,)  block after block
    const int32_t[::1] entry_columns not None,   # IN    (nnz,)
    const floating[::1] values not None,         # IN    (nnz,)
    const floating[::1] weights not None,        # IN    (nnz,), or (0,) for ones
    const int64_t[::1] block_start not None,     # IN    (n_ranges^2 + 1,)  of block a n_ranges + b
    const int64_t[::1] row_bounds not None,      # IN    (n_ranges + 1,)  0 up to n_rows
    const int64_t[::1] column_bounds not None,   # IN    (n_ranges + 1,)  0 up to n_columns
    const int64_t[:, ::1] rounds not None,       # IN    (n_rounds, n_ranges)  b of each a
    double intercept,
    double learning_rate,
    bint bias,
    bint nonnegative,
    const floating[::1] row_penalty not None,    # IN    (width + 1,)  the bias's last
    const floating[::1] column_penalty not None,  # IN   (width + 1,)
    floating[:, ::1] row_factors not None,       # INOUT (n_rows, width)
    floating[:, ::1] row_state not None,         # INOUT (n_rows, 4)
    floating[:, ::1] column_factors not None,    # INOUT (n_columns, width)
    floating[:, ::1] column_state not None,      # INOUT (n_columns, 4)
    double[:, ::1] sums not None,                # OUT   (n_ranges^2, 2)
    int n_threads,
):
    cdef:
        Py_ssize_t n_rounds = rounds.shape[0]
        Py_ssize_t n_ranges = rounds.shape[1]
        Py_ssize_t n_entries = values.shape[0]
        Py_ssize_t width = row_factors.shape[1]
        Py_ssize_t a, b, block
        int64_t start, n
        int64_t[:, ::1] progress
        block_schedule schedule
        uint8_t[::1] damaged
        const floating* first_weight = NULL

    if entry_rows.shape[0] != n_entries or entry_columns.shape[0] != n_entries:
        raise ValueError("entry_rows, entry_columns and values must have the same length")
    if weights.shape[0] not in (0, n_entries):
        raise ValueError(f"weights has {weights.shape[0]} entries; it must have {n_entries} or 0")
    if not learning_rate > 0:
        raise ValueError(f"learning_rate={learning_rate} must be positive")
    if n_threads < 1:
        raise ValueError(f"n_threads={n_threads} must be at least 1")
    if width < 1:
        raise ValueError("row_factors has no columns; it must have one at least")
    _check_rounds(np.asarray(rounds))
    _check_bounds("block_start", np.asarray(block_start), n_ranges * n_ranges, n_entries)
    _check_bounds("row_bounds", np.asarray(row_bounds), n_ranges, row_factors.shape[0])
    _check_bounds("column_bounds", np.asarray(column_bounds), n_ranges, column_factors.shape[0])
    for name, factors, state, penalty in (
        ("row", row_factors, row_state, row_penalty),
        ("column", column_factors, column_state, column_penalty),
    ):
        _check_side(name, np.asarray(factors), np.asarray(state), np.asarray(penalty), width)
    if (sums.shape[0], sums.shape[1]) != (n_ranges * n_ranges, 2):
        raise ValueError(f"sums must have shape {(n_ranges * n_ranges, 2)}")
    np.asarray(sums)[...] = 0
    if n_entries == 0 or n_rounds == 0:
        return
    if weights.shape[0]:
        first_weight = &weights[0]
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
                # The entries were not looked at before: the check brings them into the cache.
                damaged[block] = not (
                    indices_inside(&entry_rows[start], n, row_bounds[a], row_bounds[a + 1])
                    and indices_inside(
                        &entry_columns[start], n, column_bounds[b], column_bounds[b + 1]
                    )
                )
                if not damaged[block]:
                    _descend_block(
                        &entry_rows[start], &entry_columns[start], &values[start],
                        first_weight + start if first_weight != NULL else NULL, n,
                        intercept, learning_rate, bias, nonnegative, width,
                        &row_penalty[0], &column_penalty[0],
                        &row_factors[0, 0], &row_state[0, 0],
                        &column_factors[0, 0], &column_state[0, 0], &sums[block, 0],
                    )
            finish_block(&schedule, a)
    if np.asarray(damaged).any():
        raise ValueError(
            f"block {int(np.argmax(damaged))} has entries outside of its rows or columns"
        )
