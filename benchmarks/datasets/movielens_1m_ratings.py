"""MovieLens 1M ratings (6,040 x 3,952), a published split into five folds of 200,000."""

from __future__ import annotations

from datasets._movielens_folds import write_movielens_fold

TASKS = ("ratings", "accuracy", "calibration")
N_COMPONENTS = {"full": 50, "quick": 5}
DTYPES = ("float32",)
FOLDS = {"full": (1, 2, 3, 4, 5), "quick": (1, 2)}


def write(folder, *, fold, data_dir, quick):
    file = "movielens-1m/ratings.npz"
    write_movielens_fold(
        folder, file=file, shape=(6040, 3952), fold=fold, data_dir=data_dir, quick=quick
    )
