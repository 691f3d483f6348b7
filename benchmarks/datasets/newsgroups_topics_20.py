"""20 Newsgroups, train split: tf-idf without stop words and rare words, sparse; 20 topics."""

from __future__ import annotations

from datasets.newsgroups_tfidf import training_texts

TASKS = ("nmf", "topics")
N_COMPONENTS = {"full": 20, "quick": 5}
DTYPES = ("float64",)
LOSSES = ("frobenius", "kullback-leibler")


def load(*, data_dir, quick):
    return vectorizer().fit_transform(training_texts(data_dir, quick))


def vectorizer():
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(min_df=2, max_df=0.95, stop_words="english")


def texts(*, data_dir, quick):
    """Names of the columns, and the documents as tokens."""
    documents = training_texts(data_dir, quick)
    model = vectorizer().fit(documents)
    analyze = model.build_analyzer()
    return model.get_feature_names_out(), [analyze(text) for text in documents]
