"""lrfact.RankSearchCV over lrfact's PCAFromSVD and TruncatedSVDReducer."""

from __future__ import annotations

from peers import missing
from peers._rank_search_models import choice_of, classifier_after

NAME = "RankSearchCV, lrfact"
TASKS = ("rank_search",)
OURS = True


def available():
    return missing("lrfact", "RankSearchCV")


def search(kind, X, y, ranks, cv):
    from lrfact import PCAFromSVD, RankSearchCV, TruncatedSVDReducer

    if kind == "truncated_svd":
        model = TruncatedSVDReducer(random_state=0)
    elif kind == "pca":
        model = PCAFromSVD(random_state=0)
    else:
        model = classifier_after(PCAFromSVD(random_state=0))
    found = RankSearchCV(model, ranks=ranks, cv=cv).fit(X, y)
    return choice_of(found, found.best_rank_)
