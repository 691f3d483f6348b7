"""Leading singular triplets from ARPACK's implicitly restarted Lanczos iteration."""

import numpy as np
from scipy.sparse.linalg import ArpackError, ArpackNoConvergence, LinearOperator, svds

from lrfact.linalg.matrix_operator import Array, MatrixOperator, TransposedOperator
from lrfact.linalg.rayleigh_ritz import residual_norms
from lrfact.linalg.require_finite import require_finite
from lrfact.linalg.sign_convention import fix_signs
from lrfact.solvers._accuracy import asked_error, reaches, residual_error, rounding_error
from lrfact.solvers._result import SVDResult, nothing


def lanczos_svd(
    A: MatrixOperator,
    k: int,
    *,
    tol: float,
    max_iter: int | None,
    rng: np.random.RandomState,
    want_left: bool = True,
) -> SVDResult | None:
    """Compute the k leading singular triplets one vector at a time.

    Parameters
    ----------
    A : MatrixOperator of shape (n_rows, n_columns)
        The matrix, centred or not.

    k : int
        Number of triplets, less than min(n_rows, n_columns).

    tol : float
        Relative error asked of the singular values; 0 asks for machine precision.

    max_iter : int or None
        Largest number of restarts; None for ten times the smaller side.

    rng : RandomState
        Source of the starting vector.

    want_left : bool, default=True
        Whether `U` is needed.

    Returns
    -------
    SVDResult or None
        `n_iter` is the number of products with ``A`` and its transpose. None where ARPACK fails, or
        turns out to have missed copies of a repeated singular value: the caller must take another
        solver.

    Raises
    ------
    RuntimeError
        If ARPACK finds fewer than k triplets in `max_iter` restarts.

    Notes
    -----
    For full accuracy and few triplets. A single vector finds one copy of a repeated singular value
    and has rounding errors to thank for others. So the largest singular value outside of what was
    found is computed as well: it must not exceed the least one inside. About 2 k to 5 k products
    for the triplets and up to as many again for the check, each with one vector; memory for some
    2 k + 20 vectors of the smaller side. Lehoucq, Sorensen and Yang (1998),
    doi:10.1137/1.9780898719628.
    """
    counted = _CountedProducts(A)
    start = rng.uniform(-1, 1, size=min(A.shape)).astype(A.dtype)
    goal = asked_error(tol, A.dtype)
    # ARPACK neither starts from nothing nor notices an overflow.
    B = A if A.shape[0] <= A.shape[1] else A.T
    image = B.matmat(B.rmatmat(start[:, np.newaxis]))
    require_finite(image)
    if not image.any():
        return nothing(A.shape, k, A.dtype, "lanczos", want_left=want_left)
    try:
        U, s, Vt = svds(
            counted.as_linear_operator(), k=k, tol=tol, v0=start, maxiter=max_iter, solver="arpack"
        )
    except ArpackNoConvergence as stopped:
        if max_iter is None:
            return None
        raise RuntimeError(
            f"solver='lanczos' found {len(stopped.eigenvalues)} of n_components={k} triplets in "
            f"max_iter={max_iter} restarts; raise max_iter or tol, or take solver='randomized'"
        ) from stopped
    except ArpackError:
        return None
    order = np.argsort(s)[::-1]
    U, s, Vt = U[:, order], s[order], Vt[order]
    rounding = rounding_error(s, float(np.finfo(A.dtype).eps))
    error = np.maximum(residual_error(residual_norms(A, U, s, Vt), s), rounding)
    # From another start: of a repeated value, the first has nothing left outside of its one copy.
    another = rng.uniform(-1, 1, size=min(A.shape)).astype(A.dtype)
    if _largest_outside(counted, U, another, float(s[-1]), tol=goal) > s[-1] * (1 + 10 * goal):
        return None
    left, Vt = fix_signs(U if want_left else None, Vt)
    converged = reaches(error, s, goal, A.dtype)
    return SVDResult(left, s, Vt, error, "lanczos", counted.n_products, converged)


def _largest_outside(
    A: MatrixOperator, U: Array, start: Array, inside: float, *, tol: float
) -> float:
    """Return the largest singular value of ``A - U U' A``; infinity where that is not to be had.

    Where it is far less than the least one `inside`, zero will do.
    """

    def matvec(x: Array) -> Array:
        image = A.matmat(x.reshape(-1, 1))
        return (image - U @ (U.T @ image))[:, 0]

    def rmatvec(y: Array) -> Array:
        y = y.reshape(-1, 1)
        return A.rmatmat(y - U @ (U.T @ y))[:, 0]

    product = matvec if A.shape[1] <= A.shape[0] else rmatvec
    if np.linalg.norm(product(start)) <= 1e-6 * inside:
        return 0.0
    outside = LinearOperator(A.shape, matvec=matvec, rmatvec=rmatvec, dtype=A.dtype)
    n_vectors = 2 * U.shape[1] + 20
    try:
        s = svds(
            outside,
            k=1,
            tol=max(tol, 1e-6),
            v0=start,
            ncv=n_vectors if n_vectors < len(start) else None,
            return_singular_vectors=False,
        )
    except ArpackError:  # not to have converged is one, too
        return float("inf")
    return float(s[0])


class _CountedProducts(TransposedOperator):
    """Passes products on to an operator and counts the forward ones."""

    def __init__(self, base: MatrixOperator) -> None:
        super().__init__(base.T)
        self.n_products = 0

    def matmat(self, block: Array) -> Array:
        """Return ``A @ block``."""
        self.n_products += 1
        return super().matmat(block)
