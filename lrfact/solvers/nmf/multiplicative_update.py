"""Multiplicative updates with extrapolation: every beta-divergence."""

from collections.abc import Callable

import numpy as np

from lrfact._typing import Array
from lrfact.linalg.require_finite import require_finite
from lrfact.solvers.nmf.beta_divergence import DivergenceSums, divergence_sums, loss_of
from lrfact.solvers.nmf.nonnegative_problem import NonnegativeProblem, Penalty, Side
from lrfact.solvers.nmf.nonnegative_result import NonnegativeFactors

Progress = Callable[[int, float], bool]

_ITERATIONS_BETWEEN_TESTS = 10


# Of the extrapolation; the least share is of the sum of the factors of a component.
_LARGEST_RATIO, _MOST_MOMENTUM, _LEAST = 2.0, 0.9, 1e-4


@np.errstate(over="ignore", invalid="ignore")  # an overflow is raised in the end
def multiplicative_update(
    problem: NonnegativeProblem,
    rows: Array,
    columns: Array,
    *,
    tol: float,
    max_iter: int,
    progress: Progress | None = None,
) -> NonnegativeFactors:
    r"""Factorize a matrix, from a given start.

    .. math:: w \leftarrow w \Big(\frac{\sum_j x_j s_j^{\beta-2} v_j}
                                       {\sum_j s_j^{\beta-1} v_j + \lambda_1 + \lambda_2 w}
                             \Big)^{\gamma}, \quad s_j = w' v_j

    Parameters
    ----------
    problem : NonnegativeProblem
        Any `beta`.

    rows : ndarray of shape (n_rows, n_components)
        Start, not negative. What is 0 stays 0.

    columns : ndarray of shape (n_columns, n_components)
        Start, not negative.

    tol : float
        Stop once ten iterations lower the square root of twice the loss by less than this fraction
        of its value for the independence model, the product of row and column sums, or once the
        loss is zero within the rounding error. 0 never stops.

    max_iter : int
        Maximum number of iterations.

    progress : callable or None, default=None
        Called as ``progress(step, objective)``; returns True to stop.

    Returns
    -------
    NonnegativeFactors

    Raises
    ------
    ValueError
        If the factors or the divergence overflow.

    Notes
    -----
    Before it is updated each factor is moved on by a power of the ratio by which it changed last:
    an extrapolation of its logarithm, as far as Nesterov's sequence says. The sequence begins anew
    when an update turns back on the step before it, or the loss has risen, which is looked at every
    ten iterations. The exponent is :math:`\gamma = 1/(2-\beta)` below :math:`\beta = 1`,
    :math:`1/(\beta-1)` above 2, else 1.

    References
    ----------
    Fevotte and Idier (2011), arXiv:1010.1763, for the updates; Hien, Leplat and Gillis (2024),
    arXiv:2401.06646, for the extrapolation; O'Donoghue and Candes (2015), arXiv:1204.3982, for when
    to begin anew.
    """
    rows_before, columns_before = rows, columns
    noise = _rounding_error(problem.rows)
    reference = np.sqrt(_loss_of_independence(problem))
    step = 1.0
    objective: list[float] = []
    n_iter, converged = 0, False
    while n_iter < max_iter and not converged:
        tests = n_iter % _ITERATIONS_BETWEEN_TESTS == 0
        step, momentum = next_momentum(step)
        ahead = extrapolated(rows, rows_before, momentum, lifted_to(problem.rows, rows))
        sums = divergence_sums(problem.rows, ahead, columns, wants_loss=tests)
        if tests:
            objective.append(
                float(sums.loss.sum())
                + problem.rows.penalty.value(ahead)
                + problem.columns.penalty.value(columns)
            )
            if len(objective) > 1:
                before, now = np.sqrt(np.maximum(objective[-2:], 0))
                gained = before - now
                nothing_left = now**2 <= noise
                converged = bool(tol > 0 and (nothing_left or 0 <= gained < tol * reference))
                if gained < 0:
                    step = 1.0
            if progress is not None and progress(n_iter, objective[-1]):
                break
        following = updated(problem.rows, ahead, sums)
        turns_back = _turns_back(rows, ahead, following)
        rows, rows_before = following, rows
        ahead = extrapolated(columns, columns_before, momentum, lifted_to(problem.columns, columns))
        sums = divergence_sums(problem.columns, ahead, rows, wants_loss=False)
        following = updated(problem.columns, ahead, sums)
        turns_back |= _turns_back(columns, ahead, following)
        columns, columns_before = following, columns
        if turns_back:
            step = 1.0
        n_iter += 1
    objective.append(
        loss_of(problem.rows, rows, columns)
        + problem.rows.penalty.value(rows)
        + problem.columns.penalty.value(columns)
    )
    require_finite(rows, columns, np.asarray(objective))
    return NonnegativeFactors(rows, columns, np.asarray(objective), n_iter, converged)


