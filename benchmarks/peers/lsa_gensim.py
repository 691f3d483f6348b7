"""gensim's LsiModel on its own tf-idf or log-entropy weights, and its index of cosines."""

from __future__ import annotations

import numpy as np

from peers import missing

NAME = "LSA, gensim"
TASKS = ("retrieval", "lee", "lsa")
TAKES_RANK = True
OWN_RANK = 200


def available():
    return missing("gensim")


class _Space:
    """Weights, directions and cosines of token lists."""

    def __init__(self, texts, k, weights):
        from gensim import models, similarities
        from gensim.corpora import Dictionary
        from sklearn.feature_extraction.text import CountVectorizer

        self.tokens = CountVectorizer(stop_words="english").build_analyzer()
        documents = [self.tokens(text) for text in texts]
        self.dictionary = Dictionary(documents)
        corpus = [self.dictionary.doc2bow(document) for document in documents]
        self.weights = {"tf-idf": models.TfidfModel, "log-entropy": models.LogEntropyModel}[
            weights
        ](corpus)
        self.lsi = models.LsiModel(
            self.weights[corpus], id2word=self.dictionary, num_topics=k, random_seed=0
        )
        self.index = similarities.MatrixSimilarity(
            self.lsi[self.weights[corpus]], num_features=self.lsi.num_topics
        )

    def vector(self, text):
        return self.lsi[self.weights[self.dictionary.doc2bow(self.tokens(text))]]

    def cosines(self, text):
        return self.index[self.vector(text)]


def rankers():
    def ranker(texts, k, weights):
        space = _Space(texts, k, weights)
        return lambda queries: np.argsort(
            -np.array([space.cosines(query) for query in queries]), axis=1, kind="stable"
        )

    return {
        weights: lambda texts, k, weights=weights: ranker(texts, k, weights)
        for weights in ("tf-idf", "log-entropy")
    }


def similarities():
    def compare(background, test, k, weights):
        from gensim.matutils import corpus2dense

        space = _Space(background, k, weights)
        W = corpus2dense([space.vector(text) for text in test], space.lsi.num_topics).T
        W = W / np.linalg.norm(W, axis=1, keepdims=True)
        return W @ W.T

    return {
        weights: lambda b, t, k, weights=weights: compare(b, t, k, weights)
        for weights in ("tf-idf", "log-entropy")
    }


def fits():
    def fit(corpus, k, seed):
        from gensim.models import LsiModel

        corpus, n_terms = corpus
        names = {j: str(j) for j in range(n_terms)}
        model = LsiModel(corpus, id2word=names, num_topics=k, random_seed=seed)
        return model.projection.s[:k]

    return {"": fit}


def convert(A):
    """The corpus as gensim takes it, and how many terms there are."""
    from gensim.matutils import Sparse2Corpus
    from scipy.sparse import csc_matrix

    return Sparse2Corpus(csc_matrix(A), documents_columns=False), A.shape[1]


def answerers():
    def answerer(texts):
        space = _Space(texts, 100, "tf-idf")

        def answer(query):
            cosines = space.cosines(query)
            best = np.argpartition(-cosines, 10)[:10]
            return best[np.argsort(-cosines[best])]

        return answer

    return {"MatrixSimilarity": answerer}
