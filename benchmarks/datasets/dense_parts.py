"""Dense, 5,000 x 2,000: a product of 50 gamma-distributed parts, each entry times gamma noise."""

from __future__ import annotations

import numpy as np

TASKS = ("nmf",)
N_COMPONENTS = {"full": 50, "quick": 5}
DTYPES = ("float64",)
LOSSES = ("frobenius", "kullback-leibler")


def load(*, data_dir, quick):
    n_rows, n_columns, k = (500, 200, 5) if quick else (5_000, 2_000, 50)
    rng = np.random.default_rng(0)
    parts = rng.gamma(0.5, size=(n_rows, k)) @ rng.gamma(0.5, size=(k, n_columns))
    return parts * rng.gamma(4.0, 0.25, size=parts.shape)
