"""Matrices whose singular values are known because they were put there."""

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import aslinearoperator


def synthetic_matrix(shape, singular_values, seed, dtype=np.float64):
    """Random singular vectors around the values given, the rest zero."""
    rng = np.random.default_rng(seed)
    k = len(singular_values)
    U = np.linalg.qr(rng.standard_normal((shape[0], k)))[0]
    V = np.linalg.qr(rng.standard_normal((shape[1], k)))[0]
    return ((U * np.asarray(singular_values, dtype=np.float64)) @ V.T).astype(dtype)


def spectrum(name, n):
    """Descending values of a given kind."""
    i = np.arange(1, n + 1)
    return {
        "exponential": 0.9**i,
        "fast exponential": 0.5**i,
        "1/i": 1 / i,
        "1/sqrt(i)": i**-0.5,
        "1/i^2": 1.0 / i**2,
        "step": np.where(i <= 6, 10.0, 1 - 0.5 * i / n),
        "line": 1 - 0.9 * i / n,
        "pairs": np.repeat(0.9 ** np.arange(n // 2 + 1), 2)[:n],
    }[name]


def strided(dense):
    """The same values in every other row and column of a larger array."""
    wide = np.full((2 * dense.shape[0], 2 * dense.shape[1]), 9, dtype=dense.dtype)
    wide[::2, ::2] = dense
    return wide[::2, ::2]


def read_only(dense):
    """A copy that raises when written to."""
    dense = dense.copy()
    dense.setflags(write=False)
    return dense


def with_long_indices(dense):
    """A csr_array whose indices have 64 bits."""
    X = sparse.csr_array(dense)
    X.indices, X.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)
    return X


def unsorted_with_duplicates(dense):
    """A csr_array with each entry stored as two halves, in descending order of the columns."""
    X = sparse.csr_array(dense)
    indptr = 2 * X.indptr
    data, indices = np.empty(indptr[-1], dtype=X.dtype), np.empty(indptr[-1], dtype=np.int32)
    for row in range(X.shape[0]):
        old, new = slice(*X.indptr[row : row + 2]), slice(*indptr[row : row + 2])
        data[new] = np.concatenate([X.data[old], X.data[old]])[::-1] / 2
        indices[new] = np.concatenate([X.indices[old], X.indices[old]])[::-1]
    return sparse.csr_array((data, indices, indptr), shape=X.shape)


def with_explicit_zeros(dense):
    """A csr_array that stores every entry, zeros too."""
    n, m = dense.shape
    columns = np.tile(np.arange(m, dtype=np.int32), n)
    return sparse.csr_array((dense.ravel().copy(), columns, np.arange(0, n * m + 1, m)), (n, m))


DENSE = {
    "C order": np.ascontiguousarray,
    "Fortran order": np.asfortranarray,
    "strided": strided,
    "backwards": lambda dense: dense[::-1, ::-1].copy()[::-1, ::-1],
    "read-only": read_only,
}
SPARSE = {
    "csr_array": sparse.csr_array,
    "csr_matrix": sparse.csr_matrix,
    "csc_array": sparse.csc_array,
    "coo_array": sparse.coo_array,
    "long indices": with_long_indices,
    "unsorted with duplicates": unsorted_with_duplicates,
    "explicit zeros": with_explicit_zeros,
}
STORAGES = {**DENSE, **SPARSE, "LinearOperator": aslinearoperator}
