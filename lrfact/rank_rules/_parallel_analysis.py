"""Horn's parallel analysis: singular values above those of permuted or random data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from scipy.linalg import eigh_tridiagonal
from sklearn.utils import check_random_state

from lrfact.linalg.as_operator import as_operator
from lrfact.solvers.svd.truncated_svd import truncated_svd

from ._choice import RankChoice, leading_ranks
from ._spectrum import FloatArray, Spectrum

_NULLS = ("permutation", "signs", "gaussian")

# Relative error of the random singular values: far less than they differ among each other.
_TOL = 1e-3


def parallel_analysis_rank(
    spectrum: Spectrum,
    X: Any = None,
    *,
    null: str | None = None,
    quantile: float = 0.95,
    n_permutations: int = 20,
    random_state: Any = None,
    n_threads: int = 1,
) -> RankChoice:
    """Number of leading singular values that exceed those of permuted or random data.

    The k-th singular value is compared with the `quantile` of the k-th singular values of
    `n_permutations` random matrices; the first k that does not exceed it ends the search, and
    the rank is k - 1. The quantile is the smallest order statistic that is not below it, which
    makes the first comparison a permutation test of level ``1 - quantile`` (one false alarm in
    21 with the defaults).

    `null` determines which properties the random matrices share with the data:

    - ``"permutation"``: the data with the values of each column in random order. This keeps the
    values of every column, with their mean and variance, and removes all dependence between
    columns. On uncentered data the first component of the random matrices is that of the means, so
    that the first comparison is made with random signs instead.
    - ``"signs"``: the data with random signs. This keeps the magnitude of every entry, including
    noise whose variance differs between entries, and removes all common components, including that
    of the means, which on uncentered data increases the level considerably. (On centered sparse
    data it would fill the zeros, so that it raises an error.)
    - ``"gaussian"``: independent normal entries with the mean square of each column; with singular
      values alone, of the whole matrix.

    Sparse matrices stay sparse: stored values move to random distinct rows of their column, or
    change sign.

    Use it if columns have comparable scales and the noise is unknown. It fails if a strong
    component increases the level of the random matrices above a weak one ("shadowing"), and it
    keeps components that only represent dependent columns, such as copies of a column.

    Parameters
    ----------
    spectrum : Spectrum
        Spectrum of the data, complete or truncated; as many ranks are evaluated as it has values.

    X : {ndarray, sparse matrix} of shape (n_samples, n_features), default=None
        The data *before* centering; if ``spectrum.centered`` is true, the column means are
        subtracted here. None if only singular values are given.

    null : {"permutation", "signs", "gaussian"}, default=None
        Type of the random matrices. None means ``"permutation"`` with data, ``"gaussian"`` without.

    quantile : float, default=0.95
        In (0, 1].

    n_permutations : int, default=20
        Number of random matrices, each of which costs one factorization.

    random_state : int, RandomState instance or None, default=None
        Controls the random matrices. Pass an int for reproducible results.

    n_threads : int, default=1
        Threads for the sparse products.

    Returns
    -------
    RankChoice
        Choice whose `curve` has the singular values of the data and whose `threshold` has the
        quantiles, as many as were needed. `n_components` is 0 if the data resemble noise. It is not
        settled if all values of a truncated spectrum exceed their quantiles.

    Raises
    ------
    ValueError
        When a parameter is out of its range; when `null` needs data and none is given, or is
        ``"signs"`` with centered sparse data; when `X` has another shape than the spectrum.

    See Also
    --------
    gavish_donoho_rank : Threshold for white noise, without random matrices.

    References
    ----------
    Horn, J. L. (1965). A rationale and test for the number of factors in factor analysis.
    Psychometrika 30. doi:10.1007/BF02289447

    Buja, A. and Eyuboglu, N. (1992). Remarks on parallel analysis. Multivariate Behavioral
    Research 27(4). doi:10.1207/s15327906mbr2704_2. (Permutations instead of normal noise.)

    Hong, D., Sheng, Y. and Dobriban, E. (2020). Selecting the number of components in PCA via
    random signflips. arXiv:2012.02985

    Examples
    --------
    >>> import numpy as np
    >>> from lrfact.rank_rules import Spectrum, parallel_analysis_rank
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(90, 2)) @ rng.normal(size=(2, 20)) + rng.normal(size=(90, 20))
    >>> s = np.linalg.svd(X, compute_uv=False)
    >>> parallel_analysis_rank(Spectrum(s, X.shape), X, random_state=0).n_components
    2
    >>> parallel_analysis_rank(Spectrum(s, X.shape), random_state=0).n_components
    2
    """
    null = _check_arguments(spectrum, X, null, quantile, n_permutations)
    seeds = check_random_state(random_state).randint(2**31 - 1, size=n_permutations)
    draw = _null_sampler(spectrum, X, null, n_threads)
    values = spectrum.singular_values[: spectrum.max_rank]
    # Rounding errors are no directions, however small the random ones are.
    n_values = spectrum.numerical_rank if spectrum.is_complete else values.size
    n_values = min(n_values, values.size)

    # A single row or column has the same singular value in any order, up to rounding.
    accuracy = np.sqrt(np.finfo(np.float64 if X is None else X.dtype).eps)

    # Few values first: the search mostly ends early, and the same seeds repeat the same matrices.
    n_judged = min(16, n_values)
    while True:
        null_values = np.empty((n_permutations, n_judged))
        for row, seed in zip(null_values, seeds, strict=True):
            row[:] = draw(np.random.default_rng(seed), n_judged) if n_judged else 0.0
        level = np.quantile(null_values, quantile, axis=0, method="higher")
        failed = np.flatnonzero(values[:n_judged] <= (1 + accuracy) * level)
        if failed.size or n_judged == n_values:
            break
        n_judged = min(4 * n_judged, n_values)
    n_components = int(failed[0]) if failed.size else n_judged
    return RankChoice(
        rule="parallel",
        n_components=n_components,
        ranks=leading_ranks(n_judged),
        curve=values[:n_judged],
        threshold=level,
        criterion=f"s_k > {quantile:g} quantile of {n_permutations} random matrices ({null})",
        is_settled=bool(failed.size) or spectrum.is_complete,
    )


def permute_within_columns(X: Any, rng: np.random.Generator) -> Any:
    """A copy of `X` with the entries of each column in random order.

    Parameters
    ----------
    X : {ndarray, sparse matrix} of shape (n_samples, n_features)
        Matrix, without duplicate entries if sparse.

    rng : Generator
        Source of the order.

    Returns
    -------
    {ndarray, csc_array}
        Matrix with the same shape, dtype and, if sparse, number of stored values.
    """
    if not sp.issparse(X):
        return rng.permuted(X, axis=0)
    X = sp.csc_array(X)
    n_rows, n_columns = X.shape
    counts = np.diff(X.indptr)
    rows = np.empty(X.nnz, dtype=X.indices.dtype)
    # A column more than a quarter full would draw too many rows twice; it is shuffled whole.
    crowded = counts > n_rows // 4
    for j in np.flatnonzero(crowded):
        rows[X.indptr[j] : X.indptr[j + 1]] = rng.permutation(n_rows)[: counts[j]]
    sparse_places = np.flatnonzero(np.repeat(~crowded, counts))
    columns = np.repeat(np.arange(n_columns, dtype=np.int64), counts)[sparse_places]
    rows[sparse_places] = _distinct_rows(columns, n_rows, rng)
    shuffled = sp.csc_array((X.data, rows, X.indptr), shape=X.shape)
    shuffled.has_sorted_indices = False
    return shuffled


def _distinct_rows(
    columns: npt.NDArray[np.int64], n_rows: int, rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    """A random row for each entry, no row twice in a column; those drawn twice are drawn again."""
    rows = rng.integers(n_rows, size=columns.size)
    while True:
        key = columns * n_rows + rows
        order = np.argsort(key, kind="stable")
        repeated = order[1:][key[order[1:]] == key[order[:-1]]]
        if repeated.size == 0:
            return rows
        rows[repeated] = rng.integers(n_rows, size=repeated.size)


def flip_signs(X: Any, rng: np.random.Generator) -> Any:
    """A copy of `X` with a random sign on every entry (every stored one, if sparse)."""
    if not sp.issparse(X):
        return X * _random_signs(X.shape, X.dtype, rng)
    flipped = X.copy()
    flipped.data = X.data * _random_signs(X.data.shape, X.dtype, rng)
    return flipped


def _random_signs(shape: tuple[int, ...], dtype: Any, rng: np.random.Generator) -> npt.NDArray[Any]:
    return (2 * rng.integers(2, size=shape, dtype=np.int8) - 1).astype(dtype)


def gaussian_singular_values(
    n_rows: int, n_columns: int, k: int, rng: np.random.Generator
) -> FloatArray:
    """The `k` largest singular values of a standard normal matrix, without the matrix.

    Householder bidiagonalization of a Gaussian matrix gives independent chi variables on the two
    diagonals, so that ``O(min(n_rows, n_columns))`` numbers have exactly the right distribution.
    """
    longer, shorter = max(n_rows, n_columns), min(n_rows, n_columns)
    diagonal = rng.chisquare(longer - np.arange(shorter))
    if shorter == 1:
        return np.sqrt(diagonal)
    above = rng.chisquare(np.arange(shorter - 1, 0, -1))
    squared_diagonal = diagonal + np.append(0.0, above)
    beside = np.sqrt(diagonal[:-1] * above)
    eigenvalues = eigh_tridiagonal(
        squared_diagonal,
        beside,
        eigvals_only=True,
        select="i",
        select_range=(shorter - k, shorter - 1),
    )
    return np.asarray(np.sqrt(np.maximum(eigenvalues[::-1], 0.0)))


def _gaussian_with_column_scales(
    n_rows: int, scales: FloatArray, k: int, rng: np.random.Generator
) -> FloatArray:
    """The same for columns of different scale: an n_columns square matrix at most is drawn."""
    n_columns = scales.size
    if n_rows >= n_columns:
        # The triangular factor of a Gaussian matrix has the same singular values (Bartlett).
        matrix = np.triu(rng.standard_normal((n_columns, n_columns)), 1)
        np.fill_diagonal(matrix, np.sqrt(rng.chisquare(n_rows - np.arange(n_columns))))
    else:
        matrix = rng.standard_normal((n_rows, n_columns))
    return leading_singular_values(matrix * scales, k, None, rng)


def leading_singular_values(
    A: Any, k: int, mean: FloatArray | None, rng: np.random.Generator, n_threads: int = 1
) -> FloatArray:
    """The `k` largest singular values of `A` less `mean`, to about three digits or better."""
    operator = as_operator(A, n_threads=n_threads)
    if mean is not None:
        operator = operator.centered(mean)
    state = np.random.RandomState(rng.integers(2**31))
    return truncated_svd(operator, k, tol=_TOL, rng=state, want_left=False).s.astype(np.float64)


def _null_sampler(
    spectrum: Spectrum, X: Any, null: str, n_threads: int
) -> Callable[[np.random.Generator, int], FloatArray]:
    """A function that draws the leading singular values of one random matrix."""
    n_rows, (_, n_columns) = spectrum.degrees_of_freedom, spectrum.shape
    if X is None:
        assert spectrum.total_energy is not None
        scale = np.sqrt(spectrum.total_energy / (n_rows * n_columns)) if n_rows else 0.0
        return lambda rng, k: scale * gaussian_singular_values(n_rows, n_columns, k, rng)

    mean = None
    if spectrum.centered:
        mean = np.asarray(as_operator(X, n_threads=n_threads).column_means(), dtype=np.float64)
    if null == "gaussian":
        scales = np.sqrt(_column_mean_squares(X, mean))
        return lambda rng, k: _gaussian_with_column_scales(n_rows, scales, k, rng)
    if not sp.issparse(X) and mean is not None:
        X, mean = X - mean, None
    if sp.issparse(X):
        X = sp.csc_array(X)
        if not X.has_canonical_format:
            X = X.copy()
            X.sum_duplicates()

    def draw(rng: np.random.Generator, k: int) -> FloatArray:
        randomize = flip_signs if null == "signs" else permute_within_columns
        values = leading_singular_values(randomize(X, rng), k, mean, rng, n_threads)
        if null == "permutation" and not spectrum.centered:
            # The first of the permuted ones is along the means, which this one asks for.
            values[:1] = leading_singular_values(flip_signs(X, rng), 1, None, rng, n_threads)
        return values

    return draw


def _column_mean_squares(X: Any, mean: FloatArray | None) -> FloatArray:
    """Mean over the degrees of freedom of the squared (centered) entries of each column."""
    operator = as_operator(X)
    if mean is not None:
        operator = operator.centered(mean)
    return np.asarray(operator.column_energies() / (X.shape[0] - (mean is not None)))


def _check_arguments(
    spectrum: Spectrum, X: Any, null: str | None, quantile: float, n_permutations: int
) -> str:
    """Validate, and settle what `null` None stands for."""
    if not 0 < quantile <= 1:
        raise ValueError(f"quantile={quantile!r} of the rule 'parallel' must lie in (0, 1].")
    if n_permutations < 1:
        raise ValueError(
            f"n_permutations={n_permutations!r} of the rule 'parallel' must be at least 1."
        )
    if null is None:
        null = "gaussian" if X is None else "permutation"
    if null not in _NULLS:
        raise ValueError(f"null={null!r} of the rule 'parallel' must be one of {_NULLS} or None.")
    if X is None:
        if null != "gaussian":
            raise ValueError(
                f"null={null!r} of the rule 'parallel' rearranges the data, but only singular "
                "values are given; pass the matrix, or null='gaussian'."
            )
        spectrum.require_total("The rule 'parallel' without data")
        return null
    if tuple(X.shape) != spectrum.shape:
        raise ValueError(
            f"X of shape {X.shape} is not the matrix of the spectrum, {spectrum.shape}."
        )
    if null == "signs" and spectrum.centered and sp.issparse(X):
        raise ValueError(
            "null='signs' of the rule 'parallel' would fill the zeros of a centered sparse "
            "matrix; use null='permutation', or do not center."
        )
    return null
