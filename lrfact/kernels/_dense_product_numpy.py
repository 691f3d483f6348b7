"""NumPy twins of the dense products: ``@`` behind the checks that the kernels do."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrfact._typing import Array
from lrfact.kernels._argument_checks import (
    check_dimensions,
    check_layout,
    check_shape,
    check_threads,
)


def dense_matmat(
    matrix: Array,
    block: Array,
    factor: float,
    out: Array,
    n_threads: int,
) -> None:
    """Add a multiple of the product of a dense matrix and a block to `out`.

    Parameters
    ----------
    matrix : ndarray of shape (n_rows, n_columns)
        Contiguous along its rows or its columns, which may lie apart.

    block : ndarray of shape (n_columns, width)
        Right factor of the product.

    factor : float
        Multiplies the product.

    out : ndarray of shape (n_rows, width)
        Output array, to which the product is added.

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
    matrix: Array,
    block: Array,
    out: Array,
    n_threads: int,
) -> None:
    """Write the product of a transposed dense matrix and a block into `out`.

    Parameters
    ----------
    matrix : ndarray of shape (n_rows, n_columns)
        Contiguous along its rows or its columns, which may lie apart.

    block : ndarray of shape (n_rows, width)
        Right factor of the product with the transpose.

    out : ndarray of shape (n_columns, width)
        Output array.

    n_threads : int
        At least 1; the result does not depend on it.

    Raises
    ------
    ValueError
        If the arguments are invalid, as for the product itself.
    """
    _check(matrix, block, out, n_threads, transposed=True)
    out[...] = matrix.T @ block


def dense_gram(matrix: Array, out: NDArray[np.float64], n_threads: int) -> None:
    """Write the product of the transpose of a dense matrix and the matrix into `out`.

    Parameters
    ----------
    matrix : ndarray of shape (n_rows, n_columns)
        Contiguous along its rows or its columns, which may lie apart.

    out : ndarray of shape (n_columns, n_columns), float64
        Output array. Sums over many rows are in float64 for any dtype of the matrix.

    n_threads : int
        At least 1; the result does not depend on it.

    Raises
    ------
    ValueError
        If the arguments are invalid, as for the product itself.
    """
    check_layout(out=(out, 2))
    check_dimensions(matrix=(matrix, 2))
    if out.dtype != np.float64:
        raise ValueError(f"out has dtype {out.dtype}; it must be float64")
    _check(
        matrix,
        matrix[:, :0].copy(),
        np.empty((matrix.shape[1], 0), matrix.dtype),
        n_threads,
        transposed=True,
    )
    _require_contiguous(matrix)
    if not out.flags.writeable:
        raise ValueError("out is read-only; it must be writeable")
    check_shape("out", out, (matrix.shape[1], matrix.shape[1]))
    out[...] = 0
    for start in range(0, len(matrix), 4096):
        rows = matrix[start : start + 4096]
        out += rows.T @ rows


def _check(
    matrix: Array,
    block: Array,
    out: Array,
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
    check_threads(n_threads)
    if block.size:
        _require_contiguous(matrix)


def _require_contiguous(matrix: NDArray[Any]) -> None:
    if matrix.size and not _is_contiguous_one_way(matrix):
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
