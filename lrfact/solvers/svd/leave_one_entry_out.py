"""Error of predicting each entry from the others of its row, in closed form, all ranks at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from lrfact._typing import ArrayLike, FloatArray
from lrfact.linalg.as_operator import as_operator
from lrfact.linalg.dense_operator import DenseOperator
from lrfact.linalg.matrix_operator import MatrixOperator
from lrfact.linalg.scaling_exponent import scaling_exponent
from lrfact.linalg.sparse_operator import SparseOperator

# Parts of the energy of a column that a difference of sums still gives to several digits.
_LITTLE_LEFT = {np.dtype(np.float32): 1e-3, np.dtype(np.float64): 1e-6}

# Columns whose residuals are formed at a time, and the work that is spent on them at most: about a
# second, for a product of the matrix with each.
_COLUMNS = 64
_AFFORDABLE = 2e9


def leave_one_entry_out_rmse(
    X: Any,
    components: npt.NDArray[Any],
    *,
    mean: ArrayLike | None = None,
    n_threads: int = 1,
) -> FloatArray:
    r"""Root mean squared leave-one-entry-out error of the leading 0, 1, ..., k components.

    Row *i* of `X` is projected on the components, ``W = X V``. To predict the entry *(i, j)*
    without having seen it, the row would be projected again without its *j*-th entry. For
    orthonormal components and a fully observed row this has the closed form

    .. math:: x_{ij} - \hat x_{ij}^{(-j)} = \frac{x_{ij} - w_i' v_j}{1 - h_j},
              \qquad h_j = \|v_j\|^2,

    with :math:`v_j` the loadings of column *j*. Unlike the plain residual it does not always
    fall with the rank, so its smallest value over the ranks, on rows that the components were
    not learnt from, is a sound choice of the rank. Its square sums to

    .. math:: \sum_j \frac{\sum_i (x_{ij} - w_i' v_j)^2}{(1 - h_j)^2}

    over *all* entries, zeros of a sparse matrix included, for which stored entries, ``X' W`` and
    ``W' W`` suffice. Adding components one by one changes each column's sum by a few products,
    so all ranks together cost what the last one does.

    **Unpredictable entries.** When :math:`1 - h_j` vanishes (column *j* is alone in some
    combination of the components, as every column is when k equals the number of features), the
    other entries say nothing about this one. The prediction is then 0, or the column mean where
    `mean` is given, and the residual the entry itself: the minimum-norm least squares solution,
    and the limit of a vanishing ridge penalty on the projection. Vanishing means ``1 - h_j <=
    100 * eps`` of the dtype of `components`.

    Parameters
    ----------
    X : ndarray, sparse matrix or MatrixOperator of shape (n_samples, n_features)
        Finite. Sparse input is never densified; absent entries are zeros.

    components : ndarray of shape (n_components, n_features)
        Orthonormal rows in the order of the ranks.

    mean : array-like of shape (n_features,), default=None
        Training means, which are subtracted from every row before the projection without
        densifying. None for a `MatrixOperator` that is already centered.

    n_threads : int, default=1
        Threads for the sparse products.

    Returns
    -------
    ndarray of shape (n_components + 1,)
        float64, in the units of `X`. The value at index *r* is for the leading *r* components; at
        index 0 for predicting 0 (the mean) everywhere.

    See Also
    --------
    lrfact.model_selection.select_rank : Chooses the rank of least error over row folds.

    Notes
    -----
    Cost: :math:`3 n m k` multiply-adds for dense input, :math:`2 k` per stored entry plus
    :math:`2 m k^2 + n k^2` for sparse input. Memory: one block of rows, or ``W`` of shape
    (n_samples, n_components), and a few tables of shape (n_features, n_components).

    Sums run in float64 whatever the dtype of `X`. Dense input is exact to rounding. For sparse
    input the residual of the last rank is a difference of sums of the size of each column's
    energy. Columns of which less than 1e-6 is left (in float32: 1e-3) are therefore looked at entry
    by entry, those of the largest energy first, as many as 2e9 operations allow. Beyond, an error
    far below the root mean square of `X` comes out as noise: below about 1e-8 of it.

    References
    ----------
    Bro, R., Kjeldahl, K., Smilde, A. K. and Kiers, H. A. L. (2008). Cross-validation of component
    models: a critical look at current methods. Analytical and Bioanalytical Chemistry 390.
    doi:10.1007/s00216-007-1790-1. (Why an entry must not take part in its own prediction.)

    Examples
    --------
    >>> import numpy as np
    >>> from lrfact.solvers.svd.leave_one_entry_out import leave_one_entry_out_rmse
    >>> rng = np.random.default_rng(0)
    >>> directions = rng.normal(size=(2, 12))
    >>> train, test = (
    ...     rng.normal(size=(n, 2)) @ directions + 0.1 * rng.normal(size=(n, 12)) for n in (80, 20)
    ... )
    >>> components = np.linalg.svd(train, full_matrices=False)[2][:4]
    >>> leave_one_entry_out_rmse(test, components).round(2).tolist()
    [1.14, 0.71, 0.12, 0.12, 0.13]
    """
    A = as_operator(X, n_threads=n_threads)
    if mean is not None:
        A = A.centered(np.asarray(mean))
    exponent = scaling_exponent(A)
    if exponent:
        A = A.scaled(-exponent)
    V = np.ascontiguousarray(components.T, dtype=np.float64)
    sums = _sums_of_blocks(A, V) if isinstance(A, DenseOperator) else _sums_of_products(A, V)
    energy = _residual_energy_per_rank(*sums, V)

    leverage = np.cumsum(V**2, axis=1)
    left = np.column_stack([np.ones(V.shape[0]), 1 - leverage])
    predictable = left > 100 * np.finfo(components.dtype).eps
    # Rank 0 is the entry itself, which is also the residual where nothing can be predicted.
    squared = np.where(predictable, energy, energy[:, :1])
    squared /= np.where(predictable, left, 1.0) ** 2
    return np.ldexp(np.sqrt(np.sum(squared, axis=0) / (A.shape[0] * A.shape[1])), exponent)


def _residual_energy_per_rank(
    residual_energy: FloatArray, cross: FloatArray, gram: FloatArray, V: FloatArray
) -> FloatArray:
    """Column sums of squared residuals for the leading 0..k components, shape (n_features, k + 1).

    Built from the last rank downwards: with E the residual of all k components, that of r
    components is E plus the sum over c > r of ``w_c v_c'``. Squares are added rather than
    subtracted, so that small residuals keep their digits.

    Parameters
    ----------
    residual_energy : ndarray of shape (n_features,)
        Column sums of ``E**2``.
    cross : ndarray of shape (n_features, k)
        ``E' W``.
    gram : ndarray of shape (k, k)
        ``W' W``.
    V : ndarray of shape (n_features, k)
        Components as columns.
    """
    with_later = cross + V @ np.tril(gram, -1)
    steps = 2 * V * with_later + V**2 * np.diagonal(gram)
    energy = np.empty((V.shape[0], V.shape[1] + 1))
    energy[:, -1] = residual_energy
    np.cumsum(steps[:, ::-1], axis=1, out=energy[:, -2::-1])
    energy[:, :-1] += residual_energy[:, None]
    # A sum of squares that is zero but for rounding may come out negative.
    return np.maximum(energy, 0.0, out=energy)


def _sums_of_blocks(A: MatrixOperator, V: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Residual energy, cross products and Gram matrix, from residuals formed block by block."""
    n_columns, k = V.shape
    residual_energy, cross, gram = np.zeros(n_columns), np.zeros((n_columns, k)), np.zeros((k, k))
    for rows in A.row_blocks():
        E = np.array(rows, dtype=np.float64)
        W = E @ V
        E -= W @ V.T
        residual_energy += np.einsum("ij,ij->j", E, E)
        cross += E.T @ W
        gram += W.T @ W
    return residual_energy, cross, gram


def _sums_of_products(
    A: MatrixOperator, V: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The same from products alone: the residual of a sparse matrix would be dense.

    Where a difference of sums would lose its digits, the residual of the column is formed.
    """
    W = np.asarray(A.matmat(V), dtype=np.float64)
    AtW = np.asarray(A.rmatmat(W), dtype=np.float64)
    gram = W.T @ W
    VG = V @ gram
    fitted = 2 * np.einsum("jc,jc->j", V, AtW) - np.einsum("jc,jc->j", V, VG)
    energies = np.asarray(A.column_energies(), dtype=np.float64)
    # The two sides of the difference were summed in different orders; a square is not negative.
    residual_energy, cross = np.maximum(energies - fitted, 0.0), AtW - VG
    lost = _cancelled(residual_energy, energies, A, V.shape[1])
    if lost.size and A.dtype == np.float32 and isinstance(A, SparseOperator):
        A = A.in_float64()
        W = np.asarray(A.matmat(V), dtype=np.float64)
    for start in range(0, len(lost), _COLUMNS):
        columns = lost[start : start + _COLUMNS]
        units = np.zeros((len(V), len(columns)))
        units[columns, np.arange(len(columns))] = 1
        E = np.asarray(A.matmat(units.astype(A.dtype)), dtype=np.float64) - W @ V[columns].T
        residual_energy[columns] = np.einsum("ij,ij->j", E, E)
        cross[columns] = E.T @ W
    return residual_energy, cross, gram


def _cancelled(
    residual_energy: FloatArray, energies: FloatArray, A: MatrixOperator, n_components: int
) -> npt.NDArray[np.intp]:
    """Columns of which little is left, the largest first, as many as are affordable."""
    part = _LITTLE_LEFT[A.dtype]
    lost = np.flatnonzero((residual_energy <= part * energies) & (energies > 0))
    affordable = int(_AFFORDABLE / max(1.0, A.shape[0] * n_components + A.product_flops))
    return lost[np.argsort(-energies[lost], kind="stable")[:affordable]]
