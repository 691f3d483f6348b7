"""gensim's CoherenceModel; dictionary and bags of words are built before timing starts."""

from __future__ import annotations

import numpy as np

from peers import missing

NAME = "gensim"
TASKS = ("coherence",)

_NAMES = {"u_mass": "u_mass", "npmi": "c_npmi", "c_v": "c_v"}
_WINDOWS = {"u_mass": None, "npmi": 10, "c_v": 110}


def available():
    return missing("gensim")


def prepare(documents):
    from gensim.corpora import Dictionary

    dictionary = Dictionary(documents)
    return documents, dictionary, [dictionary.doc2bow(document) for document in documents]


def judge(data, topics, measure, n_threads):
    from gensim.models import CoherenceModel

    documents, dictionary, corpus = data
    model = CoherenceModel(
        topics=topics,
        texts=None if measure == "u_mass" else documents,
        corpus=corpus if measure == "u_mass" else None,
        dictionary=dictionary,
        window_size=_WINDOWS[measure],
        coherence=_NAMES[measure],
        topn=max(map(len, topics)),
        processes=n_threads,
    )
    return np.array(model.get_coherence_per_topic())
