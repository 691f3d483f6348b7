"""Methods of a fitted search, which delegate to the best estimator."""

from collections.abc import Callable
from typing import Any, Self

from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted


def _best_has(method: str) -> Callable[[Any], bool]:
    """Return a check that the best estimator has a method, or will have it after `fit`."""

    def check(search: Any) -> bool:
        search._require_refit(method)
        inner = getattr(search, "best_estimator_", None)
        getattr(search._searched() if inner is None else inner, method)
        return True

    return check


class BestEstimatorMethods:
    """Methods of the best estimator as methods of the search."""

    refit: Any
    best_estimator_: Any

    def fit(self, X: Any, y: Any = None, **params: Any) -> Self:
        """Search."""
        raise NotImplementedError

    def _searched(self) -> Any:
        """Return the estimator that is searched."""
        raise NotImplementedError

    def _require_refit(self, name: str) -> None:
        if not self.refit:
            raise AttributeError(
                f"{name} of {type(self).__name__} is available only after a refit on all rows, and "
                "refit=False was set; set refit=True, or fit an estimator with `best_params_`"
            )

    def _best(self) -> Any:
        check_is_fitted(self, "cv_results_")
        return self.best_estimator_

    @available_if(_best_has("predict"))
    def predict(self, X: Any) -> Any:
        """Predict with the best rank.

        Parameters
        ----------
        X : indexable, length n_samples
            Data, as accepted by the best estimator.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Predicted labels or values. Available if the estimator has `predict` and `refit` is not
            False.
        """
        return self._best().predict(X)

    @available_if(_best_has("predict_proba"))
    def predict_proba(self, X: Any) -> Any:
        """Predict probabilities of the classes with the best rank.

        Parameters
        ----------
        X : indexable, length n_samples
            Data, as accepted by the best estimator.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Values by class, in the order of `classes_`.
        """
        return self._best().predict_proba(X)

    @available_if(_best_has("predict_log_proba"))
    def predict_log_proba(self, X: Any) -> Any:
        """Predict logarithms of the probabilities of the classes with the best rank.

        Parameters
        ----------
        X : indexable, length n_samples
            Data, as accepted by the best estimator.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Values by class, in the order of `classes_`.
        """
        return self._best().predict_log_proba(X)

    @available_if(_best_has("decision_function"))
    def decision_function(self, X: Any) -> Any:
        """Return the decision function with the best rank.

        Parameters
        ----------
        X : indexable, length n_samples
            Data, as accepted by the best estimator.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
            Output of the best estimator.
        """
        return self._best().decision_function(X)

    @available_if(_best_has("score_samples"))
    def score_samples(self, X: Any) -> Any:
        """Return the score of each row with the best rank.

        Parameters
        ----------
        X : indexable, length n_samples
            Data, as accepted by the best estimator.

        Returns
        -------
        ndarray of shape (n_samples,)
            Output of the best estimator.
        """
        return self._best().score_samples(X)

    @available_if(_best_has("transform"))
    def transform(self, X: Any) -> Any:
        """Transform rows with the best rank.

        Parameters
        ----------
        X : indexable, length n_samples
            Data, as accepted by the best estimator.

        Returns
        -------
        {ndarray, sparse matrix, DataFrame} of shape (n_samples, n_features_out)
            Output of the best estimator.
        """
        return self._best().transform(X)

    @available_if(_best_has("transform"))
    def fit_transform(self, X: Any, y: Any = None, **params: Any) -> Any:
        """Run the search, and transform the same rows with the best rank.

        Parameters
        ----------
        X : indexable, length n_samples
            See `fit`.

        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            See `fit`.

        **params : dict of str to object
            See `fit`.

        Returns
        -------
        {ndarray, sparse matrix, DataFrame} of shape (n_samples, n_features_out)
            The result of ``fit(X, y).transform(X)``.
        """
        return self.fit(X, y, **params).transform(X)

    @available_if(_best_has("inverse_transform"))
    def inverse_transform(self, X: Any) -> Any:
        """Undo `transform` with the best rank.

        Parameters
        ----------
        X : indexable, length n_samples
            Output of `transform`.

        Returns
        -------
        {ndarray, sparse matrix} of shape (n_samples, n_features)
            Output of the best estimator.
        """
        return self._best().inverse_transform(X)

    @available_if(_best_has("get_feature_names_out"))
    def get_feature_names_out(self, input_features: Any = None) -> Any:
        """Return the names of the output features of `transform`.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Data, as accepted by the best estimator.

        Returns
        -------
        ndarray of str
            Names of the output features.
        """
        return self._best().get_feature_names_out(input_features)

    @available_if(_best_has("set_output"))
    def set_output(self, *, transform: str | None = None) -> Self:
        """Set the output container of `transform`.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"}, default=None
            Output container, as in scikit-learn; None leaves it unchanged.

        Returns
        -------
        self : object
            The search.
        """
        if transform is not None:
            # `clone` of scikit-learn copies an attribute of this name.
            self._sklearn_output_config = {"transform": transform}
            if hasattr(self, "best_estimator_"):
                self.best_estimator_.set_output(transform=transform)
        return self

    @property
    def n_features_in_(self) -> int:
        """Number of features seen in `fit`, if `refit` is not False."""
        return self._fitted_attribute("n_features_in_")

    @property
    def classes_(self) -> Any:
        """Class labels, if the estimator is a classifier and `refit` is not False."""
        return self._fitted_attribute("classes_")

    def _fitted_attribute(self, name: str) -> Any:
        self._require_refit(name)
        best = vars(self).get("best_estimator_")
        if best is None:
            raise AttributeError(f"{type(self).__name__} has no {name} before fit")
        return getattr(best, name)
