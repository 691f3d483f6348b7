"""Which entries are observed when few rows and few columns make up most of them."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

# Entries worked on at a time: what a block needs beside the result fits into the cache.
_BLOCK = 2**18


def long_tailed_pattern(
    n_rows: int,
    n_columns: int,
    n_entries: int,
    *,
    row_spread: float,
    column_spread: float,
    rng: np.random.Generator,
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Distinct entries of a matrix, in numbers that differ widely from row to row.

    Activity of rows and popularity of columns are log-normal. A row has entries in proportion to
    its activity, as far as there are columns, and they are drawn one after the other without
    replacement, with probabilities in proportion to popularity.

    Parameters
    ----------
    n_rows, n_columns : int
        Shape of the matrix.

    n_entries : int
        At most n_rows * n_columns.

    row_spread, column_spread : float
        Standard deviation of the logarithm of activity and popularity.

    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    indptr : ndarray of shape (n_rows + 1,)
        Row starts, int32 where that is enough.

    indices : ndarray of shape (n_entries,)
        Columns, of the same type, rising within each row.

    Notes
    -----
    Cost: O(n_entries log n_columns), and O(n_columns log n_columns) for a row so full that
    drawing again and again would take longer. Memory beside the result: a few times 2^18 entries
    or one row of the matrix, whichever is more.
    """
    activity = np.exp(row_spread * rng.standard_normal(n_rows))
    popularity = np.exp(column_spread * rng.standard_normal(n_columns))
    counts = _row_counts(activity, n_entries, n_columns, rng)
    fits = max(n_entries, n_columns) <= np.iinfo(np.int32).max
    indptr = np.zeros(n_rows + 1, dtype=np.int32 if fits else np.int64)
    np.cumsum(counts, out=indptr[1:])
    indices = np.empty(n_entries, dtype=indptr.dtype)
    cumulative = np.cumsum(popularity) / popularity.sum()
    is_full = _is_nearly_full(counts, popularity)
    for start, stop in row_blocks(indptr):
        local = np.arange(stop - start)
        block = counts[start:stop]
        full = is_full[start:stop]
        numbers = np.concatenate(
            [
                _draw_until_distinct(local[~full], block[~full], cumulative, rng),
                *_first_to_arrive(local[full], block[full], popularity, rng),
            ]
        )
        numbers.sort()
        indices[indptr[start] : indptr[stop]] = numbers - np.repeat(local * n_columns, block)
    return indptr, indices


def row_blocks(indptr: npt.NDArray[Any]) -> Iterator[tuple[int, int]]:
    """Cut the rows into blocks of about 2^18 entries, but of one row at least.

    Parameters
    ----------
    indptr : ndarray of shape (n_rows + 1,)
        Row starts.

    Yields
    ------
    start, stop : int
        Rows start, ..., stop - 1; only the last rows of the matrix, if empty, are left out.
    """
    cuts = np.searchsorted(indptr, np.arange(0, indptr[-1] + _BLOCK, _BLOCK))
    cuts = np.unique(np.minimum(cuts, indptr.size - 1))
    yield from zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True)


def _row_counts(
    activity: npt.NDArray[np.float64], n_entries: int, n_columns: int, rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Share the entries out in proportion to activity, no row getting more than there are columns.

    What is left over by rounding down goes to rows drawn at random.
    """
    order = np.argsort(-activity, kind="stable")
    falling = activity[order]
    # With the first m rows full, the others get `level` entries for one unit of activity.
    of_the_others = np.cumsum(falling[::-1])[::-1]
    level = (n_entries - np.arange(falling.size) * float(n_columns)) / of_the_others
    m = int(np.argmax(level * falling <= n_columns * (1 + 1e-9)))
    expected = np.full(falling.size, float(n_columns))
    expected[m:] = np.minimum(level[m] * falling[m:], n_columns)
    counts = np.empty(falling.size, dtype=np.int64)
    counts[order] = expected.astype(np.int64)
    n_left = n_entries - int(counts.sum())
    fraction = np.empty_like(expected)
    fraction[order] = expected % 1
    if n_left > 0:
        open_rows = np.flatnonzero(fraction)
        waiting = rng.standard_exponential(open_rows.size) / fraction[open_rows]
        counts[open_rows[np.argpartition(waiting, n_left - 1)[:n_left]]] += 1
    return counts


def _is_nearly_full(
    counts: npt.NDArray[np.int64], popularity: npt.NDArray[np.float64]
) -> npt.NDArray[np.bool_]:
    """Rows that might take more draws with replacement than there are columns."""
    largest = np.sort(popularity)[::-1]
    left = np.maximum(1 - np.cumsum(largest) / largest.sum(), np.finfo(np.float64).eps)
    return counts > popularity.size * left[np.maximum(counts, 1) - 1]


def _draw_until_distinct(
    rows: npt.NDArray[np.int64],
    counts: npt.NDArray[np.int64],
    cumulative: npt.NDArray[np.float64],
    rng: np.random.Generator,
) -> npt.NDArray[np.int64]:
    """Draw with replacement, and again in place of what came twice: entry numbers."""
    n_columns = cumulative.size
    missing = counts.copy()
    drawn: list[npt.NDArray[np.int64]] = []
    while missing.any():
        which = np.repeat(np.arange(rows.size), missing)
        # Sorted within each row, so that the search is quick and equal numbers are neighbors.
        uniform = np.sort(which + rng.random(which.size)) - which
        columns = np.searchsorted(cumulative, uniform, side="right")
        numbers = which * n_columns + np.minimum(columns, n_columns - 1)
        numbers = numbers[np.diff(numbers, prepend=-1) > 0]
        for earlier in drawn:
            at = np.minimum(np.searchsorted(earlier, numbers), earlier.size - 1)
            numbers = numbers[earlier[at] != numbers]
        if numbers.size:
            drawn.append(numbers)
            missing -= np.bincount(numbers // n_columns, minlength=rows.size)
    if not drawn:
        return np.empty(0, dtype=np.int64)
    numbers = np.concatenate(drawn)
    return numbers + (rows - np.arange(rows.size))[numbers // n_columns] * n_columns


def _first_to_arrive(
    rows: npt.NDArray[np.int64],
    counts: npt.NDArray[np.int64],
    popularity: npt.NDArray[np.float64],
    rng: np.random.Generator,
) -> Iterator[npt.NDArray[np.int64]]:
    """Let all columns arrive at random times and keep the first ones: entry numbers.

    With exponential waiting times of rates in proportion to popularity, the order of arrival is
    that of draws without replacement.
    """
    n_columns = popularity.size
    n_at_once = max(1, _BLOCK // n_columns)
    for first in range(0, rows.size, n_at_once):
        part = slice(first, first + n_at_once)
        waiting = rng.standard_exponential((rows[part].size, n_columns)) / popularity
        order = np.argsort(waiting, axis=1)
        early = np.arange(n_columns) < counts[part, np.newaxis]
        yield (order + rows[part, np.newaxis] * n_columns)[early]
