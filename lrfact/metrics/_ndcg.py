"""Normalized discounted cumulative gain: early hits count more, and larger gains too."""

from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from lrfact.metrics._judged_ranking import judge


def ndcg_at_k(
    ranking: Any, truth: Any, *, k: int = 10, average: bool = True
) -> float | npt.NDArray[np.float64]:
    r"""Normalized discounted cumulative gain of the first k places.

    .. math::
        NDCG@k_i = \frac{\sum_{p=1}^{k} g(r_{ip}) / \log_2(1 + p)}
                        {\sum_{p=1}^{k} g(r^*_{ip}) / \log_2(1 + p)}

    where :math:`r_{ip}` is the column at place p of row i, :math:`g` its entry in `truth` (0 where
    there is none), and :math:`r^*_i` the best ranking of the row: its columns by falling gain.

    Parameters
    ----------
    ranking : array-like of shape (n_rows, n_ranked)
        Column indices, best first, each at most once in a row; -1 is an empty place and counts
        as a miss. Places beyond `k` are not read.

    truth : {array-like, sparse matrix} of shape (n_rows, n_columns)
        The gains. Entries above 0 are relevant, the more the larger; absent entries and stored
        zeros are not. For gains of 0 and 1 pass ``truth > 0``, for exponential ones
        ``2.0**truth - 1`` of the stored entries.

    k : int, default=10
        Places to judge. Where it exceeds `n_ranked`, the missing places are misses.

    average : bool, default=True
        Whether to return the mean over the rows that have a relevant column, or one value a row.

    Returns
    -------
    float or ndarray of shape (n_rows,)
        Between 0 and 1; NaN for a row without relevant columns.

    Raises
    ------
    ValueError
        If `ranking` has a column twice in a row or one that `truth` has not, the numbers of rows
        differ, `truth` is negative or not finite, `k` is below 1, or no row has a relevant column
        and `average` is True.

    See Also
    --------
    average_precision_at_k : For relevance that is yes or no.
    sklearn.metrics.ndcg_score : The same from dense scores; averages over ties.

    Notes
    -----
    The gains are the entries themselves, as in scikit-learn; there rows without relevant columns
    enter the mean as 0, here they are left out. Implementations for web search (LightGBM) default
    to :math:`2^g - 1`; implicit takes every relevant column for a gain of 1.

    Cost: O(nnz log nnz + n_rows k log nnz) time and O(nnz + n_rows k) memory, without a loop over
    rows.

    References
    ----------
    Järvelin, K. and Kekäläinen, J. (2002). Cumulated gain-based evaluation of IR techniques. ACM
    Transactions on Information Systems 20. doi:10.1145/582415.582418.

    Examples
    --------
    >>> from lrfact.metrics import ndcg_at_k
    >>> truth = [[0, 5, 0, 3], [1, 0, 0, 0]]
    >>> ranking = [[1, 0, 3], [2, 0, -1]]
    >>> ndcg_at_k(ranking, truth, k=3, average=False).round(3)
    array([0.943, 0.631])
    """
    judged = judge(ranking, truth, k)
    # A row's largest gain cancels; divided by it, no sum of gains overflows.
    largest = _row_maxima(judged.truth)
    discount = 1 / np.log2(np.arange(2, judged.gains.shape[1] + 2))
    gained = (judged.gains / largest[:, np.newaxis]) @ discount
    return judged.summary(gained / _best_gain(judged.truth, largest, k), average)


def _row_maxima(relevant: sp.csr_array) -> npt.NDArray[np.float64]:
    """The largest entry of each row; 1 for an empty row."""
    largest = np.ones(relevant.shape[0])
    filled = np.diff(relevant.indptr) > 0
    largest[filled] = np.maximum.reduceat(relevant.data, relevant.indptr[:-1][filled])
    return largest


def _best_gain(
    relevant: sp.csr_array, largest: npt.NDArray[np.float64], k: int
) -> npt.NDArray[np.float64]:
    """Discounted gain of each row's best ranking, in units of `largest`; 1 for an empty row."""
    n_relevant = np.diff(relevant.indptr)
    rows = np.repeat(np.arange(relevant.shape[0]), n_relevant)
    # One sort of integers: by row, and within a row by falling gain.
    levels, level = np.unique(relevant.data, return_inverse=True)
    by_gain = np.sort((rows + 1) * levels.size - 1 - level)
    place = np.arange(rows.size) - np.repeat(relevant.indptr[:-1], n_relevant)
    counts = place < min(k, relevant.shape[1])
    rows = rows[counts]
    gains = levels[(rows + 1) * levels.size - 1 - by_gain[counts]] / largest[rows]
    best = np.bincount(
        rows, weights=gains / np.log2(place[counts] + 2), minlength=relevant.shape[0]
    )
    return np.where(n_relevant > 0, best, 1.0)
