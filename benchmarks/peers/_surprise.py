"""Common code of Surprise's two factor models. They are Cython code with one thread."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from peers import FEW_RATINGS


def surprise_refusal(X):
    if X.nnz <= FEW_RATINGS:
        return None
    return f"keeps each rating as Python objects, too slow for {X.nnz:,} of them"


def surprise_trainset(X):
    """A ``Trainset`` whose inner ids are our rows and columns."""
    from surprise import Trainset

    by_row, by_column = defaultdict(list), defaultdict(list)
    entries = X.tocoo()
    for i, j, value in zip(
        entries.row.tolist(), entries.col.tolist(), entries.data.tolist(), strict=True
    ):
        by_row[i].append((j, value))
        by_column[j].append((i, value))
    limits = (float(X.data.min()), float(X.data.max()))
    rows, columns = ({i: i for i in range(n)} for n in X.shape)
    return Trainset(by_row, by_column, *X.shape, X.nnz, limits, rows, columns)


def pattern_by_root_of_row(X):
    """The pattern of ``X``, each row divided by the root of its number of entries."""
    lengths = np.diff(X.indptr)
    pattern = X.astype(np.float64)
    pattern.data[:] = np.repeat(1 / np.sqrt(np.maximum(lengths, 1)), lengths)
    return pattern
