"""Candidates of a search: 1,000,000 x 100, rows of length 1 in random directions."""

from __future__ import annotations

import numpy as np

TASKS = ("top_k",)
N_COMPONENTS = {"full": 10, "quick": 10}  # how many are searched for
DTYPES = ("float32",)


def load(*, data_dir, quick):
    X = np.random.default_rng(8).standard_normal((20_000 if quick else 1_000_000, 100))
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    return X
