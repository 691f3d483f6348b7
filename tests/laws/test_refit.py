"""`set_params` changes nothing of a fitted model, and a second fit equals the first of a clone."""

import numpy as np
import pytest
from sklearn.base import clone

from laws.cases import N_ROWS, PAIRS, Pairs, assert_same, matrix_of, rows_of, values_of
from laws.table import all_cases, check_all

LAW = "refit"

# They describe the computation and the input, not the model.
_NOT_OF_THE_MODEL = {"n_jobs", "verbose", "missing_values"}


def alternatives(model):
    """Return another valid value for each parameter."""
    other = {}
    for name, value in model.get_params(deep=False).items():
        allowed = getattr(model, "_parameter_constraints", {}).get(name)
        if name in _NOT_OF_THE_MODEL or not allowed:
            continue
        options = sorted(
            {
                option
                for each in allowed
                for option in getattr(each, "options", ())
                if option != value
            },
            key=str,
        )
        if isinstance(value, bool):
            other[name] = not value
        elif options and (isinstance(value, str) or value is None):
            other[name] = options[0]
        elif isinstance(value, int) and name != "random_state":
            other[name] = value + 1
        elif name == "random_state":
            other[name] = 17
        elif isinstance(value, float):
            other[name] = value / 2 if value > 0 else 0.25
    return other


def variants(case):
    model = case.make()
    inner = getattr(model, "estimator", None)
    names = list(alternatives(model))
    if inner is not None:
        names += [f"estimator__{name}" for name in alternatives(inner)]
    return [*(f"set {name}" for name in names), "fit again", "fit after other data"]


def _other_data(case):
    values = values_of(case)[: N_ROWS - 5][::-1]
    X = matrix_of(case, values)
    return X if case.kind == PAIRS else X[:, :-1].copy()


def check(case, variant):
    X = matrix_of(case)
    given = X if isinstance(X, Pairs) else (X,)
    model = case.make()
    if variant == "fit after other data":
        other = _other_data(case)
        model.fit(*(other if isinstance(other, Pairs) else (other,)))
    model.fit(*given)
    before = case.results(model, rows_of(X))
    if variant.startswith("set "):
        name = variant.removeprefix("set ")
        owner = model
        if name.startswith("estimator__"):
            # The fitted model is another object than the parameter, and is changed as well.
            owner = getattr(model, "estimator_", None) or model.best_estimator_
            name = name.removeprefix("estimator__")
        owner.set_params(**{name: alternatives(owner)[name]})
    else:
        model = clone(model).fit(*given)
    # A product may be added up in another order where its arrays are aligned in another way.
    assert_same(case.results(model, rows_of(X)), before, 1e-14, variant)


@pytest.mark.parametrize("case", all_cases())
def test_parameters_set_later_change_nothing(case):
    check_all(LAW, check, case, variants)


def test_every_kind_of_parameter_has_another_value():
    """Check that the law is tested for some parameter."""
    cases = [parameter.values[0] for parameter in all_cases()]
    assert all(len(variants(case)) >= 3 for case in cases)
    assert np.mean([len(variants(case)) for case in cases]) > 5
