"""Entries of a sparse matrix sorted into a grid of blocks of about equally many."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from lrfact._typing import Array, Indices

# Parameters of a range of columns stay in the cache while a block is visited.
_CACHE_BYTES = 1 << 18
# Enough ranges for the threads of large machines; few enough for their number to fit a byte.
_FEWEST, _MOST = 16, 64
# Entries of an average block, so that a round is long against its start.
_SHORTEST = 500


@dataclass(frozen=True)
class EntryGrid:
    """Where the entries of each block are, rows and columns being in a random order.

    Attributes
    ----------
    row_order, column_order : ndarray of shape (n_rows,) and (n_columns,)
        The row and the column of the matrix at each place of the random order.

    row_bounds, column_bounds : ndarray of int64, shape (n_ranges + 1,)
        Places at which the ranges start.

    block_start : ndarray of int64, shape (n_ranges**2 + 1,)
        Start of the entries of row range a and column range b, at ``a n_ranges + b``.

    rows, columns : ndarray of int32, shape (nnz,)
        Places of each entry, block after block, row after row within a block.

    values : ndarray of shape (nnz,)
        The entries.

    weights : ndarray of shape (nnz,) or (0,)
        Their weights, if there are any.
    """

    row_order: Indices
    column_order: Indices
    row_bounds: NDArray[np.int64]
    column_bounds: NDArray[np.int64]
    block_start: NDArray[np.int64]
    rows: NDArray[np.int32]
    columns: NDArray[np.int32]
    values: Array
    weights: Array

    @property
    def n_ranges(self) -> int:
        """Number of ranges of rows, and of columns."""
        return len(self.row_bounds) - 1


def entry_grid(
    matrix: sparse.csr_array,
    weights: Array | None,
    rng: np.random.RandomState,
    *,
    column_bytes: int,
) -> EntryGrid:
    """Sort the entries of a matrix into blocks.

    Parameters
    ----------
    matrix : csr_array of shape (n_rows, n_columns)
        Fewer than 2**31 rows and columns; any number of entries.

    weights : ndarray of shape (nnz,) or None
        In the order of `matrix`.

    rng : RandomState
        Random number generator of the order of rows and columns.

    column_bytes : int
        Size of the parameters of a column. With the matrix it decides on the number of ranges,
        which no number of threads does.

    Returns
    -------
    EntryGrid

    Notes
    -----
    Two passes over the entries, one range of rows at a time: memory for the result, and for one
    range.
    """
    n_columns = matrix.shape[1]
    n_ranges = _number_of_ranges(matrix, column_bytes)
    row_order, row_bounds = random_cut(np.diff(matrix.indptr), n_ranges, rng)
    counts = np.bincount(matrix.indices, minlength=n_columns)
    column_order, column_bounds = random_cut(counts, n_ranges, rng)
    place_of_column = np.empty(n_columns, dtype=np.int32)
    place_of_column[column_order] = np.arange(n_columns, dtype=np.int32)
    range_of_place = np.repeat(np.arange(n_ranges, dtype=np.uint8), np.diff(column_bounds))

    rows, columns = (np.empty(matrix.nnz, dtype=np.int32) for _ in range(2))
    values = np.empty(matrix.nnz, dtype=matrix.dtype)
    sorted_weights = np.empty(0 if weights is None else matrix.nnz, dtype=matrix.dtype)
    block_start = np.zeros(n_ranges**2 + 1, dtype=np.int64)
    # The weights of a range of rows are found as its values are.
    weighting = None
    if weights is not None:
        weighting = sparse.csr_array((weights, matrix.indices, matrix.indptr), matrix.shape)
    stop = 0
    for a in range(n_ranges):
        of_range = slice(row_bounds[a], row_bounds[a + 1])
        band = matrix[row_order[of_range]]
        start, stop = stop, stop + band.nnz
        places = place_of_column[band.indices]
        ranges = range_of_place[places]
        # Sorted by counting, and stable: rows stay together.
        order = np.argsort(ranges, kind="stable")
        of_entry = np.arange(of_range.start, of_range.stop, dtype=np.int32)
        rows[start:stop] = np.repeat(of_entry, np.diff(band.indptr))[order]
        columns[start:stop] = places[order]
        values[start:stop] = band.data[order]
        if weighting is not None:
            sorted_weights[start:stop] = weighting[row_order[of_range]].data[order]
        ends = start + np.cumsum(np.bincount(ranges, minlength=n_ranges))
        block_start[a * n_ranges + 1 : (a + 1) * n_ranges + 1] = ends
    return EntryGrid(
        row_order, column_order, row_bounds, column_bounds, block_start,
        rows, columns, values, sorted_weights,
    )  # fmt: skip


def random_rounds(n_ranges: int, rng: np.random.RandomState) -> NDArray[np.int64]:
    """Return an order of visits to all blocks, those of a round sharing no row and no column.

    Parameters
    ----------
    n_ranges : int
        Number of ranges of rows and of columns.

    rng : RandomState
        Random number generator of the order.

    Returns
    -------
    ndarray of int64, shape (n_ranges, n_ranges)
        The range of columns that each round (row) pairs with each range of rows (column).
    """
    of_row, of_column, offset = (rng.permutation(n_ranges) for _ in range(3))
    rounds = of_column[(of_row + offset[:, np.newaxis]) % n_ranges]
    return np.ascontiguousarray(rounds, dtype=np.int64)


def random_cut(
    counts: Indices, n_ranges: int, rng: np.random.RandomState
) -> tuple[Indices, NDArray[np.int64]]:
    """Return a random order of rows, and where to cut it into ranges of about as many entries.

    Parameters
    ----------
    counts : ndarray of int, shape (n,)
        Entries of each row, or of each column.

    n_ranges : int
        Number of ranges.

    rng : RandomState
        Random number generator of the order.

    Returns
    -------
    order : ndarray of int, shape (n,)
        The row at each place.

    bounds : ndarray of int64, shape (n_ranges + 1,)
        Places at which the ranges start, from 0 to n.
    """
    order = rng.permutation(len(counts))
    so_far = np.cumsum(counts[order], dtype=np.int64)
    shares = np.arange(1, n_ranges) * (counts.sum(dtype=np.int64) / n_ranges)
    bounds = np.zeros(n_ranges + 1, dtype=np.int64)
    bounds[1:-1] = np.searchsorted(so_far, shares)
    bounds[-1] = len(counts)
    return order, bounds


def _number_of_ranges(matrix: sparse.csr_array, column_bytes: int) -> int:
    wanted = matrix.shape[1] * column_bytes // _CACHE_BYTES
    wanted = min(max(wanted, _FEWEST), _MOST)
    return max(1, min(wanted, int((matrix.nnz / _SHORTEST) ** 0.5), *matrix.shape))
