import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse

from lrfact.checks._column_features import column_features

NAMES = np.array(["a", "b", "c"], dtype=object)
VALUES = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "features",
    [
        VALUES,
        VALUES.astype(int),
        VALUES.astype(bool),
        VALUES.tolist(),
        sparse.coo_array(VALUES),
        pd.DataFrame(VALUES),
        pd.DataFrame(VALUES, index=NAMES, columns=["x", "y"]),
    ],
    ids=["float", "int", "bool", "list", "sparse", "frame", "named frame"],
)
def test_numbers_in_the_dtype_of_the_table(features, dtype):
    checked = column_features(features, 3, NAMES, dtype)
    assert checked.dtype == dtype
    assert_array_equal(checked.toarray() if sparse.issparse(checked) else checked, VALUES)


def test_names_are_compared_where_both_have_them():
    shuffled = pd.DataFrame(VALUES, index=["b", "a", "c"])
    with pytest.raises(ValueError, match=r"pass\s+column_features.loc\[X.columns\]"):
        column_features(shuffled, 3, NAMES, np.dtype(float))
    assert_array_equal(column_features(shuffled, 3, None, np.dtype(float)), VALUES)


@pytest.mark.parametrize(
    ("features", "message"),
    [
        (VALUES[:2], "has 2 rows, but X has 3 columns"),
        (VALUES[:, 0], "Expected 2D array"),
        (np.where(VALUES == 1, np.nan, 0), "column_features contains NaN"),
        (np.where(VALUES == 1, np.inf, 0), "column_features contains infinity"),
        ([["x"], ["y"], ["z"]], "could not convert"),
    ],
    ids=["rows", "one column", "nan", "infinity", "text"],
)
def test_what_is_wrong_is_said(features, message):
    with pytest.raises(ValueError, match=message):
        column_features(features, 3, NAMES, np.dtype(float))
