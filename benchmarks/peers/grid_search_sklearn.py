"""GridSearchCV over scikit-learn's PCA and TruncatedSVD with their default solvers."""

from __future__ import annotations

from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.model_selection import GridSearchCV

from peers._rank_search_models import choice_of, classifier_after

NAME = "GridSearchCV, scikit-learn"
TASKS = ("rank_search",)


def available():
    return None


def search(kind, X, y, ranks, cv):
    from tasks.rank_search import leave_one_entry_out

    scoring = None
    name = "n_components"
    if kind == "truncated_svd":
        model, scoring = TruncatedSVD(random_state=0), leave_one_entry_out
    elif kind == "pca":
        model = PCA(random_state=0)
    else:
        model, name = classifier_after(PCA(random_state=0)), "pca__n_components"
    found = GridSearchCV(
        model, {name: list(ranks)}, cv=cv, scoring=scoring, error_score="raise"
    ).fit(X, y)
    return choice_of(found, found.best_params_[name])
