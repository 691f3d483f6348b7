"""Labels of any kind are numbered, and found again."""

import datetime
from decimal import Decimal

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from lrfact.checks._label_index import LabelIndex, label_column

COLUMNS = {
    "int": np.array([3, 1, 3, 2]),
    "negative": np.array([-3, 1, -3, 2**62]),
    "int8": np.array([3, 1, 3, 2], dtype=np.int8),
    "uint64": np.array([2**64 - 1, 1, 2**64 - 1, 2], dtype=np.uint64),
    "bool": np.array([True, False, True, False]),
    "float": np.array([0.5, -1.0, 0.5, 1e300]),
    "float32": np.array([0.5, -1.0, 0.5, 3.0], dtype=np.float32),
    "longdouble": np.array([0.5, -1.0, 0.5, 3.0], dtype=np.longdouble),
    "str": np.array(["b", "a", "b", "c"]),
    "bytes": np.array([b"b", b"a", b"b", b"c"]),
    "dates": np.array(["2020-01-02", "2020-01-01", "2020-01-02", "2021-01-01"], dtype="M8[ns]"),
    "durations": np.array([2, 1, 2, 5], dtype="m8[s]"),
    "strings": ["b", "a", "b", "c"],
    "mixed": [3, "a", 3, "3"],
    "tuples": [(1, 2), (1, 1), (1, 2), (3,)],
    "date objects": [datetime.date(2020, 1, d) for d in (2, 1, 2, 5)],
    "decimals": [Decimal(2), Decimal(1), Decimal(2), Decimal(5)],
    "huge ints": [10**30, 1, 10**30, 2],
    "objects of ints": np.array([3, 1, 3, 2], dtype=object),
    "ints and floats": [3, 1.5, 3.0, 2],
    "frozen sets": [frozenset({1}), frozenset({2}), frozenset({1}), frozenset()],
}


@pytest.mark.parametrize("values", COLUMNS.values(), ids=COLUMNS.keys())
def test_labels_come_back(values):
    column = label_column(values, "users")
    index, codes = LabelIndex.from_values(column)
    assert codes.dtype == np.intp
    assert len(index.labels) == len(set(values))
    assert [index.labels[code] for code in codes] == list(values)
    assert_array_equal(index.numbers_of(column), codes)
    assert_array_equal(index.numbers_of(column[::-1][:3]), codes[::-1][:3])


@pytest.mark.parametrize("kind", ["int", "float", "str", "strings", "tuples", "dates", "decimals"])
def test_labels_ascend_where_they_can(kind):
    values = COLUMNS[kind]
    labels = LabelIndex.from_values(label_column(values, "users"))[0].labels
    assert list(labels) == sorted(set(values))


def test_mixed_labels_keep_the_order_of_appearance():
    labels = LabelIndex.from_values(label_column(["b", 3, "a", 3], "users"))[0].labels
    assert labels.tolist() == ["b", 3, "a"]


@pytest.mark.parametrize("fitted", ["int", "float", "str", "mixed", "uint64", "ints and floats"])
@pytest.mark.parametrize("asked", COLUMNS.values(), ids=COLUMNS.keys())
def test_labels_are_found_as_a_dict_would(fitted, asked):
    """Whatever arrays they come in: 1, 1.0 and True are one, 1 and "1" are not."""
    index, _ = LabelIndex.from_values(label_column(COLUMNS[fitted], "users"))
    numbers = {label: number for number, label in enumerate(index.labels.tolist())}
    expected = [numbers.get(label, -1) for label in asked]
    assert_array_equal(index.numbers_of(label_column(asked, "users")), expected)


def test_large_integers_are_not_mistaken_for_their_neighbours():
    big = 2**53
    index, _ = LabelIndex.from_values(label_column(np.array([big, 2**62]), "users"))
    assert_array_equal(index.numbers_of(label_column(np.array([float(big)]), "users")), [0])
    assert_array_equal(index.numbers_of(label_column(np.array([big + 1]), "users")), [-1])
    assert_array_equal(
        index.numbers_of(label_column(np.array([1e300, 2.0**63]), "users")), [-1] * 2
    )
    index, _ = LabelIndex.from_values(label_column(np.array([float(big), 0.5]), "users"))
    assert_array_equal(index.numbers_of(label_column(np.array([big, big + 1]), "users")), [1, -1])


@pytest.mark.parametrize(
    "values",
    [
        np.array([1.0, np.nan]),
        np.array([1.0, np.inf]),
        [1.0, float("nan")],
        ["a", float("nan")],
        ["a", None],
        [1, None],
        np.array(["2020-01-01", "NaT"], dtype="M8[D]"),
        [Decimal(1), Decimal("nan")],
    ],
    ids=str,
)
def test_missing_labels(values):
    with pytest.raises(ValueError, match="users of X contains NaN"):
        label_column(values, "users")


def test_missing_labels_of_pandas():
    pandas = pytest.importorskip("pandas")
    for missing in (pandas.NA, pandas.NaT):
        with pytest.raises(ValueError, match="users of X contains NaN or another missing label"):
            label_column(["a", missing], "users")


def test_labels_that_cannot_be_hashed():
    with pytest.raises(TypeError, match="users of X has a label that cannot be hashed"):
        label_column([[1], [2]], "users")
    with pytest.raises(ValueError, match="Complex data not supported: users"):
        label_column(np.array([1j, 2]), "users")
