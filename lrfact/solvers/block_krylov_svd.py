"""Leading singular triplets from a block Krylov space with a random start."""

from collections.abc import Callable

import numpy as np
from scipy.linalg import eigh
from scipy.sparse.linalg import LinearOperator

from lrfact.checks._compat import randomized_range_finder
from lrfact.linalg.matrix_operator import Array, MatrixOperator
from lrfact.linalg.orthonormal_block import orthonormal_block, project_out
from lrfact.linalg.rayleigh_ritz import triplets_from_left
from lrfact.linalg.sign_convention import fix_signs
from lrfact.solvers._accuracy import asked_error, residual_error, rounding_error
from lrfact.solvers._result import SVDResult

# Called after each measurement with steps done and the largest estimated relative error of a
# singular value; returns True to stop.
Progress = Callable[[int, float], bool]


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
        The matrix, centred or not.

    k : int
        Number of triplets.

    tol : float
        Relative error asked of the singular values, see
        `lrfact.solvers._accuracy.residual_error`.

    max_iter : int
        Largest number of block steps.

    rng : RandomState
        Source of the start.

    want_left : bool, default=True
        Whether `U` is needed.

    progress : callable or None, default=None
        Told the steps done and the error reached at each measurement; may return True to stop.

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
    (2024), arXiv:2305.02535. Restart as in Wu and Simon (2000), doi:10.1137/S0895479898334605.
    """
    B = A if A.shape[0] <= A.shape[1] else A.T
    p = B.shape[0]
    goal = asked_error(tol, A.dtype)
    eps = float(np.finfo(A.dtype).eps)
    width = min(_block_width(k), p)
    capacity = min(p, max(6 * k, k + 12 * width))
    basis = np.empty((p, capacity), dtype=A.dtype, order="F")
    projected = np.zeros((capacity, capacity))  # Q' B Q
    B.prepare_products(basis.nbytes)
    block = randomized_range_finder(
        _gram_operator(B), size=width, n_iter=0, random_state=rng
    ).astype(A.dtype, copy=False)
    schedule = _Schedule(first=-(-(k + width) // width))
    size = step = 0
    coupled = 0  # B maps the newest block into the span of basis[:, coupled:] and a new block
    while True:
        step += 1
        width = block.shape[1]
        image = B.matmat(B.rmatmat(block))
        basis[:, size : size + width] = block
        size += width
        Q = basis[:, :size]
        image, coefficients = project_out(image, Q, expected=coupled)
        coupled = size - width
        projected[:size, size - width : size] = coefficients
        projected[size - width : size, :size] = coefficients.T
        next_width = min(width, p - size)
        full = size + next_width > capacity
        last = next_width == 0 or step >= max_iter
        if last or full or (size >= k and schedule.is_due(step)):
            eigenvalues, vectors = _leading_eigenpairs(projected[:size, :size], k)
            outside = image @ vectors[size - width :].astype(A.dtype)
            error = _estimated_error(outside, eigenvalues, eps)
            worst = float(error.max())
            stopped = progress is not None and progress(step, worst)
            if last or stopped or worst <= goal:
                break
            schedule.measured(step, worst, goal)
        if full:
            # Keep the best directions and leave room for as many steps again.
            kept = min(k + (capacity - k) // 4, size - width)
            eigenvalues, vectors = _leading_eigenpairs(projected[:size, :size], kept)
            basis[:, :kept] = Q @ vectors.astype(A.dtype)
            projected[:] = 0
            np.fill_diagonal(projected[:kept, :kept], eigenvalues)
            size = kept
            coupled = 0
            Q = basis[:, :size]
        floor = 10 * eps * float(np.diagonal(projected).max())
        block = orthonormal_block(image, Q, next_width, floor, rng)
    U, s, Vt = _triplets(B, Q @ vectors.astype(A.dtype), eigenvalues, goal, eps)
    if B is not A:
        U, Vt = Vt.T, U.T
    left, Vt = fix_signs(U if want_left else None, Vt)
    error = np.maximum(error, rounding_error(s, eps))
    return SVDResult(left, s, Vt, error, "randomized", step, next_width == 0 or worst <= goal)


def _block_width(k: int) -> int:
    """Columns multiplied at a time: few keep the basis small, many keep BLAS busy."""
    return min(max(8, k // 4), 24)


def _gram_operator(B: MatrixOperator) -> LinearOperator:
    """Return ``B B'`` in the form that the range finder takes."""

    def product(block: Array) -> Array:
        return B.matmat(B.rmatmat(block))

    p = B.shape[0]
    return LinearOperator((p, p), matvec=product, matmat=product, dtype=B.dtype)


def _leading_eigenpairs(T: Array, k: int) -> tuple[Array, Array]:
    """Return the k largest eigenvalues of a symmetric matrix, descending, and their vectors."""
    size = len(T)
    eigenvalues, vectors = eigh(T, subset_by_index=[size - k, size - 1], check_finite=False)
    return np.maximum(eigenvalues[::-1], 0), vectors[:, ::-1]


def _estimated_error(outside: Array, eigenvalues: Array, eps: float) -> Array:
    """Estimate the relative error of each singular value from the residuals ``B u - s^2 u``."""
    s = np.sqrt(eigenvalues)
    residuals = np.linalg.norm(outside.astype(np.float64), axis=0)
    # Below this it is rounding noise of the products, and no further step makes it smaller.
    residuals[residuals <= 100 * eps * eigenvalues[0]] = 0
    return residual_error(np.divide(residuals, s, out=residuals.copy(), where=s > 0), s)


def _triplets(
    B: MatrixOperator, left: Array, eigenvalues: Array, goal: float, eps: float
) -> tuple[Array, Array, Array]:
    """Turn the leading eigenvectors of ``B B'`` into singular triplets of ``B``."""
    squared_error = rounding_error(np.sqrt(eigenvalues), eps, squared=True)
    if squared_error[-1] > 0.1 * goal:
        # The eigenvalues have lost the digits of the smallest singular values.
        return triplets_from_left(B, left)
    s = np.sqrt(eigenvalues).astype(left.dtype)
    return left, s, B.rmatmat(left / s).T


class _Schedule:
    """Decides at which steps to measure the error: the eigenproblem costs as much as a step."""

    def __init__(self, first: int) -> None:
        self._due = first
        self._last: tuple[int, float] | None = None

    def is_due(self, step: int) -> bool:
        return step >= self._due

    def measured(self, step: int, error: float, goal: float) -> None:
        """Plan the next measurement at four fifths of the steps that seem to be missing."""
        wait = 1
        if self._last is not None and 0 < error < self._last[1]:
            rate = np.log(self._last[1] / error) / (step - self._last[0])
            wait = max(1, int(0.8 * np.log(error / goal) / rate))
        # Convergence speeds up: never trust a forecast for long.
        self._due = step + min(wait, 4)
        self._last = (step, error)
