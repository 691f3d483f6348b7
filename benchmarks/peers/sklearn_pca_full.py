"""sklearn.decomposition.PCA(svd_solver="full")."""

from __future__ import annotations

from scipy.sparse import issparse

from peers._sklearn_pca import pca_fit, pca_fit_transform

NAME = "sklearn PCA full"
TASKS = ("pca", "memory")


def available():
    return None


def settings(task, X, k):
    return [{}]


def refusal(task, X, k):
    return "does not accept sparse input" if issparse(X) else None


def fit(task, X, k, setting, random_state):
    return pca_fit(X, k, "full", setting, random_state)


def fit_transform(task, X, k, setting, random_state):
    return pca_fit_transform(X, k, "full", setting, random_state)
