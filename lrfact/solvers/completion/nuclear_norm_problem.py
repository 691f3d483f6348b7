"""Completion of a matrix by nuclear norm: the problem, and how far from solved it is."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from lrfact._typing import Array
from lrfact.linalg.as_operator import as_operator
from lrfact.linalg.require_finite import require_finite
from lrfact.solvers.svd.truncated_svd import truncated_svd

# Of the norm of the residuals, as a share of the gap that is asked for.
_NORM_ERROR = 0.1


@dataclass(frozen=True)
class NuclearNormProblem:
    r"""Observed entries, and what is penalized.

    .. math:: F(Z, a) = \frac12 \sum_{(i,j) \in \Omega} (y_{ij} - a_i - z_{ij})^2
              + \lambda \|Z\|_* + \frac{\rho}{2} \|a\|^2

    is convex. The offsets `a` of the rows may be left out.

    Attributes
    ----------
    entries : csr_array of shape (n_rows, n_columns)
        Y, float32 or float64, sorted within rows, none twice.

    offset_penalty : float or None
        :math:`\rho`, positive; None for no offsets.
    """

    entries: sparse.csr_array
    offset_penalty: float | None

    @cached_property
    def by_columns(self) -> sparse.csr_array:
        """The entries of the transpose."""
        return self.entries.T.tocsr()

    @cached_property
    def row_of_entry(self) -> NDArray[np.integer]:
        """Row of each entry."""
        indptr = self.entries.indptr
        return np.repeat(np.arange(len(indptr) - 1, dtype=indptr.dtype), np.diff(indptr))

    def residuals(self, told: Array) -> sparse.csr_array:
        """Return what predictions of the entries leave of them."""
        Y = self.entries
        return sparse.csr_array((Y.data - told, Y.indices, Y.indptr), Y.shape)

    def objective(self, reg: float, residuals: Array, s: Array, offsets: Array) -> float:
        """Return F for residuals, singular values of Z and offsets, summed in float64."""
        e, a = residuals.astype(np.float64), offsets.astype(np.float64)
        rho = 0.0 if self.offset_penalty is None else self.offset_penalty
        with np.errstate(over="ignore"):
            squares = 0.5 * float(e @ e) + 0.5 * rho * float(a @ a)
        value = squares + reg * float(s.sum(dtype=np.float64))
        require_finite(np.array(value))
        return value


def largest_singular_value(matrix: sparse.csr_array, *, tol: float, n_threads: int) -> float:
    """Return the operator norm of a sparse matrix.

    Parameters
    ----------
    matrix : csr_array of shape (n_rows, n_columns)
        Such as the residuals.

    tol : float
        Relative error.

    n_threads : int
        The digits do not depend on it.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If squares overflow.
    """
    if not matrix.data.any():
        return 0.0
    operator = as_operator(matrix, n_threads=n_threads)
    rng = np.random.RandomState(0)  # it only starts an iteration that is run to its end
    return float(truncated_svd(operator, 1, tol=tol, rng=rng, want_left=False).s[0])


def relative_duality_gap(
    problem: NuclearNormProblem,
    reg: float,
    objective: float,
    residuals: sparse.csr_array,
    *,
    tol: float,
    n_threads: int,
) -> float:
    r"""Bound how far the objective is above its minimum, relative to itself.

    Parameters
    ----------
    problem : NuclearNormProblem
        The problem.

    reg : float
        :math:`\lambda`.

    objective : float
        F where the iteration stands.

    residuals : csr_array of shape (n_rows, n_columns)
        Residuals of the same solution.

    tol : float
        A tenth of it is how accurate the bound has to be.

    n_threads : int
        The digits do not depend on it.

    Returns
    -------
    float
        Relative duality gap, from 0 to 1.

    Notes
    -----
    Any :math:`\Theta` on the observed places with operator norm up to :math:`\lambda` bounds the
    minimum from below,

    .. math:: F^* \ge \langle \Theta, Y \rangle - \tfrac12 \|\Theta\|_F^2
              - \tfrac1{2\rho} \|\Theta 1\|^2,

    with equality for the residuals of the solution (Fenchel's dual: Boyd and Vandenberghe, Convex
    Optimization, 2004, section 5.7). The residuals at hand, scaled into that set, give the bound.
    """
    values = residuals.data.astype(np.float64)
    product = float(values @ problem.entries.data.astype(np.float64))
    curvature = float(values @ values)
    if problem.offset_penalty is not None:
        of_rows = np.bincount(problem.row_of_entry, values)
        curvature += float(of_rows @ of_rows) / problem.offset_penalty
    norm = largest_singular_value(residuals, tol=_NORM_ERROR * tol, n_threads=n_threads)
    if norm == 0:
        return 0.0 if objective <= 0 else 1.0
    scale = max(min(reg / norm, product / curvature), 0.0)
    bound = scale * product - 0.5 * scale**2 * curvature
    return min(max((objective - bound) / objective, 0.0), 1.0)
