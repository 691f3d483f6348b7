"""The order of entries, rows and columns is irrelevant, and duplicate entries are summed."""

import functools

import numpy as np
import pytest
from scipy import sparse

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
from laws.table import all_cases, check_all

LAW = "order"

# One value for each component, of which there may be as many as columns.
_BY_COMPONENT = {"singular_values_", "topic_share_"}

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


def unsorted(values):
    """Return the stored entries of each row in descending order of columns."""
    X = sparse.csr_array(values)
    order = np.concatenate(
        [np.arange(a, b)[::-1] for a, b in zip(X.indptr, X.indptr[1:], strict=False)]
    )
    X = sparse.csr_array((X.data[order], X.indices[order], X.indptr), shape=X.shape)
    assert not X.has_sorted_indices
    return X


def repeated(values):
    """Return each entry as two entries, with a quarter and three quarters of its value."""
    X = sparse.csr_array(values)
    data = np.column_stack([X.data / 4, X.data * 3 / 4]).ravel()
    return sparse.csr_array((data, np.repeat(X.indices, 2), 2 * X.indptr), shape=X.shape)


def with_stored_zeros(values):
    places = np.indices(values.shape).reshape(2, -1)
    return sparse.csr_array((values.ravel(), tuple(places)), shape=values.shape)


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
    expected = {}
    for name, value in plain(case.name).items():
        if name in case.by_place:
            continue
        if name in _BY_COMPONENT:
            expected[name] = value
        elif variant == "rows" and value.shape[:1] == (N_ROWS,):
            expected[name] = value[_ROWS]
        elif variant == "columns" and value.shape[-1:] == (N_COLUMNS,):
            expected[name] = value[..., _COLUMNS]
        else:
            expected[name] = value
    found = {name: found[name] for name in expected}
    assert_same(found, expected, case.order_tol, variant)


@pytest.mark.parametrize("case", all_cases())
def test_order_does_not_matter(case):
    check_all(LAW, check, case, variants)
