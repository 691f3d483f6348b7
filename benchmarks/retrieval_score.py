"""The scores of a ranking of documents, one a query: average precision and reciprocal rank."""

from __future__ import annotations

import numpy as np


def average_precision(ranking, relevant) -> np.ndarray:
    """Mean, over the relevant documents of each query, of the precision where they stand."""
    hits = _hits(ranking, relevant)
    precision = np.cumsum(hits, axis=1) / np.arange(1, hits.shape[1] + 1)
    return (precision * hits).sum(axis=1) / relevant.sum(axis=1)


def reciprocal_rank(ranking, relevant) -> np.ndarray:
    """One over the place of the first relevant document, 0 where there is none."""
    hits = _hits(ranking, relevant)
    return np.where(hits.any(axis=1), 1 / (1 + hits.argmax(axis=1)), 0)


def _hits(ranking, relevant):
    # -1 stands for no document.
    return np.take_along_axis(relevant, np.maximum(ranking, 0), axis=1) & (ranking >= 0)
