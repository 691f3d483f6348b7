"""scikit-learn alone: ridge regression on one-hot rows and columns, that is, mean and biases."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array
from sklearn.linear_model import Ridge

NAME = "sklearn Ridge, biases only"
TASKS = ("ratings", "accuracy")


def available():
    return None


def settings(task, X, k):
    if task == "accuracy":
        return [{"alpha": 5.0}]
    return [{"alpha": alpha, "tol": tol} for alpha in (2.0, 5.0, 10.0) for tol in (1e-1, 1e-3)]


def refusal(task, X, k):
    return None


def prepare(X):
    entries = X.tocoo()
    return one_hot(entries.row, entries.col, X.shape, X.dtype), X.data, X.shape


def one_hot(rows, columns, shape, dtype):
    """One line per entry, with a one for its row and a one for its column."""
    indices = np.column_stack([rows, columns + shape[0]]).ravel()
    indptr = np.arange(0, indices.size + 1, 2)
    return csr_array((np.ones(indices.size, dtype), indices, indptr), shape=(rows.size, sum(shape)))


def train(data, setting, n_threads, random_state):
    indicators, ratings, shape = data
    return Ridge(solver="sparse_cg", random_state=random_state, **setting).fit(
        indicators, ratings
    ), shape


def predict_entries(model, rows, columns):
    ridge, shape = model
    return ridge.predict(one_hot(rows, columns, shape, ridge.coef_.dtype))
