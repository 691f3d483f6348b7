"""Columns are found by labels of any kind."""

from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from lrfact.checks._column_labels import check_column_labels, column_index, column_indices

pd = pytest.importorskip("pandas")

DATES = list(pd.date_range("2024-01-01", periods=3))
LABELS = {
    "integers": [30, 10, 20],
    "floats": [0.5, 1.5, 2.5],
    "dates": DATES,
    "tuples": [("a", 1), ("a", 2), ("b", 1)],
    "missing": [float("nan"), 1.0, 2.0],
    "booleans": [True, False, "neither"],
    "not a time": [pd.NaT, *DATES[:2]],
    "no value": [pd.NA, 5, 6],
    "huge integers": [2**70, 3, 1],
}


def fitted_on(labels):
    estimator = SimpleNamespace()
    frame = pd.DataFrame(np.zeros((2, len(labels))))
    frame.columns = pd.Index(labels, dtype=object, tupleize_cols=False)
    check_column_labels(estimator, frame, reset=True)
    return estimator, frame


@pytest.mark.parametrize("kind", LABELS)
def test_a_column_is_found_by_its_label(kind):
    labels = LABELS[kind]
    estimator, _ = fitted_on(labels)
    assert [column_index(estimator, label, 3) for label in labels] == [0, 1, 2]
    assert_array_equal(column_indices(estimator, labels[::-1], 3, "allowed"), [0, 1, 2])
    assert_array_equal(column_indices(estimator, labels[2:], 3, "allowed"), [2])


@pytest.mark.parametrize("kind", LABELS)
def test_other_labels_are_refused(kind):
    estimator, frame = fitted_on(LABELS[kind])
    check_column_labels(estimator, frame, reset=False)
    check_column_labels(estimator, frame.to_numpy(), reset=False)
    with pytest.raises(ValueError, match=r"column labels of X should match .* column 0 is (?!np)"):
        check_column_labels(estimator, frame.iloc[:, [1, 0, 2]], reset=False)


def test_integers_are_names_where_columns_are_named_by_integers():
    estimator, _ = fitted_on([30, 10, 20])
    assert column_index(estimator, np.int32(10), 3) == 1
    with pytest.raises(ValueError, match=r"no column named 1 among 30, 10, 20; give a name$"):
        column_index(estimator, 1, 3)
    with pytest.raises(ValueError, match="no column named 0 among"):
        column_indices(estimator, [10, 0], 3, "allowed")


@pytest.mark.parametrize("kind", ["dates", "tuples"])
def test_integers_are_indices_elsewhere(kind):
    estimator, _ = fitted_on(LABELS[kind])
    assert column_index(estimator, 2, 3) == 2
    with pytest.raises(ValueError, match="index from 0 to 2"):
        column_index(estimator, 3, 3)


def test_a_frame_without_names_of_its_own_is_like_an_array():
    estimator = SimpleNamespace()
    check_column_labels(estimator, pd.DataFrame(np.zeros((2, 3))), reset=True)
    assert column_index(estimator, 2, 3) == 2
    check_column_labels(estimator, pd.DataFrame(np.zeros((2, 3)), columns=list("abc")), reset=False)
    with pytest.raises(ValueError, match="should match"):
        check_column_labels(estimator, pd.DataFrame(np.zeros((2, 3)))[[2, 0, 1]], reset=False)


def test_labels_of_an_earlier_fit_are_forgotten():
    estimator, _ = fitted_on([30, 10, 20])
    check_column_labels(estimator, np.zeros((2, 3)), reset=True)
    assert column_index(estimator, 1, 3) == 1


def test_a_label_of_two_columns_names_neither():
    estimator, _ = fitted_on([5, 7, 5])
    assert column_index(estimator, 7, 3) == 1
    with pytest.raises(ValueError, match=r"2 columns are named 5: those with indices \[0, 2\]"):
        column_index(estimator, 5, 3)


def test_names_where_there_are_none():
    estimator, _ = fitted_on([0, 1, 2])
    message = "no column named 'Star Wars': X had no column names in fit; give an index from 0 to 2"
    with pytest.raises(ValueError, match=message):
        column_index(estimator, "Star Wars", 3)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ("a", r"give \['a'\]"),
        (3, "0 dimensions"),
        ([[1]], "2 dimensions"),
        ([0.5], "names, integers or booleans, not float64"),
        ([1, 2, 1], "a column twice: the one with index 1"),
        ([True], "mask of length 1"),
        ([-1], "from 0 to 2"),
    ],
)
def test_mistakes(columns, message):
    estimator, _ = fitted_on([0, 1, 2])
    with pytest.raises(ValueError, match=message):
        column_indices(estimator, columns, 3, "allowed")


@pytest.mark.parametrize("columns", [[], np.array([], dtype=float), [2, 0], np.array([2, 0], "u1")])
def test_indices(columns):
    estimator, _ = fitted_on([0, 1, 2])
    assert_array_equal(column_indices(estimator, columns, 3, "allowed"), sorted(columns))
