"""All containers of the same matrix give the same results."""

import functools
import itertools

import numpy as np
import pytest
import sklearn
from scipy import sparse
from sklearn.utils.fixes import parse_version

from laws.cases import CASES, COMPLETE, INCOMPLETE, assert_same, matrix_of, values_of
from laws.containers import containers_of, stored
from laws.table import all_cases, check_all

LAW = "storage"

_SKLEARN = parse_version(sklearn.__version__)


variants = containers_of


@functools.cache
def plain(name):
    case = CASES[name]
    return case.fitted_results(matrix_of(case), **case.tight)


def check(case, variant):
    if case.name == "RankSearchCV" and "pyarrow" in variant and parse_version("1.8") > _SKLEARN:
        pytest.skip("this scikit-learn cannot take rows of a pyarrow Table")
    X = stored(case, variant, values_of(case))
    if case.kind == INCOMPLETE and variant[:3] in ("bsr", "dia"):
        # They store zeros that nobody observed, and drop some that were.
        with pytest.raises(TypeError, match=r"pass X\.tocsr\(\)"):
            case.fit(X)
        return
    assert_same(case.fitted_results(X, **case.tight), plain(case.name), 1e-6, variant)


@pytest.mark.parametrize("case", all_cases())
def test_containers_give_the_same_results(case):
    check_all(LAW, check, case, variants)


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.kind == COMPLETE])
def test_input_of_a_sparse_matrix_is_not_changed(name):
    case = CASES[name]
    X = sparse.csr_array(values_of(case))
    order = np.concatenate([np.arange(a, b)[::-1] for a, b in itertools.pairwise(X.indptr)])
    X = sparse.csr_array((X.data[order], X.indices[order], X.indptr), shape=X.shape)
    before = X.data.copy(), X.indices.copy(), X.indptr.copy()
    case.fitted_results(X)
    for part, copy in zip((X.data, X.indices, X.indptr), before, strict=True):
        assert np.array_equal(part, copy)
