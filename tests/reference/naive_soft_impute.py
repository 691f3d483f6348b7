"""Soft-impute as Mazumder, Hastie and Tibshirani (2010) wrote it: on the filled matrix."""

import numpy as np


def naive_objective(Y, Z, offsets, reg, rho):
    """Half the squares of the observed entries (NaN elsewhere), nuclear norm, ridge of offsets."""
    residuals = (Y - offsets[:, None] - Z)[~np.isnan(Y)]
    nuclear = np.linalg.svd(Z, compute_uv=False).sum()
    ridge = rho * offsets @ offsets / 2 if np.isfinite(rho) else 0.0
    return residuals @ residuals / 2 + reg * nuclear + ridge


def naive_soft_impute(Y, reg, rho=np.inf, n_iter=2000):
    """Fill the holes by Z, shrink the singular values by `reg`, and again, while that changes Z."""
    observed = ~np.isnan(Y)
    Z, offsets = np.zeros(Y.shape), np.zeros(len(Y))
    for _ in range(n_iter):
        if np.isfinite(rho):
            offsets = np.where(observed, Y - Z, 0).sum(axis=1) / (observed.sum(axis=1) + rho)
        filled = np.where(observed, Y - offsets[:, None], Z)
        U, s, Vt = np.linalg.svd(filled, full_matrices=False)
        before, Z = Z, U * np.maximum(s - reg, 0) @ Vt
        if np.abs(Z - before).max() <= 1e-14 * s[0]:
            break
    return Z, offsets
