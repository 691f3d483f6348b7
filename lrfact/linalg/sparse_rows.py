"""A matrix by rows, whatever it was stored as: parts, sums, and columns without entries."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, issparse


def as_sparse_rows(A: Any) -> csr_array:
    """Return a matrix compressed by rows, without duplicates; it may share the memory of `A`."""
    rows = csr_array(A)
    if issparse(A) and not rows.has_canonical_format:
        rows = rows.copy()
        rows.sum_duplicates()
    return rows


def some_entries(rows: csr_array, chosen: NDArray[np.bool_]) -> csr_array:
    """Return a matrix of the same shape that stores the chosen ones of the stored entries."""
    n_before = np.concatenate([[0], np.cumsum(chosen)])
    indptr = n_before[rows.indptr].astype(rows.indptr.dtype)
    return csr_array((rows.data[chosen], rows.indices[chosen], indptr), shape=rows.shape)


def row_sums(rows: csr_array) -> NDArray[np.float64]:
    """Return the sum of each row, added in float64 (`sum` of SciPy adds in the dtype of X)."""
    return np.asarray(rows @ np.ones(rows.shape[1]), dtype=np.float64)


def column_sums(rows: csr_array) -> NDArray[np.float64]:
    """Return the sum of each column, added in float64."""
    return np.asarray(rows.T @ np.ones(rows.shape[0]), dtype=np.float64)


def absent_columns(A: Any) -> NDArray[np.bool_]:
    """Return which columns of a matrix, sparse or dense, have no entry but zeros."""
    if not issparse(A):
        return np.logical_not(np.asarray(A).any(axis=0))
    present = np.zeros(A.shape[1], dtype=bool)
    present[A.indices[A.data != 0]] = True
    return np.logical_not(present)
