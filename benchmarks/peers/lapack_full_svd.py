"""scipy.linalg.svd of the dense (centered) matrix, truncated: exact, cost independent of k."""

from __future__ import annotations

import numpy as np
import scipy.linalg
from scipy.sparse import issparse

from peers import Factors

NAME = "scipy.linalg.svd"
TASKS = ("svd", "memory")
LARGEST_DENSE = 30_000_000


def available():
    return None


def settings(task, X, k):
    return [{"lapack_driver": "gesdd"}]


def refusal(task, X, k):
    if issparse(X):
        return "dense only"
    if X.shape[0] * X.shape[1] > LARGEST_DENSE:
        return f"full SVD of more than {LARGEST_DENSE:.0e} entries"
    return None


def fit(task, X, k, setting, random_state):
    U, s, Vt = scipy.linalg.svd(np.asarray(X), full_matrices=False, **setting)
    return Factors(U[:, :k], s[:k], Vt[:k])
