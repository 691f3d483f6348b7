"""Reciprocal rank: how far down the first hit is."""

from typing import Any

import numpy as np
import numpy.typing as npt

from lrfact.metrics._judged_ranking import judge


def reciprocal_rank_at_k(
    ranking: Any, truth: Any, *, k: int = 10, average: bool = True
) -> float | npt.NDArray[np.float64]:
    r"""One over the place of the first hit among the first k; its mean over rows is MRR@k.

    .. math:: RR@k_i = \max_{p \le k} \, [r_{ip} \text{ is relevant}] \, / \, p

    where :math:`r_{ip}` is the column at place p of row i. It is 1 where a relevant column comes
    first, 1/2 where the first of them comes second, and 0 where none is among the first k.

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
        Whether to return the mean over the rows that have a relevant column, which is MRR@k, or
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
    average_precision_at_k : Rewards every hit; the same where rows have one relevant column.
    hit_rate_at_k : Whether there is a hit, wherever it stands.

    Notes
    -----
    For searches that end at the first answer, such as for a page known to exist. Where several
    relevant columns are wanted it says little: the second hit counts for nothing.

    Rows without relevant columns are left out of the mean; torchmetrics' `RetrievalMRR` counts
    them as 0 unless told otherwise.

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
    of_first_hit = np.max(hits / np.arange(1, hits.shape[1] + 1), axis=1, initial=0.0)
    return judged.summary(of_first_hit, average)
