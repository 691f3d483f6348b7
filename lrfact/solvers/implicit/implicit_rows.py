"""Rows of implicit feedback given the columns: the half of a sweep, and the fold-in."""

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from lrfact import kernels
from lrfact._threads import limit_threads
from lrfact._typing import Array

# Of one thread, for a multiplication and an addition.
_MILLISECONDS = 6e-8


def solve_rows_over_all(
    weights: sparse.csr_array,
    design: Array,
    spectrum: NDArray[np.float64],
    penalty: NDArray[np.float64],
    *,
    n_threads: int,
    most_steps: int = 0,
    tol: float = 0.0,
    start: Array | None = None,
    with_loss: bool = False,
) -> tuple[Array, float]:
    r"""Minimize over each row's factors the error of all its entries, stored or not.

    .. math:: \min_x \sum_j (1 + a_j) (p_j - v_j' x)^2 + \lambda \|x\|^2

    Parameters
    ----------
    weights : csr_array of shape (n_rows, n_columns)
        :math:`a`, above 0 where stored.

    design : ndarray of shape (n_columns, k)
        :math:`v`, in a basis in which their Gram matrix is diagonal.

    spectrum : ndarray of shape (k,)
        Diagonal of the Gram matrix.

    penalty : ndarray of shape (n_rows,)
        :math:`\lambda`.

    n_threads : int
        The digits do not depend on it.

    most_steps : int, default=0
        Steps of conjugate gradients for rows that take less work so; 0 solves all rows exactly.

    tol : float, default=0
        Relative residual that ends them.

    start : ndarray of shape (n_rows, k) or None, default=None
        Initial solution of conjugate gradients, not modified; None means zeros.

    with_loss : bool, default=False
        Whether to compute the loss.

    Returns
    -------
    solution : ndarray of shape (n_rows, k)
        Zeros for rows without entries.

    loss : float
        Weighted squared error of all entries, without the penalty; NaN unless asked for.

    Raises
    ------
    ValueError
        If numbers overflow.

    Notes
    -----
    For a row of n entries the least of ``n k^2 / 2 + k^3 / 6``, ``n^2 k / 2 + n^3 / 6`` and, if
    allowed, ``2 n k`` multiplications and additions a step. What depends on all columns is
    diagonal: in the usual basis a step costs ``k^2`` more (Takács, Pilászy and Tikk, 2011,
    doi:10.1145/2043932.2043987), and the equations have to be copied before a row is added.
    """
    n_rows, k = weights.shape[0], design.shape[1]
    solution = np.zeros((n_rows, k), design.dtype) if start is None else start.copy()
    loss = np.empty(n_rows if with_loss else 0)
    work = weights.nnz * k * (k / 2 + 1) + n_rows * k**3 / 6
    n_threads = limit_threads(n_threads, work * _MILLISECONDS)
    # A penalty below the rounding errors of the squares is none: dimensions that the columns do not
    # span would be divided by it.
    rounding = k * float(np.finfo(design.dtype).eps) ** 2 * float(np.max(spectrum))
    penalty = np.where(penalty > rounding, penalty, 0.0)
    kernels.solve_implicit_rows(
        np.ascontiguousarray(weights.data, dtype=design.dtype),
        weights.indices,
        weights.indptr.astype(weights.indices.dtype, copy=False),
        np.ascontiguousarray(design),
        spectrum,
        penalty,
        most_steps,
        tol,
        solution,
        loss,
        n_threads,
    )
    return solution, float(loss.sum()) if with_loss else float("nan")
