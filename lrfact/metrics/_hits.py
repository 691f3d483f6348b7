"""Metrics that count hits among the first k places, whatever their order."""

from typing import Any

import numpy as np
import numpy.typing as npt

from lrfact.metrics._judged_ranking import judge


def precision_at_k(
    ranking: Any, truth: Any, *, k: int = 10, average: bool = True
) -> float | npt.NDArray[np.float64]:
    r"""Share of the first k places that hold a relevant column.

    .. math:: P@k_i = \frac{1}{k} \sum_{p=1}^{k} [r_{ip} \text{ is relevant}]

    where :math:`r_{ip}` is the column at place p of row i.

    Parameters
    ----------
    ranking : array-like of shape (n_rows, n_ranked)
        Column indices, best first, each at most once in a row; -1 is an empty place and counts
        as a miss. Places beyond `k` are not read.

    truth : {array-like, sparse matrix} of shape (n_rows, n_columns)
        Entries above 0 are relevant; absent entries and stored zeros are not.

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
    recall_at_k : The same hits as a share of what could be found.
    average_precision_at_k : Rewards hits at the first places.

    Notes
    -----
    A row with fewer than k relevant columns cannot reach 1. Some libraries therefore divide by
    the smaller of k and that number: implicit does, with hits and divisors summed over all rows.
    LightFM and Spark divide by k as here.

    Cost: O(nnz + n_rows k log nnz) time and O(nnz + n_rows k) memory, without a loop over rows.

    References
    ----------
    Manning, C. D., Raghavan, P. and Schütze, H. (2008). Introduction to Information Retrieval,
    section 8.4. Cambridge University Press. doi:10.1017/CBO9780511809071.

    Examples
    --------
    >>> from lrfact.metrics import precision_at_k
    >>> truth = [[0, 1, 0, 1], [1, 0, 0, 0]]
    >>> ranking = [[1, 0, 3], [2, 0, -1]]
    >>> precision_at_k(ranking, truth, k=2)
    0.5
    >>> precision_at_k(ranking, truth, k=1, average=False)
    array([1., 0.])
    """
    judged = judge(ranking, truth, k)
    return judged.summary(judged.hits.sum(axis=1) / k, average)


def recall_at_k(
    ranking: Any, truth: Any, *, k: int = 10, average: bool = True
) -> float | npt.NDArray[np.float64]:
    r"""Share of a row's relevant columns that are among the first k places.

    .. math:: R@k_i = \frac{1}{n_i} \sum_{p=1}^{k} [r_{ip} \text{ is relevant}]

    where :math:`r_{ip}` is the column at place p of row i, and :math:`n_i` the number of its
    relevant columns.

    Parameters
    ----------
    ranking : array-like of shape (n_rows, n_ranked)
        Column indices, best first, each at most once in a row; -1 is an empty place and counts
        as a miss. Places beyond `k` are not read.

    truth : {array-like, sparse matrix} of shape (n_rows, n_columns)
        Entries above 0 are relevant; absent entries and stored zeros are not.

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
    precision_at_k : The same hits as a share of the places.
    hit_rate_at_k : Whether there is any hit.

    Notes
    -----
    A row with more than k relevant columns cannot reach 1. Papers on implicit feedback at times
    divide by the smaller of k and :math:`n_i` and still call it recall.

    Cost: O(nnz + n_rows k log nnz) time and O(nnz + n_rows k) memory, without a loop over rows.

    References
    ----------
    Manning, C. D., Raghavan, P. and Schütze, H. (2008). Introduction to Information Retrieval,
    section 8.3. Cambridge University Press. doi:10.1017/CBO9780511809071.

    Examples
    --------
    >>> from lrfact.metrics import recall_at_k
    >>> truth = [[0, 1, 0, 1], [1, 0, 0, 0]]
    >>> ranking = [[1, 0, 3], [2, 0, -1]]
    >>> recall_at_k(ranking, truth, k=2)
    0.75
    """
    judged = judge(ranking, truth, k)
    n_hits = judged.hits.sum(axis=1)
    return judged.summary(n_hits / np.maximum(judged.n_relevant, 1), average)


def hit_rate_at_k(
    ranking: Any, truth: Any, *, k: int = 10, average: bool = True
) -> float | npt.NDArray[np.float64]:
    r"""Share of rows with at least one relevant column among the first k places.

    .. math:: H@k_i = \max_{p \le k} [r_{ip} \text{ is relevant}]

    where :math:`r_{ip}` is the column at place p of row i. With one relevant column a row, as in
    leave-one-out tests, it equals the recall.

    Parameters
    ----------
    ranking : array-like of shape (n_rows, n_ranked)
        Column indices, best first, each at most once in a row; -1 is an empty place and counts
        as a miss. Places beyond `k` are not read.

    truth : {array-like, sparse matrix} of shape (n_rows, n_columns)
        Entries above 0 are relevant; absent entries and stored zeros are not.

    k : int, default=10
        Places to judge. Where it exceeds `n_ranked`, the missing places are misses.

    average : bool, default=True
        Whether to return the mean over the rows that have a relevant column, or one value a row.

    Returns
    -------
    float or ndarray of shape (n_rows,)
        Between 0 and 1, of a single row 0 or 1; NaN for a row without relevant columns.

    Raises
    ------
    ValueError
        If `ranking` has a column twice in a row or one that `truth` has not, the numbers of rows
        differ, `truth` is negative or not finite, `k` is below 1, or no row has a relevant column
        and `average` is True.

    See Also
    --------
    recall_at_k : How many of the relevant columns were hit.
    sklearn.metrics.top_k_accuracy_score : The same for one true class a sample and dense scores.

    Notes
    -----
    Cost: O(nnz + n_rows k log nnz) time and O(nnz + n_rows k) memory, without a loop over rows.

    References
    ----------
    Deshpande, M. and Karypis, G. (2004). Item-based top-N recommendation algorithms. ACM
    Transactions on Information Systems 22. doi:10.1145/963770.963776.

    Examples
    --------
    >>> from lrfact.metrics import hit_rate_at_k
    >>> truth = [[0, 1, 0, 1], [1, 0, 0, 0]]
    >>> ranking = [[1, 0, 3], [2, 3, 0]]
    >>> hit_rate_at_k(ranking, truth, k=2)
    0.5
    """
    judged = judge(ranking, truth, k)
    return judged.summary(np.where(judged.hits.any(axis=1), 1.0, 0.0), average)
