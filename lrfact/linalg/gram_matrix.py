"""The small Gram matrix of a tall or wide matrix, block by block."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import DTypeLike
from scipy.linalg import blas

from lrfact.linalg.matrix_operator import Array, MatrixOperator


def gram_matrix(A: MatrixOperator, *, dtype: DTypeLike) -> Array:
    """Return ``A.T @ A`` if `A` is tall and ``A @ A.T`` if it is wide.

    Parameters
    ----------
    A : MatrixOperator of shape (n_rows, n_columns)
        Centred or not.

    dtype : dtype
        Precision in which blocks are multiplied; their sum is always float64.

    Returns
    -------
    ndarray of shape (p, p), p = min(n_rows, n_columns)
        float64, symmetric; only the lower triangle is filled, as `scipy.linalg.eigh` reads it.

    Notes
    -----
    Costs ``n_rows * n_columns * p`` flops, and memory for the result and one block.
    """
    tall = A.shape[0] >= A.shape[1]
    base = A.centered(None) if A.mean is not None and A.mean_is_small else A
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
    """Return the sum of ``block.T @ block``, lower triangle only, in Fortran order."""
    total: Array | None = None
    for block in blocks:
        rows = block.astype(dtype, copy=False)
        # BLAS reads Fortran order: hand it whichever of block and transpose that is.
        matrix, trans = (rows.T, 0) if rows.flags.c_contiguous else (rows, 1)
        if total is None:
            total = np.zeros((rows.shape[1],) * 2, order="F")
        if rows.dtype == np.float64:
            total = blas.dsyrk(1, matrix, beta=1, c=total, trans=trans, lower=1, overwrite_c=1)
        else:
            total += blas.ssyrk(1, matrix, trans=trans, lower=1)
    assert total is not None
    return total
