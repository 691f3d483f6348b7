"""sklearn.decomposition.PCA(svd_solver="arpack")."""

from __future__ import annotations

from peers import arpack_refusal
from peers._sklearn_pca import pca_fit, pca_fit_transform

NAME = "sklearn PCA arpack"
TASKS = ("pca", "memory")


def available():
    return None


def settings(task, X, k):
    return [{"tol": tol} for tol in (0.3, 1e-1, 1e-2, 1e-3, 1e-4, 0.0)]


def refusal(task, X, k):
    return arpack_refusal(X, k)


def fit(task, X, k, setting, random_state):
    return pca_fit(X, k, "arpack", setting, random_state)


def fit_transform(task, X, k, setting, random_state):
    return pca_fit_transform(X, k, "arpack", setting, random_state)
