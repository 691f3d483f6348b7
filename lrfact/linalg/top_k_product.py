"""The best candidates of each query by inner product, without the table of all scores."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from lrfact import kernels
from lrfact._threads import limit_threads
from lrfact._typing import ArrayLike
from lrfact.linalg.matrix_operator import Array

# Of one thread, for a multiplication and an addition.
_MILLISECONDS = 3e-8

# So many queries take as long as one: the candidates have to come from memory.
_QUERIES_FOR_ONE = 4


def top_k_product(
    queries: Array,
    candidates: Array,
    k: int,
    *,
    offset: Array | None = None,
    excluded: csr_array | None = None,
    allowed: ArrayLike | None = None,
    n_threads: int = 1,
) -> tuple[NDArray[np.intp], Array]:
    """Return the k candidates of each query with the largest scores, best first.

    The score of candidate j for query i is ``queries[i] @ candidates[j] + offset[j]``. Who is
    excluded or not allowed takes no place among the k.

    Parameters
    ----------
    queries : ndarray of shape (n_queries, width)
        float32 or float64. Copied unless it lies by rows.

    candidates : ndarray of shape (n_candidates, width)
        Candidates with the same dtype. They are copied unless they are in C order.

    k : int
        At least 0, and no more than are left when there are fewer candidates.

    offset : ndarray of shape (n_candidates,) or None, default=None
        None stands for zeros.

    excluded : csr_array or csr_matrix of shape (n_queries, n_candidates) or None, default=None
        Pairs to exclude, as stored entries of any value.

    allowed : array-like of int or None, default=None
        Distinct indices of the only candidates that may come up, in any order; None for all.

    n_threads : int, default=1
        The result does not depend on it, not in a single bit.

    Returns
    -------
    indices : ndarray of shape (n_queries, k'), intp
        k' is k, or the number of candidates (of those allowed) if that is smaller. Of equal
        scores the smaller index comes first, also where the list ends. A query that is left
        with fewer than k' candidates has -1 in the places at the end.

    scores : ndarray of shape (n_queries, k')
        Descending; -infinity beside -1. A score that overflows to something that is not
        a number counts as -infinity.

    Raises
    ------
    ValueError
        If shapes disagree, or `allowed` repeats itself or is out of range.

    Notes
    -----
    Costs ``2 * n_queries * n_candidates * width`` flops, and memory for the result and, with
    each thread, a block of candidates and of queries, some 100 kB at a width of 100.
    """
    if k < 0:
        raise ValueError(f"k={k} must be at least 0")
    queries, candidates = np.ascontiguousarray(queries), np.ascontiguousarray(candidates)
    n_candidates = candidates.shape[0]
    positions = None if allowed is None else _sorted_positions(allowed, n_candidates)
    n_positions = n_candidates if positions is None else len(positions)
    entries, indptr = _pattern(excluded, (len(queries), n_candidates))
    shape = (len(queries), min(k, n_positions))
    indices, scores = np.empty(shape, dtype=np.intp), np.empty(shape, dtype=queries.dtype)
    work = max(len(queries), _QUERIES_FOR_ONE) * n_positions * queries.shape[1]
    kernels.top_k(
        queries,
        candidates,
        None if offset is None else np.ascontiguousarray(offset),
        entries,
        indptr,
        positions,
        scores,
        indices,
        limit_threads(n_threads, work * _MILLISECONDS),
    )
    return indices, scores


def _sorted_positions(allowed: ArrayLike, n_candidates: int) -> NDArray[np.int64]:
    positions = np.asarray(allowed)
    if positions.ndim != 1 or (positions.size and positions.dtype.kind not in "iu"):
        raise ValueError(
            f"allowed has shape {positions.shape} and dtype {positions.dtype}; it must be a "
            "list of integers"
        )
    if positions.size and not (positions.min() >= 0 and positions.max() < n_candidates):
        raise ValueError(
            f"allowed has entries from {positions.min()} to {positions.max()}; they must lie in "
            f"0 .. {n_candidates - 1}, the range of the candidates"
        )
    positions = positions.astype(np.int64)
    # A long list is most often in order already, and to look is faster than to sort.
    if (positions[1:] <= positions[:-1]).any():
        positions = np.sort(positions)
        repeated = positions[1:][positions[1:] == positions[:-1]]
        if repeated.size:
            raise ValueError(f"allowed holds {repeated[0]} more than once; give each index once")
    return positions


def _pattern(
    excluded: csr_array | None, shape: tuple[int, int]
) -> tuple[NDArray[np.integer], NDArray[np.integer]]:
    """Return the columns of the stored entries, rising in each row, and where rows begin."""
    if excluded is None:
        return np.empty(0, dtype=np.int32), np.zeros(shape[0] + 1, dtype=np.int32)
    if excluded.shape != shape:
        raise ValueError(
            f"excluded has shape {excluded.shape}; with these queries and candidates it must "
            f"have {shape}"
        )
    if not excluded.has_sorted_indices:
        excluded = excluded.sorted_indices()
    return excluded.indices, excluded.indptr.astype(excluded.indices.dtype, copy=False)
