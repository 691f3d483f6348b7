"""Pairwise logistic losses as they are defined, all pairs one by one."""

import numpy as np
from scipy.optimize import minimize


def bpr_row_loss(x, own, others, columns, offsets, reg):
    """Of a row: mean over the other columns and sum over its own, with a penalty for each."""
    scores = np.asarray(columns, dtype=np.float64) @ x + offsets
    total = 0.0
    for j in own:
        total += np.mean([np.logaddexp(0, scores[other] - scores[j]) for other in others])
        total += reg / 2 * x @ x
    return total


def best_bpr_row(own, others, columns, offsets, reg):
    """The row of least loss, by a general minimizer."""
    found = minimize(
        bpr_row_loss,
        np.zeros(columns.shape[1]),
        args=(own, others, columns, offsets, reg),
        options={"gtol": 1e-8},
    )
    return found.x


def mean_bpr_loss(member, rows, columns, offsets):
    """-ln sigma of what rows have over what they have not: mean over pairs, in each the mean."""
    scores = np.asarray(rows, dtype=np.float64) @ np.asarray(columns, dtype=np.float64).T + offsets
    losses = [
        np.mean(np.logaddexp(0, scores[i, ~member[i]] - scores[i, j]))
        for i, j in zip(*np.nonzero(member), strict=True)
        if not member[i].all()
    ]
    return np.mean(losses)
