"""Predictions from biases and factors, for programs that predict only one entry at a time."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

BLOCK = 200_000


class BiasedFactors(NamedTuple):
    """Ratings ``mean + b_i + c_j + w_i' v_j``."""

    mean: float
    b: np.ndarray
    c: np.ndarray
    W: np.ndarray
    V: np.ndarray


def where_seen(model: BiasedFactors, X) -> BiasedFactors:
    """Zeros for rows and columns that have no entry in ``X``: the rest of the sum remains."""
    rows = np.diff(X.indptr) > 0
    columns = np.bincount(X.indices, minlength=X.shape[1]) > 0
    return BiasedFactors(
        model.mean,
        np.where(rows, model.b, 0),
        np.where(columns, model.c, 0),
        np.where(rows[:, None], model.W, 0),
        np.where(columns[:, None], model.V, 0),
    )


def predict_from_factors(model: BiasedFactors, rows, columns):
    predicted = model.mean + model.b[rows].astype(np.float64) + model.c[columns]
    for part in (slice(i, i + BLOCK) for i in range(0, rows.size, BLOCK)):
        w, v = model.W[rows[part]], model.V[columns[part]]
        predicted[part] += np.einsum("ef,ef->e", w, v, dtype=np.float64)
    return predicted
