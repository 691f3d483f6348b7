"""Nuclear-norm completion: least squares in the active directions, and a search for new ones."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg import qr, svd

from lrfact._typing import Array
from lrfact.linalg.as_operator import as_operator
from lrfact.linalg.matrix_operator import MatrixOperator
from lrfact.linalg.require_finite import require_finite
from lrfact.solvers.completion.nuclear_norm_problem import NuclearNormProblem, relative_duality_gap
from lrfact.solvers.observed.masked_problem import MaskedModel, predict_entries
from lrfact.solvers.observed.ridge_rows import regress_rows

# Called after each iteration with their number and the objective; True to stop.
Progress = Callable[[int, float], bool]

# Alternating regressions in each iteration.
_SWEEPS = 2

# Directions tried for entry at a time, at least; twice as many when all of them enter.
_CANDIDATES = 8
_POWER_ITERATIONS = 2

# The gap is computed once an iteration lowers the objective by less than this share of `tol`.
_NEARLY = 0.3


@dataclass(frozen=True)
class LowRankState:
    """A low-rank matrix ``U diag(s) V'``, offsets of rows, and where to look for more directions.

    Attributes
    ----------
    U, V : ndarray of shape (n_rows, k) and (n_columns, k)
        Orthonormal columns.

    s : ndarray of shape (k,)
        Descending, positive.

    offsets : ndarray of shape (n_rows,)
        Zeros where the problem has none.

    candidates : ndarray of shape (n_columns, b)
        Right directions that may be the next to enter.
    """

    U: Array
    s: Array
    V: Array
    offsets: Array
    candidates: Array

    @property
    def rank(self) -> int:
        """Number of directions."""
        return len(self.s)

    def factors(self) -> tuple[Array, Array]:
        """Return factors of rows and of columns, of the same size."""
        root = np.sqrt(self.s)
        return self.U * root, self.V * root

    def predict(self, rows: NDArray[np.integer], columns: NDArray[np.integer]) -> Array:
        """Return single entries of the matrix plus offsets."""
        A, B = self.factors()
        told = predict_entries(MaskedModel(A, B, 0.0), rows, columns, bias=False)
        return told + self.offsets[rows]


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
        Upper bound of the distance of F from its minimum over all matrices, relative to F; NaN if
        it was not computed.

    converged : bool
        Whether `tol` was reached, or `progress` asked to stop.
    """

    state: LowRankState
    objective: NDArray[np.float64]
    gap: float
    converged: bool


