"""lrfact.MaskedMF with one standard deviation for all predictions: its leave-one-out error."""

from __future__ import annotations

import numpy as np

from peers import missing

NAME = "lrfact MaskedMF, one standard deviation"
TASKS = ("calibration",)
OURS = True


def available():
    return missing("lrfact", "MaskedMF")


def settings(task, X, k):
    return [{"variant": "defaults"}]


def refusal(task, X, k):
    return None


def prepare(X):
    return X


def train(data, setting, n_threads, random_state):
    from lrfact import MaskedMF

    model = MaskedMF(n_jobs=n_threads, random_state=random_state).fit(data)
    return model, -model.score(data)


def predict_spread(model, rows, columns):
    fitted, error = model
    return fitted.predict_entries(rows, columns), np.full(len(rows), error)
