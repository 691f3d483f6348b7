"""The scores of recommendations: recall and normalized discounted cumulative gain.

Every program gives factors ``W`` and ``V``; the score of a row's column is their product. The
ranking is made here, in float32.

Among all columns that a row has not chosen: of what it chose later, the share in the first 20
places, and the gain of these over the largest possible, means over the rows that have something
to find. Among given columns, for each of what a row chose later: whether it stands in the first 10
places, and its gain, means over all of them. Half of the columns with an equal score stand above.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

PLACES_AMONG_ALL, PLACES_AMONG_GIVEN = 20, 10
ROWS_AT_A_TIME = 512


class Quality(NamedTuple):
    """From 0 to 1, greater is better; both 0 for broken factors."""

    recall: float
    ndcg: float


def places_of(problem) -> int:
    return PLACES_AMONG_ALL if problem.negatives is None else PLACES_AMONG_GIVEN


def judge(problem, W, V, rows=None) -> Quality:
    """Quality of the scores ``W V'``, over ``rows`` or all of them."""
    W, V = (np.asarray(factors, dtype=np.float32) for factors in (W, V))
    if not (np.isfinite(W).all() and np.isfinite(V).all()):
        return Quality(0.0, 0.0)
    lengths = np.diff(problem.held_out.indptr)
    rows = np.arange(len(lengths)) if rows is None else np.asarray(rows)
    rows = rows[lengths[rows] > 0]
    if problem.negatives is None:
        return _among_all(problem, W, V, rows)
    return _among_given(problem, W, V, rows)


def _among_all(problem, W, V, rows) -> Quality:
    places = min(PLACES_AMONG_ALL, len(V))
    gains = 1 / np.log2(np.arange(2, places + 2))
    most = np.cumsum(gains)
    recalls, ndcgs = [], []
    for block, scores in _scores(W, V, rows):
        scores[problem.X[block].nonzero()] = -np.inf
        best = best_places(scores, places)
        hits = np.take_along_axis(problem.held_out[block].toarray() > 0, best, axis=1)
        to_find = np.diff(problem.held_out.indptr)[block]
        recalls.append(hits.sum(axis=1) / to_find)
        ndcgs.append(hits @ gains / most[np.minimum(to_find, places) - 1])
    return Quality(float(np.concatenate(recalls).mean()), float(np.concatenate(ndcgs).mean()))


def _scores(W, V, rows):
    for begin in range(0, len(rows), ROWS_AT_A_TIME):
        block = rows[begin : begin + ROWS_AT_A_TIME]
        yield block, W[block] @ V.T


def best_places(scores, places) -> np.ndarray:
    """Columns of the largest scores of each row, best first, the earlier one of equals."""
    least = np.partition(scores, -places, axis=1)[:, -places]
    row, column = np.divmod(np.flatnonzero(scores >= least[:, None]), scores.shape[1])
    order = np.lexsort((column, -scores[row, column], row))
    # More than asked for where others are equal to the last.
    counts = np.bincount(row, minlength=len(scores))
    first = np.cumsum(counts) - counts
    return column[order][first[:, None] + np.arange(places)]


def _among_given(problem, W, V, rows) -> Quality:
    found = []
    for block, scores in _scores(W, V, rows):
        wanted = problem.held_out[block].tocoo()
        others = problem.negatives[block][wanted.row]
        own = scores[wanted.row, wanted.col][:, None]
        given = scores[wanted.row[:, None], others]
        above = ((given > own) + 0.5 * (given == own)) * (others >= 0)
        found.append(above.sum(axis=1))
    above = np.concatenate(found)
    gains = np.where(above < PLACES_AMONG_GIVEN, 1 / np.log2(above + 2), 0.0)
    return Quality(float((gains > 0).mean()), float(gains.mean()))
