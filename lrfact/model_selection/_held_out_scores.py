"""Score of predictions or rankings of held-out entries."""

from collections.abc import Callable
from dataclasses import dataclass
from inspect import signature
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.metrics import get_scorer, get_scorer_names, mean_squared_error
from sklearn.metrics import make_scorer as _make_scorer

from lrfact import metrics
from lrfact.model_selection._held_out_predictions import predict_held_out, some_rows

Metric = str | Callable[..., float]

_SHORT_NAMES = {"rmse": "neg_root_mean_squared_error", "mae": "neg_mean_absolute_error"}
# The other metrics are for topics.
_RANKING_METRICS = {
    name: getattr(metrics, name) for name in metrics.__all__ if name.endswith("_at_k")
}
_Scorer = type(_make_scorer(mean_squared_error))


@dataclass(frozen=True)
class HeldOutScore:
    """Comparison of predictions with held-out entries.

    Parameters
    ----------
    metric : str or callable
        "rmse" or "mae", whose negated value is the score; the name of a scorer of scikit-learn, or
        such a scorer; a function of true and predicted values; or a function of `lrfact.metrics`,
        its name, or a `functools.partial` of it.

    owner : str
        Name of the caller, for error messages.

    relevant : float or None, default=None
        Minimum value of a relevant entry, for ranking metrics. If None, the entries are gains.

    Raises
    ------
    ValueError
        If there is no metric of this name.
    """

    metric: Metric
    owner: str
    relevant: float | None = None

    def __post_init__(self) -> None:
        known = {*_SHORT_NAMES, *_RANKING_METRICS, *get_scorer_names()}
        if not callable(self.metric) and self.metric not in known:
            raise ValueError(
                f"{self.metric!r} is not a metric of {self.owner}; pass 'rmse', 'mae', the "
                "name of a scorer of scikit-learn such as 'r2' or of a function of lrfact.metrics "
                "such as 'ndcg_at_k', or a function of true and predicted values for "
                "which higher is better"
            )

    def __call__(self, estimator: Any, X: Any, held_out: sparse.csr_array, **options: Any) -> float:
        """Score a fitted estimator.

        Parameters
        ----------
        estimator : estimator
            The fitted estimator.

        X : {ndarray, DataFrame, csr_array, csr_matrix} of shape (n_samples, n_features)
            Rows without the held-out entries.

        held_out : csr_array of shape (n_samples, n_features)
            The held-out entries.

        **options : dict
            Further parameters of `predict_held_out`.

        Returns
        -------
        float
            Score; higher is better.
        """
        ranking_metric = self._ranking_metric()
        if ranking_metric is not None:
            return self._rank(ranking_metric, estimator, X, held_out)
        rows = np.repeat(np.arange(held_out.shape[0]), np.diff(held_out.indptr))
        predicted = predict_held_out(estimator, X, rows, held_out.indices, **options)
        return float(self._compare(held_out.data, predicted))

    def _ranking_metric(self) -> Callable[..., float] | None:
        if isinstance(self.metric, str):
            return _RANKING_METRICS.get(self.metric)
        plain = getattr(self.metric, "func", self.metric)
        return self.metric if plain in _RANKING_METRICS.values() else None

    def _rank(
        self, metric: Callable[..., float], estimator: Any, X: Any, held_out: sparse.csr_array
    ) -> float:
        """Compare the recommendations for rows with their held-out entries."""
        if not hasattr(estimator, "recommend"):
            raise TypeError(
                f"{type(estimator).__name__} has no method recommend, which {self.owner} needs for "
                "a ranking metric; pass 'rmse', or an estimator that recommends"
            )
        rows = np.flatnonzero(np.diff(held_out.indptr))
        n_items = signature(metric).parameters["k"].default
        ranking, _ = estimator.recommend(some_rows(X, rows), n_items=n_items)
        truth = held_out[rows]
        if self.relevant is not None:
            truth.data = (truth.data >= self.relevant).astype(truth.dtype)
        return float(metric(ranking, truth))

    def _compare(self, truth: npt.NDArray, predicted: npt.NDArray) -> float:
        metric = self.metric
        if isinstance(metric, str):
            metric = get_scorer(_SHORT_NAMES.get(metric, metric))
        if isinstance(metric, _Scorer):
            return metric(_Predicted(predicted), np.arange(len(truth))[:, np.newaxis], truth)
        return metric(truth, predicted)


class _Predicted(RegressorMixin, BaseEstimator):
    """Regressor with precomputed predictions, for scorers that call a regressor."""

    def __init__(self, values: npt.NDArray) -> None:
        self.values = values

    def predict(self, X: npt.NDArray) -> npt.NDArray:
        """Return the predictions of entries by their number."""
        return self.values[X[:, 0]]
