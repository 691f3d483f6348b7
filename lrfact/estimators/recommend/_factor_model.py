"""Base class of estimators with row and column factors: transform and its inverse."""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted

from lrfact._memory import require_dense
from lrfact._threads import effective_n_threads
from lrfact._typing import Array
from lrfact.estimators.recommend._column_recommender import ColumnRecommender


class FactorModel(
    ColumnRecommender, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator
):
    """Base class of estimators that predict by factors of rows and columns.

    A subclass implements which entries of rows are observed, and the fold-in of rows.
    """

    def transform(self, X: Any) -> Array:
        """Return the factors of training rows or unseen rows (fold-in).

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training rows or unseen rows.

        Returns
        -------
        ndarray of shape (n_samples, n_components_)
            Factors of the rows. A row without entries has the prior mean, zeros unless the
            estimator documents otherwise. Biases of rows are not included.
        """
        check_is_fitted(self, "components_")
        return self._fold_in(X)[0]

    def inverse_transform(self, X: Any) -> Array:
        """Transform factors back to the original space.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_components_)
            Factors, as returned by `transform`.

        Returns
        -------
        ndarray of shape (n_samples, n_features)
            ``intercept_ + column_bias_ + X @ components_``.
        """
        check_is_fitted(self, "components_")
        W = self._checked_factors(X)
        return self._rebuilt(W, np.zeros(len(W), W.dtype))

    def _checked_factors(self, X: Any) -> Array:
        W = check_array(X, dtype=[np.float64, np.float32])
        if W.shape[1] != len(self.components_):
            raise ValueError(
                f"X has {W.shape[1]} columns, but inverse_transform takes the "
                f"{len(self.components_)} factors of a row, as transform returns them"
            )
        return W

    def _fold_in(self, X: Any) -> tuple[Array, Array]:
        return self._rows(self._observed(X), effective_n_threads(self.n_jobs))

    def _rebuilt(self, W: Array, row_bias: Array) -> Array:
        require_dense((len(W), self.components_.shape[1]), W.dtype, "pass fewer rows at a time")
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
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
