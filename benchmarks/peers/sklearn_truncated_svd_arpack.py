"""sklearn.decomposition.TruncatedSVD(algorithm="arpack")."""

from __future__ import annotations

from sklearn.decomposition import TruncatedSVD

from peers import Factors, arpack_refusal

NAME = "sklearn TruncatedSVD arpack"
TASKS = ("svd", "memory")


def available():
    return None


def settings(task, X, k):
    return [{"tol": tol} for tol in (0.3, 1e-1, 1e-2, 1e-3, 1e-4, 0.0)]


def refusal(task, X, k):
    return arpack_refusal(X, k)


def _estimator(k, setting, random_state):
    return TruncatedSVD(k, algorithm="arpack", random_state=random_state, **setting)


def _factors(svd):
    return Factors(None, svd.singular_values_, svd.components_)


def fit(task, X, k, setting, random_state):
    return _factors(_estimator(k, setting, random_state).fit(X))


def fit_transform(task, X, k, setting, random_state):
    svd = _estimator(k, setting, random_state)
    return svd.fit_transform(X), _factors(svd)
