"""scikit-learn's brute search by cosine distance; its threads are those of BLAS."""

from __future__ import annotations

NAME = "sklearn brute, cosine"
TASKS = ("top_k",)


def available():
    return None


def searcher(candidates, n_threads):
    from sklearn.neighbors import NearestNeighbors

    model = NearestNeighbors(algorithm="brute", metric="cosine", n_jobs=n_threads)
    model.fit(candidates)
    return lambda queries, k: model.kneighbors(queries, k, return_distance=False)
