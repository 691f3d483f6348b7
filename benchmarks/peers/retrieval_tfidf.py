"""Cosines of tf-idf weights: scikit-learn's TfidfVectorizer and a product."""

from __future__ import annotations

import numpy as np

NAME = "tf-idf cosine"
TASKS = ("retrieval",)


def available():
    return None


def rankers():
    return {"": _ranker}


def _ranker(texts, k):
    from sklearn.feature_extraction.text import TfidfVectorizer

    tfidf = TfidfVectorizer(stop_words="english")
    A = tfidf.fit_transform(texts)
    return lambda queries: np.argsort(
        -(tfidf.transform(queries) @ A.T).toarray(), axis=1, kind="stable"
    )
