"""Containers and dtypes that scikit-learn alone reads wrongly."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.base import BaseEstimator

from lrfact.checks._matrix_input import validated_matrix

X = np.random.default_rng(0).random((12, 5)) < 0.4
OPTIONS = {"accept_sparse": "csr", "dtype": [np.float64, np.float32]}


def dense(given):
    checked = validated_matrix("a function", given, reset=True, **OPTIONS)
    return checked.toarray() if sparse.issparse(checked) else checked


@pytest.mark.parametrize("format", ["coo", "csr", "csc"])
@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint8, np.int16, np.uint32, np.float64])
def test_repeated_entries_are_added_in_float64(dtype, format):
    rows, columns = np.repeat([0, 2], 300), np.repeat([1, 0], 300)
    given = sparse.coo_array((np.ones(600, dtype), (rows, columns)), shape=(3, 2))
    if format != "coo":
        order = np.lexsort((rows, columns)) if format == "csc" else slice(None)
        inner, outer = (rows, columns) if format == "csc" else (columns, rows)
        indptr = np.concatenate([[0], np.cumsum(np.bincount(outer))])
        kind = {"csr": sparse.csr_array, "csc": sparse.csc_array}[format]
        given = kind((np.ones(600, dtype), inner[order], indptr), shape=(3, 2))
    assert_array_equal(dense(given), [[0, 300], [0, 0], [300, 0]])


@pytest.mark.parametrize(
    ("dtype", "fill_value"),
    [
        *((dtype, fill) for dtype in (bool, np.int8, np.float32, np.float64) for fill in (0, 1)),
        (np.float32, np.nan),
        (np.float64, np.nan),
    ],
)
def test_sparse_columns_of_a_frame(dtype, fill_value):
    pandas = pytest.importorskip("pandas")
    fill_value = np.dtype(dtype).type(fill_value)
    frame = pandas.DataFrame(X.astype(dtype)).astype(pandas.SparseDtype(dtype, fill_value))
    result = dense(frame)
    assert_array_equal(result, X)
    assert result.dtype == (np.float32 if dtype == np.float32 else np.float64)


def test_sparse_and_dense_columns_of_a_frame():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X.astype(float))
    frame[0] = frame[0].astype(bool).astype(pandas.SparseDtype(bool, False))
    with pytest.warns(UserWarning, match="converted to a dense numpy array"):
        assert_array_equal(dense(frame), X)


def test_names_of_sparse_columns_are_learnt_and_compared():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=list("abcde")).astype(pandas.SparseDtype(bool, False))
    estimator = BaseEstimator()
    validated_matrix(estimator, frame, reset=True, **OPTIONS)
    assert_array_equal(estimator.feature_names_in_, list("abcde"))
    assert estimator.n_features_in_ == 5
    with pytest.raises(ValueError, match="feature names should match"):
        validated_matrix(estimator, frame[list("bacde")], reset=False, **OPTIONS)
    with pytest.raises(ValueError, match=r"4 features|feature names should match"):
        validated_matrix(estimator, frame[list("abcd")], reset=False, **OPTIONS)


def test_sparse_columns_without_rows_or_without_values():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(np.zeros((3, 2), bool)).astype(pandas.SparseDtype(bool, False))
    assert_array_equal(dense(frame), np.zeros((3, 2)))
    with pytest.raises(ValueError, match="0 sample"):
        dense(frame[:0])


def test_nan_in_sparse_columns_is_found():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": [1.0, np.nan, 0.0]}).astype(pandas.SparseDtype(float, 0.0))
    with pytest.raises(ValueError, match="NaN"):
        dense(frame)
