"""Parameters set after a fit count at the next one: a fitted model stores what it needs."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone

from lrfact import BayesianMF, EntryRegressor, MaskedMF, SoftImpute

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(3)
X = RNG.normal(size=(30, 3)) @ RNG.normal(size=(3, 9)) + 2
X[RNG.random(X.shape) < 0.35] = np.nan
NEW = X[:6].copy()
NEW[:, ::2] = np.nan
NEW[1, 1] = 0.0

OTHERWISE = {
    "n_components": 5,
    "reg": 7.0,
    "bias": False,
    "nonnegative": True,
    "solver": "sgd",
    "learning_rate": 9.0,
    "max_iter": 1,
    "tol": 0.9,
    "early_stopping": True,
    "warm_start": True,
    "missing_values": 0,
    "random_state": 4,
    "n_jobs": 1,
    "verbose": 0,
    "n_draws": 2,
    "n_burn_in": 1,
    "thinning": 1,
    "pattern": False,
    "max_rank": 1,
    "center": None,
    "scale": None,
    "n_regs": 2,
    "validation_fraction": 0.5,
    "add_indicator": True,
    "keep_empty_features": False,
}
ESTIMATORS = [
    MaskedMF(3, random_state=0),
    MaskedMF(2, bias=False, nonnegative=True, random_state=0),
    BayesianMF(2, n_draws=3, n_burn_in=3, random_state=0),
    SoftImpute(random_state=0),
]


def answers(model):
    found = [model.transform(NEW), model.score(NEW), model.get_feature_names_out()]
    if not hasattr(model, "predict"):
        return found
    found += [
        model.predict(NEW),
        model.predict_entries([1, 2], [3, 4]),
        model.recommend(NEW, 3)[1],
        model.explain(NEW[0], 1).contributions,
        model.inverse_transform(model.transform(NEW)),
        model.row_biases(NEW),
    ]
    if hasattr(model, "partial_fit"):
        found.append(model.partial_fit(NEW).predict(NEW))
    return found


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=["MaskedMF", "parts", "BayesianMF", "soft"])
def test_nothing_changes_before_the_next_fit(estimator):
    fitted = clone(estimator).fit(X)
    expected = answers(clone(estimator).fit(X))
    for name, value in estimator.get_params().items():
        other = OTHERWISE[name]
        if isinstance(value, bool):
            other = not value
        fitted.set_params(**{name: other})
    for found, wanted in zip(answers(fitted), expected, strict=True):
        assert_array_equal(found, wanted)


def test_entry_regressor_predicts_unseen_labels_as_fitted():
    rows, columns = np.nonzero(~np.isnan(X))
    pairs = np.column_stack([rows, columns])
    regressor = EntryRegressor(MaskedMF(2, random_state=0)).fit(pairs, X[rows, columns])
    with pytest.warns(UserWarning, match="have labels that fit has not seen"):
        expected = regressor.predict([(0, 1), (0, 99), (99, 1)])
    regressor.set_params(estimator__bias=False)
    regressor.estimator_.set_params(bias=False, reg=9.0)
    with pytest.warns(UserWarning, match="have labels that fit has not seen"):
        assert_array_equal(regressor.predict([(0, 1), (0, 99), (99, 1)]), expected)
