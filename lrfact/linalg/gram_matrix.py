"""The small Gram matrix of a tall or wide matrix, block by block."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import DTypeLike

from lrfact.linalg.matrix_operator import Array, MatrixOperator


def gram_matrix(A: MatrixOperator, *, dtype: DTypeLike, correct: bool = True) -> Array:
    """Return ``A.T @ A`` if `A` is tall and ``A @ A.T`` if it is wide.

    Parameters
    ----------
    A : MatrixOperator of shape (n_rows, n_columns)
        Centred or not.

    dtype : dtype
        Precision in which blocks are multiplied; their sum is always float64.

    correct : bool, default=True
        Whether a small mean may be accounted for afterwards. That is faster; rounding errors are
        then relative to the norm of what was not centred.

    Returns
    -------
    ndarray of shape (p, p), p = min(n_rows, n_columns)
        float64, symmetric.

    Notes
    -----
    Costs ``n_rows * n_columns * p`` flops, and memory for the result and one block.
    """
    tall = A.shape[0] >= A.shape[1]
    base = A.centered(None) if correct and A.mean is not None and A.mean_is_small else A
    G = _sum_of_products(base.row_blocks() if tall else (b.T for b in base.column_blocks()), dtype)
    if base is A:
        return G
    assert A.mean is not None
    mean = A.mean.astype(np.float64)
    if tall:
        G -= A.shape[0] * np.outer(mean, mean)
    else:
        scores = base.matmat(A.mean[:, np.newaxis])[:, 0].astype(np.float64)
        G -= scores[:, np.newaxis] + scores - mean @ mean
    return G


def _sum_of_products(blocks: Iterator[Array], dtype: DTypeLike) -> Array:
    """Return the sum of ``block.T @ block`` in float64."""
    total: Array | None = None
    for block in blocks:
        rows = block.astype(dtype, copy=False)
        product = rows.T @ rows  # NumPy sees the symmetry and calls syrk
        if total is None:
            total = product.astype(np.float64, copy=False)
        else:
            total += product
    assert total is not None
    return total
