"""The objective of least squares over all entries of implicit feedback, from the factors."""

from __future__ import annotations

import numpy as np

BLOCK = 100_000


def implicit_loss(X, W, V, *, alpha, reg) -> float:
    """``sum_ij c_ij (p_ij - w_i'v_j)^2 + reg (|W|^2 + |V|^2)`` in float64, infinite if broken.

    ``p`` is 1 where ``X`` has an entry and 0 elsewhere, ``c = 1 + alpha X``. The squares of all
    products come from ``W'W`` and ``V'V``; the entries correct them.
    """
    W, V = (np.asarray(factors, dtype=np.float64) for factors in (W, V))
    shapes_fit = W.ndim == V.ndim == 2 and X.shape == (len(W), len(V))
    if not (shapes_fit and W.shape[1] == V.shape[1]):
        return float("inf")
    if not (np.isfinite(W).all() and np.isfinite(V).all()):
        return float("inf")
    entries = X.tocoo()
    loss = np.sum((W.T @ W) * (V.T @ V)) + reg * (np.sum(W**2) + np.sum(V**2))
    for begin in range(0, entries.nnz, BLOCK):
        block = slice(begin, begin + BLOCK)
        products = np.einsum("nf,nf->n", W[entries.row[block]], V[entries.col[block]])
        confidence = 1 + alpha * entries.data[block].astype(np.float64)
        loss += np.sum(confidence * (1 - products) ** 2 - products**2)
    return float(loss)
