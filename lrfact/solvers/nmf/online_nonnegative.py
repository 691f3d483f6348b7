"""Non-negative factorization of rows that come in batches and do not come back."""

from dataclasses import dataclass, replace

import numpy as np

from lrfact import kernels
from lrfact._typing import Array
from lrfact.linalg.require_finite import require_finite
from lrfact.solvers.nmf.beta_divergence import divergence_sums
from lrfact.solvers.nmf.hals import hals
from lrfact.solvers.nmf.multiplicative_update import multiplicative_update, update_exponent
from lrfact.solvers.nmf.nonnegative_fold_in import fold_in
from lrfact.solvers.nmf.nonnegative_problem import NonnegativeProblem

# Of the first batch.
_FIRST_TOL, _FIRST_ITERATIONS = 1e-3, 100
_LEAST = 1e-4  # of the mean factor of a component, or the largest of a column if that is less

_SWEEPS = 3
_PASSES = 20

# Older rows count for less, as they were met by components that were worse.
_FORGETTING = 2.0


@dataclass(frozen=True)
class SufficientStatistics:
    """What all rows so far say of the components, whatever their number.

    Attributes
    ----------
    numerator : ndarray of shape (n_columns, n_components)
        Numerator of the update: for squared errors the matrix times the factors of the rows; for
        other divergences the components times the numerator of their update.

    denominator : ndarray of shape (n_components, n_components) or (n_columns, n_components)
        Denominator of the update: for squared errors the Gram matrix of the factors of the rows.

    mass : ndarray of shape (n_components,)
        Sums of the factors of the rows.

    n_rows : int
        Number of rows that were seen.

    weight : float
        Effective number of rows, as older ones have smaller weights.
    """

    numerator: Array
    denominator: Array
    mass: Array
    n_rows: int
    weight: float

    def in_unit(self, ratio: float, beta: float) -> "SufficientStatistics":
        """Return the same for a matrix of which the entries are so many times as large.

        Parameters
        ----------
        ratio : float
            Ratio of the units of the entries; factors are multiplied by its square root.

        beta : float
            Parameter of the beta-divergence.

        Returns
        -------
        SufficientStatistics
        """
        of_numerator, of_denominator = (1.5, 1.0) if beta == 2 else (beta, beta - 0.5)
        return replace(
            self,
            numerator=self.numerator * ratio**of_numerator,
            denominator=self.denominator * ratio**of_denominator,
            mass=self.mass * ratio**0.5,
        )


@dataclass(frozen=True)
class PastRows:
    """What is kept of the rows of a finished fit.

    Attributes
    ----------
    gram : ndarray of shape (n_components, n_components)
        Squares of their factors, float64.

    mass : ndarray of shape (n_components,)
        Sums of their factors.

    n_rows : int
        Their number.
    """

    gram: Array
    mass: Array
    n_rows: int

    @classmethod
    def from_rows(cls, rows: Array) -> "PastRows":
        """Return what to keep of factors of shape (n_rows, n_components)."""
        rows = rows.astype(np.float64, copy=False)
        return cls(rows.T @ rows, rows.sum(axis=0), len(rows))

    def as_evidence(self, columns: Array, beta: float) -> SufficientStatistics:
        """Return the evidence under which the components of the fit are where they should be.

        Parameters
        ----------
        columns : ndarray of shape (n_columns, n_components)
            The components.

        beta : float
            Parameter of the beta-divergence.

        Returns
        -------
        SufficientStatistics
        """
        if beta == 2:
            denominator = self.gram
            numerator = columns.astype(np.float64) @ denominator
        else:
            denominator = np.broadcast_to(self.mass, columns.shape).copy()
            if beta != 1:
                # As if all entries of a column were approximated alike.
                model = columns @ self.mass / max(self.n_rows, 1)
                power = np.power(model, beta - 1, out=np.zeros(len(columns)), where=model > 0)
                denominator *= power[:, np.newaxis]
            numerator = columns * denominator
        return SufficientStatistics(
            numerator, denominator, self.mass, self.n_rows, float(self.n_rows)
        )


def no_evidence(columns: Array, beta: float) -> SufficientStatistics:
    """Return what no rows say.

    Parameters
    ----------
    columns : ndarray of shape (n_columns, n_components)
        The components to start from.

    beta : float
        Parameter of the beta-divergence.

    Returns
    -------
    SufficientStatistics
    """
    width = columns.shape[1]
    shape = (width, width) if beta == 2 else columns.shape
    return SufficientStatistics(np.zeros(columns.shape), np.zeros(shape), np.zeros(width), 0, 0.0)


