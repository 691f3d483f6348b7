"""Interactions that follow from what rows like, and how a ranking finds one that was hidden."""

import numpy as np
from scipy import sparse


def synthetic_preferences(seed, *, shape=(300, 120), rank=4, per_row=20, dtype=np.float64):
    """Rows take columns that they like, popular ones more often; and what else they like."""
    rng = np.random.default_rng(seed)
    liking = rng.standard_normal((shape[0], rank)) @ rng.standard_normal((rank, shape[1]))
    liking += rng.standard_normal(shape[1]) + rng.gumbel(size=shape) * 0.5
    order = np.argsort(-liking, axis=1)
    member, held = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
    rows = np.arange(shape[0])
    shown = order[:, : per_row + 1]
    out = rng.integers(per_row + 1, size=shape[0])
    np.put_along_axis(member, shown, True, axis=1)
    held[rows, shown[rows, out]] = True
    member &= ~held
    return sparse.csr_array(member.astype(dtype)), held


def mean_rank(scores, interactions, held):
    """Of what was held out, among what a row has not: 0 the best, 1/2 by chance."""
    scores = np.where(interactions.toarray() > 0, -np.inf, scores)
    own = scores[held]
    better = (scores > own[:, np.newaxis]).sum(axis=1)
    return (better / (np.isfinite(scores).sum(axis=1) - 1)).mean()
