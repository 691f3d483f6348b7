"""Base class of the transformers that convert counts to weights, entry by entry."""

from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin

from lrfact.checks._matrix_input import validated_matrix
from lrfact.checks._negative_values import refuse_negative


class CountWeights(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Base class of count weightings: input validation and output format."""

    def _counts(self, X: Any, *, reset: bool) -> csr_array:
        """Return the positive entries without duplicates; the result may share memory with `X`."""
        X = validated_matrix(
            self,
            X,
            reset=reset,
            accept_sparse="csr",
            dtype=[np.float64, np.float32],
        )
        counts = csr_array(X)
        if not (counts.has_canonical_format and counts.data.all()):
            counts = counts.copy()
            counts.sum_duplicates()
            counts.eliminate_zeros()
        refuse_negative(
            counts,
            self,
            "counts must not be negative; drop negative entries (X.clip(0) of an array, "
            "X.maximum(0) of a sparse matrix)",
        )
        return counts

    @staticmethod
    def _stored_as(X: Any, weights: csr_array) -> Any:
        """Return weights in the format of `X`: dense or sparse, array or matrix."""
        if not sparse.issparse(X):
            return weights.toarray()
        return weights if isinstance(X, sparse.sparray) else sparse.csr_matrix(weights)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.positive_only = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
