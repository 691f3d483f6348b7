"""20 Newsgroups, train split: tf-idf without stop words and rare words, sparse; 100 topics."""

from __future__ import annotations

from datasets import newsgroups_topics_20

TASKS = ("nmf",)
N_COMPONENTS = {"full": 100, "quick": 10}
DTYPES = ("float64",)
LOSSES = ("frobenius",)


def load(*, data_dir, quick):
    return newsgroups_topics_20.load(data_dir=data_dir, quick=quick)
