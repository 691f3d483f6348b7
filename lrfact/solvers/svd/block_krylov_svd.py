"""Leading singular triplets from a block Krylov space with a random start."""

from collections.abc import Callable

import numpy as np
from scipy.linalg import qr
from scipy.sparse.linalg import LinearOperator

from lrfact._sklearn_compat import randomized_range_finder
from lrfact.linalg.krylov_basis import KrylovBasis
from lrfact.linalg.matrix_operator import Array, MatrixOperator
from lrfact.linalg.rayleigh_ritz import triplets_from_left
from lrfact.linalg.sign_convention import fix_signs
from lrfact.solvers.svd._accuracy import (
    reaches,
    requested_error,
    residual_error,
    rounding_error,
)
from lrfact.solvers.svd._convergence import Convergence
from lrfact.solvers.svd._restart_chain import add_restart_chain
from lrfact.solvers.svd._result import SVDResult

# Called after each measurement with steps done and the largest estimated relative error of a
# singular value; returns True to stop.
Progress = Callable[[int, float], bool]

# Eigenvalues that differ by less, relatively, may have more neighbors than were found.
_CLUSTER = 0.05

# At most so many where squares have lost the digits of the smallest singular values.
_POWER_ITERATIONS = 4


def block_krylov_svd(
    A: MatrixOperator,
    k: int,
    *,
    tol: float,
    max_iter: int,
    rng: np.random.RandomState,
    want_left: bool = True,
    progress: Progress | None = None,
) -> SVDResult:
    """Compute the k leading singular triplets, stopping as soon as they are accurate enough.

    On the smaller side of ``A`` an orthonormal basis Q of the Krylov space of ``B = A A'``
    is grown block by block from a random start. The eigenvectors of ``Q' B Q`` give the triplets,
    and the part of ``B Q`` outside of Q their residuals, at no further cost.

    Parameters
    ----------
    A : MatrixOperator of shape (n_rows, n_columns)
        The matrix, centered or not.

    k : int
        Number of triplets.

    tol : float
        Relative error asked of the singular values, see
        `lrfact.solvers.svd._accuracy.residual_error`.

    max_iter : int
        Largest number of block steps.

    rng : RandomState
        Source of the start.

    want_left : bool, default=True
        Whether `U` is needed.

    progress : callable or None, default=None
        Function called at each error estimate with the number of steps and the error, which returns
        True to stop.

    Returns
    -------
    SVDResult
        `n_iter` counts block steps: products with ``A`` and its transpose of a block each.

    Notes
    -----
    With p the smaller side, b the block and d the basis at the end (about 3 k to 5 k for slowly
    decaying spectra): d products with ``A`` and its transpose, ``4 p d^2`` flops for orthogonality,
    ``p d`` numbers of memory. A basis that reaches its limit is restarted from its best vectors.
    Compared with power iteration from the same start, the space holds the result of each
    step rather than the last one only, and needs about the square root of the number of products:
    Musco and Musco (2015), arXiv:1504.05477. Small blocks lose nothing: Meyer, Musco and Musco
    (2024), arXiv:2305.02535. A start that happens to have next to nothing of the first vector may
    settle on the second, where their values differ by some 1e-4 of themselves: the error is then
    that difference. Restart as in Wu and Simon (2000), doi:10.1137/S0895479898334605.
    """
    B = A if A.shape[0] <= A.shape[1] else A.T
    p = B.shape[0]
    goal = requested_error(tol, A.dtype)
    eps = float(np.finfo(A.dtype).eps)
    width = min(_block_width(k), p)
    basis = KrylovBasis(B, capacity=min(p, max(6 * k, k + 12 * width)), rng=rng)
    B.prepare_products(basis.nbytes)
    start = randomized_range_finder(_gram_operator(B), size=width, n_iter=0, random_state=rng)
    basis.extend(start.astype(A.dtype, copy=False))
    convergence = Convergence(goal, eps)
    schedule = _Schedule(first=-(-(k + width) // width))
    step = 1
    while True:
        last = basis.is_complete or step >= max_iter
        if last or (basis.size >= k and schedule.is_due(step)):
            eigenvalues, vectors = basis.leading_eigenpairs(k)
            convergence.measure(step, eigenvalues, basis.residual_norms(vectors))
            # A complete basis has nothing left to change.
            error = np.zeros(k) if basis.is_complete else convergence.error
            worst = float(error.max())
            stopped = progress is not None and progress(step, worst)
            if last or stopped:
                break
            if worst <= goal:
                if not _may_hide_copies(eigenvalues, width):
                    break
                found = eigenvalues
                step += add_restart_chain(basis, k, float(found[-1]))
                eigenvalues, vectors = basis.leading_eigenpairs(k)
                # Of values that vanish, rounding decides which is larger.
                if (eigenvalues <= found * (1 + goal) + 100 * eps * found[0]).all():
                    break
                if basis.is_complete:  # with the second chain, so that nothing is left to change
                    error = np.zeros(k)
                    break
                convergence.measure(step, eigenvalues, basis.residual_norms(vectors))
            schedule.plan(step, convergence.steps_missing())
        if not basis.has_room_for(basis.open_width):
            # Keep the best directions and leave room for as many steps again.
            basis.restart(k + (basis.capacity - k) // 4)
        basis.extend(basis.next_block())
        step += 1
    U, s, Vt, measured = _triplets(B, basis, vectors, eigenvalues, goal, eps)
    if B is not A:
        U, Vt = Vt.T, U.T
    left, Vt = fix_signs(U if want_left else None, Vt)
    error = np.maximum(error, measured)
    converged = (basis.is_complete or worst <= goal) and reaches(error, s, goal, A.dtype)
    return SVDResult(left, s, Vt, error, "randomized", step, converged)


def _may_hide_copies(eigenvalues: Array, width: int) -> bool:
    """Return whether as many eigenvalues as a block has columns are about the same.

    A chain of blocks holds as many copies of a repeated eigenvalue as a block has columns, and its
    residuals say nothing about others. With fewer copies in sight, there are no others.
    """
    if len(eigenvalues) <= width:
        return False
    first, last = eigenvalues[: 1 - width], eigenvalues[width - 1 :]
    return bool((last >= (1 - _CLUSTER) * first).any())


def _block_width(k: int) -> int:
    """Columns multiplied at a time: few keep the basis small, many keep BLAS busy.

    As many as triplets, where these are few: no repeated singular value can then be missed.
    """
    return min(k + 4, 24)


def _gram_operator(B: MatrixOperator) -> LinearOperator:
    """Return ``B B'`` in the form that the range finder takes."""

    def product(block: Array) -> Array:
        return B.matmat(B.rmatmat(block))

    p = B.shape[0]
    return LinearOperator((p, p), matvec=product, matmat=product, dtype=B.dtype)


def _triplets(
    B: MatrixOperator,
    basis: KrylovBasis,
    vectors: Array,
    eigenvalues: Array,
    goal: float,
    eps: float,
) -> tuple[Array, Array, Array, Array]:
    """Turn the leading eigenvectors of ``B B'`` into singular triplets of ``B``.

    The last value returned is the relative error that rounding leaves in the singular values.
    """
    left = basis.combine(vectors)
    squared_error = rounding_error(np.sqrt(eigenvalues), eps, squared=True)
    if squared_error[-1] <= 0.1 * goal and eigenvalues[-1] > 0:
        s = np.sqrt(eigenvalues).astype(left.dtype)
        error = np.maximum(squared_error, rounding_error(s, eps))
        return left, s, B.rmatmat(left / s).T, error
    # The eigenvalues have lost the digits of the smallest singular values, and so have the
    # residuals. If the eigenvectors have too, the whole basis still knows better; and each power
    # iteration that does not square the matrix adds some of what the basis has never seen.
    k = len(eigenvalues)
    attempt = 0
    while True:
        U, s, Vt = triplets_from_left(B, left)
        image = B.matmat(np.ascontiguousarray(Vt[: 2 * k + 10].T))
        U, s, Vt = U[:, :k], s[:k], Vt[:k]
        # ``B' u = s v`` holds by construction.
        residuals = np.linalg.norm((image[:, :k] - U * s).astype(np.float64), axis=0)
        error = np.maximum(residual_error(residuals, s), rounding_error(s, eps))
        if attempt > _POWER_ITERATIONS or reaches(error, s, goal, B.dtype):
            return U, s, Vt, error
        if attempt == 0:
            left = basis.combine(np.eye(basis.size))
        else:
            left = qr(image, mode="economic", check_finite=False)[0]
        attempt += 1


class _Schedule:
    """Decides at which steps to measure the error: the eigenproblem costs as much as a step."""

    def __init__(self, first: int) -> None:
        self._due = first

    def is_due(self, step: int) -> bool:
        return step >= self._due

    def plan(self, step: int, missing: float) -> None:
        """Plan the next measurement at four fifths of the steps that seem to be missing."""
        # Convergence speeds up: never trust a forecast for long.
        wait = 1 if np.isinf(missing) else int(0.8 * missing)
        self._due = step + min(max(wait, 1), 3)
