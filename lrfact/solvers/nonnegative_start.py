"""Where a non-negative factorization starts."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from lrfact.checks._memory import require_factors
from lrfact.solvers.truncated_svd import truncated_svd

Array = NDArray[np.floating]

STARTS = ("random", "nndsvd", "nndsvda", "nndsvdar")

# Smaller loadings of singular vectors are noise.
_LEAST = 1e-6


def nonnegative_start(
    matrix: Any,
    n_components: int,
    init: str,
    *,
    hidden: sparse.csr_array | None = None,
    mean: float,
    rng: np.random.RandomState,
    n_threads: int,
) -> tuple[Array, Array]:
    r"""Return factors to start from.

    Parameters
    ----------
    matrix : {ndarray, csr_array} of shape (n_rows, n_columns)
        Not negative; missing entries are 0.

    n_components : int
        Of "nndsvd" and its kin at most min(n_rows, n_columns).

    init : {"random", "nndsvd", "nndsvda", "nndsvdar"}
        "random": sizes of normal numbers, times the root of the mean entry over `n_components`.
        "nndsvd": of each singular triplet the positive or the negative part, whichever is larger.
        "nndsvda" fills its zeros with the mean entry, "nndsvdar" with small random numbers.

    hidden : csr_array of shape (n_rows, n_columns) or None, default=None
        Places of missing entries, which count as the mean of their column if `matrix` is dense.

    mean : float
        Of the entries that are not missing.

    rng : RandomState
        Draws what is random, and the start of the singular vectors.

    n_threads : int
        The digits do not depend on it.

    Returns
    -------
    rows : ndarray of shape (n_rows, n_components)
    columns : ndarray of shape (n_columns, n_components)
        Of the dtype of `matrix`.

    References
    ----------
    Boutsidis and Gallopoulos (2008), doi:10.1016/j.patcog.2007.09.010.
    """
    require_factors(matrix.shape, n_components)
    if init == "random":
        scale = np.sqrt(mean / n_components)
        # Columns first, as scikit-learn draws them.
        columns = scale * np.abs(rng.standard_normal((n_components, matrix.shape[1]))).T
        rows = scale * np.abs(rng.standard_normal((matrix.shape[0], n_components)))
        return _as_factors(rows, matrix), _as_factors(columns, matrix)
    if hidden is not None and not sparse.issparse(matrix):
        matrix = _filled(matrix, hidden)
    rows, columns = _positive_parts(matrix, n_components, rng, n_threads)
    for factors in (rows, columns):
        if init == "nndsvda":
            factors[factors == 0] = mean
        elif init == "nndsvdar":
            empty = factors == 0
            factors[empty] = np.abs(mean / 100 * rng.standard_normal(int(empty.sum())))
    return _as_factors(rows, matrix), _as_factors(columns, matrix)


def _positive_parts(
    matrix: Any, n_components: int, rng: np.random.RandomState, n_threads: int
) -> tuple[Array, Array]:
    result = truncated_svd(matrix, n_components, tol=1e-2, rng=rng, n_threads=n_threads)
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
    return rows, columns


def _filled(matrix: Array, hidden: sparse.csr_array) -> Array:
    """Put the mean of what its column shows in the place of each missing entry."""
    n_shown = matrix.shape[0] - np.bincount(hidden.indices, minlength=matrix.shape[1])
    means = matrix.sum(axis=0, dtype=np.float64) / np.maximum(n_shown, 1)
    filled = matrix.copy()
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(hidden.indptr))
    filled[rows, hidden.indices] = means[hidden.indices]
    return filled


def _as_factors(factors: Array, matrix: Any) -> Array:
    return np.ascontiguousarray(factors, dtype=matrix.dtype)
