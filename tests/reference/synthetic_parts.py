"""Non-negative matrices made of few parts, with or without holes, in every storage."""

import numpy as np
from scipy import sparse

from lrfact.solvers.nmf.nonnegative_problem import NonnegativeProblem, Penalty

STORAGES = ("C", "F", "csr")


def synthetic_parts(shape=(40, 25), rank=3, *, noise=0.05, holes=0.0, zeros=0.0, seed=0):
    """Sparse factors under noise; NaN in a share of places, 0 in another, else positive."""
    rng = np.random.default_rng(seed)
    W = rng.random((shape[0], rank)) * (rng.random((shape[0], rank)) > 0.4)
    V = rng.random((shape[1], rank)) * (rng.random((shape[1], rank)) > 0.4)
    X = W @ V.T + noise * rng.random(shape) + 1e-3
    X[rng.random(shape) < zeros] = 0
    X[rng.random(shape) < holes] = np.nan
    return X


def problem_of(X, *, storage="C", penalties=((0, 0), (0, 0)), beta=2, n_threads=1):
    """The problem of a matrix whose missing entries are NaN; penalties are (l1, l2)."""
    hidden = sparse.csr_array(np.isnan(X)) if np.isnan(X).any() else None
    filled = np.where(np.isnan(X), 0, X).astype(X.dtype)
    matrix = sparse.csr_array(filled) if storage == "csr" else np.array(filled, order=storage)
    of_rows, of_columns = (Penalty(*map(float, penalty)) for penalty in penalties)
    return NonnegativeProblem.from_parts(
        matrix,
        hidden,
        row_penalty=of_rows,
        column_penalty=of_columns,
        beta=beta,
        n_threads=n_threads,
    )


def random_init(X, rank, seed=0):
    """Factors of the scale of the matrix, as scikit-learn draws them."""
    rng = np.random.RandomState(seed)
    scale = np.sqrt(np.nanmean(X) / rank)
    columns = scale * np.abs(rng.standard_normal((rank, X.shape[1])))
    rows = scale * np.abs(rng.standard_normal((X.shape[0], rank)))
    return rows.astype(X.dtype), np.ascontiguousarray(columns.T, dtype=X.dtype)
