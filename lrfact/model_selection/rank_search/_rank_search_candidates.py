"""Candidate ranks of a search."""

from collections.abc import Iterable
from numbers import Integral
from typing import Any

import numpy as np
import numpy.typing as npt

_MOST_RANKS = 50


def check_ranks(ranks: Any) -> npt.NDArray[np.intp]:
    """Return the distinct given ranks in ascending order.

    Parameters
    ----------
    ranks : iterable of int
        Ranks in any order, with or without duplicates.

    Returns
    -------
    ndarray of shape (n_ranks,)

    Raises
    ------
    ValueError
        If there are none, or one is not a positive integer.
    """
    if isinstance(ranks, str):
        raise ValueError(
            f"ranks={ranks!r} of RankSearchCV must be integers of at least 1; pass for example "
            "range(1, 11), or None for all ranks that the data allow"
        )
    given = list(ranks) if isinstance(ranks, Iterable) else [ranks]
    if not given:
        raise ValueError(
            f"ranks={ranks!r} of RankSearchCV has no element; pass at least one rank, for example "
            "range(1, 11) (an iterator can be read only once: pass a list)"
        )
    for rank in given:
        if not isinstance(rank, Integral) or isinstance(rank, bool) or rank < 1:
            raise ValueError(
                f"ranks of RankSearchCV must be integers of at least 1, got {rank!r}; pass for "
                "example range(1, 11), or None for all ranks"
            )
    return np.unique(np.asarray(given, dtype=np.intp))


def all_ranks(limit: int) -> npt.NDArray[np.intp]:
    """Return 1, 2, ..., `limit`, or at most 50 of these numbers if there are more.

    Parameters
    ----------
    limit : int
        Largest rank.

    Returns
    -------
    ndarray of shape (n_ranks,)
        All small ranks, then ranks that grow by a constant factor; `limit` is always the last.
    """
    if limit <= _MOST_RANKS:
        return np.arange(1, limit + 1, dtype=np.intp)
    return np.unique(np.rint(np.geomspace(1, limit, _MOST_RANKS)).astype(np.intp))
