"""LIBMF: parallel stochastic gradient descent on blocks, adaptive steps, no biases, float32.

Its seed is fixed inside, and with several threads the order of updates changes from run to run. The
binding takes (row, column, rating) triplets as one float32 array. Built without the flags that
README.md gives it runs without vector instructions, at a third of the speed.
"""

from __future__ import annotations

import contextlib
import io

import numpy as np

from peers import FEW_RATINGS, missing, ranks_to_try

NAME = "LIBMF"
TASKS = ("ratings",)


def available():
    return missing("libmf")


def settings(task, X, k):
    few = X.nnz <= FEW_RATINGS
    return [
        {"k": rank, "lambda": reg, "eta": eta, "nr_iters": n}
        for rank in ranks_to_try(X, k)
        for reg in ((0.05, 0.08, 0.12) if few else (0.04, 0.06, 0.08))
        for eta in ((0.05, 0.1) if few else (0.1,))
        for n in ((5, 10, 20, 40, 80) if few else (3, 6, 10, 15, 25, 40))
    ]


def refusal(task, X, k):
    return None


def prepare(X):
    entries = X.tocoo()
    return np.column_stack([entries.row, entries.col, entries.data]).astype(np.float32)


def train(data, setting, n_threads, random_state):
    # The binding says on import where it found its library.
    with contextlib.redirect_stdout(io.StringIO()):
        from libmf import mf

    model = mf.MF(
        k=setting["k"],
        nr_iters=setting["nr_iters"],
        eta=setting["eta"],
        lambda_p1=0.0,
        lambda_q1=0.0,
        lambda_p2=setting["lambda"],
        lambda_q2=setting["lambda"],
        nr_threads=n_threads,
        quiet=True,
    )
    model.fit(data)
    return model


def predict_entries(model, rows, columns):
    # The binding reads the indices column after column.
    return model.predict(np.asfortranarray(np.column_stack([rows, columns])))
