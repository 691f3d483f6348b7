"""Average precision (MAP@k) of a ranking."""

from typing import Any

import numpy as np
import numpy.typing as npt

from lrfact.metrics._judged_ranking import judge


def average_precision_at_k(
    ranking: Any, truth: Any, *, k: int = 10, average: bool = True
) -> float | npt.NDArray[np.float64]:
    r"""Average precision of the first k places; its mean over rows is MAP@k.

    .. math:: AP@k_i = \frac{1}{\min(k, n_i)} \sum_{p=1}^{k} [r_{ip} \text{ is relevant}] \, P@p_i

    where :math:`r_{ip}` is the column at place p of row i, :math:`P@p_i` the fraction of
    relevant columns among its first p places, and :math:`n_i` the number of its relevant columns.
    It is 1 if relevant columns fill the first :math:`\min(k, n_i)` places.

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
        Whether to return the mean over the rows with a relevant column, which is MAP@k, or one
        value per row.

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
    ndcg_at_k : Discounts later hits less steeply, and supports graded relevance.
    sklearn.metrics.label_ranking_average_precision_score : Average precision of a full ranking by
        scores.

    Notes
    -----
    If the ranking holds all columns and `k` is their number, this is scikit-learn's
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
