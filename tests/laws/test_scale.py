"""Scaling X by s scales each result by the power of s that its unit implies."""

import functools
import re

import numpy as np
import pytest

from laws.cases import CASES, N_COLUMNS, PAIRS, Pairs, assert_same, matrix_of
from laws.expected import at_unit_scale
from laws.table import all_cases, check_all

LAW = "scale"

# Powers of ten, rounded to powers of four: then nothing is rounded but what has other units.
_POWERS = {np.float64: (-150, -30, -10, 3, 10, 30, 150), np.float32: (-30, -10, 3, 10, 30)}
# Scales at which a correct error is as acceptable as a result.
_REFUSABLE = {np.float64: 100, np.float32: 15}
_TOL = {np.float64: 1e-6, np.float32: 2e-3}


def variants(case):
    return [
        f"{np.dtype(dtype).name} 1e{power}" for dtype, powers in _POWERS.items() for power in powers
    ]


def scaled(case, dtype, scale):
    X = matrix_of(case)
    if case.kind == PAIRS:
        return Pairs((X[0], (X[1] * scale).astype(dtype)))
    return (X * scale).astype(dtype)


@functools.cache
def at_one(name, dtype):
    case = CASES[name]
    return case.fitted_results(scaled(case, dtype, 1.0), **case.tight)


def check(case, variant):
    dtype_name, _, power = variant.partition(" 1e")
    dtype, power = np.dtype(dtype_name).type, int(power)
    scale = 4.0 ** round(power * np.log(10) / np.log(4))
    model = case.make()
    parameters = {
        name: getattr(model, name) * scale**unit for name, unit in case.parameter_units.items()
    }
    try:
        found = case.fitted_results(scaled(case, dtype, scale), **case.tight, **parameters)
    except ValueError as refusal:
        if abs(power) <= _REFUSABLE[dtype]:
            raise AssertionError(f"refused: {refusal}") from refusal
        truth = "too large|overflow" if power > 0 else "too small|underflow"
        if not re.search(truth, str(refusal)):
            raise AssertionError(f"refused for the wrong reason: {refusal}") from refusal
        return
    expected = at_one(case.name, dtype)
    in_units = at_unit_scale(case, found, dtype, scale, N_COLUMNS)
    compared = {name: expected[name] for name in in_units}
    assert_same(in_units, compared, _TOL[dtype], variant)


@pytest.mark.parametrize("case", all_cases())
def test_results_have_the_units_of_the_table(case):
    check_all(LAW, check, case, variants)
