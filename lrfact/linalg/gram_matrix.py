"""The small Gram matrix of a tall or wide matrix, block by block."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import DTypeLike

from lrfact import kernels
from lrfact._memory import require_dense
from lrfact._threads import limit_threads, single_threaded_blas
from lrfact.linalg.matrix_operator import Array, MatrixOperator
from lrfact.linalg.narrow_product import contiguous_one_way
from lrfact.linalg.symmetric_product import symmetric_product

# Up to here threads that call BLAS for panels of their own are faster than the threads of BLAS.
_FEW_COLUMNS = 512

# Of one thread of BLAS, for a multiplication and an addition; half of them are saved by symmetry.
_MILLISECONDS = 5e-8

# Rows enough for several threads, and still little memory.
_BLOCK_BYTES = 2**22


def gram_matrix(A: MatrixOperator, *, dtype: DTypeLike, correct: bool = True) -> Array:
    """Return ``A.T @ A`` if `A` is tall and ``A @ A.T`` if it is wide.

    Parameters
    ----------
    A : MatrixOperator of shape (n_rows, n_columns)
        Centered or not.

    dtype : dtype
        Precision in which blocks are multiplied; their sum is always float64.

    correct : bool, default=True
        Whether a small mean may be accounted for afterwards. That is faster; rounding errors are
        then relative to the norm of what was not centered.

    Returns
    -------
    ndarray of shape (p, p), p = min(n_rows, n_columns)
        float64, symmetric.

    Notes
    -----
    Costs ``n_rows * n_columns * p`` flops, and memory for the result and one block.
    """
    tall = A.shape[0] >= A.shape[1]
    advice = "take solver 'randomized', which needs no Gram matrix"
    require_dense((min(A.shape), min(A.shape)), np.float64, advice, n_copies=2)
    base = A.centered(None) if correct and A.mean is not None and A.mean_is_small else A
    squares = base.squares_of_columns() if tall and base.mean is None else None
    G = (
        squares
        if squares is not None
        else _sum_of_products(_blocks(base, tall=tall, dtype=dtype), dtype, A.n_threads)
    )
    if base is A:
        return G
    mean = A.full_mean
    assert A.mean is not None
    assert mean is not None
    if tall:
        G -= A.shape[0] * np.outer(mean, mean)
    else:
        scores = base.matmat(A.mean[:, np.newaxis])[:, 0].astype(np.float64)
        G -= scores[:, np.newaxis] + scores - mean @ mean
    return G


def square_gram(matrix: Array, *, n_threads: int) -> Array:
    """Return ``matrix.T @ matrix`` of a tall array, in float64.

    Parameters
    ----------
    matrix : ndarray of shape (n, p)
        float32 or float64.

    n_threads : int
        At least 1.

    Returns
    -------
    ndarray of shape (p, p)
        float64, symmetric.
    """
    return _gram_of_block(matrix, n_threads)


def _blocks(A: MatrixOperator, *, tall: bool, dtype: DTypeLike) -> Iterator[Array]:
    """Yield the lines of the longer side as rows of blocks: of a single one, if that is stored."""
    whole = A.stored_array
    # BLAS would sum all rows in float32; the kernel for few columns does not.
    sums_in_float64 = dtype == np.float64 or min(A.shape) <= _FEW_COLUMNS
    if whole is not None and whole.dtype == dtype and sums_in_float64:
        return iter([whole if tall else whole.T])
    if tall:
        return A.row_blocks(_BLOCK_BYTES)
    return (block.T for block in A.column_blocks(_BLOCK_BYTES))


def _sum_of_products(blocks: Iterator[Array], dtype: DTypeLike, n_threads: int) -> Array:
    """Return the sum of ``block.T @ block`` in float64."""
    total: Array | None = None
    for block in blocks:
        product = _gram_of_block(block.astype(dtype, copy=False), n_threads)
        if total is None:
            total = product
        else:
            total += product
    assert total is not None
    return total


def _gram_of_block(rows: Array, n_threads: int) -> Array:
    """Return ``rows.T @ rows`` in float64."""
    p = rows.shape[1]
    if p <= _FEW_COLUMNS:
        out = np.empty((p, p))
        n_threads = limit_threads(n_threads, rows.size * p * _MILLISECONDS)
        with single_threaded_blas():
            kernels.dense_gram(contiguous_one_way(rows), out, n_threads)
        return out
    return symmetric_product(rows)
