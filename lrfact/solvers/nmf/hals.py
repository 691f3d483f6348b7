"""Hierarchical alternating least squares with extrapolation: the Frobenius norm."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from lrfact._typing import Array
from lrfact.linalg.require_finite import require_finite
from lrfact.solvers.nmf.nonnegative_least_squares import Stopping, fit_rows
from lrfact.solvers.nmf.nonnegative_problem import NonnegativeProblem, Side
from lrfact.solvers.nmf.nonnegative_result import NonnegativeFactors

Progress = Callable[[int, float], bool]

# A product with the matrix is worth several passes, until they move little. With a sparse one they
# would soon take longer than the product, of which a flop takes about ten times as long. A dense
# one with as many zeros takes as many passes: storage changes no result.
_MOST_PASSES, _COST_OF_PRODUCT = 20, 10

# Momentum: how it starts, grows and shrinks, and how its ceiling grows.
_FIRST_MOMENTUM, _GROWTH, _SHRINKAGE, _CEILING_GROWTH = 0.5, 1.05, 1.5, 1.01

# Of a projected gradient, in its terms.
_ROUNDING = 5

# Base-2 logarithm of the ratio of the scales of both factors above which they are balanced.
_MOST_DRIFT = 16


def hals(
    problem: NonnegativeProblem,
    rows: Array,
    columns: Array,
    *,
    tol: float,
    max_iter: int,
    shuffle: np.random.RandomState | None = None,
    progress: Progress | None = None,
) -> NonnegativeFactors:
    """Factorize a matrix, from a given start.

    Parameters
    ----------
    problem : NonnegativeProblem
        Problem with ``beta=2``.

    rows : ndarray of shape (n_rows, n_components)
        Start, not negative.

    columns : ndarray of shape (n_columns, n_components)
        Start, not negative.

    tol : float
        Stop once an iteration lowers the objective by at most this fraction of it and the projected
        gradient is at most this fraction of the two sums whose difference it is: sums of absolute
        values, with the columns of both factors scaled to equal norms. Differences within the
        rounding error count as zero. 0 never stops.

    max_iter : int
        Maximum number of iterations.

    shuffle : RandomState or None, default=None
        Draws the order of the components, anew for each half of an iteration; None for that of
        storage.

    progress : callable or None, default=None
        Called as ``progress(step, objective)``; returns True to stop.

    Returns
    -------
    NonnegativeFactors

    Raises
    ------
    ValueError
        If squares of the entries overflow.

    Notes
    -----
    Both factors are extrapolated beyond where an update takes them, by a momentum that grows while
    the objective falls; when it rises the extrapolation is taken back and the momentum
    shrinks. An iteration costs two products with the matrix and up to 20 passes of ``2 (n_rows +
    n_columns) k^2`` flops, fewer where products with a sparse matrix take less time. The objective
    comes from Gram matrices, so that ``rows @ columns.T`` is never formed.

    References
    ----------
    Ang and Gillis (2019), arXiv:1805.06604, for the extrapolation; Gillis and Glineur (2012),
    arXiv:1107.5194, for the passes.
    """
    squared_norm = problem.rows.squared_norm
    if not np.isfinite(squared_norm):
        raise ValueError("squares of the entries of X overflow; divide X by its largest entry")
    width, eps = rows.shape[1], float(np.finfo(rows.dtype).eps)
    penalties = problem.rows.penalty, problem.columns.penalty
    scales_are_free = all(penalty.l1 == penalty.l2 == 0 for penalty in penalties)

    def order() -> NDArray[np.int64] | None:
        return None if shuffle is None else shuffle.permutation(width).astype(np.int64)

    stopping_of_rows = inner_stopping(problem.rows, width)
    stopping_of_columns = inner_stopping(problem.columns, width)
    rows_ahead, columns_ahead = rows, columns
    column_gram = problem.columns.gram_of(columns)
    column_scale = _column_scale(problem.rows.gram_of(rows), column_gram)
    momentum, ceiling, last_good = _FIRST_MOMENTUM, 1.0, _FIRST_MOMENTUM
    objective: list[float] = []
    converged = False
    while len(objective) < max_iter and not converged:
        fit = fit_rows(
            problem.rows,
            columns_ahead,
            rows_ahead,
            stopping_of_rows,
            gram=column_gram,
            order=order(),
            weight=column_scale,
        )
        violation = fit.violation
        rows, rows_before = fit.rows, rows
        # Nothing is known of the direction of a first step but that its start was bad.
        extrapolate = len(objective) > 0
        rows_ahead = _ahead(rows, rows_before, momentum) if extrapolate else rows
        row_gram = problem.rows.gram_of(rows_ahead)
        fit = fit_rows(
            problem.columns,
            rows_ahead,
            columns_ahead,
            stopping_of_columns,
            gram=row_gram,
            order=order(),
            weight=1 / column_scale,
        )
        violation += fit.violation
        columns, columns_before = fit.rows, columns
        objective.append(
            fit.loss(squared_norm)
            + problem.rows.penalty.value(rows_ahead)
            + problem.columns.penalty.value(columns)
        )
        columns_ahead = columns
        if extrapolate and objective[-1] > objective[-2]:
            rows_ahead = rows
            ceiling, momentum = last_good, momentum / _SHRINKAGE
        elif extrapolate:
            columns_ahead = _ahead(columns, columns_before, momentum)
            last_good = momentum
            momentum = min(ceiling, _GROWTH * momentum)
            ceiling = min(1.0, _CEILING_GROWTH * ceiling)
        column_gram = problem.columns.gram_of(columns_ahead)
        column_scale = _column_scale(row_gram, column_gram)
        drift = _drift(column_scale) if scales_are_free else None
        if drift is not None:
            rows, rows_ahead = rows / drift, rows_ahead / drift
            columns, columns_ahead = columns * drift, columns_ahead * drift
            column_gram = problem.columns.gram_of(columns_ahead)
            column_scale /= drift
        if extrapolate:
            gained = objective[-2] - objective[-1]
            noise = eps * squared_norm
            settled = -noise <= gained <= max(tol * objective[-1], noise)
            # The gradient is a difference of two sums, which are equal at a minimum.
            scale = 2 * _sum_of_products(rows, column_gram, column_scale)
            scale += 2 * _sum_of_products(columns, row_gram, 1 / column_scale)
            converged = tol > 0 and settled and violation <= max(tol, _ROUNDING * eps) * scale
        if progress is not None and progress(len(objective), objective[-1]):
            break
    require_finite(rows, columns)
    return NonnegativeFactors(rows, columns, np.asarray(objective), len(objective), converged)


def _ahead(factors: Array, before: Array, momentum: float) -> Array:
    """Return what lies beyond `factors`, seen from `before`."""
    ahead = factors - before
    ahead *= factors.dtype.type(momentum)
    ahead += factors
    return np.maximum(ahead, 0, out=ahead)


def _sum_of_products(factors: Array, gram: Array, weight: Array) -> float:
    """Return the sum of ``factors @ gram``, its columns weighted."""
    return float(factors.sum(axis=0, dtype=np.float64) @ gram @ weight)


def inner_stopping(side: Side, width: int) -> Stopping:
    """Return how far to go with the factors of one side before the other has its turn.

    Parameters
    ----------
    side : Side
        The side.

    width : int
        Number of components.

    Returns
    -------
    Stopping
    """
    most_passes = _MOST_PASSES
    if side.hidden is None:
        flops_of_pass = 2 * side.matrix.shape[0] * width
        affordable = _COST_OF_PRODUCT * 2 * side.n_nonzero / flops_of_pass
        most_passes = int(min(1 + affordable, _MOST_PASSES))
    return Stopping(tol=0.01, of_first=True, most_passes=most_passes)


def _column_scale(row_gram: Array, column_gram: Array) -> Array:
    """Return by what the columns of both factors differ in scale, 1 where one is zero."""
    of_rows, of_columns = np.diagonal(row_gram), np.diagonal(column_gram)
    column_scale = np.ones(len(of_rows))
    known = (of_rows > 0) & (of_columns > 0)
    column_scale[known] = (of_rows[known] / of_columns[known]) ** 0.25
    return column_scale


def _drift(column_scale: Array) -> Array | None:
    """Return powers of two that balance the scales of both factors, or None if they are balanced.

    Without regularization the scales are arbitrary, and may drift until one of them overflows.
    """
    exponent = np.rint(np.log2(column_scale))
    exponent[np.abs(exponent) <= _MOST_DRIFT] = 0
    return np.exp2(exponent).astype(column_scale.dtype) if exponent.any() else None
