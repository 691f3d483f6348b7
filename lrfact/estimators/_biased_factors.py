"""Rows as factors and biases, and back, for models of matrices with holes."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted

from lrfact.checks._observed_entries import observed_entries
from lrfact.checks._threads import effective_n_threads
from lrfact.estimators._column_recommender import ColumnRecommender

Array = NDArray[np.floating]


class BiasedFactors(
    ColumnRecommender, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator
):
    """Base of the estimators that predict by an intercept, biases and factors.

    A subclass folds rows in.
    """

    missing_values: float

    def transform(self, X: Any) -> Array:
        """Return the factors of rows, known or new.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows with holes.

        Returns
        -------
        ndarray of shape (n_samples, n_components_)
            In the units of `X`. Biases of rows are not among them: see `row_biases`. A row without
            entries is given what is expected of any: zeros, unless the estimator says else.
        """
        check_is_fitted(self, "components_")
        return self._fold_in(X)[0]

    def row_biases(self, X: Any) -> Array:
        """Return the biases of rows, known or new.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows with holes.

        Returns
        -------
        ndarray of shape (n_samples,)
            How much higher a row is than its factors say, in the units of `X`.
        """
        check_is_fitted(self, "components_")
        return self._fold_in(X)[1]

    def inverse_transform(self, X: Any, row_bias: Any = None) -> Array:
        """Return rows from their factors.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_components_)
            Factors, as `transform` returns them.

        row_bias : array-like of shape (n_samples,), default=None
            Biases of the rows, as `row_biases` returns them; None for zeros.

        Returns
        -------
        ndarray of shape (n_samples, n_features)
            ``intercept_ + column_bias_ + X @ components_``, and the biases of the rows.
        """
        check_is_fitted(self, "components_")
        W = check_array(X, dtype=[np.float64, np.float32])
        if W.shape[1] != len(self.components_):
            raise ValueError(
                f"X has {W.shape[1]} columns, but inverse_transform takes the "
                f"{len(self.components_)} factors of a row, as transform returns them"
            )
        biases = np.zeros(len(W), W.dtype)
        if row_bias is not None:
            biases = check_array(row_bias, dtype=W.dtype, ensure_2d=False, input_name="row_bias")
        if biases.shape != (len(W),):
            raise ValueError(f"row_bias has shape {biases.shape}; it must have {(len(W),)}")
        return self._rebuilt(W, biases)

    def _observed(self, X: Any) -> sparse.csr_array:
        return observed_entries(self, X, missing_values=self.missing_values, reset=False)

    def _fold_in(self, X: Any) -> tuple[Array, Array]:
        return self._rows(self._observed(X), effective_n_threads(self.n_jobs))

    def _rebuilt(self, W: Array, row_bias: Array) -> Array:
        X = W @ self.components_.astype(W.dtype, copy=False)
        X += self.column_bias_.astype(W.dtype, copy=False)
        X += (W.dtype.type(self.intercept_) + row_bias)[:, np.newaxis]
        return X

    @property
    def _n_features_out(self) -> int:
        return len(self.components_)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = bool(np.isnan(self.missing_values))
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
