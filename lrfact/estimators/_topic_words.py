"""Top terms and representative documents of the components of a topic model."""

from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from lrfact._typing import Array


class TopicWords:
    """Mixin for topic models: estimators with nonnegative `components_` and `transform`."""

    components_: Array
    topic_share_: NDArray[np.float64]

    def top_terms(
        self, feature_names: Any = None, n_terms: int = 10, relevance: float = 0.9
    ) -> NDArray[np.object_]:
        r"""Return the top terms of each topic, that is, the most relevant features of a component.

        .. math:: \lambda \log p_t(j) + (1 - \lambda) \log \frac{p_t(j)}{p(j)}

        is the relevance of feature j for component t, where :math:`p_t` are the fractions of the
        features in the component, and p are those in the whole fitted product ``W @ components_``.

        Parameters
        ----------
        feature_names : array-like of str, shape (n_features,), default=None
            Names of the features, such as ``vectorizer.get_feature_names_out()``. If None,
            `feature_names_in_` is used, or "x0", "x1" and so on if it is not defined.

        n_terms : int, default=10
            Number of terms, at most n_features.

        relevance : float, default=0.9
            :math:`\lambda`, in [0, 1]. With 1, terms are ranked by weight. Smaller values rank
            terms with large weights in all components lower, so that topics have fewer terms in
            common.

        Returns
        -------
        ndarray of str objects, shape (n_components, n_terms)
            Terms in descending order of relevance, ties in the order of the features.

        Raises
        ------
        ValueError
            If the number of names differs from the number of features, `n_terms` is not positive,
            or `relevance` is not in [0, 1].

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
                "pass one name for each feature seen in fit"
            )
        if not 0 <= relevance <= 1:
            raise ValueError(f"relevance={relevance!r} must be in [0, 1]")
        weights = self.components_
        if relevance < 1:
            weights = _relevances(weights.astype(np.float64), self.topic_share_, relevance)
        return names[_heaviest(weights, n_terms, "n_terms")]

    def representative_documents(self, X: Any, n_documents: int = 5) -> NDArray[np.int64]:
        """Return the rows (documents) with the largest weights of each component (topic).

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows, such as the training documents. If rows have different norms, normalize them, as
            in tf-idf; otherwise the longest documents represent every component.

        n_documents : int, default=5
            Number of documents, at most n_samples.

        Returns
        -------
        ndarray of int, shape (n_components, n_documents)
            Indices of rows in descending order of weight, ties in the order of the rows.

        Raises
        ------
        ValueError
            If `n_documents` is not positive.
        """
        W = self.transform(X)  # type: ignore[attr-defined]
        return _heaviest(W.T, n_documents, "n_documents")


def _relevances(
    components: NDArray[np.float64], fractions: NDArray[np.float64], relevance: float
) -> NDArray[np.float64]:
    """Return the relevance of features for components; minus infinity if the weight is 0."""
    largest = components.max(axis=1, initial=0, keepdims=True)
    parts = components / np.where(largest > 0, largest, 1)  # the sum of all entries may overflow
    parts /= np.maximum(parts.sum(axis=1, keepdims=True), 1)
    overall = fractions @ parts
    with np.errstate(divide="ignore"):
        return np.log(parts) - (1 - relevance) * np.log(np.where(overall > 0, overall, 1))


def _heaviest(weights: Array, n: Any, name: str) -> NDArray[np.int64]:
    """Return the indices of the n largest weights of each row."""
    if not isinstance(n, Integral) or n < 1:
        raise ValueError(f"{name}={n!r} must be an integer from 1")
    return np.argsort(-weights, axis=1, kind="stable")[:, : int(n)].astype(np.int64)
