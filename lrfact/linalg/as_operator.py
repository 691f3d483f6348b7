"""From what a user has to what a solver takes."""

from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import LinearOperator

from lrfact.linalg.dense_operator import DenseOperator
from lrfact.linalg.foreign_operator import ForeignOperator
from lrfact.linalg.matrix_operator import MatrixOperator
from lrfact.linalg.sparse_operator import SparseOperator


def as_operator(A: Any, *, n_threads: int = 1) -> MatrixOperator:
    """Wrap a matrix so that every solver can take it.

    Parameters
    ----------
    A : ndarray, sparse matrix or array, LinearOperator, or MatrixOperator
        Any dtype but float32 becomes float64. Sparse matrices are brought to rows
        compressed, without duplicates; the one given is not changed.

    n_threads : int, default=1
        Threads for the sparse products.

    Returns
    -------
    MatrixOperator
        `A` itself if it is one already.

    Raises
    ------
    ValueError
        If `A` does not have two dimensions.
    """
    if isinstance(A, MatrixOperator):
        return A
    if isinstance(A, LinearOperator):
        return ForeignOperator(A, n_threads=n_threads)
    if sparse.issparse(A):
        X = sparse.csr_array(A)
        if X.dtype not in (np.float32, np.float64):
            X = X.astype(np.float64)
        if not X.has_canonical_format:
            X = X.copy()
            X.sum_duplicates()
        return SparseOperator(X, n_threads=n_threads)
    X = np.asarray(A)
    if X.ndim != 2:
        raise ValueError(f"A has {X.ndim} dimensions; a matrix has 2, reshape it")
    if X.dtype not in (np.float32, np.float64):
        X = X.astype(np.float64)
    return DenseOperator(X, n_threads=n_threads)
