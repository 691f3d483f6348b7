"""Truncated SVD and PCA as NumPy gives them, in float64, with the signs that we promise."""

import numpy as np


def naive_signs(Vt):
    """Each row with its largest absolute loading positive, written out."""
    rows = []
    for row in Vt:
        largest = max(range(len(row)), key=lambda j: abs(row[j]))
        rows.append(-row if row[largest] < 0 else row)
    return np.array(rows)


def naive_svd(X, k, *, centered=False):
    """The k leading triplets of a dense matrix, centered if asked."""
    X = np.asarray(X, dtype=np.float64)
    A = X - X.mean(axis=0) if centered else X
    U, s, Vt = np.linalg.svd(A, full_matrices=False)
    signed = naive_signs(Vt[:k])
    U = U[:, :k] * np.sum(signed * Vt[:k], axis=1)
    return U, s[:k], signed
