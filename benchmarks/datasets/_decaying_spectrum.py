"""Dense matrices that look like measured data: a decaying spectrum, noise, column means."""

from __future__ import annotations

import numpy as np


def decaying_matrix(n_rows: int, n_columns: int, *, rank: int, noise: float, seed: int):
    """``G diag(1 / i) H + noise + means`` with Gaussian ``G`` and orthonormal rows in ``H``.

    ``noise`` is the size of a noise singular value relative to the largest of the signal.
    """
    rng = np.random.default_rng(seed)
    H = np.linalg.qr(rng.standard_normal((n_columns, rank)))[0].T
    G = rng.standard_normal((n_rows, rank))
    X = (G / np.arange(1, rank + 1)) @ H
    largest = np.sqrt(n_rows)
    spread = noise * largest / (np.sqrt(n_rows) + np.sqrt(n_columns))
    X += rng.standard_normal(X.shape) * spread
    X += rng.standard_normal(n_columns) / np.sqrt(n_columns)
    return X
