"""Precision, recall and hit rate at k: metrics that ignore the order of the first k places."""

from typing import Any

import numpy as np
import numpy.typing as npt

from lrfact.metrics._judged_ranking import judge


def precision_at_k(
    ranking: Any, truth: Any, *, k: int = 10, average: bool = True
) -> float | npt.NDArray[np.float64]:
    r"""Precision at k: the fraction of the first k places with a relevant column.

    .. math:: P@k_i = \frac{1}{k} \sum_{p=1}^{k} [r_{ip} \text{ is relevant}]

    where :math:`r_{ip}` is the column at place p of row i.

    Parameters
    ----------
    ranking : array-like of shape (n_rows, n_ranked)
        Recommended or retrieved column indices (items, documents) of each row, best first, each at
        most once in a row; -1 is an empty place and counts as a miss. Places beyond `k` are not
        read.

    truth : {array-like, sparse matrix} of shape (n_rows, n_columns)
        Relevance of each column. Entries above 0 are relevant; absent entries and stored zeros are
        not.

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
    recall_at_k : Fraction of the relevant columns among the first k places.
    average_precision_at_k : Gives more weight to hits at the first places.

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
    r"""Recall at k: the fraction of a row's relevant columns among the first k places.

    .. math:: R@k_i = \frac{1}{n_i} \sum_{p=1}^{k} [r_{ip} \text{ is relevant}]

    where :math:`r_{ip}` is the column at place p of row i, and :math:`n_i` the number of its
    relevant columns.

    Parameters
    ----------
    ranking : array-like of shape (n_rows, n_ranked)
        Recommended or retrieved column indices (items, documents) of each row, best first, each at
        most once in a row; -1 is an empty place and counts as a miss. Places beyond `k` are not
        read.

    truth : {array-like, sparse matrix} of shape (n_rows, n_columns)
        Relevance of each column. Entries above 0 are relevant; absent entries and stored zeros are
        not.

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
    precision_at_k : Fraction of the first k places with a relevant column.
    hit_rate_at_k : Whether there is at least one hit.

    Notes
    -----
    A row with more than k relevant columns cannot reach 1. Some papers on implicit feedback
    divide by the smaller of k and :math:`n_i` and also call it recall.

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
    r"""Hit rate at k: the fraction of rows with a relevant column among the first k places.

    .. math:: H@k_i = \max_{p \le k} [r_{ip} \text{ is relevant}]

    where :math:`r_{ip}` is the column at place p of row i. With one relevant column per row, as
    in leave-one-out evaluation, it equals the recall.

    Parameters
    ----------
    ranking : array-like of shape (n_rows, n_ranked)
        Recommended or retrieved column indices (items, documents) of each row, best first, each at
        most once in a row; -1 is an empty place and counts as a miss. Places beyond `k` are not
        read.

    truth : {array-like, sparse matrix} of shape (n_rows, n_columns)
        Relevance of each column. Entries above 0 are relevant; absent entries and stored zeros are
        not.

    k : int, default=10
        Number of leading places to evaluate (the cutoff). Places beyond `n_ranked` count as misses.

    average : bool, default=True
        Whether to return the mean over the rows with a relevant column, or one value per row.

    Returns
    -------
    float or ndarray of shape (n_rows,)
        Score between 0 and 1, of a single row 0 or 1; NaN for a row without relevant columns.

    Raises
    ------
    ValueError
        If `ranking` has the same column twice in a row or a column that is not in `truth`, if the
        numbers of rows differ, if `truth` is negative or not finite, if `k` is below 1, or if no
        row has a relevant column and `average` is True.

    See Also
    --------
    recall_at_k : Fraction of the relevant columns among the first k places.
    sklearn.metrics.top_k_accuracy_score : Hit rate for one true class per sample and dense scores.

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
