"""SciPy's sparse times dense, ``X @ B``; always one thread."""

from __future__ import annotations

NAME = "scipy @"
TASKS = ("product",)
THREADED = False


def available():
    return None


def multiplier(X, transpose, n_threads):
    A = X.T if transpose else X
    return lambda B: A @ B
