"""NumPy twin of the top-k kernel: all scores of a few queries at a time, sorted."""

import numpy as np
from numpy.typing import NDArray

from lrfact._typing import Array
from lrfact.kernels._argument_checks import check_layout, check_shape, check_threads

# Scores at a time.
_BLOCK = 2**20


def top_k(
    queries: Array,
    candidates: Array,
    offset: Array | None,
    excluded: NDArray[np.integer],
    indptr: NDArray[np.integer],
    allowed: NDArray[np.int64] | None,
    scores: Array,
    indices: NDArray[np.intp],
    n_threads: int,
) -> None:
    """Write the candidates with the largest products, best first, into `scores` and `indices`.

    Parameters
    ----------
    queries : ndarray of shape (n_queries, width)
        Multiplied with the candidates.

    candidates : ndarray of shape (n_candidates, width)
        Candidate j has the score ``queries[i] @ candidates[j] + offset[j]`` for query i.

    offset : ndarray of shape (n_candidates,) or None
        None stands for zeros.

    excluded : ndarray of shape (nnz,), int32 or int64
        Candidates that query i does not get: ``excluded[indptr[i]:indptr[i + 1]]``, rising.

    indptr : ndarray of shape (n_queries + 1,), as `excluded`
        Row pointers.

    allowed : ndarray of shape (n_allowed,), int64, or None
        The only candidates that anybody gets, rising; None for all.

    scores : ndarray of shape (n_queries, k)
        Output: scores in descending order. Ties are ordered by index, also at the end of the list.
        NaN is treated as -infinity.

    indices : ndarray of shape (n_queries, k), intp
        Output: indices of the candidates, padded with -1 and a score of -infinity.

    n_threads : int
        At least 1; the result does not depend on it.

    Raises
    ------
    ValueError
        If shapes or dtypes disagree, an array is not C-contiguous, or an index lies outside.
    """
    _check(queries, candidates, offset, excluded, indptr, allowed, scores, indices, n_threads)
    scores[...], indices[...] = -np.inf, -1
    kept = slice(None) if allowed is None else allowed
    columns = np.arange(len(candidates))[kept]
    k = min(scores.shape[1], len(columns))
    step = max(1, _BLOCK // max(1, len(columns)))
    for start in range(0, len(queries), step):
        with np.errstate(over="ignore", invalid="ignore"):
            products = queries[start : start + step] @ candidates[kept].T
            if offset is not None:
                products += offset[kept]
        products[np.isnan(products)] = -np.inf
        for i, row in enumerate(products, start):
            free = ~np.isin(columns, excluded[indptr[i] : indptr[i + 1]])
            best = np.argsort(-row[free], kind="stable")[:k]
            scores[i, : len(best)] = row[free][best]
            indices[i, : len(best)] = columns[free][best]


def _check(
    queries: Array,
    candidates: Array,
    offset: Array | None,
    excluded: NDArray[np.integer],
    indptr: NDArray[np.integer],
    allowed: NDArray[np.int64] | None,
    scores: Array,
    indices: NDArray[np.intp],
    n_threads: int,
) -> None:
    """Refuse what the compiled kernel refuses."""
    check_layout(queries=(queries, 2), candidates=(candidates, 2))
    check_layout(excluded=(excluded, 1), indptr=(indptr, 1))
    check_layout(scores=(scores, 2), indices=(indices, 2))
    if queries.dtype not in (np.float32, np.float64):
        raise TypeError(f"queries has dtype {queries.dtype}; it must be float32 or float64")
    if candidates.dtype != queries.dtype or scores.dtype != queries.dtype:
        raise ValueError("queries, candidates, offset and scores must share one dtype")
    if excluded.dtype not in (np.int32, np.int64) or indptr.dtype != excluded.dtype:
        raise ValueError("excluded and indptr must both be int32 or both int64")
    if indices.dtype != np.intp:
        raise ValueError(f"indices has dtype {indices.dtype}; it must be intp")
    if not (scores.flags.writeable and indices.flags.writeable):
        raise ValueError("scores or indices is read-only; both must be writeable")
    width, n_candidates = queries.shape[1], len(candidates)
    check_shape("candidates", candidates, (n_candidates, width))
    if width == 0:
        raise ValueError("queries and candidates have no columns; they need at least one")
    if offset is not None:
        check_layout(offset=(offset, 1))
        if offset.dtype != queries.dtype or len(offset) != n_candidates:
            raise ValueError(f"offset must have {n_candidates} entries of dtype {queries.dtype}")
    check_shape("scores", scores, (len(queries), scores.shape[1]))
    check_shape("indices", indices, scores.shape)
    if len(indptr) != len(queries) + 1:
        raise ValueError(f"indptr has {len(indptr)} entries; it must have {len(queries) + 1}")
    for start, stop in zip(indptr[:-1].tolist(), indptr[1:].tolist(), strict=True):
        if not 0 <= start <= stop <= len(excluded) or not _rise_inside(
            excluded[start:stop], n_candidates, gap=0
        ):
            raise ValueError("the excluded entries must rise in each row, inside the candidates")
    if allowed is not None:
        check_layout(allowed=(allowed, 1))
        if allowed.dtype != np.int64:
            raise ValueError(f"allowed has dtype {allowed.dtype}; it must be int64")
        if not _rise_inside(allowed, n_candidates, gap=1):
            raise ValueError("allowed must rise, without repetition, and lie inside the candidates")
    check_threads(n_threads)


def _rise_inside(values: NDArray[np.integer], limit: int, gap: int) -> bool:
    if len(values) == 0:
        return True
    inside = values.min() >= 0 and values.max() < limit
    return bool(inside and (values[1:] - values[:-1] >= gap).all())
