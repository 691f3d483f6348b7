"""lrfact.TruncatedSVDReducer, every solver, at the accuracies a user might ask for."""

from __future__ import annotations

from peers import Factors, missing
from peers._lrfact_grid import lrfact_arguments, lrfact_settings

NAME = "lrfact TruncatedSVDReducer"
TASKS = ("svd", "memory")
OURS = True


def available():
    return missing("lrfact", "TruncatedSVDReducer")


def settings(task, X, k):
    return lrfact_settings(X)


def refusal(task, X, k):
    return None


def _estimator(k, setting, random_state):
    from lrfact import TruncatedSVDReducer

    return TruncatedSVDReducer(**lrfact_arguments(k, setting, random_state))


def fit(task, X, k, setting, random_state):
    model = _estimator(k, setting, random_state).fit(X)
    return Factors(None, model.singular_values_, model.components_)


def fit_transform(task, X, k, setting, random_state):
    model = _estimator(k, setting, random_state)
    scores = model.fit_transform(X)
    return scores, Factors(None, model.singular_values_, model.components_)
