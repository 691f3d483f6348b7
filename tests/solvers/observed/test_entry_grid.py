"""Entries sorted into blocks: every one of them once, none outside its block."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse

from lrfact.solvers.observed.entry_grid import entry_grid, random_rounds


def long_tailed(shape, n_entries, seed, index=np.int32):
    """Entries numbered from 1, a few rows and columns holding most of them."""
    rng = np.random.default_rng(seed)
    rows, columns = (np.floor(n * rng.random(n_entries) ** 3).astype(index) for n in shape)
    pairs = np.unique(np.stack([rows, columns], axis=1), axis=0)
    values = np.arange(1, len(pairs) + 1, dtype=np.float64)
    return sparse.csr_array((values, (pairs[:, 0], pairs[:, 1])), shape=shape)


@pytest.mark.parametrize("index", [np.int32, np.int64])
@pytest.mark.parametrize("shape", [(300, 200), (40, 3000), (1, 5000), (3000, 2), (1, 1)])
def test_every_entry_is_in_its_block_once(shape, index):
    matrix = long_tailed(shape, 30_000, 0)
    matrix.indices, matrix.indptr = matrix.indices.astype(index), matrix.indptr.astype(index)
    weights = matrix.data * 10
    grid = entry_grid(matrix, weights, np.random.RandomState(1), column_bytes=200)
    assert_array_equal(np.sort(grid.row_order), np.arange(shape[0]))
    assert_array_equal(np.sort(grid.column_order), np.arange(shape[1]))
    found = sparse.csr_array(
        (grid.values, (grid.row_order[grid.rows], grid.column_order[grid.columns])), shape=shape
    )
    assert (found != matrix).nnz == 0
    assert len(grid.values) == matrix.nnz
    assert_array_equal(grid.weights, grid.values * 10)
    n = grid.n_ranges
    assert n <= min(shape)
    for block in range(n * n):
        entries = slice(grid.block_start[block], grid.block_start[block + 1])
        a, b = divmod(block, n)
        for places, bounds in (
            (grid.rows[entries], grid.row_bounds[a : a + 2]),
            (grid.columns[entries], grid.column_bounds[b : b + 2]),
        ):
            assert (places >= bounds[0]).all()
            assert (places < bounds[1]).all()
        assert (np.diff(grid.rows[entries]) >= 0).all()
    assert grid.block_start[0] == 0
    assert grid.block_start[-1] == matrix.nnz
    assert grid.rows.dtype == grid.columns.dtype == np.int32


def test_ranges_hold_about_equally_many_entries():
    matrix = long_tailed((4000, 3000), 200_000, 2)
    grid = entry_grid(matrix, None, np.random.RandomState(3), column_bytes=200)
    assert grid.n_ranges >= 16
    share = matrix.nnz / grid.n_ranges
    for places, bounds in ((grid.rows, grid.row_bounds), (grid.columns, grid.column_bounds)):
        counts = np.histogram(places, bounds)[0]
        largest = np.bincount(places).max()
        assert np.abs(counts - share).max() <= largest
    assert len(grid.weights) == 0


@pytest.mark.parametrize("n_entries", [1, 20, 600])
def test_few_entries_are_one_block(n_entries):
    matrix = long_tailed((50, 50), n_entries, 4)
    grid = entry_grid(matrix, None, np.random.RandomState(0), column_bytes=200)
    assert grid.n_ranges == 1
    assert_array_equal(grid.block_start, [0, matrix.nnz])


def test_more_columns_make_more_ranges():
    sizes = [
        entry_grid(
            long_tailed((5000, n), 10 * n, 5), None, np.random.RandomState(0), column_bytes=1000
        ).n_ranges
        for n in (1000, 10_000, 40_000)
    ]
    assert sizes[0] == 4  # few entries
    assert sizes == sorted(set(sizes))
    assert sizes[-1] <= 64


@pytest.mark.parametrize("n_ranges", [1, 2, 7, 64])
def test_rounds_visit_each_block_once(n_ranges):
    rounds = random_rounds(n_ranges, np.random.RandomState(0))
    each = np.arange(n_ranges)
    assert rounds.shape == (n_ranges, n_ranges)
    assert_array_equal(np.sort(rounds, axis=1), np.tile(each, (n_ranges, 1)))
    assert_array_equal(np.sort(rounds, axis=0), np.tile(each[:, np.newaxis], (1, n_ranges)))
    if n_ranges > 2:
        assert (rounds != random_rounds(n_ranges, np.random.RandomState(1))).any()


def test_no_columns_or_rows_make_an_empty_grid():
    for shape in ((0, 5), (5, 0), (5, 5)):
        matrix = sparse.csr_array(shape)
        grid = entry_grid(matrix, None, np.random.RandomState(0), column_bytes=200)
        assert len(grid.values) == 0
        assert grid.n_ranges == 1
