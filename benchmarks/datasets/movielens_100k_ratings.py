"""MovieLens 100K ratings (943 x 1,682), its five published folds of 20,000."""

from __future__ import annotations

from datasets._movielens_folds import write_movielens_fold

TASKS = ("ratings", "accuracy", "calibration")
N_COMPONENTS = {"full": 20, "quick": 5}
DTYPES = ("float32",)
FOLDS = {"full": (1, 2, 3, 4, 5), "quick": (1, 2)}


def write(folder, *, fold, data_dir, quick):
    file = "movielens-100k/ratings.npz"
    write_movielens_fold(
        folder, file=file, shape=(943, 1682), fold=fold, data_dir=data_dir, quick=quick
    )
