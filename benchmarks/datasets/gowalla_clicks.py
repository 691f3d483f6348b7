"""Gowalla check-ins (29,858 x 40,981), published split: 810,128 pairs, 217,242 test pairs."""

from __future__ import annotations

import numpy as np

from datasets import ClicksProblem, data_file
from datasets._held_out_pairs import pairs

TASKS = ("implicit_als", "implicit_ranking")
RANKS = {"full": (64, 128), "quick": (8,)}
ALPHA, REG = 10.0, 10.0
SHAPE = (29858, 40981)


def clicks(*, data_dir, quick):
    with np.load(data_file(data_dir, "gowalla/interactions.npz")) as stored:
        train, test = (
            pairs(stored[f"{part}_user"], stored[f"{part}_item"], SHAPE)
            for part in ("train", "test")
        )
    rows = slice(600 if quick else None)
    return ClicksProblem(train[rows], test[rows])
