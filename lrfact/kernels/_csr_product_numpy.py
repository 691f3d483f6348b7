"""NumPy twins of the sparse products: SciPy behind the checks that the kernels do."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from lrfact._typing import Array
from lrfact.kernels._argument_checks import check_layout, check_shape, check_threads


def csr_matmat(
    data: Array,
    indices: NDArray[np.integer],
    indptr: NDArray[np.integer],
    block: Array,
    out: Array,
    n_threads: int,
) -> None:
    """Write the product of a sparse matrix and a dense block into `out`.

    Parameters
    ----------
    data, indices, indptr : ndarray
        The sparse matrix, compressed by rows.

    block : ndarray of shape (n_columns, width)
        Right factor of the product.

    out : ndarray of shape (n_rows, width)
        Output array.

    n_threads : int
        At least 1; the result does not depend on it.

    Raises
    ------
    ValueError
        If shapes disagree, an array is not C-contiguous, or `indptr` or `indices`
        point outside.
    """
    check_layout(data=(data, 1), indices=(indices, 1), indptr=(indptr, 1))
    check_layout(block=(block, 2), out=(out, 2))
    matrix = _checked_matrix(data, indices, indptr, block.shape[0], block, out, n_threads)
    check_shape("out", out, (matrix.shape[0], block.shape[1]))
    out[...] = matrix @ block


def csr_rmatmat(
    data: Array,
    indices: NDArray[np.integer],
    indptr: NDArray[np.integer],
    block: Array,
    bounds: NDArray[np.int64],
    out: Array,
    n_threads: int,
) -> None:
    """Write the product of a transposed sparse matrix and a dense block into `out`.

    Parameters
    ----------
    data, indices, indptr : ndarray
        The sparse matrix, compressed by rows, not transposed.

    block : ndarray of shape (n_rows, width)
        Right factor of the product with the transpose.

    bounds : ndarray of shape (n_parts + 1,), dtype int64
        Columns at which the work is split, from 0 to n_columns; the result does not
        depend on them.

    out : ndarray of shape (n_columns, width)
        Output array.

    n_threads : int
        At least 1; the result does not depend on it.

    Raises
    ------
    ValueError
        If the arguments are invalid, as for the product itself, or `bounds` do not ascend from 0 to
        n_columns.
    """
    check_layout(data=(data, 1), indices=(indices, 1), indptr=(indptr, 1))
    check_layout(block=(block, 2), out=(out, 2), bounds=(bounds, 1))
    n_columns = out.shape[0]
    matrix = _checked_matrix(data, indices, indptr, n_columns, block, out, n_threads)
    check_shape("block", block, (matrix.shape[0], block.shape[1]))
    check_shape("out", out, (n_columns, block.shape[1]))
    if bounds.dtype != np.int64:
        raise ValueError(f"bounds has dtype {bounds.dtype}; it must be int64")
    falling = (bounds[1:] < bounds[:-1]).any()  # np.diff may overflow
    if len(bounds) < 2 or bounds[0] != 0 or bounds[-1] != n_columns or falling:
        raise ValueError(f"bounds must rise from 0 to the number of columns, {n_columns}")
    out[...] = matrix.T @ block


def csr_gram(
    data: Array,
    indices: NDArray[np.integer],
    indptr: NDArray[np.integer],
    out: NDArray[np.float64],
    n_threads: int,
) -> None:
    """Write the product of the transpose of a sparse matrix and the matrix into `out`.

    Parameters
    ----------
    data, indices, indptr : ndarray
        The sparse matrix, compressed by rows.

    out : ndarray of shape (n_columns, n_columns), float64
        Output array. Sums are in float64 for any dtype of the matrix.

    n_threads : int
        At least 1; the result does not depend on it.

    Raises
    ------
    ValueError
        If the arguments are invalid, as for the product itself.
    """
    check_layout(data=(data, 1), indices=(indices, 1), indptr=(indptr, 1), out=(out, 2))
    if out.dtype != np.float64:
        raise ValueError(f"out has dtype {out.dtype}; it must be float64")
    if not out.flags.writeable:
        raise ValueError("out is read-only; it must be writeable")
    check_shape("out", out, (len(out), len(out)))
    nothing = np.empty((0, 0), dtype=data.dtype)
    matrix = _checked_matrix(data, indices, indptr, len(out), nothing, nothing, n_threads)
    matrix = matrix.astype(np.float64)
    out[...] = (matrix.T @ matrix).toarray()


def _checked_matrix(
    data: Array,
    indices: NDArray[np.integer],
    indptr: NDArray[np.integer],
    n_columns: int,
    block: Array,
    out: Array,
    n_threads: int,
) -> Any:
    """Refuse what a compiled kernel refuses: SciPy may read past the end of such arrays."""
    if data.dtype not in (np.float32, np.float64):
        raise TypeError(f"data has dtype {data.dtype}; it must be float32 or float64")
    if indices.dtype not in (np.int32, np.int64):
        raise TypeError(f"indices has dtype {indices.dtype}; it must be int32 or int64")
    if indptr.dtype != indices.dtype:
        raise ValueError(f"indptr has dtype {indptr.dtype} and indices {indices.dtype}")
    if block.dtype != data.dtype or out.dtype != data.dtype:
        raise ValueError("data, block and out must share one dtype")
    if not out.flags.writeable:
        raise ValueError("out is read-only; it must be writeable")
    if len(indptr) < 1:
        raise ValueError("indptr is empty; it must have n_rows + 1 entries")
    if len(data) != len(indices):
        raise ValueError(
            f"data has {len(data)} entries and indices {len(indices)}; they must agree"
        )
    check_threads(n_threads)
    # csr_array takes indptr[0] == 0 for granted.
    kept = slice(int(indptr[0]), int(indptr[-1]))
    if (
        kept.start < 0
        or kept.stop > len(indices)
        or (indptr[1:] < indptr[:-1]).any()
        or (indices[kept] < 0).any()
        or (indices[kept] >= n_columns).any()
    ):
        raise ValueError(
            "the sparse matrix is damaged: indptr must rise from 0 to the number of stored "
            "entries, and indices must lie inside the matrix"
        )
    return csr_array(
        (data[kept], indices[kept], indptr - indptr[0]), shape=(len(indptr) - 1, n_columns)
    )
