"""20 Newsgroups, train split: BM25 weights of words that are not English stop words."""

from __future__ import annotations

from datasets.newsgroups_tfidf import training_texts

TASKS = ("lsa",)
N_COMPONENTS = {"full": 100, "quick": 10}
DTYPES = ("float32",)


def texts(*, data_dir, quick):
    return training_texts(data_dir, quick)


def load(*, data_dir, quick):
    from sklearn.feature_extraction.text import CountVectorizer

    from lrfact import TermWeighting

    counts = CountVectorizer(stop_words="english").fit_transform(
        texts(data_dir=data_dir, quick=quick)
    )
    return TermWeighting().fit_transform(counts.astype("float64"))
