"""Common code of the MovieLens datasets: a published split into five folds, or a random one."""

from __future__ import annotations

import numpy as np

from datasets import data_file
from datasets._ratings_files import Entries, write_ratings


def write_movielens_fold(folder, *, file, shape, fold, data_dir, quick):
    """Write the ratings less those of a fold, which are held out; ``quick``: of some 120 users."""
    entries, of_fold = _ordered(file, shape, data_dir, quick)
    write_ratings(folder, [(entries, of_fold == fold)], shape=shape, at_most=of_fold.size)


def write_movielens_tenth(folder, *, file, shape, seed, data_dir, quick):
    """Write the ratings less a random tenth, which is held out; ``quick``: of some 120 users."""
    entries, of_fold = _ordered(file, shape, data_dir, quick)
    held_out = np.zeros(of_fold.size, dtype=bool)
    held_out[np.random.default_rng(seed).permutation(of_fold.size)[: of_fold.size // 10]] = True
    write_ratings(folder, [(entries, held_out)], shape=shape, at_most=of_fold.size)


def _ordered(file, shape, data_dir, quick):
    """Ratings in order of user and item, and their folds."""
    with np.load(data_file(data_dir, file)) as stored:
        user, item, rating, of_fold = (stored[name] for name in ("user", "item", "rating", "fold"))
    order = np.lexsort((item, user))
    if quick:
        order = order[user[order] % (shape[0] // 120 + 1) == 0]
    return Entries(user[order] - 1, item[order] - 1, rating[order]), of_fold[order]
