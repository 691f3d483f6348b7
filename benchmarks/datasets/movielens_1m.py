"""MovieLens 1M ratings as a sparse matrix whose absent entries are zeros (6,040 x 3,952)."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

from datasets import data_file

TASKS = ("svd", "pca", "product", "memory", "rank_search")
N_COMPONENTS = {"full": 50, "quick": 10}
DTYPES = ("float64", "float32")


def load(*, data_dir, quick):
    with np.load(data_file(data_dir, "movielens-1m/ratings.npz")) as stored:
        rating, user, item = (stored[name] for name in ("rating", "user", "item"))
    X = csr_array((rating.astype(np.float64), (user - 1, item - 1)), shape=(6040, 3952))
    return X[::10] if quick else X
