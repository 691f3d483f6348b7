"""Twin of `_masked_sgd`: one entry after the other, in the same order."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrfact._typing import Array
from lrfact.kernels._argument_checks import check_layout, check_shape, check_threads

# Columns of the states.
BIAS, FACTOR_SQUARES, BIAS_SQUARES, RATE = range(4)


def descend_blocks(
    entry_rows: NDArray[np.int32],
    entry_columns: NDArray[np.int32],
    values: Array,
    weights: Array,
    block_start: NDArray[np.int64],
    row_bounds: NDArray[np.int64],
    column_bounds: NDArray[np.int64],
    rounds: NDArray[np.int64],
    intercept: float,
    learning_rate: float,
    bias: bool,
    nonnegative: bool,
    row_penalty: Array,
    column_penalty: Array,
    row_factors: Array,
    row_state: Array,
    column_factors: Array,
    column_state: Array,
    sums: NDArray[np.float64],
    n_threads: int,
) -> None:
    """Take a step of stochastic gradient descent for each entry of the blocks visited.

    With the residual ``e = x_ij - intercept - b_i - c_j - w_i' v_j``, the gradients of an entry
    are half those of ``weight e^2 + rate_i sum_f row_penalty_f [w_i, b_i]_f^2 + rate_j sum_f
    column_penalty_f [v_j, c_j]_f^2``. A step is the gradient divided by ``sqrt(G) / learning_rate
    + rate penalty`` with the largest penalty. There is one G for all factors of a row or column,
    which grows by the mean of their squared gradients, and one for its bias (Chin, Zhuang, Juan
    and Lin, 2015, doi:10.1007/978-3-319-18038-0_35). ``weight e`` is cut where a step would add
    more than once the factors of the other side.

    Parameters
    ----------
    entry_rows, entry_columns : ndarray of int32, shape (nnz,)
        Row and column indices of the entries, block after block.

    values : ndarray of shape (nnz,)
        The entries.

    weights : ndarray of shape (nnz,) or (0,)
        Empty for ones.

    block_start : ndarray of int64, shape (n_ranges**2 + 1,)
        Start of the entries of block ``a n_ranges + b``: those of row range a and column range b.

    row_bounds, column_bounds : ndarray of int64, shape (n_ranges + 1,)
        Bounds of the ranges, from 0 to n_rows and to n_columns.

    rounds : ndarray of int64, shape (n_rounds, n_ranges)
        The column range visited with each row range; each round holds each once.

    intercept, learning_rate : float
        The first is not changed.

    bias, nonnegative : bool
        Whether there are biases; whether factors are raised to zero after each step.

    row_penalty, column_penalty : ndarray of shape (width + 1,)
        Regularization of the factors, and of the bias as last entry.

    row_factors, column_factors : ndarray of shape (n_rows, width) and (n_columns, width)
        Factors, updated in place.

    row_state, column_state : ndarray of shape (n_rows, 4) and (n_columns, 4)
        Bias, G of the factors, G of the bias, rate. All but the last updated. G starts positive.

    sums : ndarray of float64, shape (n_ranges**2, 2)
        Output: ``sum weight e^2`` and ``sum weight e`` of the residuals before the steps for each
        block; 0 for blocks that are not visited.

    n_threads : int
        At least 1; the result does not depend on it.

    Raises
    ------
    ValueError
        If shapes disagree, bounds do not rise, a round is no permutation, or an entry lies
        outside of its block.
    """
    _check(
        entry_rows, entry_columns, values, weights, learning_rate, n_threads,
        (block_start, row_bounds, column_bounds, rounds),
        (row_penalty, row_factors, row_state), (column_penalty, column_factors, column_state), sums,
    )  # fmt: skip
    n_ranges = rounds.shape[1]
    dtype = values.dtype.type
    eta, center = dtype(learning_rate), dtype(intercept)
    sums[...] = 0
    for of_round in rounds:
        for a, b in enumerate(of_round):
            block = a * n_ranges + b
            entries = slice(block_start[block], block_start[block + 1])
            _check_inside(block, entry_rows[entries], row_bounds[a : a + 2])
            _check_inside(block, entry_columns[entries], column_bounds[b : b + 2])
            for e in range(entries.start, entries.stop):
                i, j = entry_rows[e], entry_columns[e]
                w, v = row_factors[i].copy(), column_factors[j].copy()
                residual = values[e] - center - w @ v
                if bias:
                    residual -= row_state[i, BIAS] + column_state[j, BIAS]
                weighted = residual * weights[e] if len(weights) else residual
                sums[block] += float(weighted) * float(residual), weighted
                for factors, state, penalty, other in (
                    (row_factors[i], row_state[i], row_penalty, v),
                    (column_factors[j], column_state[j], column_penalty, w),
                ):
                    _step(factors, state, FACTOR_SQUARES, penalty[:-1], other, weighted, eta)
                    if nonnegative:
                        np.maximum(factors, 0, out=factors)
                    if bias:
                        of_bias = state[BIAS : BIAS + 1]
                        one = np.ones(1, dtype=dtype)
                        _step(of_bias, state, BIAS_SQUARES, penalty[-1:], one, weighted, eta)


def _step(
    parameters: Array,
    state: Array,
    squares: int,
    penalty: Array,
    other: Array,
    residual: Any,
    eta: Any,
) -> None:
    """Move `parameters`, of which the prediction is the inner product with `other`."""
    # A learning rate far too large ends in numbers that no longer fit, as it does in C.
    with np.errstate(over="ignore", invalid="ignore"):
        limit = np.sqrt(state[squares]) / eta + state[RATE] * penalty.max()
        gradient = state[RATE] * penalty * parameters - np.clip(residual, -limit, limit) * other
        parameters -= gradient / limit
        state[squares] += np.mean(gradient * gradient)


def _check_inside(block: int, indices: NDArray[np.int32], bounds: NDArray[np.int64]) -> None:
    if ((indices < bounds[0]) | (indices >= bounds[1])).any():
        raise ValueError(f"block {block} has entries outside of its rows or columns")


def _check(
    entry_rows: NDArray[np.int32],
    entry_columns: NDArray[np.int32],
    values: Array,
    weights: Array,
    learning_rate: float,
    n_threads: int,
    grid: tuple[NDArray[np.int64], ...],
    of_rows: tuple[Array, ...],
    of_columns: tuple[Array, ...],
    sums: NDArray[np.float64],
) -> None:
    """Refuse what the compiled kernel refuses."""
    block_start, row_bounds, column_bounds, rounds = grid
    check_layout(
        entry_rows=(entry_rows, 1), entry_columns=(entry_columns, 1),
        values=(values, 1), weights=(weights, 1), block_start=(block_start, 1),
        row_bounds=(row_bounds, 1), column_bounds=(column_bounds, 1), rounds=(rounds, 2),
        row_penalty=(of_rows[0], 1), column_penalty=(of_columns[0], 1),
        row_factors=(of_rows[1], 2), column_factors=(of_columns[1], 2),
        row_state=(of_rows[2], 2), column_state=(of_columns[2], 2), sums=(sums, 2),
    )  # fmt: skip
    if values.dtype not in (np.float32, np.float64):
        raise TypeError(f"values has dtype {values.dtype}; it must be float32 or float64")
    for wanted, arrays in (
        (np.int32, (entry_rows, entry_columns)),
        (np.int64, grid),
        (np.float64, (sums,)),
        (values.dtype, (weights, *of_rows, *of_columns)),
    ):
        for array in arrays:
            if array.dtype != wanted:
                raise ValueError(f"an array has dtype {array.dtype}; it must be {wanted}")
    for array in (*of_rows[1:], *of_columns[1:], sums):
        if not array.flags.writeable:
            raise ValueError("factors, states and sums must be writeable")
    n_entries, n_ranges, width = len(values), rounds.shape[1], of_rows[1].shape[1]
    if len(entry_rows) != n_entries or len(entry_columns) != n_entries:
        raise ValueError("entry_rows, entry_columns and values must have the same length")
    if len(weights) not in (0, n_entries):
        raise ValueError(f"weights has {len(weights)} entries; it must have {n_entries} or 0")
    if not learning_rate > 0:
        raise ValueError(f"learning_rate={learning_rate} must be positive")
    check_threads(n_threads)
    if width < 1 or n_ranges < 1:
        raise ValueError("row_factors and rounds must have a column at least")
    if (np.sort(rounds, axis=1) != np.arange(n_ranges)).any():
        raise ValueError("each of the rounds must hold every range of columns once")
    for name, (penalty, factors, state) in (("row", of_rows), ("column", of_columns)):
        check_shape(f"{name}_factors", factors, (len(factors), width))
        check_shape(f"{name}_state", state, (len(factors), 4))
        if len(penalty) != width + 1:
            raise ValueError(f"{name}_penalty has {len(penalty)} entries; it must have {width + 1}")
        if not (state[:, [FACTOR_SQUARES, BIAS_SQUARES]] > 0).all():
            raise ValueError(f"{name}_state has sums of squares that are not positive")
    check_shape("sums", sums, (n_ranges**2, 2))
    for name, bounds, n, last in (
        ("block_start", block_start, n_ranges**2, n_entries),
        ("row_bounds", row_bounds, n_ranges, len(of_rows[1])),
        ("column_bounds", column_bounds, n_ranges, len(of_columns[1])),
    ):
        if len(bounds) != n + 1:
            raise ValueError(f"{name} has {len(bounds)} entries; it must have {n + 1}")
        if bounds[0] != 0 or bounds[-1] != last or (bounds[1:] < bounds[:-1]).any():
            raise ValueError(f"{name} must rise from 0 to {last}")
