"""Top-k of a product by sorting all scores."""

import numpy as np


def naive_top_k(queries, candidates, k, offset=None, excluded=None, allowed=None):
    """`excluded`: bool table of pairs, `allowed`: indices. Returns indices and scores."""
    n, m = len(queries), len(candidates)
    scores = np.einsum("ip,jp->ij", queries, candidates)
    if offset is not None:
        scores = scores + offset
    may = np.ones((n, m), dtype=bool) if excluded is None else ~excluded
    if allowed is not None:
        may &= np.isin(np.arange(m), allowed)
    indices = np.full((n, k), -1)
    best = np.full((n, k), -np.inf, dtype=scores.dtype)
    for i in range(n):
        free = np.flatnonzero(may[i])
        order = free[np.argsort(-scores[i, free], kind="stable")][:k]
        indices[i, : len(order)] = order
        best[i, : len(order)] = scores[i, order]
    return indices, best
