"""Reciprocal rank (MRR@k) of a ranking."""

from typing import Any

import numpy as np
import numpy.typing as npt

from lrfact.metrics._judged_ranking import judge


def reciprocal_rank_at_k(
    ranking: Any, truth: Any, *, k: int = 10, average: bool = True
) -> float | npt.NDArray[np.float64]:
    r"""Reciprocal rank of the first hit among the first k places; its mean over rows is MRR@k.

    .. math:: RR@k_i = \max_{p \le k} \, [r_{ip} \text{ is relevant}] \, / \, p

    where :math:`r_{ip}` is the column at place p of row i. It is 1 if the first place holds a
    relevant column, 1/2 if the first hit is at the second place, and 0 if there is none among the
    first k.

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
        Whether to return the mean over the rows with a relevant column, which is MRR@k, or one
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
    average_precision_at_k : Counts every hit; identical if each row has one relevant column.
    hit_rate_at_k : Whether there is a hit at any of the first k places.

    Notes
    -----
    Suitable for searches that end at the first relevant result, such as known-item search. If
    several relevant columns matter, use another metric: hits after the first one are ignored.

    Rows without relevant columns are excluded from the mean; torchmetrics' `RetrievalMRR` counts
    them as 0 by default.

    Cost: O(nnz + n_rows k log nnz) time and O(nnz + n_rows k) memory, without a loop over rows.

    References
    ----------
    Voorhees, E. M. (1999). The TREC-8 question answering track report. Proceedings of the Eighth
    Text REtrieval Conference, NIST Special Publication 500-246, 77-82.

    Craswell, N. (2009). Mean reciprocal rank. Encyclopedia of Database Systems.
    doi:10.1007/978-0-387-39940-9_488.

    Examples
    --------
    >>> from lrfact.metrics import reciprocal_rank_at_k
    >>> truth = [[0, 1, 0, 1], [1, 0, 0, 0]]
    >>> ranking = [[1, 0, 3], [2, 0, -1]]
    >>> reciprocal_rank_at_k(ranking, truth, k=3, average=False)
    array([1. , 0.5])
    """
    judged = judge(ranking, truth, k)
    hits = judged.hits
    reciprocal = np.max(hits / np.arange(1, hits.shape[1] + 1), axis=1, initial=0.0)
    return judged.summary(reciprocal, average)
