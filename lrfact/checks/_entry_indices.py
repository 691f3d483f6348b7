"""Indices of single entries of a matrix."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrfact._typing import Indices


def entry_indices(rows: Any, columns: Any, shape: tuple[int, int]) -> tuple[Indices, Indices]:
    """Return row and column of each entry as arrays.

    Parameters
    ----------
    rows, columns : array-like of int, shape (n_entries,)
        Indices from 0.

    shape : tuple of two ints
        Shape of the matrix.

    Returns
    -------
    rows, columns : ndarray of int, shape (n_entries,)

    Raises
    ------
    ValueError
        If one has not one dimension, is not of integers, is out of range, or they differ in
        length.
    """
    rows, columns = _indices("rows", rows, shape[0]), _indices("columns", columns, shape[1])
    if len(rows) != len(columns):
        raise ValueError(
            f"rows has {len(rows)} entries and columns {len(columns)}; they must be as many"
        )
    return rows, columns


def _indices(name: str, given: Any, n: int) -> NDArray[np.integer]:
    """One-dimensional integers from 0 to n - 1."""
    indices = np.asarray(given)
    if indices.size == 0:
        indices = indices.astype(np.intp)
    if indices.ndim != 1 or indices.dtype.kind not in "iu":
        raise ValueError(f"{name} must be a one-dimensional array of integers")
    if len(indices) and not 0 <= indices.min() <= indices.max() < n:
        raise ValueError(f"{name} must hold indices from 0 to {n - 1}")
    return indices
