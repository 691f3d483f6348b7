"""scipy.sparse.linalg.svds(solver="arpack")."""

from __future__ import annotations

from peers import arpack_refusal
from peers._scipy_svds import svds_factors

NAME = "scipy svds arpack"
TASKS = ("svd", "memory")


def available():
    return None


def settings(task, X, k):
    # A wider basis trades memory for restarts; the default is ncv = 2 k + 1.
    grid = [{"tol": tol} for tol in (0.3, 0.2, 1e-1, 1e-2, 1e-3, 1e-4, 0.0)]
    most = min(X.shape) - 1
    widths = (min(most, max(k + 10, k * 3 // 2)), min(most, 3 * k))
    return grid + [{"tol": 1e-1, "ncv": ncv} for ncv in widths if ncv > k]


def refusal(task, X, k):
    return arpack_refusal(X, k)


def fit(task, X, k, setting, random_state):
    return svds_factors(X, k, "arpack", setting, random_state)
