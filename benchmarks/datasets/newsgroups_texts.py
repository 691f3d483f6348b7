"""20 Newsgroups, train split: tokens of the bare texts, and topics of scikit-learn's NMF."""

from __future__ import annotations

import numpy as np

from datasets.newsgroups_tfidf import training_texts

TASKS = ("coherence",)
N_COMPONENTS = {"full": 20, "quick": 5}
DTYPES = ("float64",)  # of the factorization

N_TERMS = 10


def tokens(*, data_dir, quick):
    from sklearn.decomposition import NMF
    from sklearn.feature_extraction.text import TfidfVectorizer

    texts = training_texts(data_dir, quick)
    # The documents keep the words that a topic may not have: they fill the windows.
    tokenize = TfidfVectorizer().build_analyzer()
    documents = [document for document in map(tokenize, texts) if document]

    vectorizer = TfidfVectorizer(stop_words="english", min_df=5)
    X = vectorizer.fit_transform(texts)
    rank = N_COMPONENTS["quick" if quick else "full"]
    weights = NMF(rank, max_iter=1000, random_state=0).fit(X).components_
    names = vectorizer.get_feature_names_out()
    topics = names[np.argsort(-weights, axis=1, kind="stable")[:, :N_TERMS]]
    return documents, topics.tolist()
