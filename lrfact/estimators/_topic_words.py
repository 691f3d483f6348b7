"""What components say of features and rows: the heaviest of each."""

from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from lrfact._typing import Array


class TopicWords:
    """Mixin for estimators whose `components_` are not negative and that can `transform` rows."""

    components_: Array
    topic_share_: NDArray[np.float64]

    def top_terms(
        self, feature_names: Any = None, n_terms: int = 10, relevance: float = 0.9
    ) -> NDArray[np.object_]:
        r"""Return the most relevant features of each component.

        .. math:: \lambda \log p_t(j) + (1 - \lambda) \log \frac{p_t(j)}{p(j)}

        ranks feature j in component t: :math:`p_t` are the shares of features in the component,
        p those in all of `W @ components_` that was fitted.

        Parameters
        ----------
        feature_names : array-like of str, shape (n_features,), default=None
            Names, such as ``vectorizer.get_feature_names_out()``. None takes those of the data
            fitted, or else x0, x1 and so on.

        n_terms : int, default=10
            Number of terms, at most n_features.

        relevance : float, default=0.9
            :math:`\lambda`, in [0, 1]. 1 ranks by weight; less than 1 moves what is heavy in all
            components down, so that topics share fewer terms.

        Returns
        -------
        ndarray of str objects, shape (n_components, n_terms)
            Best first; of equal ones the first.

        Raises
        ------
        ValueError
            If there are not as many names as features, `n_terms` is not positive, or `relevance`
            is not in [0, 1].

        References
        ----------
        Sievert and Shirley (2014), doi:10.3115/v1/W14-3110.
        """
        check_is_fitted(self, "components_")
        n_features = self.components_.shape[1]
        if feature_names is None:
            default = [f"x{j}" for j in range(n_features)]
            feature_names = getattr(self, "feature_names_in_", default)
        names = np.asarray(feature_names, dtype=object)
        if names.shape != (n_features,):
            raise ValueError(
                f"feature_names has shape {names.shape}, but there are {n_features} features; "
                "give one name for each column that was fitted"
            )
        if not 0 <= relevance <= 1:
            raise ValueError(f"relevance={relevance!r} must be in [0, 1]")
        weights = self.components_
        if relevance < 1:
            weights = _relevances(weights.astype(np.float64), self.topic_share_, relevance)
        return names[_heaviest(weights, n_terms, "n_terms")]

    def representative_documents(self, X: Any, n_documents: int = 5) -> NDArray[np.int64]:
        """Return the rows in which each component weighs most.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows, such as the documents fitted. Where rows differ in length, scale them to one
            length, as tf-idf is, lest the longest represent every component.

        n_documents : int, default=5
            Number of documents, at most n_samples.

        Returns
        -------
        ndarray of int, shape (n_components, n_documents)
            Indices of rows, the largest factor first; of equal ones the first.

        Raises
        ------
        ValueError
            If `n_documents` is not positive.
        """
        W = self.transform(X)  # type: ignore[attr-defined]
        return _heaviest(W.T, n_documents, "n_documents")


def _relevances(
    components: NDArray[np.float64], share: NDArray[np.float64], relevance: float
) -> NDArray[np.float64]:
    """Relevance of each feature to each component; minus infinity where it has no part in it."""
    largest = components.max(axis=1, initial=0, keepdims=True)
    parts = components / np.where(largest > 0, largest, 1)  # the sum of them all may overflow
    parts /= np.maximum(parts.sum(axis=1, keepdims=True), 1)
    overall = share @ parts
    with np.errstate(divide="ignore"):
        return np.log(parts) - (1 - relevance) * np.log(np.where(overall > 0, overall, 1))


def _heaviest(weights: Array, n: Any, name: str) -> NDArray[np.int64]:
    """Places of the n largest weights of each row."""
    if not isinstance(n, Integral) or n < 1:
        raise ValueError(f"{name}={n!r} must be an integer from 1")
    return np.argsort(-weights, axis=1, kind="stable")[:, : int(n)].astype(np.int64)
