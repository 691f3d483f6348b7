"""Popularity baseline: the same ranking of columns by their counts for all rows."""

from __future__ import annotations

import numpy as np

NAME = "popularity"
TASKS = ("implicit_ranking",)
PROGRAM = "popularity"


def available():
    return None


def rankers():
    def counts(X, parameters, n_threads, random_state):
        chosen = np.bincount(X.indices, minlength=X.shape[1])
        return np.ones((X.shape[0], 1)), chosen[:, None].astype(np.float64)

    return {"": counts}
