"""Bayesian factorization of observed entries: draws from the posterior, by Gibbs sampling."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from lrfact._typing import Array
from lrfact.solvers.gibbs.feature_link import FeatureLink, draw_feature_link
from lrfact.solvers.gibbs.normal_prior import NormalPrior, draw_normal_prior
from lrfact.solvers.gibbs.prior_regressions import PriorRegressions

# Factors start small and grow where the data ask for it; from large ones a chain takes long to
# come back where they do not.
_FIRST_SPREAD = 0.1

# The noise starts at this share of the spread of the values.
_FIRST_NOISE = 0.7

# The prior of the noise counts as one entry with this residual, so that values without any noise
# leave equations that can be solved.
_LEAST_NOISE = 1e-3


@dataclass(frozen=True)
class GibbsProblem:
    r"""Data of a Bayesian factorization.

    .. math:: y_{ij} \sim N(w_i' v_j + b_i + c_j, \sigma^2), \quad
              (w_i, b_i) \sim N(m + B' f_i, \Lambda^{-1}), \quad
              (v_j, c_j) \sim N(m' + B'^{\prime} g_j, \Lambda'^{-1})

    Attributes
    ----------
    by_rows : csr_array of shape (n_rows, n_columns)
        Observed entries, of mean 0 and variance 1.

    by_columns : csr_array of shape (n_columns, n_rows)
        Transpose of the matrix, in CSR format.

    row_features, column_features : ndarray of shape (n_rows, r) and (n_columns, r')
        :math:`f` and :math:`g`, with orthogonal columns.

    row_weights, column_weights : ndarray of shape (nnz,) or None, default=None
        Weights in the order of `by_rows` and of `by_columns`; None for ones. An entry of weight k
        is the mean of k observations, each with noise of variance :math:`\sigma^2`.

    scatter : float, default=0
        Sum of the squares of these observations less their means.
    """

    by_rows: sparse.csr_array
    by_columns: sparse.csr_array
    row_features: Array
    column_features: Array
    row_weights: Array | None = None
    column_weights: Array | None = None
    scatter: float = 0.0

    @property
    def n_observations(self) -> float:
        """Number of observations, each entry as many as its weight."""
        if self.row_weights is None:
            return float(self.by_rows.nnz)
        return float(self.row_weights.sum(dtype=np.float64))


@dataclass(frozen=True)
class FactorState:
    """Where a chain stands, of rows or of columns.

    Attributes
    ----------
    vectors : ndarray of shape (n, k + 1)
        Factors, the bias last.

    prior : NormalPrior
        Prior of the factors.

    link : FeatureLink
        Link from features to the factors.
    """

    vectors: Array
    prior: NormalPrior
    link: FeatureLink


@dataclass(frozen=True)
class GibbsState:
    """Where a chain stands.

    Attributes
    ----------
    rows, columns : FactorState
        The two sides.

    noise : float
        Standard deviation of an entry given the vectors.
    """

    rows: FactorState
    columns: FactorState
    noise: float


@dataclass(frozen=True)
class GibbsRun:
    """What a chain has gone through.

    Attributes
    ----------
    draws : tuple
        Values returned by `keep`.

    last : GibbsState
        Last state, from which the Markov chain can be continued.

    residuals : ndarray of shape (n_sweeps,)
        Root mean square of the residuals of all observations after each sweep.
    """

    draws: tuple[Any, ...]
    last: GibbsState
    residuals: NDArray[np.float64]


def first_state(problem: GibbsProblem, k: int, rng: np.random.Generator) -> GibbsState:
    """Return where a chain starts: shrunken means as biases, small random factors.

    Parameters
    ----------
    problem : GibbsProblem
        Data of the problem.

    k : int
        Number of factors.

    rng : Generator
        Draws of the factors.

    Returns
    -------
    GibbsState
    """
    dtype = problem.by_rows.dtype

    def side(
        entries: sparse.csr_array, weights: Array | None, features: Array, bias: Array
    ) -> FactorState:
        n = entries.shape[0]
        counts = np.diff(entries.indptr)
        rows = np.repeat(np.arange(n), counts)
        left = entries.data - bias[entries.indices]
        if weights is not None:
            left *= weights
            counts = np.bincount(rows, weights, n)
        vectors = _FIRST_SPREAD * rng.standard_normal((n, k + 1)).astype(dtype)
        vectors[:, k] = np.bincount(rows, left, n) / (counts + 1)
        prior = NormalPrior(np.zeros(k + 1), np.eye(k + 1))
        return FactorState(vectors, prior, FeatureLink(np.zeros((features.shape[1], k + 1)), 1.0))

    none = np.zeros(problem.by_rows.shape[1])
    rows = side(problem.by_rows, problem.row_weights, problem.row_features, none)
    columns = side(
        problem.by_columns,
        problem.column_weights,
        problem.column_features,
        rows.vectors[:, k],
    )
    return GibbsState(rows, columns, _FIRST_NOISE)


def gibbs_factorization(
    problem: GibbsProblem,
    start: GibbsState,
    rng: np.random.Generator,
    *,
    n_sweeps: int,
    keep: Callable[[int, GibbsState], Any],
    n_threads: int,
    monitor: Callable[[int, float], bool],
) -> GibbsRun:
    """Let a chain run.

    Parameters
    ----------
    problem : GibbsProblem
        Data of the problem.

    start : GibbsState
        Initial state, or the last state of an earlier run.

    rng : Generator
        Random number generator.

    n_sweeps : int
        Sweeps over both sides.

    keep : callable
        Function of the index of an iteration, from 0, and its state, which returns the part to
        keep, or None. The rows of a draw may be many, and can be recomputed from its columns.

    n_threads : int
        The digits do not depend on it.

    monitor : callable
        Function of the number of iterations and the root mean square of the residuals, which
        returns True to stop.

    Returns
    -------
    GibbsRun

    Raises
    ------
    ValueError
        If values overflow.

    Notes
    -----
    A sweep draws the priors of the rows, then all rows given the columns, then likewise the
    columns, then the noise: ``2 nnz p^2 + (n_rows + n_columns) p^3 / 3`` multiplications and
    additions for p = k + 1, as a sweep of alternating least squares. Salakhutdinov and Mnih
    (2008), doi:10.1145/1390156.1390267.
    """
    state = start
    kept, residuals = [], []
    n_observations = problem.n_observations
    for sweep in range(n_sweeps):
        rows, _ = _draw_side(
            problem.by_rows,
            problem.row_weights,
            problem.row_features,
            state.rows,
            state.columns.vectors,
            state.noise,
            rng,
            n_threads,
        )
        columns, loss = _draw_side(
            problem.by_columns,
            problem.column_weights,
            problem.column_features,
            state.columns,
            rows.vectors,
            state.noise,
            rng,
            n_threads,
        )
        loss += problem.scatter
        precision = rng.gamma((1 + n_observations) / 2) / ((_LEAST_NOISE**2 + loss) / 2)
        state = GibbsState(rows, columns, float(precision**-0.5))
        residuals.append(float(np.sqrt(loss / n_observations)))
        draw = keep(sweep, state)
        if draw is not None:
            kept.append(draw)
        if monitor(sweep + 1, residuals[-1]):
            break
    return GibbsRun(tuple(kept), state, np.asarray(residuals))


def _draw_side(
    entries: sparse.csr_array,
    weights: Array | None,
    features: Array,
    side: FactorState,
    others: Array,
    noise: float,
    rng: np.random.Generator,
    n_threads: int,
) -> tuple[FactorState, float]:
    """Prior, link and vectors of one side given the other, and the squared residuals."""
    expected = side.link.expected(features)
    prior = draw_normal_prior(side.vectors - expected, side.link.weights, side.link.precision, rng)
    link = side.link
    if features.shape[1]:
        energies = np.einsum("nr,nr->r", features, features, dtype=np.float64)
        link = draw_feature_link(side.vectors, features, energies, prior, link, rng)
        expected = link.expected(features)
    perturbation = rng.standard_normal(side.vectors.shape, dtype=side.vectors.dtype)
    regressions = PriorRegressions(entries, others, expected, prior, noise, n_threads, weights)
    drawn = regressions.solve(perturbation)
    return FactorState(drawn.solution, prior, link), drawn.loss
