"""The loss of a non-negative factorization, the same for every program, in float64."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

# Rows handled at a time.
BLOCK = 256


def nonnegative_loss(X, W, H, loss: str) -> float:
    """Half of the squared error, or the Kullback-Leibler divergence; infinite if broken."""
    W, H = np.asarray(W, dtype=np.float64), np.asarray(H, dtype=np.float64)
    if not (np.isfinite(W).all() and np.isfinite(H).all()) or W.min() < 0 or H.min() < 0:
        return np.inf
    total = 0.0
    for start in range(0, X.shape[0], BLOCK):
        rows = X[start : start + BLOCK]
        rows = rows.toarray() if sp.issparse(rows) else rows
        model = W[start : start + BLOCK] @ H
        if loss == "frobenius":
            total += 0.5 * float(np.sum((rows - model) ** 2))
        else:
            stored = rows > 0
            ratio = rows[stored] / np.maximum(model[stored], 1e-12)
            total += float(rows[stored] @ np.log(ratio) - rows.sum() + model.sum())
    return total
