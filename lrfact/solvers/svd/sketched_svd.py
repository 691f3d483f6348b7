"""Leading singular triplets from a random sketch and a given number of power iterations."""

import numpy as np
from scipy.linalg import svd

from lrfact._sklearn_compat import randomized_range_finder
from lrfact.linalg.matrix_operator import MatrixOperator
from lrfact.linalg.rayleigh_ritz import residual_norms
from lrfact.linalg.require_finite import require_finite
from lrfact.linalg.sign_convention import fix_signs
from lrfact.solvers.svd._accuracy import residual_error, rounding_error
from lrfact.solvers.svd._result import SVDResult


def sketched_svd(
    A: MatrixOperator,
    k: int,
    *,
    n_iter: int,
    n_oversamples: int,
    power_iteration_normalizer: str,
    rng: np.random.RandomState,
    want_left: bool = True,
) -> SVDResult:
    """Compute the k leading singular triplets with a fixed amount of work.

    The range finder is scikit-learn's; the error that the asked number of iterations leaves
    is measured afterwards, at the cost of two more products with k vectors.

    Parameters
    ----------
    A : MatrixOperator of shape (n_rows, n_columns)
        The matrix, centered or not.

    k : int
        Number of triplets.

    n_iter : int
        Power iterations.

    n_oversamples : int
        Columns of the sketch beyond k.

    power_iteration_normalizer : {"auto", "QR", "LU", "none"}
        Normalization, as in `sklearn.utils.extmath.randomized_svd`.

    rng : RandomState
        Source of the sketch.

    want_left : bool, default=True
        Whether `U` is needed.

    Returns
    -------
    SVDResult
        Always marked as converged: the caller asked for the work, not for an accuracy.

    Notes
    -----
    ``2 (n_iter + 1)`` products with k + n_oversamples vectors. Halko, Martinsson and Tropp (2011),
    arXiv:0909.4061.
    """
    B = A if A.shape[0] <= A.shape[1] else A.T
    width = min(k + n_oversamples, B.shape[0])
    Q = randomized_range_finder(
        B.as_linear_operator(),
        size=width,
        n_iter=n_iter,
        power_iteration_normalizer=power_iteration_normalizer,
        random_state=rng,
    ).astype(A.dtype, copy=False)
    projected = B.rmatmat(Q).T
    require_finite(projected)
    W, s, Vt = svd(projected, full_matrices=False, check_finite=False)
    U, s, Vt = Q @ W[:, :k], s[:k], Vt[:k]
    residuals = residual_norms(B, U, s, Vt)
    error = np.maximum(
        residual_error(residuals, s), rounding_error(s, float(np.finfo(A.dtype).eps))
    )
    if B is not A:
        U, Vt = Vt.T, U.T
    left, Vt = fix_signs(U if want_left else None, Vt)
    return SVDResult(left, s, Vt, error, "randomized", n_iter)
