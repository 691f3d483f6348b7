"""Estimators of observed entries are equivariant to the scale of the values."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from lrfact import BayesianMF, MaskedMF, SoftImpute
from lrfact.kernels import IMPLEMENTATION

ESTIMATORS = {
    "als": MaskedMF(3, random_state=0),
    "nonnegative": MaskedMF(2, bias=False, nonnegative=True, random_state=0),
    "early stopping": MaskedMF(2, early_stopping=True, random_state=0),
    "bayes": BayesianMF(2, n_draws=4, n_burn_in=4, random_state=0),
    "soft": SoftImpute(random_state=0),
    "soft without scale": SoftImpute(scale=None, random_state=0),
    "soft with neither": SoftImpute(center=None, scale=None, random_state=0),
}
if IMPLEMENTATION != "numpy":  # where it would take minutes
    ESTIMATORS |= {
        "sgd": MaskedMF(3, reg=0.1, solver="sgd", max_iter=30, tol=0, random_state=0, n_jobs=1),
        "sgd stopped": MaskedMF(
            2, solver="sgd", early_stopping=True, max_iter=20, random_state=0, n_jobs=1
        ),
        "sgd alone": MaskedMF(
            2, bias=False, reg=0, solver="sgd", tol=0, max_iter=9, random_state=0, n_jobs=1
        ),
    }


def table():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 2)) @ rng.normal(size=(2, 12)) + rng.normal(size=(40, 1)) + 2
    X += 0.3 * rng.normal(size=X.shape)
    X[rng.random(X.shape) < 0.35] = np.nan
    new = X[:6].copy()
    new[:, ::3] = np.nan
    return X, new


def answers(model, X, new):
    """Return all results that have the unit of X."""
    model.fit(X)
    found = {"transform": model.transform(new), "score": model.score(new)}
    if not hasattr(model, "predict"):
        return found
    found |= {
        "predict": model.predict(new),
        "predict_entries": model.predict_entries([0, 3, 39], [1, 2, 11]),
        "explain": model.explain(new[1], 2).contributions,
        "recommend": model.recommend(new, 3)[1],
        "row_biases": model.row_biases(new),
        "row_factors_": model.row_factors_.copy(),
        "column_bias_": model.column_bias_.copy(),
        "intercept_": model.intercept_,
    }
    if hasattr(model, "noise_std_"):
        found["noise_std_"] = model.noise_std_
        found["std"] = model.predict(new, return_std=True)[1]
    if hasattr(model, "validation_rmse_"):
        found["validation_rmse_"] = model.validation_rmse_
    if hasattr(model, "partial_fit"):
        found["after partial_fit"] = model.partial_fit(new).predict(new)
    return found


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", ESTIMATORS)
@pytest.mark.parametrize(
    ("dtype", "exponents"),
    [(np.float64, (-300, -150, -10, 4, 30, 145)), (np.float32, (-36, -20, 12, 34))],
)
def test_results_go_with_the_values(name, dtype, exponents):
    X, new = table()
    model = ESTIMATORS[name]
    expected = answers(model, X.astype(dtype), new.astype(dtype))
    rtol = 1e-7 if dtype == np.float64 else 2e-3
    for exponent in exponents:
        size = 10.0**exponent
        found = answers(model, (size * X).astype(dtype), (size * new).astype(dtype))
        for what, value in expected.items():
            size_of_value = np.nanmax(np.abs(value)) or 1.0
            assert_allclose(
                np.asarray(found[what], dtype=np.float64) / size,
                value,
                rtol=0,
                atol=rtol * size_of_value,
                err_msg=f"{what} of values times 1e{exponent}",
            )


@pytest.mark.parametrize("name", ESTIMATORS)
@pytest.mark.parametrize(("dtype", "size"), [(np.float64, 1e200), (np.float32, 1e37)])
def test_what_does_not_fit_is_refused(name, dtype, size):
    X, _ = table()
    X = (size * X).astype(dtype)
    with pytest.raises(ValueError, match=r"too large for .* divide X by its largest absolute"):
        ESTIMATORS[name].fit(X)
    assert not hasattr(ESTIMATORS[name], "components_")


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", [name for name in ESTIMATORS if "soft" not in name])
def test_powers_of_two_change_no_digit(name):
    X, new = table()
    one = answers(ESTIMATORS[name], X, new)
    for exponent in (-400, 30):
        other = answers(ESTIMATORS[name], np.ldexp(X, exponent), np.ldexp(new, exponent))
        for what, value in one.items():
            assert_allclose(np.ldexp(other[what], -exponent), value, rtol=1e-12, err_msg=what)
