"""scikit-learn's checks on EntryRegressor, which of all columns that they pass is given two."""

import inspect

import numpy as np
import pytest
import sklearn
from scipy import sparse
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.estimator_checks import parametrize_with_checks
from sklearn.utils.fixes import parse_version
from sklearn.utils.validation import check_is_fitted, validate_data

from lrfact import EntryRegressor


class FirstTwoColumns(RegressorMixin, BaseEstimator):
    """Takes any number of columns, and leaves all but their number to an EntryRegressor."""

    def __init__(self, estimator=None, *, duplicates="mean", unseen="predict"):
        self.estimator = estimator
        self.duplicates = duplicates
        self.unseen = unseen

    def fit(self, X, y, sample_weight=None):
        regressor = EntryRegressor(**self.get_params(deep=False))
        self.regressor_ = regressor.fit(self._first_two(X, reset=True), y, sample_weight)
        return self

    def predict(self, X):
        check_is_fitted(self)
        return self.regressor_.predict(self._first_two(X, reset=False))

    def _first_two(self, X, *, reset):
        if sparse.issparse(X):
            return X
        X = np.asarray(X)
        if X.ndim != 2:
            return X
        validate_data(self, X, reset=reset, skip_check_array=True)
        return X[:, :2]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags = EntryRegressor().__sklearn_tags__().input_tags
        # The targets of the checks are no function of two labels alone.
        tags.regressor_tags.poor_score = True
        return tags


BEFORE_1_7 = parse_version(sklearn.__version__) < parse_version("1.7")

_STRICT = (
    {"xfail_strict": True}
    if "xfail_strict" in inspect.signature(parametrize_with_checks).parameters
    else {}
)
_CHECKS = parametrize_with_checks([FirstTwoColumns()], **_STRICT)


@pytest.mark.parametrize(_CHECKS.args[0], list(_CHECKS.args[1]), **_CHECKS.kwargs)
def test_scikit_learn_checks(estimator, check):
    name = getattr(check, "func", check).__name__
    if name == "check_positive_only_tag_during_fit" and BEFORE_1_7:
        pytest.skip("before scikit-learn 1.7 it subtracts a mean from categories, in integers")
    check(estimator)
