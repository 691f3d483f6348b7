"""scipy.sparse.linalg.svds(solver="propack")."""

from __future__ import annotations

import os

import scipy

from peers import arpack_refusal
from peers._scipy_svds import svds_factors

NAME = "scipy svds propack"
TASKS = ("svd", "memory")


def available():
    # Before SciPy 1.13 PROPACK is opt-in, by a variable that must be set before the import.
    older = tuple(int(part) for part in scipy.__version__.split(".")[:2]) < (1, 13)
    if older and not os.environ.get("SCIPY_USE_PROPACK"):
        return "SciPy before 1.13 needs SCIPY_USE_PROPACK=1"
    return None


def settings(task, X, k):
    return [{"tol": tol} for tol in (0.3, 1e-1, 3e-2, 1e-2, 1e-3, 1e-4, 0.0)]


def refusal(task, X, k):
    return arpack_refusal(X, k)


def fit(task, X, k, setting, random_state):
    return svds_factors(X, k, "propack", setting, random_state)
