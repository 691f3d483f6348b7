"""Products of a dense matrix with a narrow block, on as many threads as the caller has.

The threads of BLAS itself gain little on blocks of some twenty columns, and at times lose a lot:
NumPy and SciPy have a library each, and their threads get in the way of each other. Here each
thread calls BLAS for panels of its own, and the digits do not depend on how many there are.
"""

import numpy as np

from lrfact import kernels
from lrfact._threads import limit_threads, single_threaded_blas
from lrfact.linalg.matrix_operator import Array

# Of one thread of BLAS, for a multiplication and an addition.
_MILLISECONDS = 1e-7


def narrow_product(matrix: Array, block: Array, n_threads: int) -> Array:
    """Return ``matrix @ block``.

    Parameters
    ----------
    matrix : ndarray of shape (n, d)
        Matrix in C or Fortran order; other layouts are copied.

    block : ndarray of shape (d, b)
        Block with the same dtype.

    n_threads : int
        At least 1.

    Returns
    -------
    ndarray of shape (n, b)
        Product in C order.
    """
    out = np.zeros((matrix.shape[0], block.shape[1]), dtype=block.dtype)
    add_narrow_product(out, matrix, block, n_threads)
    return out


def add_narrow_product(
    out: Array, matrix: Array, block: Array, n_threads: int, *, factor: float = 1.0
) -> None:
    """Add ``factor * matrix @ block`` to `out`, which lies by rows."""
    block = np.ascontiguousarray(block)
    n_threads = limit_threads(n_threads, matrix.size * block.shape[1] * _MILLISECONDS)
    with single_threaded_blas():
        kernels.dense_matmat(contiguous_one_way(matrix), block, factor, out, n_threads)


def transposed_narrow_product(matrix: Array, block: Array, n_threads: int) -> Array:
    """Return ``matrix.T @ block``, by rows; see `narrow_product`."""
    out = np.empty((matrix.shape[1], block.shape[1]), dtype=block.dtype)
    n_threads = limit_threads(n_threads, matrix.size * block.shape[1] * _MILLISECONDS)
    with single_threaded_blas():
        kernels.dense_rmatmat(
            contiguous_one_way(matrix), np.ascontiguousarray(block), out, n_threads
        )
    return out


def contiguous_one_way(matrix: Array) -> Array:
    """Return the matrix, copied unless it is contiguous along its rows or along its columns."""
    itemsize = matrix.itemsize
    if itemsize in matrix.strides and min(matrix.strides) > 0:
        return matrix
    return np.ascontiguousarray(matrix)
