"""scipy.sparse.linalg.svds(solver="propack")."""

from __future__ import annotations

from peers import arpack_refusal
from peers._scipy_svds import svds_factors

NAME = "scipy svds propack"
TASKS = ("svd", "memory")


def available():
    return None


def settings(task, X, k):
    return [{"tol": tol} for tol in (0.3, 1e-1, 3e-2, 1e-2, 1e-3, 1e-4, 0.0)]


def refusal(task, X, k):
    return arpack_refusal(X, k)


def fit(task, X, k, setting, random_state):
    return svds_factors(X, k, "propack", setting, random_state)
