"""Factors and biases of rows, for models of incomplete matrices."""

from abc import abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted

from lrfact._threads import effective_n_threads
from lrfact._typing import Array
from lrfact.checks._observed_entries import observed_entries
from lrfact.estimators.recommend._factor_model import FactorModel


class BiasedFactors(FactorModel):
    """Base class of estimators that predict by an intercept, biases and factors.

    A subclass implements the fold-in of rows.
    """

    missing_values: float
    _fitted_missing_values: float

    def row_biases(self, X: Any) -> Array:
        """Return the biases of training rows or unseen rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Incomplete rows, from the training data or unseen.

        Returns
        -------
        ndarray of shape (n_samples,)
            Biases of the rows, in the units of `X`.
        """
        check_is_fitted(self, "components_")
        return self._fold_in(X)[1]

    def inverse_transform(self, X: Any, row_bias: Any = None) -> Array:
        """Transform factors back to the original space.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_components_)
            Factors, as returned by `transform`.

        row_bias : array-like of shape (n_samples,), default=None
            Biases of the rows, as returned by `row_biases`. If None, zeros.

        Returns
        -------
        ndarray of shape (n_samples, n_features)
            ``intercept_ + column_bias_ + X @ components_``, plus the biases of the rows.
        """
        check_is_fitted(self, "components_")
        W = self._checked_factors(X)
        biases = np.zeros(len(W), W.dtype)
        if row_bias is not None:
            biases = check_array(row_bias, dtype=W.dtype, ensure_2d=False, input_name="row_bias")
        if biases.shape != (len(W),):
            raise ValueError(f"row_bias has shape {biases.shape}; it must have {(len(W),)}")
        return self._rebuilt(W, biases)

    @abstractmethod
    def _rows(
        self,
        entries: sparse.csr_array,
        n_threads: int,
        weights: sparse.csr_array | None = None,
    ) -> tuple[Array, Array]:
        """Return factors and biases of rows, whose entries may have weights."""

    def _recommend_by_weights(
        self,
        entries: sparse.csr_array,
        weights: sparse.csr_array,
        n_items: int,
        *,
        exclude_observed: bool,
    ) -> tuple[NDArray[np.integer], Array]:
        """Recommend to rows whose entries are means of several observations."""
        rows = self._rows(entries, effective_n_threads(self.n_jobs), weights)
        return self._best_columns(entries, n_items, exclude_observed=exclude_observed, rows=rows)

    def _observed(self, X: Any) -> sparse.csr_array:
        return observed_entries(self, X, missing_values=self._fitted_missing_values, reset=False)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = bool(np.isnan(self.missing_values))
        return tags
