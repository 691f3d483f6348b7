"""Synthetic ratings: biases, known factors and noise; few rows and columns have most entries.

    x_ij = 3.5 + b_i + c_j + w_i' v_j + noise

Factor ``f`` has the weight ``1 / sqrt(f)``, so that no rank is the right one, as in real ratings.
The noise's standard deviation, `NOISE`, is the least RMSE that any program can reach on held-out
entries. Made in blocks of rows, each from a random generator of its own.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from datasets._ratings_files import Entries, write_ratings

NOISE = 0.8
RANK = 50
MEAN = 3.5
# Entries drawn at a time, and entries whose factors are gathered at a time.
BLOCK, GATHERED = 4_000_000, 250_000


def write_synthetic_ratings(folder, *, shape, n_entries, test_share, seed):
    """Write about ``n_entries`` ratings, ``test_share`` of them held out."""
    rng = np.random.default_rng(seed)
    counts = _row_counts(shape, n_entries, rng)
    blocks = _blocks(shape, counts, test_share, rng, seed)
    write_ratings(folder, blocks, shape=shape, at_most=int(counts.sum()))


def _row_counts(shape, n_entries, rng):
    """Entries of each row: log-normal, at least 5, at most a quarter of the columns."""
    activity = rng.lognormal(sigma=1.2, size=shape[0])
    counts = activity * (n_entries / activity.sum())
    for _ in range(20):
        counts = np.clip(counts * (n_entries / counts.sum()), 5, shape[1] // 4)
    return counts.astype(np.int64)


def _blocks(shape, counts, test_share, rng, seed):
    scale = np.sqrt(0.35 / np.sum(1 / np.arange(1, RANK + 1))) / np.sqrt(np.arange(1, RANK + 1))
    spread = np.sqrt(scale).astype(np.float32)
    W, V = (rng.standard_normal((n, RANK), dtype=np.float32) * spread for n in shape)
    b, c = (0.35 * rng.standard_normal(n, dtype=np.float32) for n in shape)
    popularity = rng.permutation((np.arange(shape[1]) + 0.001 * shape[1]) ** -1.0)
    cumulated = np.cumsum(popularity / popularity.sum())

    last_of_block = np.searchsorted(np.cumsum(counts), np.arange(BLOCK, counts.sum(), BLOCK))
    bounds = np.unique(np.concatenate([[0], last_of_block, [shape[0]]]))
    for number, (begin, end) in enumerate(pairwise(bounds)):
        rng_block = np.random.default_rng([seed, number])
        rows, columns = _positions(counts[begin:end], cumulated, rng_block)
        rows += begin
        values = MEAN + b[rows] + c[columns] + NOISE * rng_block.standard_normal(rows.size)
        for part in (slice(i, i + GATHERED) for i in range(0, rows.size, GATHERED)):
            values[part] += np.einsum("ef,ef->e", W[rows[part]], V[columns[part]])
        held_out = rng_block.random(rows.size) < test_share
        yield Entries(rows, columns, values), held_out


def _positions(counts, cumulated, rng):
    """Different columns for each row, popular ones more often; a few less than asked for."""
    n_columns = cumulated.size
    draws = 2 * counts + 8
    rows = np.repeat(np.arange(counts.size), draws)
    columns = np.searchsorted(cumulated, rng.random(rows.size))
    columns = np.minimum(columns, n_columns - 1)
    # Draws of a row come one after the other, so the first of a column are in order of row.
    first = np.sort(np.unique(rows * n_columns + columns, return_index=True)[1])
    rows, columns = rows[first], columns[first]
    n_found = np.bincount(rows, minlength=counts.size)
    place = np.arange(rows.size) - np.repeat(np.cumsum(n_found) - n_found, n_found)
    keys = np.sort((rows * n_columns + columns)[place < counts[rows]])
    return keys // n_columns, keys % n_columns
