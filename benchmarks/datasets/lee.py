"""Lee: 300 training texts, 50 test texts with human similarity judgments of their 1,225 pairs."""

from __future__ import annotations

import numpy as np

from datasets import data_file

TASKS = ("lee",)


def compared(*, data_dir, quick):
    """Background texts, test texts, and a similarity for each pair of these, as triu_indices."""
    import pandas as pd

    documents = pd.read_csv(data_file(data_dir, "lee/docs.csv.gz"), keep_default_na=False)
    pairs = pd.read_csv(data_file(data_dir, "lee/similarities.csv"))
    background = list(documents.loc[documents["set"] == "background", "text"])
    test = list(documents.loc[documents["set"] == "test", "text"])
    return background[: 60 if quick else None], test, np.asarray(pairs["similarity"])
