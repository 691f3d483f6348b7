"""Average precision: the precision at every hit."""

from typing import Any

import numpy as np
import numpy.typing as npt

from lrfact.metrics._judged_ranking import judge


def average_precision_at_k(
    ranking: Any, truth: Any, *, k: int = 10, average: bool = True
) -> float | npt.NDArray[np.float64]:
    r"""Precision at each hit among the first k places, averaged; its mean over rows is MAP@k.

    .. math:: AP@k_i = \frac{1}{\min(k, n_i)} \sum_{p=1}^{k} [r_{ip} \text{ is relevant}] \, P@p_i

    where :math:`r_{ip}` is the column at place p of row i, :math:`P@p_i` the share of relevant
    columns among its first p places, and :math:`n_i` the number of its relevant columns. It is 1
    where relevant columns fill the first :math:`\min(k, n_i)` places.

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
        Whether to return the mean over the rows that have a relevant column, which is MAP@k, or
        one value a row.

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
    ndcg_at_k : Rewards early hits less steeply, and knows more or less relevant columns.
    sklearn.metrics.label_ranking_average_precision_score : The same for a full ranking by scores.

    Notes
    -----
    Where the ranking holds all columns and `k` is their number, this is scikit-learn's
    ``label_ranking_average_precision_score`` for scores without ties, except that scikit-learn
    counts rows without relevant columns as 1. implicit and Spark's ``meanAveragePrecisionAt``
    divide by the smaller of k and :math:`n_i` as here; Spark's ``meanAveragePrecision`` and other
    definitions without a k divide by :math:`n_i`, and some by the number of hits.

    Cost: O(nnz + n_rows k log nnz) time and O(nnz + n_rows k) memory, without a loop over rows.

    References
    ----------
    Manning, C. D., Raghavan, P. and Schütze, H. (2008). Introduction to Information Retrieval,
    section 8.4. Cambridge University Press. doi:10.1017/CBO9780511809071.

    Examples
    --------
    >>> from lrfact.metrics import average_precision_at_k
    >>> truth = [[0, 1, 0, 1], [1, 0, 0, 0]]
    >>> ranking = [[1, 0, 3], [2, 0, -1]]
    >>> average_precision_at_k(ranking, truth, k=3, average=False)
    array([0.83333333, 0.5       ])
    """
    judged = judge(ranking, truth, k)
    hits = judged.hits
    precision = np.cumsum(hits, axis=1) / np.arange(1, hits.shape[1] + 1)
    best = np.clip(judged.n_relevant, 1, min(k, judged.truth.shape[1]))
    return judged.summary((hits * precision).sum(axis=1) / best, average)
