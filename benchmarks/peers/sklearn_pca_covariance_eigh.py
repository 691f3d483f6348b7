"""sklearn.decomposition.PCA(svd_solver="covariance_eigh")."""

from __future__ import annotations

from peers._sklearn_pca import pca_fit, pca_fit_transform

# Its eigen-decomposition takes minutes above this, hours at the width of text.
LARGEST_COVARIANCE = 5_000

NAME = "sklearn PCA covariance_eigh"
TASKS = ("pca", "memory")


def available():
    return None


def settings(task, X, k):
    return [{}]


def refusal(task, X, k):
    if X.shape[1] > LARGEST_COVARIANCE:
        size = 8e-9 * X.shape[1] ** 2
        return f"would decompose a full covariance matrix of {size:.0f} GB"
    return None


def fit(task, X, k, setting, random_state):
    return pca_fit(X, k, "covariance_eigh", setting, random_state)


def fit_transform(task, X, k, setting, random_state):
    return pca_fit_transform(X, k, "covariance_eigh", setting, random_state)
