"""Singular triplets from the eigenvectors of the small Gram matrix."""

import numpy as np

from lrfact.linalg.gram_matrix import gram_matrix
from lrfact.linalg.leading_eigenpairs import leading_eigenpairs
from lrfact.linalg.matrix_operator import Array, MatrixOperator
from lrfact.linalg.require_finite import require_finite
from lrfact.linalg.sign_convention import fix_signs
from lrfact.solvers.svd._accuracy import requested_error, rounding_error
from lrfact.solvers.svd._result import SVDResult


def gram_eigh(A: MatrixOperator, k: int, *, tol: float, want_left: bool = True) -> SVDResult:
    """Compute the k leading singular triplets from ``A.T A`` or ``A A.T``, the smaller of the two.

    Parameters
    ----------
    A : MatrixOperator of shape (n_rows, n_columns)
        The matrix, centered or not.

    k : int
        Number of triplets, at most min(n_rows, n_columns).

    tol : float
        Relative error asked of the singular values. A Gram matrix squares the condition
        number: where that costs more digits than asked, the result says that it has not
        converged, and the caller must take another solver. float32 input, or such as is centered
        by a correction, is then first tried again in float64, centered beforehand.

    want_left : bool, default=True
        Whether `U` is needed.

    Returns
    -------
    SVDResult
        `error` is about ``eps (s[0] / s[i])^2``.

    Notes
    -----
    With q the larger and p the smaller side: ``q p^2`` flops in BLAS, ``4/3 p^3`` for the
    eigenvalues, ``2 q p k`` for the other side's vectors; ``2 p^2`` numbers of memory.
    """
    goal = requested_error(tol, A.dtype)
    correct = A.mean is not None and A.mean_is_small
    result = _from_gram(A, k, A.dtype, correct, goal, want_left)
    if not result.converged and (correct or A.dtype == np.float32):
        result = _from_gram(A, k, np.dtype(np.float64), False, goal, want_left)
    return result


def _from_gram(
    A: MatrixOperator, k: int, precision: np.dtype, correct: bool, goal: float, want_left: bool
) -> SVDResult:
    G = gram_matrix(A, dtype=precision, correct=correct)
    require_finite(G)
    eigenvalues, vectors = leading_eigenpairs(G, k)
    s = np.sqrt(eigenvalues)
    eps = float(np.finfo(precision).eps)
    mean = A.full_mean
    if correct and mean is not None and s[0] > 0:
        eps *= 1 + A.shape[0] * float(mean @ mean) / eigenvalues[0]
    error = rounding_error(s, eps, squared=True)
    converged = bool(error[-1] <= goal)
    error = np.maximum(error, rounding_error(s, float(np.finfo(A.dtype).eps)))
    s = s.astype(A.dtype)
    small_side = np.ascontiguousarray(vectors, dtype=A.dtype)
    tall = A.shape[0] >= A.shape[1]
    U: Array | None
    if tall:
        Vt = small_side.T
        U = _divided(A.matmat(small_side), s) if want_left and converged else None
    else:
        U = small_side
        Vt = _divided(A.rmatmat(small_side), s).T if converged else np.empty((0, A.shape[1]))
    U, Vt = fix_signs(U if want_left else None, Vt)
    return SVDResult(U, s, Vt, error, "gram", 1, converged)


def _divided(columns: Array, s: Array) -> Array:
    """Divide by singular values; those that vanish belong to vectors of zeros."""
    return np.divide(columns, s, out=np.zeros_like(columns), where=s > 0)
