"""Twin of `_bpr_triples`: the same generator, one entry after the other."""

import numpy as np
from numpy.typing import NDArray

from lrfact.kernels._argument_checks import check_layout, check_shape, check_threads

_MOST_DRAWS = 32
_MOST_RANGES = 256
_64_BITS = 2**64 - 1


def draw_bpr_triples(
    indices: NDArray[np.integer],
    indptr: NDArray[np.integer],
    row_order: NDArray[np.int32],
    row_bounds: NDArray[np.int64],
    column_order: NDArray[np.int32],
    column_bounds: NDArray[np.int64],
    triples: NDArray[np.int32],
    block_start: NDArray[np.int64],
    seed: int,
    n_threads: int,
) -> None:
    """Sort stored entries into blocks, and draw a column that its row has not for each.

    Columns are drawn from the range that the entry's column is in, each that the row has not with
    the same chance.

    Parameters
    ----------
    indices : ndarray of int32 or int64, shape (nnz,)
        Columns of the entries, ascending in each row.

    indptr : ndarray of the same type, shape (n_rows + 1,)
        Row pointers.

    row_order, column_order : ndarray of int32, shape (n_rows,) and (n_columns,)
        The row and the column at each place.

    row_bounds, column_bounds : ndarray of int64, shape (n_ranges + 1,)
        Places at which the ranges start, from 0 to n_rows and to n_columns. At most 256 ranges.

    triples : ndarray of int32, shape (3, nnz)
        Output: row, column of the entry, and drawn column, block after block and row after row
        within a block. The last is -1 if the row has all columns of the range.

    block_start : ndarray of int64, shape (n_ranges**2 + 1,)
        Output: start of the triples of block ``a n_ranges + b``: those of row range a and column
        range b.

    seed : int
        Seed from -2**63 to 2**63 - 1. Each block has a generator of its own.

    n_threads : int
        At least 1; the result does not depend on it.

    Raises
    ------
    ValueError
        If shapes disagree, an order is no permutation, bounds do not rise, indices do not ascend in
        each row or lie outside of the matrix.
    """
    _check(
        indices, indptr, (row_order, row_bounds), (column_order, column_bounds), triples,
        block_start, n_threads,
    )  # fmt: skip
    if not -(2**63) <= seed < 2**63:
        raise OverflowError(f"seed={seed} must fit 64 bits")
    n_ranges, n_columns = len(row_bounds) - 1, len(column_order)
    for i in range(len(row_order)):
        columns = indices[indptr[i] : indptr[i + 1]]
        if len(columns) and (columns.min() < 0 or columns.max() >= n_columns):
            raise ValueError(f"indices must lie from 0 to {n_columns - 1}")
        if (columns[1:] <= columns[:-1]).any():
            raise ValueError("indices must ascend in each row, each column once; sort them and sum")
    end = 0
    for a in range(n_ranges):
        for b in range(n_ranges):
            block = a * n_ranges + b
            block_start[block] = end
            in_range = column_order[column_bounds[b] : column_bounds[b + 1]]
            state = _state_of_block(seed, block)
            for i in row_order[row_bounds[a] : row_bounds[a + 1]]:
                columns = indices[indptr[i] : indptr[i + 1]]
                taken = [int(j) for j in columns[np.isin(columns, in_range)]]
                for j in taken:
                    drawn = -1
                    if len(taken) < len(in_range):
                        drawn, state = _column_not_taken(in_range, set(taken), state)
                    triples[:, end] = i, j, drawn
                    end += 1
    block_start[-1] = end


def _column_not_taken(in_range: NDArray[np.int32], taken: set[int], state: int) -> tuple[int, int]:
    size = len(in_range)
    for _ in range(_MOST_DRAWS):
        place, state = _below(size, state)
        if int(in_range[place]) not in taken:
            return int(in_range[place]), state
    place, state = _below(size - len(taken), state)
    return [int(j) for j in in_range if int(j) not in taken][place], state


def _below(n: int, state: int) -> tuple[int, int]:
    number, state = _random(state)
    return ((number >> 32) * n) >> 32, state


def _state_of_block(seed: int, block: int) -> int:
    return _random((seed & _64_BITS) ^ (block * 0xD1342543DE82EF95 & _64_BITS))[0]


def _random(state: int) -> tuple[int, int]:
    """SplitMix64: a number, and the next state."""
    state = (state + 0x9E3779B97F4A7C15) & _64_BITS
    z = state
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _64_BITS
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _64_BITS
    return z ^ (z >> 31), state


def _check(
    indices: NDArray[np.integer],
    indptr: NDArray[np.integer],
    of_rows: tuple[NDArray[np.int32], NDArray[np.int64]],
    of_columns: tuple[NDArray[np.int32], NDArray[np.int64]],
    triples: NDArray[np.int32],
    block_start: NDArray[np.int64],
    n_threads: int,
) -> None:
    """Refuse what the compiled kernel refuses."""
    check_layout(
        indices=(indices, 1), indptr=(indptr, 1), row_order=(of_rows[0], 1),
        row_bounds=(of_rows[1], 1), column_order=(of_columns[0], 1),
        column_bounds=(of_columns[1], 1), triples=(triples, 2), block_start=(block_start, 1),
    )  # fmt: skip
    if indices.dtype not in (np.int32, np.int64):
        raise TypeError(f"indices has dtype {indices.dtype}; it must be int32 or int64")
    for wanted, array in (
        (indices.dtype, indptr), (np.int32, of_rows[0]), (np.int64, of_rows[1]),
        (np.int32, of_columns[0]), (np.int64, of_columns[1]), (np.int32, triples),
        (np.int64, block_start),
    ):  # fmt: skip
        if array.dtype != wanted:
            raise ValueError(f"an array has dtype {array.dtype}; it must be {wanted}")
    for name, output in (("triples", triples), ("block_start", block_start)):
        if not output.flags.writeable:
            raise ValueError(f"{name} must be writeable")
    n_ranges = len(of_rows[1]) - 1
    if not 1 <= n_ranges <= _MOST_RANGES:
        raise ValueError(f"row_bounds has {n_ranges + 1} entries; it must have 2 to 257")
    check_threads(n_threads)
    for side, (order, bounds) in (("row", of_rows), ("column", of_columns)):
        n = len(order)
        if (np.sort(order) != np.arange(n)).any():
            raise ValueError(f"{side}_order must hold each of 0 to {n - 1} once")
        check_shape(f"{side}_bounds", bounds, (n_ranges + 1,))
        if bounds[0] != 0 or bounds[-1] != n or (bounds[1:] < bounds[:-1]).any():
            raise ValueError(f"{side}_bounds must rise from 0 to {n}")
    check_shape("indptr", indptr, (len(of_rows[0]) + 1,))
    if indptr[0] != 0 or indptr[-1] != len(indices) or (indptr[1:] < indptr[:-1]).any():
        raise ValueError(f"indptr must rise from 0 to {len(indices)}")
    check_shape("triples", triples, (3, len(indices)))
    check_shape("block_start", block_start, (n_ranges**2 + 1,))
