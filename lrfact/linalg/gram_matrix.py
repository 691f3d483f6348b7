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
    blocks: Iterator[Array] = A.row_blocks() if tall else (b.T for b in A.column_blocks())
    total = np.zeros((min(A.shape),) * 2, order="F")
    for block in blocks:
        rows = block.astype(dtype, copy=False)
        # BLAS reads Fortran order: hand it whichever of block and transpose that is.
        if rows.flags.c_contiguous:
            transposed, trans = rows.T, 0
        else:
            transposed, trans = rows, 1
        syrk = blas.ssyrk if rows.dtype == np.float32 else blas.dsyrk
        if rows.dtype == np.float64:
            total = syrk(1.0, transposed, beta=1.0, c=total, trans=trans, lower=1, overwrite_c=1)
        else:
            total += syrk(1.0, transposed, trans=trans, lower=1)
    return total
