"""The order of entries, rows and columns is irrelevant, and duplicate entries are summed."""

import functools

import numpy as np
import pytest

from laws.cases import (
    CASES,
    COMPLETE,
    INCOMPLETE,
    N_COLUMNS,
    N_ROWS,
    PAIRS,
    Pairs,
    assert_same,
    matrix_of,
    rows_of,
    values_of,
)
from laws.containers import repeated, unsorted, with_stored_zeros
from laws.expected import permuted
from laws.table import all_cases, check_all

LAW = "order"

_RNG = np.random.default_rng(5)
_ROWS, _COLUMNS = _RNG.permutation(N_ROWS), _RNG.permutation(N_COLUMNS)


def variants(case):
    if case.kind == PAIRS:
        return ["shuffled lines", "repeated lines"]
    return [
        "unsorted",
        "repeated",
        *(["stored zeros"] if case.kind == COMPLETE else []),
        "rows of predict",
        "rows",
        "columns",
    ]


@functools.cache
def plain(name):
    case = CASES[name]
    return case.fitted_results(matrix_of(case), **case.tight)


def check(case, variant):
    values = values_of(case)
    if variant in ("shuffled lines", "repeated lines"):
        _check_lines(case, variant)
    elif variant == "rows of predict":
        _check_rows_of_predict(case)
    elif variant in ("rows", "columns"):
        _check_permuted(case, variant)
    elif variant == "repeated" and case.kind == INCOMPLETE:
        with pytest.raises(ValueError, match=r"\(row, column\) pairs; .* duplicates"):
            case.fit(repeated(values))
    else:
        form = {"unsorted": unsorted, "repeated": repeated, "stored zeros": with_stored_zeros}
        found = case.fitted_results(form[variant](values), **case.tight)
        assert_same(found, plain(case.name), 1e-6, variant)


def _check_lines(case, variant):
    pairs, y = matrix_of(case)
    expected = plain(case.name)
    if variant == "shuffled lines":
        order = np.random.default_rng(0).permutation(len(y))
        found = case.results(case.fit(Pairs((pairs[order], y[order]))), pairs)
    else:
        # A line of weight 2 counts as two.
        twice = Pairs((np.repeat(pairs, 2, axis=0), np.repeat(y, 2)))
        model = case.make()
        if "MaskedMF" in case.name:
            weighted = model.fit(pairs, y, sample_weight=np.full(len(y), 2.0))
            expected = case.results(weighted, pairs)
        else:
            expected = _with_spread(case.fit(twice), pairs)
            single = _with_spread(case.fit(Pairs((pairs, y))), pairs)
            assert expected < single  # twice as many observations leave less in doubt
            return
        found = case.results(case.fit(twice), pairs)
    assert_same(found, expected, 1e-6, variant)


def _with_spread(model, pairs):
    return float(np.mean(model.predict(pairs, return_std=True)[1]))


def _check_rows_of_predict(case):
    X = matrix_of(case)
    model = case.fit(X, **case.tight)
    whole, permuted = case.results(model, X), case.results(model, X[_ROWS])
    by_row = {
        name: value
        for name, value in whole.items()
        if name in case.outputs and value.shape[:1] == (N_ROWS,)
    }
    found = {name: permuted[name] for name in by_row}
    assert_same(found, {name: value[_ROWS] for name, value in by_row.items()}, 1e-9, "rows")


def _check_permuted(case, variant):
    X = matrix_of(case)
    given = X[_ROWS] if variant == "rows" else X[:, _COLUMNS]
    found = case.results(case.fit(np.ascontiguousarray(given), **case.tight), rows_of(given))
    rows = _ROWS if variant == "rows" else None
    columns = _COLUMNS if variant == "columns" else None
    expected = permuted(case, plain(case.name), rows, columns)
    found = {name: found[name] for name in expected}
    assert_same(found, expected, case.order_tol, variant)


@pytest.mark.parametrize("case", all_cases())
def test_order_does_not_matter(case):
    check_all(LAW, check, case, variants)
