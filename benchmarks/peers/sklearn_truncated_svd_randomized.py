"""sklearn.decomposition.TruncatedSVD(algorithm="randomized")."""

from __future__ import annotations

from sklearn.decomposition import TruncatedSVD

from peers import Factors

NAME = "sklearn TruncatedSVD randomized"
TASKS = ("svd", "memory")


def available():
    return None


def settings(task, X, k):
    # 5 and 10 are scikit-learn's defaults; a wider sketch is its other way to more accuracy.
    grid = [{"n_iter": n, "n_oversamples": 10} for n in (2, 4, 5, 7, 10, 15, 20, 30)]
    return grid + [{"n_iter": n, "n_oversamples": k} for n in (2, 4, 7, 10)]


def refusal(task, X, k):
    return None


def _estimator(k, setting, random_state):
    return TruncatedSVD(k, algorithm="randomized", random_state=random_state, **setting)


def _factors(svd):
    return Factors(None, svd.singular_values_, svd.components_)


def fit(task, X, k, setting, random_state):
    return _factors(_estimator(k, setting, random_state).fit(X))


def fit_transform(task, X, k, setting, random_state):
    svd = _estimator(k, setting, random_state)
    return svd.fit_transform(X), _factors(svd)
