"""All singular values to full precision, by LAPACK."""

import numpy as np
from scipy.linalg import qr, svd

from lrfact._memory import require_dense
from lrfact.linalg.matrix_operator import Array, MatrixOperator
from lrfact.linalg.rayleigh_ritz import triplets_from_left, triplets_from_right
from lrfact.linalg.require_finite import require_finite
from lrfact.linalg.sign_convention import fix_signs
from lrfact.solvers.svd._accuracy import rounding_error
from lrfact.solvers.svd._result import SVDResult


def exact_svd(A: MatrixOperator, k: int, *, want_left: bool = True) -> SVDResult:
    """Compute the k leading singular triplets of a matrix by orthogonal transformations only.

    The matrix is read block by block and reduced to its triangular factor, whose SVD LAPACK
    computes: nothing of the size of `A` is stored, sparse matrices are never made dense, and
    no digit is lost as in a Gram matrix.

    Parameters
    ----------
    A : MatrixOperator of shape (n_rows, n_columns)
        The matrix, centered or not.

    k : int
        Number of triplets, at most min(n_rows, n_columns).

    want_left : bool, default=True
        Whether `U` is needed.

    Returns
    -------
    SVDResult
        Errors are of the order of eps * s[0] for every singular value.

    Notes
    -----
    With q the larger and p the smaller side: ``2 q p^2 + 20 p^3`` flops and ``2 p^2`` numbers,
    plus a block. The reduction is that of Demmel, Grigori, Hoemmen and Langou (2012),
    doi:10.1137/080731992, done sequentially.
    """
    tall = A.shape[0] >= A.shape[1]
    advice = "take solver 'randomized', which does not compute all singular vectors"
    require_dense((min(A.shape), min(A.shape)), A.dtype, advice, n_copies=4)
    R = _triangular_factor(A if tall else A.T)
    require_finite(R)
    _, s, Vt = svd(R, full_matrices=False, check_finite=False, lapack_driver="gesdd")
    error = rounding_error(s[:k], float(np.finfo(A.dtype).eps))
    small_side = np.ascontiguousarray(Vt[:k].T)
    U: Array | None
    if tall:
        U, right = None, small_side.T  # not a part of `Vt`, which would be kept alive by it
        if want_left:
            U, s, right = triplets_from_right(A, small_side)
    else:
        U, s, right = triplets_from_left(A, small_side)
    U, right = fix_signs(U, right)
    return SVDResult(U if want_left else None, s[:k], right, error, "exact", 1)


def _triangular_factor(tall: MatrixOperator) -> Array:
    """Return R of ``A = Q R`` for a tall matrix, folding in one block of rows at a time."""
    n_rows, n_columns = tall.shape
    # Blocks much lower than R would spend the time on factorizing R again.
    step = max(2 * n_columns, 1024)
    R = np.zeros((0, n_columns), dtype=tall.dtype)
    for start in range(0, n_rows, step):
        rows = tall.row_block(start, min(start + step, n_rows))
        (R,) = qr(np.vstack([R, rows]), mode="r", check_finite=False, overwrite_a=True)
        R = R[:n_columns]
    return R
