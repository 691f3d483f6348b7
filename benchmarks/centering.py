"""Products with a matrix less its column means, without forming the difference."""

from __future__ import annotations

import numpy as np
from scipy.sparse.linalg import LinearOperator


def column_means(X):
    """Column means of a dense or sparse matrix, as a flat array."""
    return np.asarray(X.mean(axis=0)).ravel()


def times(X, B, mean=None):
    """``(X - 1 mean') @ B``; the plain product when ``mean`` is None."""
    product = np.asarray(X @ B)
    return product if mean is None else product - mean @ B


def transposed_times(X, B, mean=None):
    """``(X - 1 mean')' @ B``; the plain product when ``mean`` is None."""
    product = np.asarray(X.T @ B)
    if mean is None:
        return product
    return product - np.outer(mean, B.sum(axis=0)).reshape(product.shape)


def centred_operator(X, mean=None):
    """The same two products as a SciPy ``LinearOperator``, for ARPACK."""
    return LinearOperator(
        X.shape,
        matvec=lambda b: times(X, b.ravel(), mean),
        rmatvec=lambda b: transposed_times(X, b.ravel(), mean),
        matmat=lambda B: times(X, B, mean),
        rmatmat=lambda B: transposed_times(X, B, mean),
        dtype=X.dtype,
    )
