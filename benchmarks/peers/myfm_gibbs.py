"""myFM: a factorization machine by Gibbs sampling, which with ids alone is a model of ratings."""

from __future__ import annotations

from contextlib import redirect_stderr
from io import StringIO

import numpy as np
from scipy.sparse import csr_matrix

from peers import missing
from peers.sklearn_ridge_biases import one_hot

NAME = "myFM"
TASKS = ("accuracy",)


def available():
    # It reads its version through setuptools.
    return missing("myfm") or missing("pkg_resources")


def settings(task, X, k):
    # Many more sweeps than its default of 100, all kept but the first.
    return [
        {"variant": f"{rank} factors", "rank": rank, "n_iter": 400, "n_kept_samples": 350}
        for rank in (8, 16, 32)
    ]


def refusal(task, X, k):
    return None


def prepare(X):
    entries = X.tocoo()
    known = one_hot(entries.row, entries.col, X.shape, np.float64)
    return csr_matrix(known), entries.data.astype(np.float64), X.shape


def train(data, setting, n_threads, random_state):
    from myfm import MyFMGibbsRegressor

    known, ratings, shape = data
    model = MyFMGibbsRegressor(setting["rank"], random_seed=random_state)
    # It has one thread, and priors of their own for rows and for columns.
    with redirect_stderr(StringIO()):  # its progress bar
        model.fit(
            known,
            ratings,
            n_iter=setting["n_iter"],
            n_kept_samples=setting["n_kept_samples"],
            group_shapes=list(shape),
        )
    return model, shape


def predict_entries(model, rows, columns):
    machine, shape = model
    return machine.predict(csr_matrix(one_hot(rows, columns, shape, np.float64)))
