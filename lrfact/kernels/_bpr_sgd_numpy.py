"""Twin of `_bpr_sgd`: one triple after the other, in the same order."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrfact._typing import Array
from lrfact.kernels._argument_checks import check_layout, check_shape, check_threads

# Columns of the state.
BIAS, FACTOR_SQUARES, BIAS_SQUARES = range(3)


def descend_bpr_triples(
    triples: NDArray[np.int32],
    block_start: NDArray[np.int64],
    row_range: NDArray[np.uint8],
    column_range: NDArray[np.uint8],
    rounds: NDArray[np.int64],
    row_factors: Array,
    row_squares: Array,
    column_factors: Array,
    column_state: Array,
    sums: NDArray[np.float64],
    learning_rate: float,
    reg: float,
    bias: bool,
    n_threads: int,
) -> None:
    """Take a step of stochastic gradient descent for each triple of the blocks visited.

    With the gap ``x = w_i' (v_j - v_l) + c_j - c_l``, the loss of a triple is ``-ln sigma(x)`` and
    ``reg / 2`` times the squares of all parameters in it. A step is the gradient divided by
    ``sqrt(G) / learning_rate + reg``. There is one G for all factors of a row or column, which
    grows by the mean of their squared gradients, and one for its bias. ``sigma(-x)`` is cut where a
    step would add more than once what it multiplies.

    Parameters
    ----------
    triples : ndarray of int32, shape (3, n_triples)
        Row i, column j and column l, block after block. Where l is -1 there is no step.

    block_start : ndarray of int64, shape (n_ranges**2 + 1,)
        Start of the triples of block ``a n_ranges + b``: those of row range a and column range b.

    row_range, column_range : ndarray of uint8, shape (n_rows,) and (n_columns,)
        The range that each is in.

    rounds : ndarray of int64, shape (n_rounds, n_ranges)
        The column range visited with each row range; each round holds each once.

    row_factors, column_factors : ndarray of shape (n_rows, width) and (n_columns, width)
        Factors, updated in place.

    row_squares : ndarray of shape (n_rows,)
        G of the rows, positive; updated.

    column_state : ndarray of shape (n_columns, 3)
        Bias, G of the factors, G of the bias; updated. G starts positive.

    sums : ndarray of float64, shape (n_ranges**2, 2)
        Output: sum of ``-ln sigma(x)`` before the steps and number of steps of each block; 0 for
        blocks that are not visited.

    learning_rate, reg : float
        Positive, and not negative.

    bias : bool
        Whether columns have biases; without, those given count as 0.

    n_threads : int
        At least 1; the result does not depend on it.

    Raises
    ------
    ValueError
        If shapes disagree, a round is no permutation, or a triple lies outside of its block.
    """
    _check(
        triples, block_start, (row_range, column_range), rounds,
        (row_factors, row_squares), (column_factors, column_state), sums,
        learning_rate, reg, n_threads,
    )  # fmt: skip
    n_ranges = rounds.shape[1]
    dtype = row_factors.dtype.type
    eta, penalty = dtype(learning_rate), dtype(reg)
    sums[...] = 0
    for of_round in rounds:
        for a, b in enumerate(of_round):
            block = a * n_ranges + b
            entries = triples[:, block_start[block] : block_start[block + 1]]
            _check_inside(int(block), entries, row_range == a, column_range == b)
            for i, j, other in entries.T:
                if other == -1:
                    continue
                w, p, n = (
                    row_factors[i].copy(),
                    column_factors[j].copy(),
                    column_factors[other].copy(),
                )
                of_p, of_n = column_state[j], column_state[other]
                # A learning rate far too large ends in numbers that no longer fit, as in C.
                with np.errstate(over="ignore", invalid="ignore"):
                    gap = w @ (p - n)
                    if bias:
                        gap += of_p[BIAS] - of_n[BIAS]
                    small = np.exp(-np.abs(gap))
                    slope = (1 if gap < 0 else small) / (1 + small)
                    sums[block] += max(-float(gap), 0) + np.log1p(float(small)), 1
                    _step(row_factors[i], row_squares[i : i + 1], p - n, slope, penalty, eta)
                    for v, state, sign in (
                        (column_factors[j], of_p, dtype(1)),
                        (column_factors[other], of_n, dtype(-1)),
                    ):
                        of_factors = state[FACTOR_SQUARES : FACTOR_SQUARES + 1]
                        _step(v, of_factors, sign * w, slope, penalty, eta)
                        if bias:
                            of_bias = state[BIAS_SQUARES : BIAS_SQUARES + 1]
                            _step(state[BIAS : BIAS + 1], of_bias, sign, slope, penalty, eta)


def _step(
    parameters: Array, squares: Array, direction: Any, slope: Any, penalty: Any, eta: Any
) -> None:
    """Move parameters, along whose direction the gap grows."""
    limit = np.sqrt(squares[0]) / eta + penalty
    gradient = penalty * parameters - min(slope, limit) * direction
    parameters -= gradient / limit
    squares += np.mean(gradient * gradient)


def _check_inside(
    block: int,
    entries: NDArray[np.int32],
    row_inside: NDArray[np.bool_],
    column_inside: NDArray[np.bool_],
) -> None:
    rows, positives, negatives = entries
    negatives = negatives[negatives != -1]
    for inside, places in (
        (row_inside, rows), (column_inside, positives), (column_inside, negatives),
    ):  # fmt: skip
        sound = ((places >= 0) & (places < len(inside))).all() and inside[places].all()
        if not sound or (entries[1] == entries[2]).any():
            raise ValueError(f"block {block} has triples outside of its rows or columns")


def _check(
    triples: NDArray[np.int32],
    block_start: NDArray[np.int64],
    ranges: tuple[NDArray[np.uint8], NDArray[np.uint8]],
    rounds: NDArray[np.int64],
    of_rows: tuple[Array, Array],
    of_columns: tuple[Array, Array],
    sums: NDArray[np.float64],
    learning_rate: float,
    reg: float,
    n_threads: int,
) -> None:
    """Refuse what the compiled kernel refuses."""
    check_layout(
        triples=(triples, 2), block_start=(block_start, 1), row_range=(ranges[0], 1),
        column_range=(ranges[1], 1), rounds=(rounds, 2), row_factors=(of_rows[0], 2),
        row_squares=(of_rows[1], 1), column_factors=(of_columns[0], 2),
        column_state=(of_columns[1], 2), sums=(sums, 2),
    )  # fmt: skip
    dtype = of_rows[0].dtype
    if dtype not in (np.float32, np.float64):
        raise TypeError(f"row_factors has dtype {dtype}; it must be float32 or float64")
    for wanted, arrays in (
        (np.int32, (triples,)),
        (np.int64, (block_start, rounds)),
        (np.uint8, ranges),
        (np.float64, (sums,)),
        (dtype, (*of_rows, *of_columns)),
    ):
        for array in arrays:
            if array.dtype != wanted:
                raise ValueError(f"an array has dtype {array.dtype}; it must be {wanted}")
    for array in (*of_rows, *of_columns, sums):
        if not array.flags.writeable:
            raise ValueError("factors, states and sums must be writeable")
    if not learning_rate > 0:
        raise ValueError(f"learning_rate={learning_rate} must be positive")
    if not reg >= 0:
        raise ValueError(f"reg={reg} must not be negative")
    check_threads(n_threads)
    n_ranges, (n_rows, width), n_columns = rounds.shape[1], of_rows[0].shape, len(of_columns[0])
    if width < 1:
        raise ValueError("row_factors has no columns; it must have one at least")
    if not 1 <= n_ranges <= 256:
        raise ValueError(f"rounds has {n_ranges} columns; it must have 1 to 256")
    if (np.sort(rounds, axis=1) != np.arange(n_ranges)).any():
        raise ValueError("each of the rounds must hold every range of columns once")
    for name, array, shape in (
        ("triples", triples, (3, triples.shape[1])),
        ("block_start", block_start, (n_ranges**2 + 1,)),
        ("row_range", ranges[0], (n_rows,)),
        ("column_range", ranges[1], (n_columns,)),
        ("row_squares", of_rows[1], (n_rows,)),
        ("column_factors", of_columns[0], (n_columns, width)),
        ("column_state", of_columns[1], (n_columns, 3)),
        ("sums", sums, (n_ranges**2, 2)),
    ):
        check_shape(name, array, shape)
    n_triples = triples.shape[1]
    falls = (block_start[1:] < block_start[:-1]).any()
    if block_start[0] != 0 or block_start[-1] != n_triples or falls:
        raise ValueError(f"block_start must rise from 0 to {n_triples}")
    if not (of_rows[1] > 0).all() or not (of_columns[1][:, FACTOR_SQUARES:] > 0).all():
        raise ValueError("row_squares and column_state must have positive sums of squares")
