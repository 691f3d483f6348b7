"""Latent semantic analysis in scikit-learn's pieces: TfidfVectorizer, TruncatedSVD, cosines."""

from __future__ import annotations

import numpy as np

NAME = "LSA, scikit-learn"
TASKS = ("retrieval", "lee", "lsa")
TAKES_RANK = True
OWN_RANK = None


def available():
    return None


def _space(texts, k):
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import Normalizer

    steps = make_pipeline(
        TfidfVectorizer(stop_words="english"), TruncatedSVD(k, random_state=0), Normalizer()
    )
    return steps, steps.fit_transform(texts)


def rankers():
    def ranker(texts, k):
        steps, W = _space(texts, min(k, len(texts)))
        return lambda queries: np.argsort(-steps.transform(queries) @ W.T, axis=1, kind="stable")

    return {"tf-idf": ranker}


def similarities():
    def compare(background, test, k):
        steps, _ = _space(background, min(k, len(background)))
        W = steps.transform(test)
        return W @ W.T

    return {"tf-idf": compare}


def fits():
    from sklearn.decomposition import TruncatedSVD

    return {
        algorithm: lambda A, k, seed, algorithm=algorithm: (
            TruncatedSVD(k, algorithm=algorithm, random_state=seed).fit(A).singular_values_
        )
        for algorithm in ("randomized", "arpack")
    }


def convert(A):
    from scipy.sparse import csr_matrix

    return csr_matrix(A)


def answerers():
    def answerer(texts):
        from sklearn.neighbors import NearestNeighbors

        steps, W = _space(texts, 100)
        neighbors = NearestNeighbors(n_neighbors=10, metric="cosine").fit(W)
        return lambda query: neighbors.kneighbors(steps.transform([query]))[1][0]

    return {"NearestNeighbors, cosine": answerer}
