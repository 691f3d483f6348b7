"""100 million synthetic ratings of 1,000,000 x 100,000, one in a hundred held out."""

from __future__ import annotations

from datasets._synthetic_ratings import write_synthetic_ratings

TASKS = ("als_100m",)
N_COMPONENTS = {"full": 32, "quick": 8}
DTYPES = ("float32",)
FOLDS = {"full": (1,), "quick": (1,)}


def write(folder, *, fold, data_dir, quick):
    shape, n_entries = ((5_000, 500), 100_000) if quick else ((1_000_000, 100_000), 100_000_000)
    write_synthetic_ratings(folder, shape=shape, n_entries=n_entries, test_share=0.01, seed=fold)
