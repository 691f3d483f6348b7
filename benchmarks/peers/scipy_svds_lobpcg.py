"""scipy.sparse.linalg.svds(solver="lobpcg"); runs only if --peers names it, because it is slow."""

from __future__ import annotations

from peers import arpack_refusal
from peers._scipy_svds import svds_factors

NAME = "scipy svds lobpcg"
TASKS = ("svd",)
ON_REQUEST = True


def available():
    return None


def settings(task, X, k):
    return [{"tol": tol, "maxiter": 100} for tol in (1e-2, 1e-3, 1e-4)]


def refusal(task, X, k):
    return arpack_refusal(X, k)


def fit(task, X, k, setting, random_state):
    return svds_factors(X, k, "lobpcg", setting, random_state)
