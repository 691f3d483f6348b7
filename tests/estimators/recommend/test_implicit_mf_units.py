"""ImplicitMF at the ends of float32 and float64, and after parameters are changed."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from lrfact import ImplicitMF
from reference.synthetic_clicks import synthetic_clicks

CLICKS = synthetic_clicks(60, 40, n_groups=4)
KINDS = {
    "als": {"solver": "als"},
    "svd": {"solver": "svd"},
    "sgd": {"loss": "bpr", "max_iter": 3},
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("scale", [1e-36, 1e37, 1e38])
def test_singular_vectors_of_float32_at_its_ends(scale, container):
    """Sums of rows and columns exceed float32."""
    X = CLICKS.toarray().clip(0, 3).astype(np.float32)
    scaled = container(X * np.float32(scale))
    model = ImplicitMF(3, solver="svd", random_state=0).fit(scaled)
    expected = ImplicitMF(3, solver="svd", random_state=0).fit(X)
    assert model.components_.dtype == np.float32
    assert_allclose(model.components_ / scale**0.5, expected.components_, rtol=1e-3, atol=1e-3)
    assert_allclose(model.predict(scaled) / np.float32(scale), expected.predict(X), atol=1e-4)


def test_confidences_of_float32_whose_sum_exceeds_it():
    X = CLICKS.toarray().clip(0, 1).astype(np.float32)
    X[0] = 1
    model = ImplicitMF(3, alpha=3e38, random_state=0).fit(X)
    expected = ImplicitMF(3, alpha=3e38, random_state=0).fit(X.astype(np.float64))
    assert np.isfinite(model.components_).all()
    assert model.row_factors_[0].any()
    assert_allclose(model.predict(X), expected.predict(X), atol=1e-3)


def test_sums_beyond_float64_are_refused():
    X = CLICKS.toarray().clip(0, 1) * 1e308
    with pytest.raises(ValueError, match=r"too large .* divide X by its largest absolute value"):
        ImplicitMF(3, solver="svd", random_state=0).fit(X)


CHANGES = {
    "solver": {"loss": "squared", "solver": "als"},
    "other solver": {"loss": "squared", "solver": "svd"},
    "loss": {"loss": "bpr", "solver": "auto"},
    "numbers": {"alpha": 0.1, "reg": 3.0, "reg_exponent": 0.0, "n_components": 1},
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("kind", KINDS)
def test_parameters_set_after_fit_change_nothing(kind, change):
    model = ImplicitMF(3, random_state=0, **KINDS[kind]).fit(CLICKS)

    def results():
        why = model.explain(CLICKS[[3]], 7)
        columns, scores = model.recommend(CLICKS, n_items=3)
        rows = np.arange(20)
        return (
            model.transform(CLICKS),
            model.predict(CLICKS),
            model.predict_entries(rows, rows, CLICKS),
            columns,
            scores,
            why.contributions,
            np.float64(model.score(CLICKS)),
        )

    before = results()
    model.set_params(**CHANGES[change])
    for one, other in zip(before, results(), strict=True):
        assert_array_equal(one, other)


def test_negative_values_are_refused_with_their_place():
    X = CLICKS.toarray()
    X[3, 5] = -2
    for given in (X, sparse.csc_array(X)):
        with pytest.raises(ValueError, match=r"to ImplicitMF: X\[3, 5\] is -2.0, and .*MaskedMF"):
            ImplicitMF(2).fit(given)


def test_entries_that_add_up_to_a_positive_count_are_not_negative():
    given = sparse.csr_array(([3.0, -1.0, 1.0], [0, 0, 1], [0, 2, 3]), shape=(2, 2))
    plain = np.array([[2.0, 0.0], [0.0, 1.0]])
    model = ImplicitMF(1, random_state=0).fit(given)
    assert_array_equal(model.components_, ImplicitMF(1, random_state=0).fit(plain).components_)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("reg_exponent", [0.0, 1.0])
def test_penalties_below_rounding_are_none(dtype, reg_exponent):
    """Also with as many factors as columns, whose equations are singular without a penalty."""
    X = CLICKS.toarray().astype(dtype)
    given = {"n_components": 40, "reg_exponent": reg_exponent, "random_state": 0}
    expected = ImplicitMF(reg=0, max_iter=3, **given).fit(X).predict(X)
    for reg in (1e-45, 1e-200):
        found = ImplicitMF(reg=reg, max_iter=3, **given).fit(X).predict(X)
        assert_allclose(found, expected, rtol=1e-6)
