"""Alternating least squares over all entries of implicit feedback."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lrfact.linalg.diagonal_gram import diagonal_gram
from lrfact.linalg.narrow_product import narrow_product
from lrfact.solvers.implicit_problem import ImplicitProblem
from lrfact.solvers.implicit_rows import solve_rows_over_all

Array = NDArray[np.floating]

# Of conjugate gradients, from where a row was a sweep before. More of them hardly lower the
# objective of a sweep.
_STEPS = 3


@dataclass(frozen=True)
class ImplicitFit:
    """Factors of rows and columns.

    Attributes
    ----------
    rows : ndarray of shape (n_rows, k)
        Their Gram matrix is diagonal.

    columns : ndarray of shape (n_columns, k)
        Minimize the objective given the rows, to the steps of conjugate gradients.

    objective : ndarray of shape (n_sweeps,)
        After each sweep.

    converged : bool
        Whether the last change was small, or the monitor asked to stop.
    """

    rows: Array
    columns: Array
    objective: NDArray[np.float64]
    converged: bool


def implicit_start(n_columns: int, k: int, rng: np.random.RandomState, dtype: np.dtype) -> Array:
    """Return small random factors of columns.

    Parameters
    ----------
    n_columns, k : int
        Shape.

    rng : RandomState
        Draws.

    dtype : dtype
        Of the result.

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
        At most so many sweeps.

    n_threads : int
        The digits do not depend on it.

    monitor : callable
        Told the number of sweeps and the objective; may end the iteration.

    Returns
    -------
    ImplicitFit
        No sweep raises the objective.

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

    Hu, Koren and Volinsky (2008), doi:10.1109/ICDM.2008.22; penalties by confidence: Rendle,
    Krichene, Zhang and Koren (2022), doi:10.1145/3523227.3548486.
    """
    columns = start
    rows = np.zeros((problem.weights.shape[0], start.shape[1]), start.dtype)
    objective: list[float] = []
    converged = False
    while len(objective) < max_iter and not converged:
        given = diagonal_gram(columns, n_threads=n_threads)
        columns = given.factors
        rows, _ = solve_rows_over_all(
            problem.weights,
            columns,
            given.spectrum,
            problem.row_penalty,
            n_threads=n_threads,
            most_steps=_STEPS,
            start=narrow_product(rows, given.turn, n_threads),
        )
        given = diagonal_gram(rows, n_threads=n_threads)
        rows = given.factors
        columns, loss = solve_rows_over_all(
            problem.by_columns,
            rows,
            given.spectrum,
            problem.column_penalty,
            n_threads=n_threads,
            most_steps=_STEPS,
            start=narrow_product(columns, given.turn, n_threads),
            with_loss=True,
        )
        penalty = _weighted_squares(rows, problem.row_penalty)
        penalty += _weighted_squares(columns, problem.column_penalty)
        objective.append(loss + penalty)
        converged = len(objective) > 1 and objective[-2] - objective[-1] <= tol * objective[-2]
        if monitor(len(objective), objective[-1]):
            converged = True
    return ImplicitFit(rows, columns, np.asarray(objective), converged)


def _weighted_squares(factors: Array, weights: NDArray[np.float64]) -> float:
    return float(weights @ np.einsum("nf,nf->n", factors, factors, dtype=np.float64))
