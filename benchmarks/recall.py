"""The score of a top-k search: fraction of correct results."""

from __future__ import annotations

import numpy as np

# Scores of unit vectors that float32 cannot tell apart.
TOLERANCE = 1e-6
_BLOCK = 2**17  # candidates at a time


def kth_best_scores(queries, candidates, k: int) -> np.ndarray:
    """The k-th largest inner product of each query, in float64."""
    Q = queries.astype(np.float64)
    best = np.full((len(Q), k), -np.inf)
    for start in range(0, len(candidates), _BLOCK):
        for i in range(0, len(Q), 64):
            rows = slice(i, i + 64)
            scores = Q[rows] @ candidates[start : start + _BLOCK].astype(np.float64).T
            scores = np.concatenate([best[rows], scores], axis=1)
            best[rows] = np.partition(scores, -k, axis=1)[:, -k:]
    return best.min(axis=1)


def recall(indices, queries, candidates, kth_best) -> float:
    """Share of places that hold a candidate with a score no worse than the k-th best, once each."""
    indices = np.asarray(indices)
    right = 0
    for query, found, lowest in zip(queries, indices, kth_best, strict=True):
        found = np.unique(found[(found >= 0) & (found < len(candidates))])
        scores = candidates[found].astype(np.float64) @ query.astype(np.float64)
        right += int(np.sum(scores >= lowest - TOLERANCE))
    return right / indices.size
