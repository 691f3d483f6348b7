"""Where a non-negative factorization starts."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from lrfact._memory import require_factors
from lrfact._typing import Array
from lrfact.solvers.nmf.nonnegative_problem import count_nonzero
from lrfact.solvers.svd._result import SVDResult
from lrfact.solvers.svd.truncated_svd import truncated_svd

STARTS = ("random", "nndsvd", "nndsvda", "nndsvdar")

# Smaller loadings of singular vectors are noise, and so are vectors of smaller singular values
# beside the largest: those of different ways to add up have nothing in common.
_LEAST = 1e-6
_LEAST_VALUE = 1e-4

# Of the singular values.
_TOL = 1e-2

# What fills zeros, as a share of a component: of one as large as the others where squares count,
# else of its own size, so that one of small entries stays small beside huge ones.
_FILL_OF_SQUARES, _FILL, _RANDOM_FILL = 1.5, 0.3, 0.01

# Time of an operation beside one of a large matrix product: see `choose_svd_solver`.
_THIN_PRODUCT, _SPARSE_PRODUCT, _TRIDIAGONALIZATION = 2.5, 10.0, 2.0


def nonnegative_init(
    matrix: Any,
    n_components: int,
    init: str,
    *,
    hidden: sparse.csr_array | None = None,
    beta: float = 2.0,
    rng: np.random.RandomState,
    n_threads: int,
) -> tuple[Array, Array]:
    r"""Return factors to start from.

    Parameters
    ----------
    matrix : {ndarray, csr_array} of shape (n_rows, n_columns)
        Not negative; missing entries are 0.

    n_components : int
        Number of components, for "nndsvd" and its variants at most min(n_rows, n_columns).

    init : {"random", "nndsvd", "nndsvda", "nndsvdar"}
        "random": sizes of normal numbers, times the root of the mean entry over `n_components`.
        "nndsvd": of each singular triplet the positive or the negative part, whichever is larger.
        "nndsvda" fills its zeros with what the sums of rows and columns suggest, "nndsvdar" with
        small random numbers.

    hidden : csr_array of shape (n_rows, n_columns) or None, default=None
        Places of missing entries, which count as the mean of their column.

    beta : float, default=2
        Parameter of the beta-divergence. Below 2, where small entries matter beside huge ones, the
        singular vectors are those of the matrix with rows and columns divided by the square roots
        of their sums, if those of the matrix itself are dominated by huge entries.

    rng : RandomState
        Draws what is random, and the start of the singular vectors.

    n_threads : int
        The digits do not depend on it.

    Returns
    -------
    rows : ndarray of shape (n_rows, n_components)
    columns : ndarray of shape (n_columns, n_components)
        Initial factors, with the dtype of `matrix`.

    References
    ----------
    Boutsidis and Gallopoulos (2008), doi:10.1016/j.patcog.2007.09.010.
    """
    require_factors(matrix.shape, n_components)
    n_shown = matrix.shape[0] * matrix.shape[1] - (0 if hidden is None else hidden.nnz)
    mean = float(_sums(matrix, 1).sum()) / max(n_shown, 1)
    if init == "random":
        scale = np.sqrt(mean / n_components)
        # Columns first, as scikit-learn draws them.
        columns = scale * np.abs(rng.standard_normal((n_components, matrix.shape[1]))).T
        rows = scale * np.abs(rng.standard_normal((matrix.shape[0], n_components)))
        return _as_factors(rows, matrix), _as_factors(columns, matrix)
    evens = _even_factors(matrix, n_components, hidden, mean)
    if hidden is not None:
        matrix = _filled(matrix, hidden)
    parts = _positive_parts(matrix, n_components, rng, n_threads)
    if beta < 2 and not parts[0].any(axis=0).all():
        # Singular vectors see huge entries only; with rows and columns scaled, also others.
        scales = [np.sqrt(even) for even in evens]
        scaled = _scaled(matrix, *(_inverse(scale) for scale in scales))
        parts = _positive_parts(scaled, n_components, rng, n_threads)
        for factors, scale in zip(parts, scales, strict=True):
            factors *= scale[:, np.newaxis]
    for factors, even in zip(parts, evens, strict=True):
        _fill(factors, even, init, beta, rng)
    rows, columns = parts
    return _as_factors(rows, matrix), _as_factors(columns, matrix)


def _even_factors(
    matrix: Any, n_components: int, hidden: sparse.csr_array | None, mean: float
) -> tuple[Array, Array]:
    """Return a factor of each row and of each column, for all components alike.

    Their product is the mean of the row times that of the column, over that of all entries.
    """
    evens = []
    for axis in (1, 0):
        n_shown = np.full(matrix.shape[1 - axis], matrix.shape[axis], dtype=np.float64)
        if hidden is not None:
            n_shown -= np.diff(hidden.indptr) if axis else _counts(hidden)
        means = _sums(matrix, axis) / np.maximum(n_shown, 1)
        evens.append(means / np.sqrt(mean * n_components) if mean > 0 else means)
    return evens[0], evens[1]


def _sums(matrix: Any, axis: int) -> NDArray[np.float64]:
    """Return the sums along an axis in float64; SciPy's may be rounded to that of the matrix."""
    if not sparse.issparse(matrix):
        return matrix.sum(axis=axis, dtype=np.float64)
    places = (
        matrix.indices
        if axis == 0
        else np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    )
    return np.bincount(places, weights=matrix.data, minlength=matrix.shape[1 - axis])


