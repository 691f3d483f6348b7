"""lrfact.EntryRegressor in GridSearchCV: rank and regularization chosen on the training entries."""

from __future__ import annotations

import numpy as np
from sklearn.model_selection import GridSearchCV, KFold

from peers import missing

NAME = "lrfact EntryRegressor, GridSearchCV"
TASKS = ("accuracy",)
OURS = True


def available():
    return missing("lrfact", "EntryRegressor")


def settings(task, X, k):
    return [{"ranks": RANKS, "regs": REGS, "cv": 5}]


RANKS = (5, 10, 20, 40)
REGS = (0.6, 0.8, 1.0, 1.2, 1.5)


def refusal(task, X, k):
    return None


def prepare(X):
    entries = X.tocoo()
    return np.column_stack([entries.row, entries.col]), entries.data


def train(data, setting, n_threads, random_state):
    from lrfact import EntryRegressor, MaskedMF

    pairs, ratings = data
    model = MaskedMF(n_jobs=n_threads, random_state=random_state)
    model = EntryRegressor(model, unseen="predict")
    grid = {"estimator__n_components": setting["ranks"], "estimator__reg": setting["regs"]}
    folds = KFold(setting["cv"], shuffle=True, random_state=random_state)
    search = GridSearchCV(model, grid, cv=folds, scoring="neg_root_mean_squared_error")
    return search.fit(pairs, ratings)


def predict_entries(model, rows, columns):
    return model.predict(np.column_stack([rows, columns]))


def chosen(model):
    """What the search decided on, for the csv."""
    return {name.removeprefix("estimator__"): value for name, value in model.best_params_.items()}
