"""Nuclear-norm completion: least squares inside the active directions, and a search for new ones."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import qr, svd

from lrfact.checks._threads import single_threaded_blas
from lrfact.linalg.as_operator import as_operator
from lrfact.linalg.matrix_operator import MatrixOperator
from lrfact.linalg.require_finite import require_finite
from lrfact.solvers.nuclear_norm_problem import NuclearNormProblem, relative_duality_gap
from lrfact.solvers.row_regressions import regress_rows

Array = NDArray[np.floating]

# Called after each iteration with their number and the relative decrease; True to stop.
Progress = Callable[[int, float], bool]

# Alternating regressions in each iteration.
_SWEEPS = 2

# Directions tried for entry at a time; more when all of them enter.
_CANDIDATES = 8
_POWER_ITERATIONS = 2

# The gap is computed once an iteration lowers the objective by less than this share of `tol`.
_NEARLY = 0.3


@dataclass(frozen=True)
class LowRankState:
    """A low-rank matrix ``U diag(s) V'`` with offsets, and where to look for more directions.

    Attributes
    ----------
    U, V : ndarray of shape (n_rows, k) and (n_columns, k)
        Orthonormal columns.

    s : ndarray of shape (k,)
        Descending, positive.

    row_offsets, column_offsets : ndarray of shape (n_rows,) and (n_columns,)
        Zeros where the problem has none.

    candidates : ndarray of shape (n_columns, b)
        Right directions that may be the next to enter.
    """

    U: Array
    s: Array
    V: Array
    row_offsets: Array
    column_offsets: Array
    candidates: Array

    @property
    def rank(self) -> int:
        """Number of directions."""
        return len(self.s)

    def factors(self, *, with_offsets: bool) -> tuple[Array, Array]:
        """Return factors of rows and of columns, equally large, offsets last if wanted."""
        root = np.sqrt(self.s)
        sides = []
        for directions, offsets in (
            (self.U, self.row_offsets),
            (self.V, self.column_offsets),
        ):
            extra = [offsets[:, np.newaxis]] if with_offsets else []
            sides.append(np.hstack([directions * root, *extra]))
        return sides[0], sides[1]


@dataclass(frozen=True)
class SoftImputeFit:
    """What `soft_impute` returns.

    Attributes
    ----------
    state : LowRankState
        The solution.

    objective : ndarray of shape (n_iter,)
        F after each iteration; it never rises, but for rounding.

    gap : float
        How far F may be above its minimum over all matrices, relative to itself; NaN if not asked.

    converged : bool
        Whether `tol` was reached.
    """

    state: LowRankState
    objective: NDArray[np.float64]
    gap: float
    converged: bool


def zero_state(problem: NuclearNormProblem, rng: np.random.RandomState) -> LowRankState:
    """Return the matrix of zeros, with random directions to try first.

    Parameters
    ----------
    problem : NuclearNormProblem
        With shape and dtype.

    rng : RandomState
        Of the directions.

    Returns
    -------
    LowRankState
    """
    n_rows, n_columns = problem.entries.shape
    dtype = problem.entries.dtype
    width = min(_CANDIDATES, n_rows, n_columns)
    return LowRankState(
        np.zeros((n_rows, 0), dtype),
        np.zeros(0, dtype),
        np.zeros((n_columns, 0), dtype),
        np.zeros(n_rows, dtype),
        np.zeros(n_columns, dtype),
        rng.standard_normal((n_columns, width)).astype(dtype),
    )


def soft_impute(
    problem: NuclearNormProblem,
    reg: float,
    start: LowRankState,
    *,
    max_rank: int,
    tol: float,
    max_iter: int,
    certify: bool,
    rng: np.random.RandomState,
    n_threads: int,
    progress: Progress | None = None,
) -> SoftImputeFit:
    r"""Minimize the objective of a `NuclearNormProblem`.

    Parameters
    ----------
    problem : NuclearNormProblem
        Entries and penalties of offsets.

    reg : float
        :math:`\lambda`, positive.

    start : LowRankState
        Where to begin: best the solution for a slightly larger `reg`.

    max_rank : int
        More directions are cut off, and the minimum found is then one among these ranks.

    tol : float
        Relative duality gap at which to stop, or with ``certify=False`` the relative decrease.

    max_iter : int
        At most so many iterations.

    certify : bool
        Whether to compute the gap, which takes the norm of the residuals.

    rng : RandomState
        Of candidates, where more are needed.

    n_threads : int
        The digits do not depend on it.

    progress : callable or None, default=None
        Told of each iteration; may return True to stop.

    Returns
    -------
    SoftImputeFit

    Raises
    ------
    ValueError
        If values overflow.

    Notes
    -----
    For factors of equal size, ``Z = A B'``, the nuclear norm is ``(||A||^2 + ||B||^2) / 2``, so
    that rows and columns are ridge regressions on each other (Mazumder, Hastie and Tibshirani,
    2010, lemma 6). An iteration does two sweeps of these and then one step of soft-impute: the
    singular values of ``M = P(Y - Z) + Z``, a sparse matrix plus one of low rank, shrink by
    :math:`\lambda`. M is only looked at in the directions that Z has, and in some more where the
    residuals are largest. Those that shrink to zero leave, the others enter. Neither half raises
    the objective, and the matrix is never filled. The idea of solving inside an active subspace is
    that of Hsieh and Olsen (2014), https://proceedings.mlr.press/v32/hsiehb14.html.

    For rank k, ``4 nnz k^2 + 2 (n_rows + n_columns) k^3 / 3`` multiplications and additions in the
    regressions, ``nnz (2 k + 50)`` in the step, ``O((n_rows + n_columns) k^2)`` for orthogonality.
    """
    state = start
    with_offsets = problem.has_offsets
    objective: list[float] = []
    gap, converged = np.nan, False
    while len(objective) < max_iter and not converged:
        state = _regressions(problem, reg, state, n_threads)
        rows, columns = state.factors(with_offsets=with_offsets)
        residuals = problem.residuals(rows, columns)
        values = residuals.data.astype(np.float64)
        objective.append(
            0.5 * float(values @ values)
            + reg * float(state.s.sum(dtype=np.float64))
            + problem.penalty_of_offsets(rows, columns)
        )
        before = objective[-2] if len(objective) > 1 else np.inf
        decrease = (before - objective[-1]) / objective[-1] if objective[-1] > 0 else 0.0
        if progress is not None and progress(len(objective), decrease):
            break
        found = _shrinkage_step(
            as_operator(residuals, n_threads=n_threads), reg, state, max_rank, rng
        )
        if decrease <= (_NEARLY * tol if certify else tol):
            converged = True
            if certify and state.rank < max_rank:
                gap = relative_duality_gap(
                    problem, reg, objective[-1], residuals, n_threads=n_threads
                )
                converged = gap <= tol
        state = found
    return SoftImputeFit(state, np.asarray(objective), gap, converged)


def _regressions(
    problem: NuclearNormProblem, reg: float, state: LowRankState, n_threads: int
) -> LowRankState:
    """Sweeps over rows and columns, and the singular values of what they find."""
    offsets = problem.has_offsets
    rows, columns = state.factors(with_offsets=offsets)
    width = state.rank + offsets
    if width == 0:
        return state
    penalties = np.full((2, width), reg)
    if problem.offset_penalties is not None:
        penalties[:, -1] = problem.offset_penalties
    n_rows, n_columns = problem.entries.shape
    for _ in range(_SWEEPS):
        for matrix, design, penalty, out in (
            (problem.by_columns, rows, penalties[1], columns),
            (problem.entries, columns, penalties[0], rows),
        ):
            regress_rows(
                matrix,
                None,
                design,
                intercept=0.0,
                bias=offsets,
                penalty=penalty,
                row_scale=np.ones(len(out)),
                nonnegative=False,
                n_threads=n_threads,
                out=out,
            )
    k = state.rank
    U, s, V = _svd_of_product(rows[:, :k], columns[:, :k])
    row_offsets = rows[:, -1].copy() if offsets else state.row_offsets
    column_offsets = columns[:, -1].copy() if offsets else state.column_offsets
    return LowRankState(U, s, V, row_offsets, column_offsets, state.candidates)


def _svd_of_product(A: Array, B: Array) -> tuple[Array, Array, Array]:
    """Return U, s and V of ``A B'``, for A and B with few columns."""
    with single_threaded_blas():
        Qa, Ra = qr(A, mode="economic", check_finite=False)
        Qb, Rb = qr(B, mode="economic", check_finite=False)
        if Ra.size == 0:
            return A, np.zeros(0, A.dtype), B
        W, s, Zt = svd(Ra @ Rb.T, check_finite=False)
        return Qa @ W, s, Qb @ Zt.T


