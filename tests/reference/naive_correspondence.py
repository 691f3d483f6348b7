"""Correspondence analysis by a dense SVD of the residuals of independence."""

import numpy as np


def coordinates(X, k, power=1.0):
    """Singular values, and coordinates of rows in k components; 0 for empty rows."""
    P = X / X.sum()
    r, c = P.sum(axis=1), P.sum(axis=0)
    rows, columns = r > 0, c > 0
    expected = np.outer(r[rows], c[columns])
    S = (P[np.ix_(rows, columns)] - expected) / np.sqrt(expected)
    U, s, _ = np.linalg.svd(S, full_matrices=False)
    F = np.zeros((len(X), k))
    F[rows] = U[:, :k] * s[:k] ** power / np.sqrt(r[rows])[:, np.newaxis]
    return s[:k], F