def _counts(hidden: sparse.csr_array) -> NDArray[np.intp]:
    """Return how many entries each column hides."""
    return np.bincount(hidden.indices, minlength=hidden.shape[1])


def _inverse(scale: Array) -> Array:
    return np.divide(1, scale, out=np.zeros_like(scale), where=scale > 0)


def _scaled(matrix: Any, of_rows: Array, of_columns: Array) -> Any:
    """Return a matrix with scaled rows and columns."""
    if not sparse.issparse(matrix):
        return (of_rows[:, np.newaxis] * matrix * of_columns).astype(matrix.dtype)
    data = np.repeat(of_rows, np.diff(matrix.indptr)) * matrix.data * of_columns[matrix.indices]
    return sparse.csr_array(
        (data.astype(matrix.dtype), matrix.indices, matrix.indptr), matrix.shape
    )


def _fill(factors: Array, even: Array, init: str, beta: float, rng: np.random.RandomState) -> None:
    """Fill zeros with a share of the component, spread as the sums of the rows are.

    Components without anything are drawn, so that they are not all the same.
    """
    total = even.sum()
    if init == "nndsvd" or total == 0:
        return
    empty = factors == 0
    nothing = empty.all(axis=0)
    if beta < 2:
        share, size = _FILL, factors.sum(axis=0)
    else:
        share, size = _FILL_OF_SQUARES, np.full(factors.shape[1], total)
    filling = np.multiply.outer(even / total, share * size)[empty]
    if init == "nndsvdar":
        filling *= (_RANDOM_FILL / share) * np.abs(rng.standard_normal(len(filling)))
    factors[empty] = filling
    if nothing.any():
        drawn = np.abs(rng.standard_normal((len(factors), int(nothing.sum()))))
        factors[:, nothing] = even[:, np.newaxis] * drawn


def _positive_parts(
    matrix: Any, n_components: int, rng: np.random.RandomState, n_threads: int
) -> tuple[Array, Array]:
    result = _leading_triplets(matrix, n_components, rng, n_threads)
    assert result.U is not None
    U, V = result.U.astype(np.float64), result.Vt.T.astype(np.float64)
    # The leading vectors have no change of sign, but for rounding errors.
    if U[:, 0].sum() < 0:
        U[:, 0], V[:, 0] = -U[:, 0], -V[:, 0]
    parts = []
    for sign in (1, -1):
        u, v = np.maximum(sign * U, 0), np.maximum(sign * V, 0)
        parts.append((u, v, np.linalg.norm(u, axis=0), np.linalg.norm(v, axis=0)))
    (u, v, u_norm, v_norm), (u_minus, v_minus, u_minus_norm, v_minus_norm) = parts
    minus = u_minus_norm * v_minus_norm > u_norm * v_norm
    u[:, minus], v[:, minus] = u_minus[:, minus], v_minus[:, minus]
    u_norm[minus], v_norm[minus] = u_minus_norm[minus], v_minus_norm[minus]
    size = np.sqrt(result.s * u_norm * v_norm)
    rows = u * np.divide(size, u_norm, out=np.zeros_like(size), where=u_norm > 0)
    columns = v * np.divide(size, v_norm, out=np.zeros_like(size), where=v_norm > 0)
    for factors in (rows, columns):
        factors[factors < _LEAST * np.sqrt(result.s)] = 0
        factors[:, result.s < _LEAST_VALUE * result.s[0]] = 0
    return rows, columns


def _leading_triplets(
    matrix: Any, n_components: int, rng: np.random.RandomState, n_threads: int
) -> SVDResult:
    """Return singular triplets, by the same steps whether the matrix is stored dense or sparse."""
    options: dict[str, Any] = {"tol": _TOL, "rng": rng, "n_threads": n_threads}
    if _prefers_krylov_space(matrix, n_components):
        return truncated_svd(matrix, n_components, solver="randomized", **options)
    try:
        return truncated_svd(matrix, n_components, solver="gram", **options)
    except ValueError:  # squares lose the digits
        return truncated_svd(matrix, n_components, solver="exact", **options)


def _prefers_krylov_space(matrix: Any, n_components: int) -> bool:
    """Compare costs as `choose_svd_solver` does, but by the entries that are not 0."""
    p, q = min(matrix.shape), max(matrix.shape)
    basis = 4.0 * n_components + 60.0
    if basis > 0.5 * p:
        return False
    product = min(_SPARSE_PRODUCT * 2 * count_nonzero(matrix), _THIN_PRODUCT * 2.0 * p * q)
    gram = 1.0 * p * p * q + _TRIDIAGONALIZATION * 4 / 3 * p**3
    return 2 * product * basis + _THIN_PRODUCT * 4.0 * p * basis**2 < gram


def _filled(matrix: Any, hidden: sparse.csr_array) -> Any:
    """Put the mean of what its column shows in the place of each missing entry."""
    n_shown = matrix.shape[0] - _counts(hidden)
    means = _sums(matrix, 0) / np.maximum(n_shown, 1)
    if sparse.issparse(matrix):
        values = means[hidden.indices].astype(matrix.dtype)
        return matrix + sparse.csr_array((values, hidden.indices, hidden.indptr), hidden.shape)
    filled = matrix.copy()
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(hidden.indptr))
    filled[rows, hidden.indices] = means[hidden.indices]
    return filled


def _as_factors(factors: Array, matrix: Any) -> Array:
    return np.ascontiguousarray(factors, dtype=matrix.dtype)
