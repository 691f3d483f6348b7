"""Matrix completion by the nuclear norm: objective function and duality gap."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from lrfact._typing import Array
from lrfact.linalg.as_operator import as_operator
from lrfact.linalg.require_finite import require_finite
from lrfact.solvers.svd.truncated_svd import truncated_svd

# Relative error of the norm of the residuals, as a fraction of the requested gap.
_NORM_ERROR = 0.1


@dataclass(frozen=True)
class NuclearNormProblem:
    r"""Matrix completion with nuclear-norm regularization and regularized row offsets.

    .. math:: F(Z, a) = \frac12 \sum_{(i,j) \in \Omega} (y_{ij} - a_i - z_{ij})^2
              + \lambda \|Z\|_* + \frac{\rho}{2} \|a\|^2

    is convex in the matrix Z and the row offsets a. Offsets are optional.

    Attributes
    ----------
    entries : csr_array of shape (n_rows, n_columns)
        Observed entries Y, float32 or float64, with sorted indices and without duplicates.

    offset_penalty : float or None
        Regularization :math:`\rho` of the offsets, positive; None without offsets.
    """

    entries: sparse.csr_array
    offset_penalty: float | None

    @cached_property
    def by_columns(self) -> sparse.csr_array:
        """Transposed entries, stored by rows."""
        return self.entries.T.tocsr()

    @cached_property
    def row_of_entry(self) -> NDArray[np.integer]:
        """Row of each entry."""
        indptr = self.entries.indptr
        return np.repeat(np.arange(len(indptr) - 1, dtype=indptr.dtype), np.diff(indptr))

    def residuals(self, predicted: Array) -> sparse.csr_array:
        """Return the residuals of the entries, given their predictions."""
        Y = self.entries
        return sparse.csr_array((Y.data - predicted, Y.indices, Y.indptr), Y.shape)

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
        Sparse matrix, such as the residuals.

    tol : float
        Tolerance of the relative error.

    n_threads : int
        Number of threads. Results are bitwise identical for any number of threads.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If squares of the entries overflow.
    """
    if not matrix.data.any():
        return 0.0
    operator = as_operator(matrix, n_threads=n_threads)
    rng = np.random.RandomState(0)  # only the initialization, converged to tol
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
    r"""Return an upper bound of the relative distance of the objective from its minimum.

    Parameters
    ----------
    problem : NuclearNormProblem
        The problem.

    reg : float
        Regularization strength :math:`\lambda`.

    objective : float
        Objective F of the current solution.

    residuals : csr_array of shape (n_rows, n_columns)
        Residuals of the same solution.

    tol : float
        Tolerance of the gap; the bound is computed to a tenth of it.

    n_threads : int
        Number of threads. Results are bitwise identical for any number of threads.

    Returns
    -------
    float
        Relative duality gap, from 0 to 1.

    Notes
    -----
    Any matrix :math:`\Theta` on the observed entries whose operator norm is at most
    :math:`\lambda` gives a lower bound of the minimum,

    .. math:: F^* \ge \langle \Theta, Y \rangle - \tfrac12 \|\Theta\|_F^2
              - \tfrac1{2\rho} \|\Theta 1\|^2,

    with equality for the residuals of the solution (Fenchel's dual: Boyd and Vandenberghe, Convex
    Optimization, 2004, section 5.7). The bound uses the current residuals, scaled to be feasible.
    """
    values = residuals.data.astype(np.float64)
    product = float(values @ problem.entries.data.astype(np.float64))
    curvature = float(values @ values)
    if problem.offset_penalty is not None:
        row_sums = np.bincount(problem.row_of_entry, values)
        curvature += float(row_sums @ row_sums) / problem.offset_penalty
    norm = largest_singular_value(residuals, tol=_NORM_ERROR * tol, n_threads=n_threads)
    if norm == 0:
        return 0.0 if objective <= 0 else 1.0
    scale = max(min(reg / norm, product / curvature), 0.0)
    bound = scale * product - 0.5 * scale**2 * curvature
    return min(max((objective - bound) / objective, 0.0), 1.0)
