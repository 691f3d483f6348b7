"""Units of a matrix change the units of a result and nothing else, as far as numbers reach."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from lrfact import PCAFromSVD, RankSearchCV, ScreeDisplay, TruncatedSVDReducer
from lrfact.model_selection import select_rank

ESTIMATORS = [PCAFromSVD, TruncatedSVDReducer]
CONTAINERS = [np.asarray, sparse.csr_array]
SCALES = {
    np.float64: [1e-150, 1e-100, 1e-30, 1e-15, 1e15, 1e30, 1e100, 1e150],
    np.float32: [1e-42, 1e-38, 1e-30, 1e-23, 1e-12, 1e8, 1e16],
}


def synthetic(seed=0):
    rng = np.random.default_rng(seed)
    signal = 2 * rng.standard_normal((50, 3)) @ rng.standard_normal((3, 12))
    return (signal + rng.standard_normal((50, 12)) + 1) * (rng.random((50, 12)) < 0.9)


def tolerance(dtype, scale):
    if dtype == np.float64:
        return 1e-9
    return 0.02 if scale < 1e-38 else 1e-3  # few digits are left of subnormal numbers


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("solver", ["auto", "exact", "gram", "randomized", "lanczos"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_fits_scale(Estimator, dtype, solver, container):
    X = synthetic()
    options = {"solver": solver, "tol": 1e-10, "random_state": 0}
    expected = Estimator(3, **options).fit(container(X))
    for scale in SCALES[dtype]:
        scaled = container((X * scale).astype(dtype))
        fitted = Estimator(3, **options).fit(scaled)
        close = {"rtol": tolerance(dtype, scale), "atol": tolerance(dtype, scale)}
        assert_allclose(fitted.components_, expected.components_, **close)
        for name in ("singular_values_", "transform", "inverse", "score"):
            if name == "transform":
                ours, true = fitted.transform(scaled), expected.transform(container(X))
            elif name == "inverse":
                ours = fitted.inverse_transform(fitted.transform(scaled))
                true = expected.inverse_transform(expected.transform(container(X)))
            elif name == "score":
                ours, true = fitted.score(scaled), expected.score(container(X))
                if Estimator is PCAFromSVD:  # a logarithm of a density
                    ours = (ours + X.shape[1] * np.log(scale)) * scale
            else:
                ours, true = getattr(fitted, name), getattr(expected, name)
            assert_allclose(np.asarray(ours, dtype=np.float64) / scale, true, **close)
        ratio = expected.explained_variance_ratio_
        assert_allclose(fitted.explained_variance_ratio_, ratio, **close)


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_batches_scale(Estimator, container):
    X = synthetic()
    expected = Estimator(3, random_state=0).partial_fit(X[:20]).partial_fit(X[20:])
    for dtype, scale in ((np.float64, 1e-150), (np.float64, 1e150), (np.float32, 1e-30)):
        scaled = (X * scale).astype(dtype)
        fitted = Estimator(3, random_state=0)
        fitted.partial_fit(container(scaled[:20])).partial_fit(container(scaled[20:]))
        close = {"rtol": tolerance(dtype, scale), "atol": tolerance(dtype, scale)}
        assert_allclose(fitted.components_, expected.components_, **close)
        ratio = expected.explained_variance_ratio_
        assert_allclose(fitted.explained_variance_ratio_, ratio, **close)


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_what_is_too_small_is_called_so(Estimator, container):
    for scale in (1e-160, 1e-200, 1e-300, 5e-324):
        with pytest.raises(ValueError, match=r"are too small for their squares.*divide X by"):
            Estimator(2).fit(container(synthetic() * scale))
    Estimator(2).fit(container(np.zeros((5, 4))))  # nothing is lost of nothing


@pytest.mark.parametrize("container", CONTAINERS)
def test_deviations_that_are_too_small_are_called_so(container):
    X = np.zeros((20, 3))
    X[:, 1] = np.random.default_rng(0).standard_normal(20) * 1e-170
    X[:, 0] = 1e-140
    with pytest.raises(ValueError, match=r"differ too little from the means.*multiply X by"):
        PCAFromSVD(1).fit(container(X))


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("center", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rank_rules_scale(dtype, center, container):
    options = {"center": center, "n_permutations": 3, "random_state": 0, "compare": "all"}
    expected = select_rank(container(synthetic()), **options)
    for scale in (SCALES[dtype][0], SCALES[dtype][2], SCALES[dtype][-1]):
        ours = select_rank(container((synthetic() * scale).astype(dtype)), **options)
        assert not ours.not_applicable
        for name, choice in expected.choices.items():
            assert ours.choices[name].n_components == choice.n_components, name
        assert_allclose(ours.curve / scale, expected.curve, rtol=tolerance(dtype, scale))
        mle = ours.choices["mle"].curve - ours.choices["mle"].curve[0]
        true = expected.choices["mle"].curve - expected.choices["mle"].curve[0]
        assert_allclose(mle, true, rtol=10 * tolerance(dtype, scale))


def test_spectra_out_of_range_are_refused():
    for scale, size in ((1e-160, "small"), (1e160, "large")):
        with pytest.raises(ValueError, match=f"too {size} for their squares.*divide them"):
            select_rank(synthetic() * scale)


@pytest.mark.parametrize("container", CONTAINERS)
def test_scree_plots_scale(container):
    pytest.importorskip("matplotlib").use("agg")
    pca = PCAFromSVD(2).fit(synthetic())
    expected = ScreeDisplay.from_estimator(pca, synthetic()).share
    for scale in (1e-150, 1e150):
        X = container(synthetic() * scale)
        display = ScreeDisplay.from_estimator(PCAFromSVD(2).fit(X), X)
        assert_allclose(display.share, expected, rtol=1e-8)
    values = np.array([3.0, 2.0, 1.0])
    for scale in (1e-200, 1e200):
        display = ScreeDisplay.from_singular_values(values * scale)
        assert_allclose(display.share, values**2 / 14)


@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_searches_scale(Estimator):
    expected = RankSearchCV(Estimator(), ranks=[1, 2, 3, 5], cv=3).fit(synthetic())
    for container in CONTAINERS:
        for scale in (1e-150, 1e150):
            X = container(synthetic() * scale)
            search = RankSearchCV(Estimator(), ranks=[1, 2, 3, 5], cv=3).fit(X)
            assert search.best_rank_ == expected.best_rank_
            assert_array_equal(
                search.cv_results_["rank_test_score"], expected.cv_results_["rank_test_score"]
            )


def test_precision_that_overflows_is_refused():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((20, 2)) @ rng.standard_normal((2, 4))
    assert np.isfinite(PCAFromSVD(2).fit(1e-100 * X).get_precision()).all()
    with pytest.raises(ValueError, match=r"its inverse overflows.*multiplied by a large number"):
        PCAFromSVD().fit(1e-150 * X).get_precision()