def _shrinkage_step(
    residuals: MatrixOperator,
    reg: float,
    state: LowRankState,
    max_rank: int,
    rng: np.random.RandomState,
) -> LowRankState:
    """Shrink the singular values of residuals plus Z, inside the active and some more directions."""
    with single_threaded_blas():
        G = state.candidates
        for _ in range(_POWER_ITERATIONS):
            F = _orthonormal_outside(residuals.matmat(G), state.U)
            G = residuals.rmatmat(F)
            G -= state.V @ (state.V.T @ G)
        left = np.hstack([state.U, F])
        # M'left, where the part of Z has no share along F.
        image = residuals.rmatmat(left)
        image[:, : state.rank] += state.V * state.s
        require_finite(image)
        V, s, Wt = svd(image, full_matrices=False, check_finite=False)
        n_active = min(int(np.count_nonzero(s > reg)), max_rank)
        candidates = V[:, n_active : n_active + F.shape[1]]
        n_entered = n_active - state.rank
        if n_entered >= F.shape[1] and n_active < max_rank:
            n_more = min(2 * F.shape[1], *residuals.shape)
            more = rng.standard_normal((len(V), n_more)).astype(V.dtype)
            candidates = np.hstack([candidates, more])[:, :n_more]
        return LowRankState(
            left @ Wt[:n_active].T,
            s[:n_active] - s.dtype.type(reg),
            np.ascontiguousarray(V[:, :n_active]),
            state.row_offsets,
            state.column_offsets,
            candidates,
        )


def _orthonormal_outside(block: Array, basis: Array) -> Array:
    """Orthonormal directions of a block, orthogonal to a basis."""
    width = min(block.shape[1], block.shape[0] - basis.shape[1])
    for _ in range(2):
        block = block - basis @ (basis.T @ block)
        block = qr(block, mode="economic", check_finite=False)[0]
    return block[:, :width]
