"""Columns that SoftImpute returns: empty ones and indicators, as the imputers of scikit-learn."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.impute import MissingIndicator, SimpleImputer

from lrfact import SoftImpute

NAN = np.nan


def table(*, empty=()):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 2)) @ rng.normal(size=(2, 7)) + 3
    X[rng.random(X.shape) < 0.3] = NAN
    X[:, 5] = rng.normal(size=30)  # no missing entry
    X[:, list(empty)] = NAN
    return X


def as_sparse(X):
    rows, columns = np.nonzero(~np.isnan(X))
    return sparse.csr_array((X[rows, columns], (rows, columns)), shape=X.shape)


@pytest.mark.filterwarnings("ignore:.*Skipping features without any observed values")
@pytest.mark.parametrize("empty", [(), (2,), (0, 6)])
@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize("indicator", [True, False])
def test_columns_are_those_of_simple_imputer(empty, keep, indicator):
    X, new = table(empty=empty), table()[:8]
    options = {"keep_empty_features": keep, "add_indicator": indicator}
    theirs = SimpleImputer(**options).fit(X)
    ours = SoftImpute(reg=2.0, **options)
    if empty and not keep:
        with pytest.warns(UserWarning, match=f"{len(empty)} features of X have no entry and are"):
            ours.fit(X)
    else:
        ours.fit(X)
    names = theirs.get_feature_names_out()
    assert_array_equal(ours.get_feature_names_out(), names)
    wanted = np.array([f"c{i}" for i in range(7)], dtype=object)
    assert_array_equal(ours.get_feature_names_out(wanted), theirs.get_feature_names_out(wanted))
    for given in (X, new):
        filled, expected = ours.transform(given), theirs.transform(given)
        assert filled.shape == expected.shape
        assert np.isfinite(filled).all()
        observed = ~np.isnan(given)[:, [i for i in range(7) if keep or i not in empty]]
        n_kept = observed.shape[1]
        if not empty:
            assert_array_equal(filled[:, :n_kept][observed], expected[:, :n_kept][observed])
        assert_array_equal(filled[:, n_kept:], expected[:, n_kept:])
        assert_array_equal(ours.transform(as_sparse(given)), filled)
    if indicator:
        assert_array_equal(ours.indicator_.features_, theirs.indicator_.features_)
    else:
        assert ours.indicator_ is None


def test_fit_transform_frames_and_dtypes():
    pandas = pytest.importorskip("pandas")
    X = table(empty=(1,)).astype(np.float32)
    frame = pandas.DataFrame(X, columns=list("abcdefg"), index=range(100, 130))
    imputer = SoftImpute(reg=2.0, add_indicator=True, keep_empty_features=False)
    imputer.set_output(transform="pandas")
    with pytest.warns(UserWarning, match="1 features of X have no entry.*first is 'b'"):
        filled = imputer.fit_transform(frame)
    expected = [*"acdefg", *(f"missingindicator_{name}" for name in "abcdeg")]
    assert list(filled.columns) == expected
    assert list(filled.index) == list(frame.index)
    assert set(filled.dtypes) == {np.dtype(np.float32)}


def test_zeros_that_are_missing():
    X = np.nan_to_num(table())
    imputer = SoftImpute(reg=2.0, missing_values=0, add_indicator=True).fit(X)
    theirs = SimpleImputer(missing_values=0, add_indicator=True).fit(X)
    assert_array_equal(imputer.transform(X)[:, 7:], theirs.transform(X)[:, 7:])
    alone = MissingIndicator(missing_values=0).fit_transform(X)
    assert_array_equal(imputer.indicator_.transform(X), alone)


def test_empty_features_that_are_kept_have_the_mean_of_the_model():
    X = table(empty=(4,))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        imputer = SoftImpute(reg=2.0, center="columns").fit(X)
    filled = imputer.transform(X)
    assert_array_equal(filled[:, 4], imputer.mean_[4])
    dropped = clone(imputer).set_params(keep_empty_features=False)
    with pytest.warns(UserWarning, match="are dropped"):
        dropped.fit(X)
    assert_allclose(dropped.transform(X), np.delete(filled, 4, axis=1), rtol=1e-12)


@pytest.mark.parametrize("wrong", [{"add_indicator": 1.5}, {"keep_empty_features": "drop"}])
def test_wrong_parameters(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        SoftImpute(**wrong).fit(table())
