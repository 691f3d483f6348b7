"""Test collections for search: documents, queries, and which documents answer them."""

from __future__ import annotations

import numpy as np

from datasets import data_file

QUICK_DOCUMENTS = 300


def read_collection(name: str, data_dir, quick: bool, *, title: bool, graded: bool = False):
    """Texts, queries and a boolean table of what is relevant (grades above 0 where graded)."""
    import pandas as pd

    documents = pd.read_csv(data_file(data_dir, f"{name}/docs.csv.gz"), keep_default_na=False)
    queries = pd.read_csv(data_file(data_dir, f"{name}/queries.csv"))
    judged = pd.read_csv(data_file(data_dir, f"{name}/qrels.csv"))
    if graded:
        judged = judged[judged["grade"] > 0]
    texts = documents["title"] + " " + documents["text"] if title else documents["text"]
    row_of = {number: i for i, number in enumerate(queries["query"])}
    column_of = {number: j for j, number in enumerate(documents["doc"])}
    relevant = np.zeros((len(queries), len(documents)), dtype=bool)
    rows = [row_of[number] for number in judged["query"]]
    relevant[rows, [column_of[number] for number in judged["doc"]]] = True
    n = QUICK_DOCUMENTS if quick else len(documents)
    relevant = relevant[:, :n]
    is_judged = relevant.any(axis=1)
    asked = [text for text, keep in zip(queries["text"], is_judged, strict=True) if keep]
    return list(texts)[:n], asked, relevant[is_judged]
