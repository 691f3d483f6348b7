"""Plays of artists by Last.fm users (1,892 x 17,632), log(1 + plays); a tenth held out."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

from datasets import ClicksProblem, data_file
from datasets._held_out_pairs import hold_out

TASKS = ("implicit_als", "implicit_ranking")
RANKS = {"full": (64, 128), "quick": (8,)}
ALPHA, REG = 10.0, 10.0


def clicks(*, data_dir, quick):
    with np.load(data_file(data_dir, "lastfm-2k/plays.npz")) as stored:
        (_, user), (_, item) = (
            np.unique(stored[name], return_inverse=True) for name in ("user", "item")
        )
        plays = stored["plays"]
    X = csr_array((np.log1p(plays, dtype=np.float32), (user, item)))
    return ClicksProblem(*hold_out(X[: 600 if quick else None], 0.1, seed=0))
