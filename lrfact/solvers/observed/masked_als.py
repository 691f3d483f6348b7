"""Alternating least squares on observed entries: rows given columns, columns given rows."""

from functools import partial

import numpy as np

from lrfact.solvers.observed.masked_problem import (
    MaskedFit,
    MaskedModel,
    MaskedProblem,
    SweepMonitor,
    penalty,
)
from lrfact.solvers.observed.ridge_rows import regress_rows


def masked_als(
    problem: MaskedProblem,
    start: MaskedModel,
    *,
    tol: float,
    max_iter: int,
    n_threads: int,
    monitor: SweepMonitor,
) -> MaskedFit:
    """Minimize the objective of a `MaskedProblem` exactly over each side in turn.

    Parameters
    ----------
    problem : MaskedProblem
        Data and penalties.

    start : MaskedModel
        Columns and intercept to start from; its rows only matter with `nonnegative`.

    tol : float
        Stop when a sweep lowers the objective by less than this share of it.

    max_iter : int
        Maximum number of iterations.

    n_threads : int
        The digits do not depend on it.

    monitor : SweepMonitor
        Function called after each iteration, which returns True to stop.

    Returns
    -------
    MaskedFit
        No sweep raises the objective.

    Raises
    ------
    ValueError
        If values overflow.

    Notes
    -----
    A sweep takes ``2 nnz p^2 + (n_rows + n_columns) p^3 / 3`` multiplications and additions for
    p parameters a row. Rows and biases are solved jointly, and the intercept absorbs the mean
    residual after each sweep. Memory: the entries a second time, by columns. Zhou, Wilkinson,
    Schreiber and Pan (2008), doi:10.1007/978-3-540-68880-8_32.
    """
    by_rows = problem.ratings
    by_columns, weights_by_columns = problem.by_columns
    rows, columns = start.rows.copy(), start.columns.copy()
    intercept = start.intercept
    regress = partial(
        regress_rows, bias=problem.bias, nonnegative=problem.nonnegative, n_threads=n_threads
    )
    objective: list[float] = []
    converged, added = False, 0.0
    # An objective below this consists of rounding errors, and no longer falls steadily.
    rounding = _rounding_of_loss(problem) if tol > 0 else 0.0
    while len(objective) < max_iter and not converged:
        of_rows = regress(
            by_rows,
            problem.weights,
            columns,
            intercept=intercept,
            penalty=problem.row_penalty,
            row_scale=problem.row_scale,
            out=rows,
        )
        of_columns = regress(
            by_columns,
            weights_by_columns,
            rows,
            intercept=intercept,
            penalty=problem.column_penalty,
            row_scale=problem.column_scale,
            out=columns,
        )
        added = max(of_rows.added_diagonal, of_columns.added_diagonal)
        # The mean of the residuals moves into the intercept, which nothing penalizes.
        intercept += of_columns.mean_residual
        loss = of_columns.loss - _total_weight(problem) * of_columns.mean_residual**2
        objective.append(max(loss, 0.0) + penalty(problem, rows, columns))
        if len(objective) > 1:
            gained = objective[-2] - objective[-1]
            converged = gained <= tol * objective[-2] or objective[-1] <= rounding
        model = MaskedModel(rows, columns, intercept)
        if monitor(len(objective), objective[-1], model):
            converged = True
    return MaskedFit(MaskedModel(rows, columns, intercept), np.asarray(objective), converged, added)


def _rounding_of_loss(problem: MaskedProblem) -> float:
    """Return the size of the rounding errors in the loss of an exact fit."""
    values = problem.ratings.data.astype(np.float64)
    weights = np.float64(1) if problem.weights is None else problem.weights
    relative = max(np.finfo(np.float64).eps, (8 * float(np.finfo(problem.ratings.dtype).eps)) ** 2)
    return relative * float(np.sum(weights * values**2))


def _total_weight(problem: MaskedProblem) -> float:
    if problem.weights is None:
        return float(problem.ratings.nnz)
    return float(problem.weights.sum(dtype=np.float64))
