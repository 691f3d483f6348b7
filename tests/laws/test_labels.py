"""Columns, and rows of a long table, can have labels of any type."""

import datetime
import functools

import numpy as np
import pytest

from laws.cases import CASES, N_COLUMNS, PAIRS, Pairs, assert_same, matrix_of
from laws.table import all_cases, check_all

LAW = "labels"

COLUMNS = {
    "strings": [f"c{j}" for j in range(N_COLUMNS)],
    "integers": [70 - 3 * j for j in range(N_COLUMNS)],
    "permuted positions": [4, 2, 8, 0, 1, 7, 3, 6, 5],
    "floats": [0.5 * j + 0.25 for j in range(N_COLUMNS)],
    "dates": [datetime.datetime(2024, 1, 1 + j) for j in range(N_COLUMNS)],
    "tuples": [("a", j) for j in range(N_COLUMNS)],
    "missing label": [float("nan"), *range(10, 9 + N_COLUMNS)],
    "mixed": ["a", *range(10, 9 + N_COLUMNS)],
}

# Labels of the rows and columns of a long table, from their numbers.
LABELS = {
    "strings": str,
    "integers": lambda number: 1000 - 7 * number,
    "huge integers": lambda number: 2**70 + number,
    "floats": lambda number: number / 3,
    "booleans and more": lambda number: True if number == 1 else number,
    "dates": lambda number: datetime.date(2024, 1, 1) + datetime.timedelta(number),
    "tuples": lambda number: ("row", number),
    "frozensets": lambda number: frozenset([number, "x"]),
    "bytes": lambda number: b"%d" % number,
    "mixed": lambda number: number if number % 2 else f"n{number}",
    "surrogates": lambda number: f"\udcff{number}",
}
_MISSING = {"None": None, "NaN": float("nan")}


def variants(case):
    if case.kind == PAIRS:
        return [*LABELS, *_MISSING]
    return [*COLUMNS]


@functools.cache
def plain(name):
    case = CASES[name]
    return case.fitted_results(matrix_of(case), **case.tight)


def check(case, variant):
    if case.kind == PAIRS:
        _check_pairs(case, variant)
        return
    pandas = pytest.importorskip("pandas")
    X = matrix_of(case)
    labels = COLUMNS[variant]
    frame = pandas.DataFrame(X)
    frame.columns = pandas.Index(labels, tupleize_cols=False)
    if variant == "mixed":
        with pytest.raises(TypeError, match="string"):
            case.fit(frame)
        return
    model = case.fit(frame, **case.tight)
    assert_same(case.results(model, frame), plain(case.name), 1e-6, "results")
    assert hasattr(model, "feature_names_in_") == (variant == "strings")
    use = model.predict if hasattr(model, "predict") and case.labeled else model.transform
    with pytest.raises(ValueError, match=r"should match|same order"):
        use(frame[frame.columns[::-1]] if variant != "missing label" else frame.iloc[:, ::-1])
    use(X if variant != "strings" else frame)  # rows without names
    if case.labeled:
        _check_lookup(case, model, frame, X, labels)


def _check_lookup(case, model, frame, X, labels):
    nameless = case.fit(X, **case.tight)
    for at in (0, 4, N_COLUMNS - 1):
        found, expected = model.similar_columns(labels[at]), nameless.similar_columns(at)
        assert np.array_equal(found[0], expected[0]), f"similar_columns({labels[at]!r})"
        why = model.explain(frame.iloc[[0]], labels[at])
        assert why.column == at
        assert str(labels[at]) in str(why)
    chosen = [labels[at] for at in (1, 3, 8)]
    found = model.recommend(frame, n_items=2, allowed=chosen, exclude_observed=False)[0]
    expected = nameless.recommend(X, n_items=2, allowed=[1, 3, 8], exclude_observed=False)[0]
    assert np.array_equal(found, expected)
    with pytest.raises(ValueError, match="no column named 'no such'"):
        model.similar_columns("no such")


def _check_pairs(case, variant):
    pairs, y = matrix_of(case)
    rows, columns = (np.unique(labels.astype(str), return_inverse=True)[1] for labels in pairs.T)
    if variant in _MISSING:
        labeled = [(_MISSING[variant], 1), *zip(rows.tolist(), columns.tolist(), strict=True)]
        with pytest.raises(ValueError, match=r"missing label|NaN"):
            case.fit(Pairs((labeled, np.append(y, 1.0))))
        return
    label = LABELS[variant]
    labeled = [(label(int(i)), label(int(j))) for i, j in zip(rows, columns, strict=True)]
    model = case.fit(Pairs((labeled, y)))
    assert len(model.row_labels_) == rows.max() + 1
    assert len(model.column_labels_) == columns.max() + 1
    assert {label(i) for i in range(int(rows.max()) + 1)} == set(model.row_labels_.tolist())
    predicted = model.predict(labeled)
    # Values stay with their labels in every sort order.
    assert np.corrcoef(predicted, y)[0, 1] > 0.6
    order = np.random.default_rng(0).permutation(len(y))
    again = model.predict([labeled[at] for at in order])
    assert np.array_equal(again, predicted[order])


@pytest.mark.parametrize("case", all_cases())
def test_labels_of_any_kind(case):
    check_all(LAW, check, case, variants)
