"""Leading singular triplets from ARPACK's implicitly restarted Lanczos iteration."""

import numpy as np
from scipy.sparse.linalg import ArpackError, ArpackNoConvergence, svds

from lrfact.linalg.krylov_basis import KrylovBasis
from lrfact.linalg.matrix_operator import Array, MatrixOperator, TransposedOperator
from lrfact.linalg.rayleigh_ritz import residual_norms
from lrfact.linalg.require_finite import require_finite
from lrfact.linalg.sign_convention import fix_signs
from lrfact.solvers.svd._accuracy import reaches, requested_error, residual_error, rounding_error
from lrfact.solvers.svd._restart_chain import SECOND_CHAIN_CAPACITY, add_restart_chain
from lrfact.solvers.svd._result import SVDResult, nothing


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
        The matrix, centered or not.

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
    and has rounding errors to thank for others. So a few block steps look for singular values
    outside of what was found that exceed the least one inside. About 2 k to 5 k products with one
    vector, and k + 100 with blocks for the check; memory for 2 k + 1 and k + 100 vectors of the
    smaller side. Lehoucq, Sorensen and Yang (1998), doi:10.1137/1.9780898719628.
    """
    counted = _CountedProducts(A)
    start = rng.uniform(-1, 1, size=min(A.shape)).astype(A.dtype)
    goal = requested_error(tol, A.dtype)
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
    left = U if B is A else Vt.T
    if _misses_copies(B, left.astype(A.dtype, copy=False), goal, rng):
        return None
    signed, Vt = fix_signs(U if want_left else None, Vt)
    converged = reaches(error, s, goal, A.dtype)
    return SVDResult(signed, s, Vt, error, "lanczos", counted.n_products, converged)


def _misses_copies(B: MatrixOperator, left: Array, goal: float, rng: np.random.RandomState) -> bool:
    """Return whether vectors outside of the left ones found lead to larger singular values."""
    k = left.shape[1]
    eps = float(np.finfo(B.dtype).eps)
    basis = KrylovBasis(B, capacity=min(B.shape[0], k + SECOND_CHAIN_CAPACITY), rng=rng)
    basis.extend(left)
    before, _ = basis.leading_eigenpairs(k)
    add_restart_chain(basis, k, float(before[-1]))
    after, _ = basis.leading_eigenpairs(k)
    return bool((after > before * (1 + 10 * goal) + 100 * eps * before[0]).any())


class _CountedProducts(TransposedOperator):
    """Passes products on to an operator and counts the forward ones."""

    def __init__(self, base: MatrixOperator) -> None:
        super().__init__(base.T)
        self.n_products = 0

    def matmat(self, block: Array) -> Array:
        """Return ``A @ block``."""
        self.n_products += 1
        return super().matmat(block)
