"""Where the factorization of observed entries starts: biases, then the SVD of what they leave."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from lrfact.checks._threads import single_threaded_blas
from lrfact.linalg.as_operator import as_operator
from lrfact.solvers.masked_problem import MaskedModel, MaskedProblem, entry_residuals
from lrfact.solvers.row_regressions import regress_rows
from lrfact.solvers.sketched_svd import sketched_svd

Array = NDArray[np.floating]

_POWER_ITERATIONS = 3
_OVERSAMPLES = 10


def masked_start(
    problem: MaskedProblem,
    rng: np.random.RandomState,
    *,
    n_threads: int,
    known: MaskedModel | None = None,
) -> MaskedModel:
    """Return parameters to start from.

    Parameters
    ----------
    problem : MaskedProblem
        To be solved.

    rng : RandomState
        Of the sketch, and of small numbers that keep factors from starting at exactly zero.

    n_threads : int
        Of the products with the matrix.

    known : MaskedModel or None, default=None
        An earlier model of the same columns. Its leading factors are kept, and those that lack are
        added for what it leaves unexplained. Its rows are not used.

    Returns
    -------
    MaskedModel
        Its rows hold biases only.

    Notes
    -----
    The residuals of the known model (of the biases alone, if there is none) are taken as a sparse
    matrix with zeros where nothing is observed. Its leading right singular vectors point where the
    factors will be: on MovieLens three sweeps from there do what twenty do from random numbers.
    With one entry in ten observed, all singular values shrink about alike, so that the vectors
    are good estimates where the values are not (Keshavan, Montanari and Oh, 2010,
    doi:10.1109/TIT.2010.2046205).
    """
    n_rows, n_columns = problem.ratings.shape
    dtype = problem.ratings.dtype
    k, width = problem.n_components, len(problem.row_penalty)
    columns = np.zeros((n_columns, width), dtype=dtype)
    if known is not None:
        n_kept = min(k, known.columns.shape[1] - problem.bias)
        columns[:, :n_kept] = known.columns[:, :n_kept]
        if problem.bias:
            columns[:, -1] = known.columns[:, -1]
        # An intercept of exactly 0 is that of a model without biases.
        intercept = (known.intercept or problem.weighted_mean) if problem.bias else 0.0
        model = MaskedModel(np.zeros((n_rows, width), dtype=dtype), columns, intercept)
    else:
        n_kept = 0
        model = _biases_alone(problem)
    if n_kept < k:
        columns = model.columns.copy()
        if problem.nonnegative:
            columns[:, n_kept:k] = rng.uniform(0.5, 1.5, size=(n_columns, k - n_kept)) / k**0.5
        else:
            explained = model if known is None else _with_rows(problem, model, n_threads)
            columns[:, n_kept:k] = _directions(problem, explained, n_kept, rng, n_threads)
        model = replace(model, columns=columns)
    return model


def _with_rows(problem: MaskedProblem, model: MaskedModel, n_threads: int) -> MaskedModel:
    """The model with its rows solved for."""
    rows = regress_rows(
        problem.ratings,
        problem.weights,
        model.columns,
        intercept=model.intercept,
        bias=problem.bias,
        penalty=problem.row_penalty,
        row_scale=problem.row_scale,
        nonnegative=False,
        n_threads=n_threads,
    )
    return replace(model, rows=rows.solution)


def _biases_alone(problem: MaskedProblem) -> MaskedModel:
    """Penalized means of rows and columns, in turns."""
    ratings, rows_of = problem.ratings, problem.row_of_entry
    n_rows, n_columns = ratings.shape
    width = len(problem.row_penalty)
    rows = np.zeros((n_rows, width), dtype=ratings.dtype)
    columns = np.zeros((n_columns, width), dtype=ratings.dtype)
    if not problem.bias:
        return MaskedModel(rows, columns, 0.0)
    intercept = problem.weighted_mean
    centered = ratings.data.astype(np.float64) - intercept
    weights = np.ones(ratings.nnz) if problem.weights is None else problem.weights
    row_bias, column_bias = np.zeros(n_rows), np.zeros(n_columns)
    sides = (
        (rows_of, n_rows, problem.row_scale * problem.row_penalty[-1]),
        (ratings.indices, n_columns, problem.column_scale * problem.column_penalty[-1]),
    )
    strength = [np.bincount(of, weights, n) + scale for of, n, scale in sides]
    for _ in range(2):
        left = centered - column_bias[ratings.indices]
        row_bias = _weighted_means(rows_of, weights * left, strength[0])
        left = centered - row_bias[rows_of]
        column_bias = _weighted_means(ratings.indices, weights * left, strength[1])
    rows[:, -1], columns[:, -1] = row_bias, column_bias
    return MaskedModel(rows, columns, intercept)


def _weighted_means(of: NDArray[np.integer], values: Array, strength: Array) -> Array:
    """Sums of `values` over equal `of`, divided by `strength`; 0 where that is 0."""
    total = np.bincount(of, values, len(strength)).astype(np.float64)
    return np.divide(total, strength, out=np.zeros_like(total), where=strength > 0)


def _directions(
    problem: MaskedProblem,
    model: MaskedModel,
    n_kept: int,
    rng: np.random.RandomState,
    n_threads: int,
) -> Array:
    """Right singular vectors of the residuals, of about the length that factors will have."""
    ratings = problem.ratings
    n_columns = ratings.shape[1]
    n_asked = problem.n_components - n_kept
    n_found = min(n_asked, *ratings.shape)
    directions = np.zeros((n_columns, n_asked), dtype=ratings.dtype)
    residuals = entry_residuals(problem, model)
    largest = float(np.abs(residuals).max(initial=0))
    if np.isfinite(largest) and largest > 0:
        left = sparse.csr_array(
            (residuals / largest, ratings.indices, ratings.indptr), ratings.shape
        )
        with single_threaded_blas():
            svd = sketched_svd(
                as_operator(left, n_threads=n_threads),
                n_found,
                n_iter=_POWER_ITERATIONS,
                n_oversamples=_OVERSAMPLES,
                power_iteration_normalizer="QR",
                rng=rng,
                want_left=False,
            )
        share = np.sqrt(svd.s / svd.s[0])
        directions[:, :n_found] = svd.Vt.T * (share * np.sqrt(n_columns / problem.n_components))
    size = float(np.sqrt(np.mean(directions.astype(np.float64) ** 2))) or 1.0
    jitter = rng.standard_normal(directions.shape) * (0.01 * size)
    return directions + np.asarray(jitter, dtype=ratings.dtype)
