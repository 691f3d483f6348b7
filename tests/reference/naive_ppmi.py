"""Positive pointwise mutual information, entry by entry."""

from math import log

import numpy as np


def ppmi(counts, fitted_on=None, smoothing=0.75, shift=1.0):
    """Weights of counts, with the contexts of another table if given."""
    learnt = counts if fitted_on is None else fitted_on
    smoothed = [float(sum(column)) ** smoothing for column in learnt.T.astype(float)]
    weights = np.zeros(counts.shape)
    for i, row in enumerate(counts.astype(float)):
        for j, n in enumerate(row):
            if n > 0 and smoothed[j] > 0:
                p_context = smoothed[j] / sum(smoothed)
                weights[i, j] = max(0.0, log(n / sum(row) / p_context) - log(shift))
    return weights
