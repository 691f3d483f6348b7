"""What the two sets of MovieLens ratings share: a published split into five folds."""

from __future__ import annotations

import numpy as np

from datasets import data_file
from datasets._ratings_files import Entries, write_ratings


def write_movielens_fold(folder, *, file, shape, fold, data_dir, quick):
    """Write the ratings less those of a fold, which are held out; ``quick``: of some 120 users."""
    with np.load(data_file(data_dir, file)) as stored:
        user, item, rating, of_fold = (stored[name] for name in ("user", "item", "rating", "fold"))
    order = np.lexsort((item, user))
    if quick:
        order = order[user[order] % (shape[0] // 120 + 1) == 0]
    entries = Entries(user[order] - 1, item[order] - 1, rating[order])
    held_out = of_fold[order] == fold
    write_ratings(folder, [(entries, held_out)], shape=shape, at_most=order.size)
