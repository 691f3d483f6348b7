"""20 Newsgroups, train split: tf-idf of the bare texts (11,314 x about 100,000), sparse."""

from __future__ import annotations

import csv
import gzip

from datasets import data_file

TASKS = ("svd", "pca", "product", "memory")
N_COMPONENTS = {"full": 100, "quick": 20}
DTYPES = ("float64", "float32")


def load(*, data_dir, quick):
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer().fit_transform(training_texts(data_dir, quick))


def training_texts(data_dir, quick):
    csv.field_size_limit(10_000_000)
    with gzip.open(data_file(data_dir, "newsgroups20/docs.csv.gz"), "rt", encoding="utf8") as lines:
        texts = [row["text"] for row in csv.DictReader(lines) if row["split"] == "train"]
    # Documents come sorted by group; a stride keeps all groups in the small version.
    return texts[::12] if quick else texts
