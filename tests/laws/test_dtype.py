"""All dtypes of the same numbers give the same results, and sums do not overflow."""

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
    values_of,
)
from laws.table import all_cases, check_all

LAW = "dtype"

# SciPy has no sparse float16.
DTYPES = {
    "values": ["bool", "int8", "uint8", "int64", "float16", "float32", "longdouble"],
    "dense": [
        "bool",
        "int8",
        "uint8",
        "int16",
        "int64",
        "uint64",
        "float16",
        "float32",
        "longdouble",
    ],
    "csr": ["bool", "int8", "uint64", "float32"],
    "coo": ["bool", "uint8", "int64", "float32"],
    "frame": ["bool", "int8", "float16", "float32"],
}
_REPEATED = ["bool", "int8", "uint8"]
_TIMES = 60  # so often an entry of 1 is repeated: five times that exceeds 8 bits


def variants(case):
    forms = ["values"] if case.kind == PAIRS else ["dense", "csr", "coo", "frame"]
    singles = [f"{form} of {dtype}" for form in forms for dtype in DTYPES[form]]
    return singles + [f"repeated of {dtype}" for dtype in _REPEATED]


def numbers(case, dtype):
    """Return integers, or zeros and ones, and the mask of the entries."""
    values = values_of(case)
    observed = values > 0
    return (np.where(values > 2, 1.0, 0.0) if dtype == "bool" else values), observed


def given(case, form, dtype):
    values, observed = numbers(case, dtype)
    if case.kind == PAIRS:
        rows, columns = np.nonzero(observed)
        pairs = matrix_of(case)[0]
        return Pairs((pairs, values[rows, columns].astype(dtype)))
    if form in ("csr", "coo"):
        rows, columns = np.nonzero(observed)
        stored = values[rows, columns].astype(dtype)
        kind = {"csr": sparse.csr_array, "coo": sparse.coo_array}[form]
        return kind((stored, (rows, columns)), shape=values.shape)
    if case.kind == INCOMPLETE:
        # 0 stands for a missing entry; of zeros and ones, 2 would be needed.
        values = np.where(observed, values + (dtype == "bool"), 0)
        if dtype == "bool":
            values = np.minimum(values, 1)
    X = values.astype(dtype)
    if form == "frame":
        pandas = pytest.importorskip("pandas")
        return pandas.DataFrame(X, columns=[f"c{j}" for j in range(N_COLUMNS)])
    return X


@functools.cache
def in_float64(name, form, is_bool):
    case = CASES[name]
    X = given(case, form, "bool" if is_bool else "float64")
    if case.kind == PAIRS:
        X = Pairs((X[0], X[1].astype(np.float64)))
    else:
        X = X.astype(np.float64)
    return case.fitted_results(X, **_reading(case, form), **case.tight)


def _reading(case, form):
    return {"missing_values": 0} if case.kind == INCOMPLETE and form in ("dense", "frame") else {}


def repeated(case, dtype):
    """Return entries of 1, repeated value times `_TIMES` times, and their sums."""
    values, _ = numbers(case, "int8")
    if dtype == "bool":
        values = np.minimum(values, 3)
    rows, columns = np.nonzero(values)
    counts = (values[rows, columns] * _TIMES).astype(int)
    if case.kind == PAIRS:
        pairs, y = matrix_of(case)
        y = np.minimum(y, 1) if dtype == "bool" else y
        return Pairs((np.repeat(pairs, 60, axis=0), np.repeat(y, 60).astype(dtype))), None
    ones = np.ones(counts.sum(), dtype=dtype)
    places = np.repeat(rows, counts), np.repeat(columns, counts)
    X = sparse.coo_array((ones, places), shape=(N_ROWS, N_COLUMNS))
    return X, values * _TIMES


def check(case, variant):
    form, _, dtype = variant.partition(" of ")
    if form == "repeated":
        X, sums = repeated(case, dtype)
        if case.kind == INCOMPLETE:
            with pytest.raises(ValueError, match=r"\(row, column\) pairs; .* duplicates"):
                case.fit(X)
            return
        if case.kind == PAIRS:
            expected = case.fitted_results(Pairs((X[0], X[1].astype(np.float64))))
        else:
            expected = case.fitted_results(sums, **case.tight)
        assert_same(case.fitted_results(X, **case.tight), expected, 1e-6, variant)
        return
    if dtype == "bool" and form in ("dense", "frame") and case.kind == INCOMPLETE:
        pytest.skip("False would be the missing value")
    expected = in_float64(case.name, form, dtype == "bool")
    X = given(case, form, dtype)
    found = case.fitted_results(X, **_reading(case, form), **case.tight)
    assert_same(found, expected, 2e-3 if dtype == "float32" else 1e-6, variant)


@pytest.mark.parametrize("case", all_cases())
def test_dtypes_give_the_same_results(case):
    check_all(LAW, check, case, variants)


def test_repeated_entries_exceed_the_dtype():
    assert np.iinfo(np.uint8).max < 5 * _TIMES
    assert {case.kind for case in CASES.values()} == {COMPLETE, INCOMPLETE, PAIRS}
