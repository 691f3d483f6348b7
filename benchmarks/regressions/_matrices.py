"""Small matrices that need no data folder: dense tall, wide and square, sparse like text."""

from __future__ import annotations

import numpy as np
import scipy.linalg
import scipy.sparse as sp

from datasets._decaying_spectrum import decaying_matrix

KINDS = ("dense tall", "dense wide", "dense square", "sparse text")
N_COMPONENTS = 20


def matrix(kind: str):
    if kind == "sparse text":
        return _sparse_text()
    shape = {"dense tall": (20_000, 100), "dense wide": (200, 5_000), "dense square": (600, 600)}
    return decaying_matrix(*shape[kind], rank=50, noise=0.02, seed=0)


def _sparse_text():
    """Counts with Zipf's column frequencies, logged and normalized like tf-idf."""
    rng = np.random.default_rng(0)
    n_rows, n_columns, n_words = 2_000, 10_000, 60
    weights = 1.0 / np.arange(1, n_columns + 1)
    columns = rng.choice(n_columns, size=n_rows * n_words, p=weights / weights.sum())
    rows = np.repeat(np.arange(n_rows), n_words)
    X = sp.csr_array((np.ones(rows.size), (rows, columns)), shape=(n_rows, n_columns))
    X.sum_duplicates()
    X.data = 1.0 + np.log(X.data)
    frequency = np.bincount(X.indices, minlength=n_columns)
    X.data *= np.log((1 + n_rows) / (1 + frequency[X.indices])) + 1
    lengths = np.sqrt(np.asarray(X.multiply(X).sum(axis=1)).ravel())
    return sp.csr_array(sp.diags_array(1 / lengths) @ X)


def exact_spectrum(X, *, centered: bool):
    dense = X.toarray() if sp.issparse(X) else X
    return scipy.linalg.svdvals(dense - dense.mean(axis=0) if centered else dense)[:N_COMPONENTS]
