"""Soft-impute for matrix completion, with alternating least squares in an active subspace."""

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

# Called after each iteration with its number and the objective; returns True to stop.
Progress = Callable[[int, float], bool]

# Alternating regressions in each iteration.
_ALS_ITERATIONS = 2

# Minimum number of candidate vectors; doubled if all of them become singular vectors of Z.
_CANDIDATES = 8
_POWER_ITERATIONS = 2

# The gap is computed once the relative decrease is less than this fraction of `tol`.
_NEARLY = 0.3


@dataclass(frozen=True)
class LowRankState:
    """Low-rank matrix ``U diag(s) V'``, row offsets, and candidates for more singular vectors.

    Attributes
    ----------
    U, V : ndarray of shape (n_rows, k) and (n_columns, k)
        Left and right singular vectors, with orthonormal columns.

    s : ndarray of shape (k,)
        Positive singular values, descending.

    offsets : ndarray of shape (n_rows,)
        Row offsets; zeros if the problem has none.

    candidates : ndarray of shape (n_columns, b)
        Candidates for additional right singular vectors.
    """

    U: Array
    s: Array
    V: Array
    offsets: Array
    candidates: Array

    @property
    def rank(self) -> int:
        """Rank of the matrix."""
        return len(self.s)

    def factors(self) -> tuple[Array, Array]:
        """Return balanced factors of rows and columns."""
        root = np.sqrt(self.s)
        return self.U * root, self.V * root

    def predict(self, rows: NDArray[np.integer], columns: NDArray[np.integer]) -> Array:
        """Return predictions of single entries, including row offsets."""
        A, B = self.factors()
        predicted = predict_entries(MaskedModel(A, B, 0.0), rows, columns, bias=False)
        return predicted + self.offsets[rows]


@dataclass(frozen=True)
class SoftImputeFit:
    """Result of `soft_impute`.

    Attributes
    ----------
    state : LowRankState
        Solution of the problem.

    objective : ndarray of shape (n_iter,)
        Objective F after each iteration, nonincreasing except for rounding errors.

    gap : float
        Upper bound of the distance of F from its minimum over all matrices, relative to F; NaN if
        it was not computed.

    converged : bool
        Whether `tol` was reached or `progress` requested to stop.
    """

    state: LowRankState
    objective: NDArray[np.float64]
    gap: float
    converged: bool


def zero_state(problem: NuclearNormProblem, rng: np.random.RandomState) -> LowRankState:
    """Return a matrix of zeros, the corresponding row offsets, and random candidate vectors.

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
    r"""Matrix completion by soft-impute: minimize the objective of a `NuclearNormProblem`.

    Parameters
    ----------
    problem : NuclearNormProblem
        Observed entries and the regularization of the row offsets.

    reg : float
        Regularization strength :math:`\lambda`, positive.

    start : LowRankState
        Initialization, preferably the solution for a slightly larger `reg`.

    max_rank : int
        Maximum rank. If it is reached, the solution is a minimum over matrices of this rank.

    tol : float
        Relative duality gap at which to stop; with ``certify=False``, or if `max_rank` restricts
        the rank, the relative decrease of the objective.

    max_iter : int
        Maximum number of iterations.

    certify : bool
        Whether to compute the duality gap, which requires the operator norm of the residuals.

    rng : RandomState
        Random number generator of additional vectors, if all current ones have been used.

    n_threads : int
        Number of threads. Results are bitwise identical for any number of threads.

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
    2010, lemma 6). An iteration consists of two passes of alternating least squares and one step of
    soft-impute: the singular values of ``M = P(Y - a 1' - Z) + Z``, a sparse matrix plus one of low
    rank, are shrunk by :math:`\lambda`. M is projected onto the singular vectors of Z and onto
    candidate vectors for which the residuals are largest. Vectors whose singular values shrink to
    zero are removed, the others are kept. Neither part increases the objective, and the matrix is
    never filled. Alternating between the solution in an active subspace and the search outside of
    it is the method of Hsieh and Olsen (2014), https://proceedings.mlr.press/v32/hsiehb14.html.

    For rank k, an iteration costs ``4 nnz k^2 + 2 (n_rows + n_columns) k^3 / 3`` multiplications
    and additions in the regressions, ``nnz (2 k + 50)`` in the step of soft-impute, and
    ``O((n_rows + n_columns) k^2)`` for the orthogonalization.
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
    """Return the row offsets for a matrix of zeros."""
    Y = problem.entries
    if problem.offset_penalty is None:
        return np.zeros(Y.shape[0], Y.dtype)
    sums = np.bincount(problem.row_of_entry, Y.data, Y.shape[0])
    return (sums / (np.diff(Y.indptr) + problem.offset_penalty)).astype(Y.dtype)


def _regressions(
    problem: NuclearNormProblem, reg: float, state: LowRankState, n_threads: int
) -> LowRankState:
    """Update columns and rows by alternating least squares, and return the SVD of the result."""
    with_offsets = problem.offset_penalty is not None
    if state.rank == 0:
        return replace(state, offsets=_offsets_alone(problem))
    rows, columns = state.factors()
    offsets = state.offsets
    for _ in range(_ALS_ITERATIONS):
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
    """Ridge regression of rows on the factors of the columns and, as the last one, an offset."""
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
    """Return the design matrix of the rows, and the regularization of each coefficient.

    Parameters
    ----------
    factors : ndarray of shape (n_columns, k)
        Factors of the columns.

    reg : float
        Regularization strength of a coefficient.

    offset_penalty : float or None
        Regularization of the row offset, the last coefficient; None if there is no offset.

    Returns
    -------
    design : ndarray of shape (n_columns, k) or (n_columns, k + 1)
        Design matrix; with an offset, its last column is zero, because columns have no offset.

    penalty : ndarray of shape (k,) or (k + 1,)
    """
    penalty = np.full(factors.shape[1], reg)
    if offset_penalty is None:
        return np.ascontiguousarray(factors), penalty
    no_offsets = np.zeros((len(factors), 1), factors.dtype)
    design = np.ascontiguousarray(np.hstack([factors, no_offsets]))
    return design, np.append(penalty, offset_penalty)


def _svd_of_product(A: Array, B: Array) -> tuple[Array, Array, Array]:
    """Return the SVD (U, s, V) of ``A B'``, for A and B with few columns."""
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
    """Soft-threshold the singular values of the residuals plus Z on active and new vectors."""
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
