"""10 million synthetic ratings of 100,000 x 20,000, one in ten held out."""

from __future__ import annotations

from datasets._synthetic_ratings import write_synthetic_ratings

TASKS = ("ratings", "als_sweep")
N_COMPONENTS = {"full": 50, "quick": 5}
DTYPES = ("float32",)
FOLDS = {"full": (1,), "quick": (1,)}


def write(folder, *, fold, data_dir, quick):
    shape, n_entries = ((2_000, 400), 40_000) if quick else ((100_000, 20_000), 10_000_000)
    write_synthetic_ratings(folder, shape=shape, n_entries=n_entries, test_share=0.1, seed=fold)
