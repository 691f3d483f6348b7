"""Processing rows in batches gives the same results as processing all rows at once."""

import itertools

import numpy as np
import pytest
from scipy import sparse

from laws.cases import COMPLETE, N_COLUMNS, N_ROWS, PAIRS, assert_same, matrix_of
from laws.table import all_cases, check_all

LAW = "batches"

_PARTS = ([0, 3, 4, 5, 11, N_ROWS], [0, 12, N_ROWS], [0, N_ROWS - 1, N_ROWS])


_COMPARED = ("components_", "transform", "singular_values_", "explained_variance_", "mean_")


def variants(case):
    names = ["predict"] if case.kind == PAIRS else ["transform"]
    has_partial_fit = hasattr(case.make(), "partial_fit")
    return names + [f"partial_fit {at}" for at in range(len(_PARTS)) if has_partial_fit]


def check(case, variant):
    if variant.startswith("partial_fit"):
        _check_fit(case, _PARTS[int(variant.split()[1])])
        return
    X = matrix_of(case)
    model = case.fit(X)
    rows = X[0] if case.kind == PAIRS else X
    use = getattr(model, variant)
    whole = use(rows)
    bounds = [*_PARTS[0][:-1], len(rows)]
    forms = [np.asarray] if case.kind != COMPLETE else [np.asarray, sparse.csr_array]
    for form in forms:
        parts = [use(form(rows[a:b])) for a, b in itertools.pairwise(bounds)]
        parts = [part.toarray() if sparse.issparse(part) else part for part in parts]
        together = {"rows": np.concatenate(parts)}
        assert_same(together, {"rows": whole}, 1e-6, f"{variant} of {form.__name__}")


def _low_rank(case):
    """Return a matrix whose rank does not exceed that of the fit: batches are then exact."""
    rng = np.random.default_rng(0)
    return rng.random((N_ROWS, 2)) @ rng.random((2, N_COLUMNS))


def _check_fit(case, bounds):
    X = matrix_of(case, _low_rank(case))
    model = case.make(**case.tight)
    for a, b in itertools.pairwise(bounds):
        model.partial_fit(X[a:b])
    expected = case.fitted_results(X, **case.tight)
    compared = {name: expected[name] for name in _COMPARED if name in expected}
    assert_same(case.results(model, X, compared), compared, 1e-6, "partial_fit")


@pytest.mark.parametrize("case", all_cases())
def test_batches_equal_the_whole(case):
    check_all(LAW, check, case, variants)
