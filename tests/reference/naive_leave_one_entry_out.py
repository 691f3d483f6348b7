"""Leave one entry out, really, and solve the least squares problem without it."""

import numpy as np


def naive_leave_one_entry_out_residuals(X, components, mean=None):
    """Entry less its prediction from the rest of its row, all of `components` used."""
    X = np.array(X, dtype=np.float64)
    V = np.array(components, dtype=np.float64).T
    if mean is not None:
        X = X - mean
    residuals = np.empty_like(X)
    for i, row in enumerate(X):
        for j in range(row.size):
            others = np.arange(row.size) != j
            weights = np.linalg.lstsq(V[others], row[others], rcond=1e-10)[0]  # minimum norm
            residuals[i, j] = row[j] - V[j] @ weights
    return residuals


def naive_leave_one_entry_out_rmse(X, components, mean=None):
    """Root mean squares of these for the leading 0, 1, ..., k components."""
    return np.array(
        [
            np.sqrt(np.mean(naive_leave_one_entry_out_residuals(X, components[:r], mean) ** 2))
            for r in range(len(components) + 1)
        ]
    )
