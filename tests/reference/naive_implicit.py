"""Implicit feedback with every entry written out."""

import numpy as np


def confidences(weights):
    """Preferences and confidences of all entries of a dense matrix of weights, 0 where absent."""
    return (weights > 0).astype(float), 1.0 + weights


def naive_implicit_rows(weights, V, penalty):
    """Each row by weighted ridge regression on all columns; rows without entries are zero."""
    P, C = confidences(weights)
    k = V.shape[1]
    rows = [
        np.linalg.lstsq(V.T @ (c[:, None] * V) + lam * np.eye(k), V.T @ (c * p), rcond=None)[0]
        for p, c, lam in zip(P, C, penalty, strict=True)
    ]
    return np.array(rows).reshape(-1, k)


def naive_implicit_loss(weights, W, V):
    """Weighted squared error of each row over all columns."""
    P, C = confidences(weights)
    return np.sum(C * (P - W @ V.T) ** 2, axis=1)


def naive_implicit_als(weights, V, row_penalty, column_penalty, n_sweeps):
    """Rows and columns in turns; the objective after each sweep."""
    objective = []
    for _ in range(n_sweeps):
        W = naive_implicit_rows(weights, V, row_penalty)
        V = naive_implicit_rows(weights.T, W, column_penalty)
        objective.append(
            naive_implicit_loss(weights, W, V).sum()
            + row_penalty @ np.sum(W**2, axis=1)
            + column_penalty @ np.sum(V**2, axis=1)
        )
    return W, V, objective
