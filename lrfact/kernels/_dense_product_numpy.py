"""NumPy twins of the dense products: ``@`` behind the checks that the kernels do."""

import operator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrfact.kernels._twin_checks import check_dimensions, check_layout, check_shape


def dense_matmat(
    matrix: NDArray[np.floating],
    block: NDArray[np.floating],
    factor: float,
    out: NDArray[np.floating],
    n_threads: int,
) -> None:
    """Add a multiple of the product of a dense matrix and a block to `out`.

    Parameters
    ----------
    matrix : ndarray of shape (n_rows, n_columns)
        Contiguous along its rows or its columns, which may lie apart.

    block : ndarray of shape (n_columns, width)
        What it is multiplied with.

    factor : float
        Multiplies the product.

    out : ndarray of shape (n_rows, width)
        Added to.

    n_threads : int
        At least 1; the result does not depend on it.

    Raises
    ------
    ValueError
        If shapes or dtypes disagree, or an array is not contiguous as required.
    """
    _check(matrix, block, out, n_threads, transposed=False)
    out += (matrix @ block) * out.dtype.type(factor)


def dense_rmatmat(
    matrix: NDArray[np.floating],
    block: NDArray[np.floating],
    out: NDArray[np.floating],
    n_threads: int,
) -> None:
    """Write the product of a transposed dense matrix and a block into `out`.

    Parameters
    ----------
    matrix : ndarray of shape (n_rows, n_columns)
        Contiguous along its rows or its columns, which may lie apart.

    block : ndarray of shape (n_rows, width)
        What its transpose is multiplied with.

    out : ndarray of shape (n_columns, width)
        Overwritten.

    n_threads : int
        At least 1; the result does not depend on it.

    Raises
    ------
    ValueError
        As for the product itself.
    """
    _check(matrix, block, out, n_threads, transposed=True)
    out[...] = matrix.T @ block


def _check(
    matrix: NDArray[np.floating],
    block: NDArray[np.floating],
    out: NDArray[np.floating],
    n_threads: int,
    *,
    transposed: bool,
) -> None:
    check_dimensions(matrix=(matrix, 2))
    check_layout(block=(block, 2), out=(out, 2))
    if matrix.dtype not in (np.float32, np.float64):
        raise TypeError(f"matrix has dtype {matrix.dtype}; it must be float32 or float64")
    if block.dtype != matrix.dtype or out.dtype != matrix.dtype:
        raise ValueError("matrix, block and out must share one dtype")
    if not out.flags.writeable:
        raise ValueError("out is read-only; it must be writeable")
    n_in, n_out = matrix.shape if transposed else matrix.shape[::-1]
    if block.shape[0] != n_in:
        raise ValueError(
            f"block has {block.shape[0]} rows; with a matrix of shape {matrix.shape} it must "
            f"have {n_in}"
        )
    check_shape("out", out, (n_out, block.shape[1]))
    if operator.index(n_threads) < 1:
        raise ValueError(f"n_threads={n_threads} must be at least 1")
    if matrix.size and block.size and not _is_contiguous_one_way(matrix):
        raise ValueError("matrix must be contiguous along its rows or along its columns")


def _is_contiguous_one_way(matrix: NDArray[Any]) -> bool:
    """Whether rows, or columns, are contiguous and follow one another without overlap."""
    for lines in (matrix, matrix.T):
        n_lines, length = lines.shape
        step, unit = lines.strides
        contiguous = length == 1 or unit == matrix.itemsize
        apart = n_lines == 1 or (step >= length * matrix.itemsize and step % matrix.itemsize == 0)
        if contiguous:
            return bool(apart)
    return n_lines == 1
