"""Normalized discounted cumulative gain (NDCG@k) of a ranking."""

from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from lrfact.metrics._judged_ranking import judge


def ndcg_at_k(
    ranking: Any, truth: Any, *, k: int = 10, average: bool = True
) -> float | npt.NDArray[np.float64]:
    r"""Normalized discounted cumulative gain (NDCG@k) of the first k places.

    .. math::
        NDCG@k_i = \frac{\sum_{p=1}^{k} g(r_{ip}) / \log_2(1 + p)}
                        {\sum_{p=1}^{k} g(r^*_{ip}) / \log_2(1 + p)}

    where :math:`r_{ip}` is the column at place p of row i, :math:`g` its entry in `truth` (0 if
    absent), and :math:`r^*_i` the ideal ranking of the row, its columns in descending order of
    gain.

    Parameters
    ----------
    ranking : array-like of shape (n_rows, n_ranked)
        Recommended or retrieved column indices (items, documents) of each row, best first, each at
        most once in a row; -1 is an empty place and counts as a miss. Places beyond `k` are not
        read.

    truth : {array-like, sparse matrix} of shape (n_rows, n_columns)
        Graded relevance (gains). Entries above 0 are relevant, larger ones more so; absent entries
        and stored zeros are not. For binary gains pass ``truth > 0``, for exponential gains
        ``2.0**truth - 1`` of the stored entries.

    k : int, default=10
        Number of leading places to evaluate (the cutoff). Places beyond `n_ranked` count as misses.

    average : bool, default=True
        Whether to return the mean over the rows with a relevant column, or one value per row.

    Returns
    -------
    float or ndarray of shape (n_rows,)
        Score between 0 and 1; NaN for a row without relevant columns.

    Raises
    ------
    ValueError
        If `ranking` has the same column twice in a row or a column that is not in `truth`, if the
        numbers of rows differ, if `truth` is negative or not finite, if `k` is below 1, or if no
        row has a relevant column and `average` is True.

    See Also
    --------
    average_precision_at_k : Average precision, for binary relevance.
    sklearn.metrics.ndcg_score : NDCG of dense scores; averages over ties.

    Notes
    -----
    The gains are the entries themselves, as in scikit-learn; there rows without relevant columns
    enter the mean as 0, here they are excluded. Implementations for web search (LightGBM) default
    to :math:`2^g - 1`; implicit uses a gain of 1 for every relevant column.

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
    # Dividing by a row's largest gain cancels in the ratio and keeps sums from overflowing.
    largest = _row_maxima(judged.truth)
    discount = 1 / np.log2(np.arange(2, judged.gains.shape[1] + 2))
    gained = (judged.gains / largest[:, np.newaxis]) @ discount
    return judged.summary(gained / _best_gain(judged.truth, largest, k), average)


def _row_maxima(relevant: sp.csr_array) -> npt.NDArray[np.float64]:
    """Return the largest entry of each row, 1 for an empty row."""
    largest = np.ones(relevant.shape[0])
    filled = np.diff(relevant.indptr) > 0
    largest[filled] = np.maximum.reduceat(relevant.data, relevant.indptr[:-1][filled])
    return largest


def _best_gain(
    relevant: sp.csr_array, largest: npt.NDArray[np.float64], k: int
) -> npt.NDArray[np.float64]:
    """Return the discounted gain of each row's ideal ranking in units of `largest`, 1 if empty."""
    n_relevant = np.diff(relevant.indptr)
    rows = np.repeat(np.arange(relevant.shape[0]), n_relevant)
    # One sort of integers: by row, and within a row by descending gain.
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
