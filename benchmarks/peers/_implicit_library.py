"""Common code of the peers that call the package implicit."""

from __future__ import annotations

from scipy.sparse import csr_matrix


def confidences(X, alpha) -> csr_matrix:
    """``1 + alpha x`` where ``X`` has an entry, the form in which implicit takes them."""
    data = (1 + alpha * X.data).astype(X.dtype)
    return csr_matrix((data, X.indices, X.indptr), shape=X.shape)


def single_blas_thread():
    from threadpoolctl import threadpool_limits

    return threadpool_limits(1, user_api="blas")
