"""Alternating least squares over all entries of implicit feedback."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lrfact._typing import Array
from lrfact.linalg.diagonal_gram import diagonal_gram
from lrfact.linalg.narrow_product import narrow_product
from lrfact.solvers.implicit.implicit_problem import ImplicitProblem
from lrfact.solvers.implicit.implicit_rows import solve_rows_over_all

# Of conjugate gradients, from where a row was a sweep before. More of them hardly lower the
# objective of a sweep.
_STEPS = 3

# How far columns go on in the direction of the last sweep: at first, from sweep to sweep as long as
# the objective falls, and at most. Halved where it has risen.
_MOMENTUM, _MOMENTUM_GROWTH, _MOST_MOMENTUM = 0.5, 1.05, 0.95


@dataclass(frozen=True)
class ImplicitFit:
    """Factors of rows and columns.

    Attributes
    ----------
    rows : ndarray of shape (n_rows, k)
        Their Gram matrix is diagonal.

    columns : ndarray of shape (n_columns, k)
        Minimize the objective given the rows, as far as conjugate gradients go; given rows of an
        undone sweep, those of the one before.

    objective : ndarray of shape (n_sweeps,)
        After each sweep.

    converged : bool
        Whether the last change was small, or the monitor asked to stop.
    """

    rows: Array
    columns: Array
    objective: NDArray[np.float64]
    converged: bool


def implicit_init(n_columns: int, k: int, rng: np.random.RandomState, dtype: np.dtype) -> Array:
    """Return small random factors of columns.

    Parameters
    ----------
    n_columns, k : int
        Shape of the result.

    rng : RandomState
        Random number generator.

    dtype : dtype
        Data type of the result.

    Returns
    -------
    ndarray of shape (n_columns, k)
        Normal, of expected length 0.1.
    """
    return (rng.standard_normal((n_columns, k)) * (0.1 / np.sqrt(k))).astype(dtype)


def implicit_als(
    problem: ImplicitProblem,
    start: Array,
    *,
    tol: float,
    max_iter: int,
    n_threads: int,
    monitor: Callable[[int, float], bool],
) -> ImplicitFit:
    """Minimize the objective of an `ImplicitProblem` over rows and columns in turns.

    Parameters
    ----------
    problem : ImplicitProblem
        Data and penalties.

    start : ndarray of shape (n_columns, k)
        Columns to start from.

    tol : float
        Stop when a sweep lowers the objective by less than this share of it.

    max_iter : int
        Maximum number of iterations.

    n_threads : int
        The digits do not depend on it.

    monitor : callable
        Function of the number of iterations and the objective, which returns True to stop.

    Returns
    -------
    ImplicitFit
        No sweep raises the objective: one that would is undone.

    Raises
    ------
    ValueError
        If values overflow.

    Notes
    -----
    Before each half of a sweep both sides are turned into the basis in which the Gram matrix of the
    side that is given is diagonal: the objective does not change, and what all the entries that are
    not stored add to the equations of a row is one number for each factor. Cost of a sweep:
    ``4 (n_rows + n_columns) k^2`` multiplications and additions for that, and those of the rows
    (see `solve_rows_over_all`). Memory: the entries a second time, by columns.

    Columns are extrapolated from sweep to sweep, with a restart where that raises the objective,
    which takes about two thirds of the sweeps (Ang and Gillis, 2019, doi:10.1162/neco_a_01157, for
    non-negative factors).

    Hu, Koren and Volinsky (2008), doi:10.1109/ICDM.2008.22; penalties by confidence: Rendle,
    Krichene, Zhang and Koren (2022), doi:10.1145/3523227.3548486.
    """
    columns = before = start
    rows = np.zeros((problem.weights.shape[0], start.shape[1]), start.dtype)
    momentum = _MOMENTUM
    objective: list[float] = []
    converged = False
    while len(objective) < max_iter and not converged:
        # From a random start the first direction leads nowhere.
        ahead = columns
        if len(objective) > 1:
            ahead = columns + columns.dtype.type(momentum) * (columns - before)
        sweep = _sweep(problem, rows, columns, ahead, n_threads)
        if objective and sweep.objective > objective[-1] and ahead is not columns:
            momentum /= 2
            columns = before = sweep.columns_before
            # As good a start as the old ones for the steps of rows.
            rows = sweep.rows
            objective.append(objective[-1])
        else:
            momentum = min(momentum * _MOMENTUM_GROWTH, _MOST_MOMENTUM)
            converged = bool(objective) and (objective[-1] - sweep.objective <= tol * objective[-1])
            rows, columns, before = sweep.rows, sweep.columns, sweep.columns_before
            objective.append(sweep.objective)
        if monitor(len(objective), objective[-1]):
            converged = True
    return ImplicitFit(rows, columns, np.asarray(objective), converged)


@dataclass(frozen=True)
class _Sweep:
    """New rows and columns, and the old columns in their basis."""

    rows: Array
    columns: Array
    columns_before: Array
    objective: float


def _sweep(
    problem: ImplicitProblem, rows: Array, columns: Array, ahead: Array, n_threads: int
) -> _Sweep:
    """Solve for the rows given the columns `ahead`, and for the columns given these rows."""
    at_columns = diagonal_gram(ahead, n_threads=n_threads)
    rows, _ = solve_rows_over_all(
        problem.weights,
        at_columns.factors,
        at_columns.spectrum,
        problem.row_penalty,
        n_threads=n_threads,
        most_steps=_STEPS,
        start=narrow_product(rows, at_columns.turn, n_threads),
    )
    at_rows = diagonal_gram(rows, n_threads=n_threads)
    start = narrow_product(at_columns.factors, at_rows.turn, n_threads)
    found, loss = solve_rows_over_all(
        problem.by_columns,
        at_rows.factors,
        at_rows.spectrum,
        problem.column_penalty,
        n_threads=n_threads,
        most_steps=_STEPS,
        start=start,
        with_loss=True,
    )
    before = start
    if ahead is not columns:
        before = narrow_product(columns, at_columns.turn @ at_rows.turn, n_threads)
    rows = at_rows.factors
    penalty = _weighted_squares(rows, problem.row_penalty)
    penalty += _weighted_squares(found, problem.column_penalty)
    return _Sweep(rows, found, before, loss + penalty)


def _weighted_squares(factors: Array, weights: NDArray[np.float64]) -> float:
    return float(weights @ np.einsum("nf,nf->n", factors, factors, dtype=np.float64))
