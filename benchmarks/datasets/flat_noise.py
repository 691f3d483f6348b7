"""Flat spectrum: 100,000 x 20 of Gaussian noise, where randomized methods fail quietly."""

from __future__ import annotations

import numpy as np

TASKS = ("svd", "pca")
N_COMPONENTS = {"full": 5, "quick": 5}
DTYPES = ("float64",)


def load(*, data_dir, quick):
    return np.random.default_rng(3).standard_normal((4_000 if quick else 100_000, 20))