def learn_batch(
    problem: NonnegativeProblem, columns: Array, evidence: SufficientStatistics
) -> tuple[Array, SufficientStatistics]:
    r"""Move the components to where a batch, and all that came before, ask them to be.

    .. math:: \min_{V \ge 0} \frac12 \mathrm{tr}\, V A V' - \mathrm{tr}\, V B', \quad
              A = \rho A_{old} + W'W, \quad B = \rho B_{old} + X'W

    for squared errors; for other divergences the multiplicative update with sums that are forgotten
    in the same way.

    Parameters
    ----------
    problem : NonnegativeProblem
        Problem of the batch, with the regularization of the columns for one row.

    columns : ndarray of shape (n_columns, n_components)
        The components as they were.

    evidence : SufficientStatistics
        Statistics of the previous rows.

    Returns
    -------
    columns : ndarray of shape (n_columns, n_components)
    evidence : SufficientStatistics

    Notes
    -----
    The first batch is fitted by itself. Of others three times the rows are solved for, and the
    components updated. Memory does not
    depend on how many rows came before. Missing entries of the batch count as predicted.

    References
    ----------
    Mairal, Bach, Ponce and Sapiro (2010), arXiv:0908.0050; Lefevre, Bach and Fevotte (2011),
    arXiv:1106.4198.
    """
    n_rows = problem.rows.matrix.shape[0]
    if evidence.n_rows == 0:
        columns = _first_components(problem, columns)
    share = evidence.n_rows / (evidence.n_rows + n_rows)
    kept = share**_FORGETTING
    weight = kept * evidence.weight + n_rows
    for _ in range(_SWEEPS):
        rows = fold_in(problem.rows, columns)
        numerator, denominator = _sums(problem, rows, columns)
        now = SufficientStatistics(
            kept * evidence.numerator + numerator,
            kept * evidence.denominator + denominator,
            kept * evidence.mass + rows.sum(axis=0, dtype=np.float64),
            evidence.n_rows + n_rows,
            weight,
        )
        columns = _components(problem, columns, now)
    require_finite(columns)
    return columns, now


def _first_components(problem: NonnegativeProblem, columns: Array) -> Array:
    """Fit the first batch by itself: what it says of worse components would be slow to forget."""
    rows = fold_in(problem.rows, columns)
    penalty = problem.columns.penalty.times(len(rows))
    problem = replace(problem, columns=replace(problem.columns, penalty=penalty))
    if problem.rows.beta == 2:
        return hals(problem, rows, columns, tol=_FIRST_TOL, max_iter=_FIRST_ITERATIONS).columns
    fit = multiplicative_update(
        problem, _lifted(rows), columns, tol=_FIRST_TOL, max_iter=_FIRST_ITERATIONS
    )
    return _lifted(fit.columns)


def _lifted(factors: Array) -> Array:
    """Return positive factors: what is 0 would stay 0 when a later batch asks for it."""
    of_component = factors.mean(axis=0, dtype=np.float64)
    largest = factors.max(axis=1, initial=0, keepdims=True).astype(np.float64)
    least = _LEAST * np.minimum(of_component, np.where(largest > 0, largest, np.inf))
    return np.maximum(factors, least.astype(factors.dtype))


def _sums(problem: NonnegativeProblem, rows: Array, columns: Array) -> tuple[Array, Array]:
    side = problem.columns
    if side.beta != 2:
        sums = divergence_sums(side, columns, rows, wants_loss=False)
        denominator = np.broadcast_to(sums.denominator, columns.shape).astype(np.float64)
        return (columns * sums.numerator).astype(np.float64), denominator
    numerator = side.operator.matmat(rows).astype(np.float64)
    if problem.rows.hidden is not None:
        hidden = problem.rows.hidden
        row_of = np.repeat(np.arange(len(rows)), np.diff(hidden.indptr))
        filled = hidden.astype(rows.dtype)
        filled.data = np.einsum("pf,pf->p", rows[row_of], columns[hidden.indices])
        numerator += filled.T @ rows
    return numerator, side.gram_of(rows)


def _components(
    problem: NonnegativeProblem, columns: Array, evidence: SufficientStatistics
) -> Array:
    side = problem.columns
    penalty = side.penalty.times(evidence.weight)
    l1, l2 = penalty.l1, penalty.l2
    dtype, (n_columns, width) = columns.dtype, columns.shape
    if side.beta != 2:
        below = evidence.denominator + l1 + l2 * columns
        moved = np.divide(evidence.numerator, below, out=np.zeros_like(below), where=below > 0)
        exponent = update_exponent(side.beta)
        if exponent != 1:
            moved = (
                columns
                * np.divide(moved, columns, out=np.zeros_like(moved), where=columns > 0) ** exponent
            )
        return _lifted(moved).astype(dtype)
    gram = evidence.denominator.astype(dtype)
    gram.flat[:: width + 1] += l2
    columns = columns.copy()
    kernels.descend_rows(
        gram,
        evidence.numerator.astype(dtype),
        np.arange(width),
        np.ones(width, dtype=dtype),
        columns,
        np.empty(n_columns),
        np.empty(n_columns, dtype=np.uint8),
        l1,
        1e-3,
        True,
        _PASSES,
        side.n_threads,
    )
    return columns
