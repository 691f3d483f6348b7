"""NumPy: a product, ``argpartition`` and a sort of the few, for some queries at a time."""

from __future__ import annotations

import numpy as np

NAME = "numpy matmul + argpartition"
TASKS = ("top_k",)

_SCORES = 2**25  # at a time


def available():
    return None


def searcher(candidates, n_threads):
    step = max(1, _SCORES // len(candidates))

    def search(queries, k):
        found = [
            _best(queries[start : start + step] @ candidates.T, k)
            for start in range(0, len(queries), step)
        ]
        return np.concatenate(found)

    return search


def _best(scores, k):
    best = np.argpartition(scores, -k, axis=1)[:, -k:]
    order = np.argsort(-np.take_along_axis(scores, best, axis=1), axis=1)
    return np.take_along_axis(best, order, axis=1)
