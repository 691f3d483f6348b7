"""scikit-learn's brute search by Euclidean distance; its threads are OpenMP's."""

from __future__ import annotations

NAME = "sklearn brute, euclidean"
TASKS = ("top_k",)


def available():
    return None


def searcher(candidates, n_threads):
    from sklearn.neighbors import NearestNeighbors

    model = NearestNeighbors(algorithm="brute", metric="euclidean", n_jobs=n_threads)
    model.fit(candidates)
    return lambda queries, k: model.kneighbors(queries, k, return_distance=False)
