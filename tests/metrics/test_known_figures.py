"""Published scores of popularity baselines on real data, if LRFACT_DATA has them."""

import os
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from lrfact.metrics import hit_rate_at_k, ndcg_at_k, recall_at_k


def load(name):
    file = Path(os.environ.get("LRFACT_DATA", "")) / name
    if not os.environ.get("LRFACT_DATA") or not file.exists():
        pytest.skip(f"needs LRFACT_DATA/{name}")
    with np.load(file) as stored:
        return dict(stored)


def test_leave_one_out_on_movielens_1m():
    """One held-out item per user among 99 others."""
    ratings, held_out = load("movielens-1m/ratings.npz"), load("movielens-1m/leave_one_out.npz")
    popularity = np.bincount(ratings["item"], minlength=3953)
    popularity -= np.bincount(held_out["item"], minlength=3953)
    negatives = held_out["negatives"]
    # Some candidate lists contain the held-out item itself.
    negatives = np.where(negatives == held_out["item"][:, np.newaxis], -1, negatives)
    users = np.arange(len(negatives))
    truth = sparse.csr_array((np.ones(users.size), (users, held_out["item"])), shape=(6040, 3953))
    figures = []
    for candidates in ([negatives, held_out["item"]], [held_out["item"], negatives]):
        candidates = np.column_stack(candidates)
        popular = np.where(candidates < 0, -1, popularity[candidates])
        # Ties: among equally popular items the first candidate stays first.
        order = np.argsort(-popular, axis=1, kind="stable")
        ranking = np.take_along_axis(candidates, order, axis=1)
        assert recall_at_k(ranking, truth, k=10) == hit_rate_at_k(ranking, truth, k=10)
        figures.append((hit_rate_at_k(ranking, truth, k=10), ndcg_at_k(ranking, truth, k=10)))
    # Published to four digits, from some order of equally popular items.
    for known, held_out_last, held_out_first in zip((0.4538, 0.2543), *figures, strict=True):
        assert held_out_last - 5e-5 <= known <= held_out_first + 5e-5
        assert held_out_first - held_out_last < 1e-3


def test_popular_items_on_gowalla():
    """The 20 most popular items that a user has not visited in training."""
    pairs = load("gowalla/interactions.npz")
    shape = (29858, 40981)

    def matrix(part):
        rows, columns = pairs[f"{part}_user"], pairs[f"{part}_item"]
        return sparse.csr_array((np.ones(rows.size), (rows, columns)), shape=shape)

    train, test = matrix("train"), matrix("test")
    popular = np.argsort(-train.sum(axis=0), kind="stable")
    ranking = np.full((shape[0], 20), -1)
    for user, (start, stop) in enumerate(zip(train.indptr[:-1], train.indptr[1:], strict=True)):
        first = popular[: 20 + stop - start]
        ranking[user] = first[~np.isin(first, train.indices[start:stop])][:20]
    assert recall_at_k(ranking, test, k=20) == pytest.approx(0.0416, abs=5e-5)
    assert ndcg_at_k(ranking, test, k=20) == pytest.approx(0.0317, abs=5e-5)
