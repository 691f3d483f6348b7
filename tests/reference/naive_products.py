"""Sparse products entry by entry, and what makes their arguments sound."""

from itertools import pairwise

import numpy as np


def naive_dense(data, indices, indptr, n_columns):
    """The matrix that the three arrays stand for; entries stored twice are added."""
    dense = np.zeros((len(indptr) - 1, n_columns))
    for row in range(len(indptr) - 1):
        for p in range(indptr[row], indptr[row + 1]):
            dense[row, indices[p]] += data[p]
    return dense


def is_sound_matrix(data, indices, indptr, n_columns):
    """Whether every row lies inside the arrays and every index inside the matrix."""
    starts = [int(p) for p in indptr]
    return (
        len(data) == len(indices)
        and len(starts) > 0
        and starts[0] >= 0
        and starts[-1] <= len(indices)
        and all(low <= high for low, high in pairwise(starts))
        and all(0 <= int(j) < n_columns for j in indices[starts[0] : starts[-1]])
    )


def are_sound_bounds(bounds, n_columns):
    """Whether they rise from 0 to the number of columns."""
    values = [int(b) for b in bounds]
    return (
        len(values) >= 2
        and values[0] == 0
        and values[-1] == n_columns
        and all(low <= high for low, high in pairwise(values))
    )
