"""Relevance of the ranked columns, the input of all ranking metrics."""

from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from sklearn.utils import check_array

from lrfact.checks._matrix_input import with_wide_dtype

_LARGEST_KEY = np.iinfo(np.int64).max


@dataclass(frozen=True, eq=False)
class JudgedRanking:
    """Gains of the first places of each row's ranking, and the relevant entries.

    Parameters
    ----------
    gains : ndarray of shape (n_rows, min(k, n_ranked))
        Relevance of the column at each place, in float64; 0 is a miss.

    truth : csr_array of shape (n_rows, n_columns)
        Relevant entries only, with sorted indices.

    n_relevant : ndarray of shape (n_rows,)
        Number of relevant columns of each row.
    """

    gains: npt.NDArray[np.float64]
    truth: sp.csr_array
    n_relevant: npt.NDArray[np.int64]

    @property
    def hits(self) -> npt.NDArray[np.bool_]:
        """Mask of places with a relevant column, ndarray of shape (n_rows, min(k, n_ranked))."""
        return self.gains > 0

    def summary(
        self, scores: npt.NDArray[np.float64], average: bool
    ) -> float | npt.NDArray[np.float64]:
        """Mean over the rows with relevant columns, or one score per row.

        Parameters
        ----------
        scores : ndarray of shape (n_rows,)
            Score of each row; those of rows without relevant columns are not read.

        average : bool
            Whether to return the mean.

        Returns
        -------
        float or ndarray of shape (n_rows,)
            Mean score, or the scores with NaN for rows without relevant columns.

        Raises
        ------
        ValueError
            If `average` is True and no row has a relevant column.
        """
        judged = self.n_relevant > 0
        if not average:
            return np.where(judged, scores, np.nan)
        if not judged.any():
            raise ValueError(
                "No row of truth has a relevant column (a stored entry above 0), so there is "
                "nothing to average; check that truth has the held-out entries and that its rows "
                "are those of the ranking, or pass average=False"
            )
        return float(scores[judged].mean())


def judge(ranking: Any, truth: Any, k: Any) -> JudgedRanking:
    """Validate a ranking and its relevance matrix, and look up the first k places.

    Parameters
    ----------
    ranking : array-like of shape (n_rows, n_ranked)
        Column indices, best first; -1 is an empty place.

    truth : {array-like, sparse matrix} of shape (n_rows, n_columns)
        Relevance of each column. Entries above 0 are relevant.

    k : int
        Number of leading places to evaluate.

    Returns
    -------
    JudgedRanking
        Gains of the first places, and the relevant entries.

    Raises
    ------
    ValueError
        If an argument is invalid.
    """
    if isinstance(k, bool | np.bool_) or not isinstance(k, Integral) or k < 1:
        raise ValueError(
            f"k={k!r} must be an integer of at least 1, the number of places to evaluate"
        )
    relevant = _checked_truth(truth)
    places = _checked_ranking(ranking, relevant.shape)[:, : int(k)]
    _check_indices(places, relevant.shape[1])
    return JudgedRanking(
        gains=_look_up(places, relevant),
        truth=relevant,
        n_relevant=np.diff(relevant.indptr).astype(np.int64),
    )


def _checked_truth(truth: Any) -> sp.csr_array:
    if np.ma.isMaskedArray(truth):
        raise ValueError(
            "truth is a masked array, whose mask would be lost; fill it with 0 where nothing is "
            "relevant: truth.filled(0)"
        )
    checked = check_array(with_wide_dtype(truth), accept_sparse="csr", input_name="truth")
    relevant = sp.csr_array(checked, dtype=np.float64)
    if relevant.nnz and relevant.data.min() < 0:
        raise ValueError(
            f"truth has negative entries (the smallest is {relevant.data.min():g}), but an entry "
            "is a gain: 0 or absent is irrelevant, above 0 is relevant; pass for example "
            "truth > 0"
        )
    if relevant.nnz and (not relevant.has_canonical_format or relevant.data.min() == 0):
        relevant = relevant.copy()  # the caller's arrays stay as they are
        relevant.sum_duplicates()
        relevant.eliminate_zeros()
    return relevant


def _checked_ranking(ranking: Any, shape: tuple[int, int]) -> npt.NDArray[np.integer]:
    try:
        places = np.asarray(ranking)
    except ValueError as ragged:
        raise ValueError(
            "ranking must be a rectangular array; pad short rows with -1, which is an empty place"
        ) from ragged
    if places.ndim != 2 or places.dtype.kind not in "iu":
        raise ValueError(
            f"ranking must be a 2-d array of column indices, best first, but has shape "
            f"{places.shape} and dtype {places.dtype}; convert scores to a ranking with "
            "np.argsort(-scores, axis=1)"
        )
    if places.shape[0] != shape[0]:
        raise ValueError(
            f"ranking has {places.shape[0]} rows and truth has {shape[0]}, but row i of both must "
            "be the same sample; select the rows that were ranked: truth[rows]"
        )
    return places


def _check_indices(places: npt.NDArray[np.integer], n_columns: int) -> None:
    wrong = (places < -1) | (places >= n_columns)
    if wrong.any():
        row, place = np.argwhere(wrong)[0]
        raise ValueError(
            f"ranking[{row}, {place}]={places[row, place]} is not a column of truth, which has "
            f"n_columns={n_columns}; indices run from 0 to {n_columns - 1}, and -1 is an empty "
            "place"
        )
    ordered = np.sort(places, axis=1)
    repeated = (ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0)
    if repeated.any():
        row, place = np.argwhere(repeated)[0]
        raise ValueError(
            f"ranking[{row}] has column {ordered[row, place]} more than once, which would count "
            "it twice; rank every column at most once"
        )


def _look_up(places: npt.NDArray[np.integer], relevant: sp.csr_array) -> npt.NDArray[np.float64]:
    """Return the stored value of (row, column) for every place, 0 for absent entries."""
    n_rows, n_columns = relevant.shape
    if n_rows * n_columns > _LARGEST_KEY:
        raise ValueError(
            f"truth of shape {relevant.shape} has more than 2^63 entries, too many to number; "
            "evaluate the rows in smaller blocks"
        )
    if relevant.nnz == 0:
        return np.zeros(places.shape)
    # Entries are numbered row by row: sorted indices give sorted numbers.
    first = np.arange(n_rows, dtype=np.int64) * n_columns
    stored = np.repeat(first, np.diff(relevant.indptr)) + relevant.indices
    ranked = first[:, np.newaxis] + places.astype(np.int64)
    at = np.minimum(np.searchsorted(stored, ranked), stored.size - 1)
    found = (stored[at] == ranked) & (places >= 0)
    return np.where(found, relevant.data[at], 0.0)
