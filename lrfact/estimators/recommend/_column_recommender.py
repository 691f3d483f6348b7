"""Recommendations and similar columns, from the column factors of a model."""

from abc import abstractmethod
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils.validation import check_is_fitted

from lrfact._threads import effective_n_threads
from lrfact._typing import Array, Indices
from lrfact.checks._column_labels import (
    column_index,
    column_indices,
    fitted_column_labels,
)
from lrfact.linalg.top_k_product import top_k_product


class ColumnRecommender:
    """Base class of recommenders: estimators that rank columns for rows.

    A subclass implements which entries of rows are observed, and the fold-in of rows.
    """

    components_: Array
    column_bias_: Array
    intercept_: float
    n_jobs: int | None

    @abstractmethod
    def _observed(self, X: Any) -> sparse.csr_array:
        """Return the observed entries of validated rows."""

    @abstractmethod
    def _rows(self, entries: sparse.csr_array, n_threads: int) -> tuple[Array, Array]:
        """Return factors and biases of rows."""

    def recommend(
        self,
        X: Any,
        n_items: int = 10,
        *,
        exclude_observed: bool = True,
        allowed: Any = None,
    ) -> tuple[Indices, Array]:
        """Recommend the columns with the highest predictions for each row.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training rows or unseen rows, which are folded in.

        n_items : int, default=10
            Number of columns.

        exclude_observed : bool, default=True
            Whether to exclude columns in which a row has an observed entry.

        allowed : array-like, default=None
            Candidate columns: distinct names or indices, or a boolean mask of shape (n_features,).
            Integers are names if `X` was a DataFrame with integer column names in `fit`, else
            indices. None allows all columns.

        Returns
        -------
        columns : ndarray of int, shape (n_samples, n_found)
            Indices of the recommended columns, best first, ties by index. A row gets `n_items`
            columns, or all remaining candidates if there are fewer; ``n_found`` is the length of
            the longest list, and shorter ones are padded with -1.

        scores : ndarray of shape (n_samples, n_found)
            Predictions of these columns, as by `predict`; minus infinity for -1.

        Raises
        ------
        ValueError
            If `n_items` is not positive, or `allowed` has unknown or duplicate columns.

        Examples
        --------
        >>> import numpy as np
        >>> from lrfact import MaskedMF
        >>> X = np.array([[5, 4, 0, 1], [4, 0, 5, 1], [1, 2, 1, 5], [0, 1, 2, 4]])
        >>> model = MaskedMF(n_components=1, reg=0.1, missing_values=0, random_state=0).fit(X)
        >>> columns, scores = model.recommend([[5, 0, 0, 1]], n_items=2)
        >>> columns
        array([[2, 1]])
        """
        check_is_fitted(self, "components_")
        _require_count(n_items)
        candidates = None
        if allowed is not None:
            candidates = column_indices(self, allowed, self.components_.shape[1], "allowed")
        return self._best_columns(
            self._observed(X), n_items, exclude_observed=exclude_observed, candidates=candidates
        )

    def _best_columns(
        self,
        entries: sparse.csr_array,
        n_items: int,
        *,
        exclude_observed: bool = True,
        candidates: Indices | None = None,
        rows: tuple[Array, Array] | None = None,
    ) -> tuple[Indices, Array]:
        """Recommend to rows whose entries, and possibly factors, are known."""
        _require_count(n_items)
        n_features = self.components_.shape[1]
        n_threads = effective_n_threads(self.n_jobs)
        factors, row_bias = self._rows(entries, n_threads) if rows is None else rows
        n_allowed = n_features if candidates is None else len(candidates)
        n_left = n_allowed - _n_hidden(entries, candidates, n_features) * exclude_observed
        n_found = min(int(n_items), int(n_left.max(initial=0)))
        columns, scores = top_k_product(
            factors,
            np.ascontiguousarray(self.components_.T, dtype=factors.dtype),
            n_found,
            offset=self.column_bias_.astype(factors.dtype),
            excluded=entries if exclude_observed else None,
            allowed=candidates,
            n_threads=n_threads,
        )
        scores += (factors.dtype.type(self.intercept_) + row_bias)[:, np.newaxis]
        return columns, scores

    def similar_columns(self, column: Any, n_items: int = 10) -> tuple[Indices, Array]:
        """Return the columns with the most similar factors, by cosine similarity.

        Parameters
        ----------
        column : int, str or other label
            Name or index of a column. An integer is a name if `X` was a DataFrame with integer
            column names in `fit`, else an index.

        n_items : int, default=10
            Number of columns to return.

        Returns
        -------
        columns : ndarray of int, shape (n_found,)
            Indices of the columns, most similar first, without `column` itself; fewer than
            `n_items` if there are not as many.

        similarities : ndarray of shape (n_found,)
            Cosine similarities of the factors, from -1 to 1; 0 for a column of zero factors.

        Raises
        ------
        ValueError
            If there is no such column, or `n_items` is not positive.
        """
        check_is_fitted(self, "components_")
        _require_count(n_items)
        at = self._column_index(column)
        factors = np.ascontiguousarray(self.components_.T)
        lengths = np.linalg.norm(factors, axis=1, keepdims=True)
        directions = np.divide(factors, lengths, out=np.zeros_like(factors), where=lengths > 0)
        columns, similarities = top_k_product(
            directions[at : at + 1],
            directions,
            min(int(n_items), len(factors) - 1),
            excluded=sparse.csr_array(([1.0], ([0], [at])), shape=(1, len(factors))),
            n_threads=effective_n_threads(self.n_jobs),
        )
        return columns[0], similarities[0]

    def _column_index(self, column: Any) -> int:
        return column_index(self, column, self.components_.shape[1])

    def _column_names(self) -> NDArray[Any] | None:
        return fitted_column_labels(self)

    def _single_row(self, x: Any) -> sparse.csr_array:
        """Return the observed entries of one row, in any format."""
        if getattr(x, "ndim", None) == 1 and sparse.issparse(x):
            x = x.reshape((1, -1))
        elif getattr(x, "ndim", np.ndim(x)) == 1:
            x = x.to_frame().T if hasattr(x, "to_frame") else np.asanyarray(x)[np.newaxis]
        entries = self._observed(x)
        if entries.shape[0] != 1:
            raise ValueError(f"x has {entries.shape[0]} rows; explain takes one")
        return entries


def _require_count(n_items: Any) -> None:
    if not isinstance(n_items, Integral) or n_items < 1:
        raise ValueError(f"n_items={n_items!r} must be an integer from 1")


def _n_hidden(entries: sparse.csr_array, candidates: Indices | None, n_features: int) -> Indices:
    """Number of observed entries of each row among the candidates."""
    if candidates is None:
        return np.diff(entries.indptr)
    is_candidate = np.zeros(n_features, dtype=bool)
    is_candidate[candidates] = True
    hidden = np.concatenate([[0], np.cumsum(is_candidate[entries.indices])])
    return hidden[entries.indptr[1:]] - hidden[entries.indptr[:-1]]
