"""20 Newsgroups, train split: 2,000 subject lines as queries for their texts."""

from __future__ import annotations

import numpy as np

from datasets import data_file

TASKS = ("retrieval",)

N_QUERIES = {"full": 2000, "quick": 30}
QUICK_DOCUMENTS = 300


def judged(*, data_dir, quick):
    """Subjects of two words at least, for texts of twenty; one document each is relevant."""
    import pandas as pd
    from sklearn.feature_extraction.text import CountVectorizer

    posts = pd.read_csv(data_file(data_dir, "newsgroups20/docs.csv.gz"), keep_default_na=False)
    posts = posts[posts["split"] == "train"]
    if quick:
        posts = posts[:QUICK_DOCUMENTS]
    texts, subjects = list(posts["text"]), list(posts["subject"])
    counts = CountVectorizer(stop_words="english")
    words = np.asarray(counts.fit_transform(texts).sum(axis=1)).ravel()
    known = np.asarray(counts.transform(subjects).sum(axis=1)).ravel()
    (usable,) = np.nonzero((words >= 20) & (known >= 2))
    n = min(N_QUERIES["quick" if quick else "full"], len(usable))
    chosen = np.sort(np.random.default_rng(0).choice(usable, n, replace=False))
    relevant = np.zeros((n, len(texts)), dtype=bool)
    relevant[np.arange(n), chosen] = True
    return texts, [subjects[i] for i in chosen], relevant
