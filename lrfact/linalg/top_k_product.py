"""The largest scores of each query, without the matrix of all scores."""

from typing import Any

import numpy as np


def top_k_product(
    queries: Any,
    candidates: Any,
    k: int,
    *,
    offset: Any = None,
    excluded: Any = None,
    allowed: Any = None,
    n_threads: int = 1,
) -> Any:
    """Return indices and scores of the best candidates."""
    scores = queries @ candidates.T + (0 if offset is None else offset)
    if excluded is not None:
        rows = np.repeat(np.arange(len(scores)), np.diff(excluded.indptr))
        scores[rows, excluded.indices] = -np.inf
    if allowed is not None:
        hidden = np.ones(len(candidates), dtype=bool)
        hidden[allowed] = False
        scores[:, hidden] = -np.inf
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    best = np.take_along_axis(scores, order, axis=1)
    return np.where(np.isneginf(best), -1, order), best
