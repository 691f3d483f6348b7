"""The table of laws in the documentation is up to date and contains every estimator."""

import inspect
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import BaseEstimator

import lrfact
from laws import table
from laws.cases import CASES, INCOMPLETE, matrix_of
from laws.test_order import _COLUMNS, _ROWS

# Values of `solver` that are aliases, or a choice among solvers.
_ALIASES = {"auto", "cd"}


def test_documentation_has_this_table():
    page = Path(__file__).resolve().parents[2] / "docs" / "index.md"
    _, _, section = page.read_text(encoding="utf-8").partition("### Laws\n")
    expected = table.markdown()
    assert expected in section, f"replace the table in docs/index.md by\n\n{expected}"


def test_every_estimator_has_a_case():
    public = {
        name
        for name in lrfact.__all__
        if inspect.isclass(value := getattr(lrfact, name)) and issubclass(value, BaseEstimator)
    }
    assert {case.estimator_name for case in CASES.values()} == public


def test_every_solver_has_a_case():
    names = list(CASES)
    for name in {case.estimator_name for case in CASES.values()}:
        constraints = getattr(lrfact, name)._parameter_constraints
        for option in constraints.get("solver", []):
            for solver in set(getattr(option, "options", ())) - _ALIASES:
                loss = {"sgd": "bpr"} if name == "ImplicitMF" else {}
                word = loss.get(solver, solver)
                solvers_count = name != "LSASearch"  # whose solvers are those of the reducer
                has_case = any(case.startswith(name) and word in case.split() for case in names)
                assert has_case or not solvers_count, f"{name} {solver}"


def test_exceptions_are_of_laws_and_cases():
    assert {law for law, _ in table.EXCEPTIONS} <= set(table.LAWS)
    assert {name for _, name in table.EXCEPTIONS} <= set(CASES)


@pytest.mark.parametrize("name", ["MaskedMF sgd", "BayesianMF", "SoftImpute", "ImplicitMF bpr"])
def test_fits_in_another_order_agree_like_two_seeds(name):
    """Methods that depend on the order give results within their variation over seeds."""
    case = CASES[name]
    X = matrix_of(case)

    def predicted(rows, columns, seed):
        given = np.ascontiguousarray(X[rows][:, columns])
        model = case.fit(given, random_state=seed)
        values = model.predict(given) if hasattr(model, "predict") else model.transform(given)
        back = np.empty_like(values)
        back[np.ix_(rows, columns)] = values
        return back

    def distance(one, other):
        return float(np.sqrt(np.mean((one - other) ** 2)))

    in_order = np.arange(len(X)), np.arange(X.shape[1])
    first, *others = (predicted(*in_order, seed) for seed in range(5))
    typical = max(distance(first, other) for other in others)
    assert case.kind == INCOMPLETE or name.startswith("ImplicitMF")
    assert distance(first, predicted(_ROWS, in_order[1], 0)) <= 4 * typical
    assert distance(first, predicted(in_order[0], _COLUMNS, 0)) <= 4 * typical
