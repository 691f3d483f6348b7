"""MovieLens 1M ratings (6,040 x 3,952), a random tenth of them held out, three times."""

from __future__ import annotations

from datasets._movielens_folds import write_movielens_tenth

TASKS = ("accuracy",)
N_COMPONENTS = {"full": 50, "quick": 5}
DTYPES = ("float32",)
FOLDS = {"full": (0, 1, 2), "quick": (0, 1)}


def write(folder, *, fold, data_dir, quick):
    file = "movielens-1m/ratings.npz"
    write_movielens_tenth(
        folder, file=file, shape=(6040, 3952), seed=fold, data_dir=data_dir, quick=quick
    )
