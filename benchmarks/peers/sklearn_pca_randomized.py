"""sklearn.decomposition.PCA(svd_solver="randomized")."""

from __future__ import annotations

from scipy.sparse import issparse

from peers._sklearn_pca import pca_fit, pca_fit_transform

NAME = "sklearn PCA randomized"
TASKS = ("pca", "memory")


def available():
    return None


def settings(task, X, k):
    return [{"iterated_power": n} for n in ("auto", 2, 4, 7, 10, 15, 20, 30)]


def refusal(task, X, k):
    return "does not accept sparse input" if issparse(X) else None


def fit(task, X, k, setting, random_state):
    return pca_fit(X, k, "randomized", setting, random_state)


def fit_transform(task, X, k, setting, random_state):
    return pca_fit_transform(X, k, "randomized", setting, random_state)
