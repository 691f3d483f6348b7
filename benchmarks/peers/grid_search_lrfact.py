"""GridSearchCV over lrfact's estimators: the same results as RankSearchCV, one fit per rank."""

from __future__ import annotations

from sklearn.model_selection import GridSearchCV

from peers import missing
from peers._rank_search_models import choice_of, classifier_after

NAME = "GridSearchCV, lrfact"
TASKS = ("rank_search",)
OURS = True
ON_REQUEST = True


def available():
    return missing("lrfact", "PCAFromSVD")


def search(kind, X, y, ranks, cv):
    from lrfact import PCAFromSVD, TruncatedSVDReducer

    name = "n_components"
    if kind == "truncated_svd":
        model = TruncatedSVDReducer(random_state=0)
    elif kind == "pca":
        model = PCAFromSVD(random_state=0)
    else:
        model, name = classifier_after(PCAFromSVD(random_state=0)), "pcafromsvd__n_components"
    found = GridSearchCV(model, {name: list(ranks)}, cv=cv, error_score="raise").fit(X, y)
    return choice_of(found, found.best_params_[name])
