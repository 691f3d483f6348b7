"""Movies rated by MovieLens 1M users (6,040 x 3,952); the last one is ranked among 99 others.

The published leave-one-out split: one film a user, and 99 that were drawn from those not rated.
Where the film itself is among the 99, it is left out of these.
"""

from __future__ import annotations

import numpy as np

from datasets import ClicksProblem, data_file
from datasets._held_out_pairs import pairs

TASKS = ("implicit_als", "implicit_ranking")
RANKS = {"full": (64, 128), "quick": (8,)}
ALPHA, REG = 10.0, 10.0
SHAPE = (6040, 3952)


def clicks(*, data_dir, quick):
    with np.load(data_file(data_dir, "movielens-1m/ratings.npz")) as stored:
        rated = pairs(stored["user"] - 1, stored["item"] - 1, SHAPE)
    with np.load(data_file(data_dir, "movielens-1m/leave_one_out.npz")) as stored:
        user, item, others = (stored[name] - 1 for name in ("user", "item", "negatives"))
    last = pairs(user, item, SHAPE)
    train = rated - last
    train.eliminate_zeros()
    negatives = np.full((SHAPE[0], others.shape[1]), -1)
    negatives[user] = np.where(others == item[:, None], -1, others)
    rows = slice(600 if quick else None)
    return ClicksProblem(train[rows], last[rows], negatives[rows])