def _loss_of_independence(problem: NonnegativeProblem) -> float:
    """Return the loss of the product of row and column sums.

    It does not depend on the initialization, whose loss a single huge entry may dominate.
    """
    sums, others = problem.rows.row_sums, problem.columns.row_sums
    total, dtype = sums.sum(), problem.rows.matrix.dtype
    if total == 0:
        return 0.0
    root = np.sqrt(total)
    of_rows, of_columns = ((s / root).astype(dtype)[:, np.newaxis] for s in (sums, others))
    return loss_of(problem.rows, of_rows, np.ascontiguousarray(of_columns))


def _rounding_error(side: Side) -> float:
    """Return about what rounding errors make of a divergence that should be 0."""
    size = np.prod(side.matrix.shape, dtype=np.float64)
    mean = side.matrix.sum(dtype=np.float64) / size
    relative = max(np.finfo(np.float64).eps, (10 * np.finfo(side.matrix.dtype).eps) ** 2)
    if mean > 0:
        return float(relative * mean**side.beta * size)
    # Of zeros, what the least approximation makes of their divergence.
    return float(10 * np.finfo(side.matrix.dtype).tiny ** min(side.beta, 1) * size)


def _turns_back(factors: Array, ahead: Array, following: Array) -> bool:
    """Whether an update went against the step that it makes in the end."""
    if ahead is factors:
        return False
    against = np.einsum("ij,ij->j", ahead - following, following - factors, dtype=np.float64)
    return bool(against.sum() > 0)


def updated(side: Side, rows: Array, sums: DivergenceSums) -> Array:
    """Return the factors of rows after one multiplicative update.

    Parameters
    ----------
    side : Side
        The rows.

    rows : ndarray of shape (n_rows, n_components)
        Factors for which the sums were computed.

    sums : DivergenceSums
        Sums for these rows.

    Returns
    -------
    ndarray of shape (n_rows, n_components)
        Updated factors; 0 if no entry supports them.
    """
    penalty: Penalty = side.penalty
    denominator = np.broadcast_to(sums.denominator, rows.shape)
    if penalty.l1 or penalty.l2:
        denominator = denominator + rows.dtype.type(penalty.l1)
        if penalty.l2:
            denominator += rows.dtype.type(penalty.l2) * rows
    ratio = _quotient(sums.numerator, denominator, 0.0)
    exponent = update_exponent(side.beta)
    if exponent != 1:
        ratio **= exponent
    ratio *= rows
    return ratio


def extrapolated(
    factors: Array, before: Array, momentum: float | Array, least: float | Array = 0.0
) -> Array:
    """Return factors moved on in the direction that they came from, by their ratio.

    Parameters
    ----------
    factors, before : ndarray of shape (n_rows, n_components)
        Current and previous factors.

    momentum : float or ndarray of shape (n_rows, 1)
        Power of the ratio of the two, which counts as no more than 2 and no less than 1/2.

    least : float or ndarray of shape (n_rows, n_components), default=0
        Minimum of positive factors, so that they can grow again.

    Returns
    -------
    ndarray of shape (n_rows, n_components)
    """
    if not np.any(momentum):
        return factors
    ahead = _quotient(factors, before, 1.0)
    np.clip(ahead, 1 / _LARGEST_RATIO, _LARGEST_RATIO, out=ahead)
    ahead **= np.asarray(np.minimum(momentum, _MOST_MOMENTUM), dtype=factors.dtype)
    ahead *= factors
    if np.any(least):
        np.maximum(ahead, np.asarray(least, dtype=factors.dtype), out=ahead)
        ahead *= factors > 0
    return ahead


def _quotient(numerator: Array, denominator: Array, otherwise: float) -> Array:
    """Divide; where the denominator is 0 `otherwise` is the result."""
    if denominator.all():
        return numerator / denominator  # without a mask, ten times as fast
    shape = np.broadcast_shapes(numerator.shape, denominator.shape)
    quotient = np.full(shape, otherwise, dtype=numerator.dtype)
    return np.divide(numerator, denominator, out=quotient, where=denominator > 0)


def lifted_to(side: Side, factors: Array) -> Array | float:
    """Return the least positive factors to go on from.

    Parameters
    ----------
    side : Side
        The rows. From a `beta` of 0 down small entries count as much as large ones, and nothing is
        lifted.

    factors : ndarray of shape (n_rows, n_components)
        Not negative.

    Returns
    -------
    ndarray of shape (n_rows, n_components) or float
        Lower bound that distributes 1e-4 of each component in proportion to the row sums, so that
        no entry, however small, is approximated by much more than before.
    """
    total = side.row_sums.sum()
    if side.beta <= 0 or total == 0:
        return 0.0
    share = (_LEAST / total) * factors.sum(axis=0, dtype=np.float64)
    return np.multiply.outer(side.row_sums, share).astype(factors.dtype)


def next_momentum(step: float) -> tuple[float, float]:
    """Return the next number of Nesterov's sequence, and the momentum between the two."""
    following = 0.5 * (1 + np.sqrt(1 + 4 * step**2))
    return float(following), float((step - 1) / following)


def update_exponent(beta: float) -> float:
    """Return the power of a multiplicative update with which it never raises the divergence.

    Parameters
    ----------
    beta : float
        Parameter of the beta-divergence.

    Returns
    -------
    float
        In (0, 1].
    """
    if beta < 1:
        return 1 / (2 - beta)
    return 1 / (beta - 1) if beta > 2 else 1.0