def zero_state(problem: NuclearNormProblem, rng: np.random.RandomState) -> LowRankState:
    """Return the matrix of zeros, the offsets that go with it, and random directions to try.

    Parameters
    ----------
    problem : NuclearNormProblem
        Problem with at least one entry.

    rng : RandomState
        Random number generator of the initial vectors.

    Returns
    -------
    LowRankState
    """
    n_rows, n_columns = problem.entries.shape
    dtype = problem.entries.dtype
    return LowRankState(
        np.zeros((n_rows, 0), dtype),
        np.zeros(0, dtype),
        np.zeros((n_columns, 0), dtype),
        _offsets_alone(problem),
        rng.standard_normal((n_columns, min(_CANDIDATES, n_rows, n_columns))).astype(dtype),
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
        Entries, and the penalty of offsets.

    reg : float
        :math:`\lambda`, positive.

    start : LowRankState
        Initialization, preferably the solution for a slightly larger `reg`.

    max_rank : int
        More directions are cut off, and the minimum found is then one among these ranks.

    tol : float
        Relative duality gap at which to stop; with ``certify=False``, or where `max_rank` keeps
        directions out, the relative decrease.

    max_iter : int
        Maximum number of iterations.

    certify : bool
        Whether to compute the gap, which takes the norm of the residuals.

    rng : RandomState
        Random number generator of additional vectors, if all current ones have been used.

    n_threads : int
        The digits do not depend on it.

    progress : callable or None, default=None
        Function called after each iteration, which returns True to stop.

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
    singular values of ``M = P(Y - a 1' - Z) + Z``, a sparse matrix plus one of low rank, shrink by
    :math:`\lambda`. M is only looked at in the directions that Z has, and in some more where the
    residuals are largest. Those that shrink to zero leave, the others enter. Neither half raises
    the objective, and the matrix is never filled. To solve inside an active subspace and to look
    outside of it in turns is the idea of Hsieh and Olsen (2014),
    https://proceedings.mlr.press/v32/hsiehb14.html.

    For rank k, ``4 nnz k^2 + 2 (n_rows + n_columns) k^3 / 3`` multiplications and additions in the
    regressions, ``nnz (2 k + 50)`` in the step, ``O((n_rows + n_columns) k^2)`` for orthogonality.
    On MovieLens-100K, to 1e-4 of the minimum, it takes 0.4 s of one core, accelerated soft-impute
    on the same products 1.0 s, and soft-impute on the filled matrix 16 s.
    """
    state = start
    objective: list[float] = []
    gap, converged = np.nan, False
    while len(objective) < max_iter and not converged:
        state = _regressions(problem, reg, state, n_threads)
        residuals = problem.residuals(state.predict(problem.row_of_entry, problem.entries.indices))
        objective.append(problem.objective(reg, residuals.data, state.s, state.offsets))
        decrease = (objective[-2] - objective[-1]) if len(objective) > 1 else np.inf
        if decrease <= (_NEARLY * tol if certify else tol) * objective[-1]:
            converged = True
            is_cut_off = state.rank == max_rank < min(problem.entries.shape)
            if certify and not is_cut_off:
                gap = relative_duality_gap(
                    problem, reg, objective[-1], residuals, tol=tol, n_threads=n_threads
                )
                converged = gap <= tol
        if progress is not None and progress(len(objective), objective[-1]):
            converged = True
        operator = as_operator(residuals, n_threads=n_threads)
        state = _shrinkage_step(operator, reg, state, max_rank, rng)
    return SoftImputeFit(state, np.asarray(objective), gap, converged)


def _offsets_alone(problem: NuclearNormProblem) -> Array:
    """The offsets that go with a matrix of zeros."""
    Y = problem.entries
    if problem.offset_penalty is None:
        return np.zeros(Y.shape[0], Y.dtype)
    sums = np.bincount(problem.row_of_entry, Y.data, Y.shape[0])
    return (sums / (np.diff(Y.indptr) + problem.offset_penalty)).astype(Y.dtype)


def _regressions(
    problem: NuclearNormProblem, reg: float, state: LowRankState, n_threads: int
) -> LowRankState:
    """Sweeps over columns and rows, and the singular values of what they find."""
    with_offsets = problem.offset_penalty is not None
    if state.rank == 0:
        return replace(state, offsets=_offsets_alone(problem))
    rows, columns = state.factors()
    offsets = state.offsets
    for _ in range(_SWEEPS):
        by_columns = problem.by_columns
        if with_offsets:
            values = by_columns.data - offsets[by_columns.indices]
            pattern = (values, by_columns.indices, by_columns.indptr)
            by_columns = sparse.csr_array(pattern, by_columns.shape)
        columns = _ridge_factors(by_columns, rows, reg, None, columns, n_threads)
        rows = _ridge_factors(
            problem.entries,
            columns,
            reg,
            problem.offset_penalty,
            np.column_stack([rows, offsets]) if with_offsets else rows,
            n_threads,
        )
        if with_offsets:
            rows, offsets = np.ascontiguousarray(rows[:, :-1]), rows[:, -1].copy()
    U, s, V = _svd_of_product(rows, columns)
    return replace(state, U=U, s=s, V=V, offsets=offsets)


def _ridge_factors(
    entries: sparse.csr_array,
    factors: Array,
    reg: float,
    offset_penalty: float | None,
    out: Array,
    n_threads: int,
) -> Array:
    """Regress rows on the factors of their columns, and on an offset that comes last."""
    design, penalty = ridge_design(factors, reg, offset_penalty)
    return regress_rows(
        entries,
        None,
        design,
        intercept=0.0,
        bias=offset_penalty is not None,
        penalty=penalty,
        row_scale=np.ones(entries.shape[0]),
        nonnegative=False,
        n_threads=n_threads,
        out=np.ascontiguousarray(out),
    ).solution


def ridge_design(factors: Array, reg: float, offset_penalty: float | None) -> tuple[Array, Array]:
    """Return what rows are regressed on, and how much each coefficient is penalized.

    Parameters
    ----------
    factors : ndarray of shape (n_columns, k)
        Factors of the columns.

    reg : float
        Penalty of a coefficient.

    offset_penalty : float or None
        Regularization of the row offset, the last coefficient; None if there is no offset.

    Returns
    -------
    design : ndarray of shape (n_columns, k) or (n_columns, k + 1)
        Ends, with an offset, in zeros: columns have none.

    penalty : ndarray of shape (k,) or (k + 1,)
    """
    penalty = np.full(factors.shape[1], reg)
    if offset_penalty is None:
        return np.ascontiguousarray(factors), penalty
    no_offsets = np.zeros((len(factors), 1), factors.dtype)
    design = np.ascontiguousarray(np.hstack([factors, no_offsets]))
    return design, np.append(penalty, offset_penalty)


def _svd_of_product(A: Array, B: Array) -> tuple[Array, Array, Array]:
    """Return U, s and V of ``A B'``, for A and B with few columns."""
    Qa, Ra = qr(A, mode="economic", check_finite=False)
    Qb, Rb = qr(B, mode="economic", check_finite=False)
    W, s, Zt = svd(Ra @ Rb.T, check_finite=False)
    return Qa @ W, s, Qb @ Zt.T


def _shrinkage_step(
    residuals: MatrixOperator,
    reg: float,
    state: LowRankState,
    max_rank: int,
    rng: np.random.RandomState,
) -> LowRankState:
    """Shrink the singular values of residuals plus Z in the active and some more directions."""
    U, V, G = state.U, state.V, state.candidates
    n_tried = G.shape[1]
    if n_tried:
        for _ in range(_POWER_ITERATIONS):
            F = residuals.matmat(G)
            F = qr(F - U @ (U.T @ F), mode="economic", check_finite=False)[0]
            G = residuals.rmatmat(F)
            G -= V @ (V.T @ G)
        left = qr(np.hstack([U, F]), mode="economic", check_finite=False)[0]
    else:
        left = U
    image = residuals.rmatmat(left) + (V * state.s) @ (U.T @ left)
    require_finite(image)
    right, s, Wt = svd(image, full_matrices=False, check_finite=False)
    most = min(max_rank, *residuals.shape)
    k = min(int(np.count_nonzero(s > reg)), most)
    n_next = 2 * n_tried if k - state.rank >= n_tried else max(_CANDIDATES, n_tried // 2)
    candidates = right[:, k : k + n_next]
    n_missing = min(n_next, min(residuals.shape) - k) - candidates.shape[1]
    if n_missing > 0:
        more = rng.standard_normal((len(right), n_missing)).astype(right.dtype)
        candidates = np.hstack([candidates, more])
    return LowRankState(
        left @ Wt[:k].T,
        s[:k] - s.dtype.type(reg),
        np.ascontiguousarray(right[:, :k]),
        state.offsets,
        np.ascontiguousarray(candidates),
    )
