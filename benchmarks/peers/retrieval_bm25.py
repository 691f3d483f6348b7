"""BM25 with Lucene's inverse document frequency (Robertson and Zaragoza, 2009), in plain SciPy."""

from __future__ import annotations

import numpy as np
from scipy import sparse

NAME = "BM25"
TASKS = ("retrieval",)


def available():
    return None


def rankers():
    return {
        f"k1={k1} b=0.75": lambda texts, k, k1=k1: _ranker(texts, k1, 0.75) for k1 in (1.2, 1.5)
    }


def _ranker(texts, k1, b):
    from sklearn.feature_extraction.text import CountVectorizer

    words = CountVectorizer(stop_words="english")
    counts = sparse.coo_array(words.fit_transform(texts))
    n, _ = counts.shape
    n_with = np.bincount(counts.col, minlength=counts.shape[1])
    lengths = np.bincount(counts.row, weights=counts.data, minlength=n)
    damping = k1 * (1 - b + b * lengths / lengths.mean())
    weights = counts.data * (k1 + 1) / (counts.data + damping[counts.row])
    weights *= np.log1p((n - n_with + 0.5) / (n_with + 0.5))[counts.col]
    A = sparse.csr_array((weights, (counts.row, counts.col)), shape=counts.shape)
    return lambda queries: np.argsort(
        -(words.transform(queries) @ A.T).toarray(), axis=1, kind="stable"
    )
