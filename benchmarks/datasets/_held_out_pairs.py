"""Pairs held out from each row of a sparse matrix."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array


def pairs(rows, columns, shape) -> csr_array:
    """The pairs as ones in float32, sorted."""
    X = csr_array((np.ones(len(rows), np.float32), (rows, columns)), shape=shape)
    X.sum_duplicates()
    return X


def hold_out(X: csr_array, share: float, seed: int) -> tuple[csr_array, csr_array]:
    """Entries to train on, and ``share`` of those of each row, rounded, as ones.

    A row keeps one entry at least.
    """
    lengths = np.diff(X.indptr)
    rows = np.repeat(np.arange(X.shape[0]), lengths)
    # In random order within each row.
    order = np.lexsort((np.random.default_rng(seed).random(X.nnz), rows))
    place = np.arange(X.nnz) - X.indptr[rows]
    wanted = np.minimum(np.rint(share * lengths), np.maximum(lengths - 1, 0))
    held_out = np.zeros(X.nnz, dtype=bool)
    held_out[order] = place < wanted[rows]
    kept = ~held_out
    train = csr_array((X.data[kept], (rows[kept], X.indices[kept])), shape=X.shape)
    return train, pairs(rows[held_out], X.indices[held_out], X.shape)
