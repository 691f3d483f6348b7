"""Checks that the NumPy twins share: what the type of an argument does for a kernel."""

import operator
from typing import Any

import numpy as np
from numpy.typing import NDArray


def check_dimensions(**arrays: tuple[Any, int]) -> None:
    """Refuse what is no array, or has not the number of dimensions given."""
    for name, (array, n_dims) in arrays.items():
        if not isinstance(array, np.ndarray):
            raise TypeError(f"{name} is of type {type(array).__name__}; it must be an ndarray")
        if array.ndim != n_dims:
            raise ValueError(f"{name} has {array.ndim} dimensions; it must have {n_dims}")


def check_types(
    floating: dict[str, NDArray[Any]],
    index: dict[str, NDArray[Any]] | None = None,
    outputs: tuple[NDArray[Any], ...] = (),
    **fixed: tuple[NDArray[Any], type],
) -> None:
    """Refuse the types that no compiled kernel is for, and outputs that cannot be written."""
    _check_one_type(floating, (np.float32, np.float64))
    _check_one_type(index or {}, (np.int32, np.int64))
    for name, (array, wanted) in fixed.items():
        if array.dtype != wanted:
            raise ValueError(f"{name} has dtype {array.dtype}; it must be {np.dtype(wanted)}")
    if not all(array.flags.writeable for array in outputs):
        raise ValueError("an output is read-only; all must be writeable")


def _check_one_type(arrays: dict[str, NDArray[Any]], allowed: tuple[type, ...]) -> None:
    dtypes = {array.dtype for array in arrays.values()}
    if arrays and (len(dtypes) > 1 or dtypes.pop() not in allowed):
        found = ", ".join(f"{name} {array.dtype}" for name, array in arrays.items())
        names = " or all ".join(np.dtype(dtype).name for dtype in allowed)
        raise ValueError(f"types are {found}; they must be all {names}")


def check_layout(**arrays: tuple[Any, int]) -> None:
    """Refuse, besides, what is not C-contiguous."""
    check_dimensions(**arrays)
    for name, (array, _) in arrays.items():
        if not array.flags.c_contiguous:
            raise ValueError(f"{name} must be C-contiguous")


def check_shape(name: str, array: NDArray[Any], wanted: tuple[int, ...]) -> None:
    """Refuse another shape than the one wanted."""
    if array.shape != wanted:
        raise ValueError(f"{name} has shape {array.shape}; it must have {wanted}")


def check_sparse_rows(
    data: NDArray[Any],
    indices: NDArray[Any],
    indptr: NDArray[Any],
    n_rows: int,
    n_columns: int,
) -> None:
    """Refuse compressed rows that do not fit together, or lie outside the matrix."""
    check_layout(data=(data, 1), indices=(indices, 1), indptr=(indptr, 1))
    check_shape("data", data, indices.shape)
    check_shape("indptr", indptr, (n_rows + 1,))
    check_row_pointers(indptr, len(indices))
    columns = indices[int(indptr[0]) : int(indptr[-1])]
    if len(columns) and (columns.min() < 0 or columns.max() >= n_columns):
        raise ValueError("the sparse matrix is damaged: indices must lie inside the matrix")


def check_row_pointers(indptr: NDArray[np.integer], n_stored: int) -> None:
    """Refuse rows that do not follow one another inside the stored entries."""
    n = len(indptr) - 1
    if (indptr[1:] < indptr[:-1]).any() or indptr[0] < 0 or indptr[n] > n_stored:
        raise ValueError("the sparse matrix is damaged: indptr must rise from 0")


def check_positive_floor(floor: float) -> None:
    """Refuse a floor that would let a division by zero through."""
    if not floor > 0:
        raise ValueError(f"floor={floor} must be positive")


def check_threads(n_threads: int) -> None:
    """Refuse no threads, and what is not a whole number."""
    if operator.index(n_threads) < 1:
        raise ValueError(f"n_threads={n_threads} must be at least 1")
