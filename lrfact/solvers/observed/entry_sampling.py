"""Which observed entries to set aside: some of all, or some of each row."""

import numpy as np
import numpy.typing as npt

from lrfact._typing import Mask


def sample_of_all(n_entries: int, test_size: int | float, rng: np.random.RandomState) -> Mask:
    """Choose entries anywhere, each equally likely.

    Parameters
    ----------
    n_entries : int
        Total number.

    test_size : float or int
        Share, rounded up, or number of those to choose.

    rng : RandomState
        Random number generator of the selection.

    Returns
    -------
    ndarray of bool, shape (n_entries,)

    Raises
    ------
    ValueError
        If none would be chosen, or none left.
    """
    if isinstance(test_size, float):
        n_chosen = int(np.ceil(test_size * n_entries))
    else:
        n_chosen = test_size
    if not 1 <= n_chosen < n_entries:
        raise ValueError(
            f"test_size={test_size} of n_entries={n_entries} observed entries leaves one side "
            "empty; X must have two observed entries at least, and test_size be less than all"
        )
    chosen = np.zeros(n_entries, dtype=bool)
    chosen[rng.permutation(n_entries)[:n_chosen]] = True
    return chosen


def sample_of_rows(
    indptr: npt.NDArray[np.integer], test_size: int | float, rng: np.random.RandomState
) -> Mask:
    """Choose entries row by row, never the last one of a row.

    Parameters
    ----------
    indptr : ndarray of shape (n_rows + 1,)
        Row pointers of the entries in CSR order.

    test_size : float or int
        Share or number of those to choose of each row. Shares are rounded up or down at random,
        so that rows of every length give up the same share on average. One in all at least.

    rng : RandomState
        Random number generator of the selection.

    Returns
    -------
    ndarray of bool, shape (n_entries,)

    Raises
    ------
    ValueError
        If no row has two entries.
    """
    counts = np.diff(indptr)
    rows = np.repeat(np.arange(len(counts)), counts)
    (splittable,) = np.nonzero(counts > 1)
    if not len(splittable):
        raise ValueError(
            f"no entry can be set aside: none of the {len(counts)} rows has two observed entries "
            "or more, and one of each must stay; pass longer rows"
        )
    if isinstance(test_size, float):
        # One offset for all rows: what one is rounded up another is rounded down.
        due = np.cumsum(test_size * counts) + rng.uniform()
        wanted = np.diff(np.floor(due), prepend=0).astype(np.intp)
    else:
        wanted = np.full(len(counts), test_size)
    wanted = np.minimum(wanted, np.maximum(counts - 1, 0))
    if not wanted.any():
        wanted[rng.choice(splittable)] = 1
    # The row in the upper half of a number, so that rows stay together in the shuffle.
    shuffled = np.argsort(rows.astype(np.int64) << 31 | rng.randint(1 << 31, size=len(rows)))
    place = np.arange(len(rows)) - indptr[rows]
    chosen = np.zeros(len(rows), dtype=bool)
    chosen[shuffled[place < wanted[rows]]] = True
    return chosen


def folds_of_all(n_entries: int, n_folds: int, rng: np.random.RandomState | None) -> npt.NDArray:
    """Deal entries out to folds of equal size, give or take one.

    Parameters
    ----------
    n_entries : int
        Total number.

    n_folds : int
        Number of folds.

    rng : RandomState or None
        Shuffles first; None deals in the order of the entries.

    Returns
    -------
    ndarray of int, shape (n_entries,)
        Fold of each entry.
    """
    folds = np.arange(n_entries) % n_folds
    return folds if rng is None else rng.permutation(folds)
