"""All containers of the same matrix give the same results."""

import functools
import itertools

import numpy as np
import pytest
import sklearn
from scipy import sparse
from sklearn.utils.fixes import parse_version

from laws.cases import CASES, COMPLETE, INCOMPLETE, PAIRS, Pairs, assert_same, matrix_of, values_of
from laws.table import all_cases, check_all

LAW = "storage"

_SKLEARN = parse_version(sklearn.__version__)

_NAMES = [f"c{j}" for j in range(9)]


def _view(X):
    wide = np.zeros((2 * X.shape[0], 3 * X.shape[1]), X.dtype)
    wide[::2, ::3] = X
    return wide[::2, ::3]


def _read_only(X):
    X = X.copy()
    X.setflags(write=False)
    return X


def _pandas(X):
    return pytest.importorskip("pandas").DataFrame(X, columns=_NAMES)


def _nullable(X):
    return _pandas(X).astype("Float64")


def _sparse_frame(X):
    pandas = pytest.importorskip("pandas")
    fill = np.nan if np.isnan(X).any() else 0.0
    return _pandas(X).astype(pandas.SparseDtype(np.float64, fill))


def _sparse_mixed(X):
    pandas = pytest.importorskip("pandas")
    dense = np.where(np.isnan(X), 0, X)
    columns = (pandas.arrays.SparseArray(column, fill_value=0.0) for column in dense.T)
    return pandas.DataFrame(dict(zip(_NAMES, columns, strict=True)))


def _polars(X):
    polars = pytest.importorskip("polars")
    return polars.DataFrame(dict(zip(_NAMES, X.T, strict=True)))


def _pyarrow(X):
    pyarrow = pytest.importorskip("pyarrow")
    return pyarrow.table(dict(zip(_NAMES, X.T, strict=True)))


def _pyarrow_nulls(X):
    pyarrow = pytest.importorskip("pyarrow")
    columns = [pyarrow.array(column, mask=np.isnan(column)) for column in X.T]
    return pyarrow.table(dict(zip(_NAMES, columns, strict=True)))


DENSE = {
    "Fortran order": np.asfortranarray,
    "view": _view,
    "reversed view": lambda X: X[::-1, ::-1].copy()[::-1, ::-1],
    "read only": _read_only,
    "list of lists": lambda X: X.tolist(),
    "subclass": lambda X: X.view(type("Sub", (np.ndarray,), {})),
    "pandas": _pandas,
    "pandas nullable": _nullable,
    "pandas sparse": _sparse_frame,
    "polars": _polars,
    "pyarrow": _pyarrow,
    "pyarrow with nulls": _pyarrow_nulls,
}
_FORMATS = ("csr", "csc", "coo", "lil", "dok", "bsr", "dia")
SPARSE = {
    f"{form}_{interface}": getattr(sparse, f"{form}_{interface}")
    for form in _FORMATS
    for interface in ("array", "matrix")
}
SPARSE["csr_array of int64 indices"] = lambda X: _with_indices(sparse.csr_array(X), np.int64)


def _with_indices(X, dtype):
    X.indices, X.indptr = X.indices.astype(dtype), X.indptr.astype(dtype)
    return X


def _pairs_frame(library):
    def frame(pairs):
        module = pytest.importorskip(library)
        columns = {"user": pairs[:, 0].tolist(), "item": pairs[:, 1].tolist()}
        return module.table(columns) if library == "pyarrow" else module.DataFrame(columns)

    return frame


PAIRS_OF = {
    "list of tuples": lambda pairs: list(map(tuple, pairs.tolist())),
    "list of lists": lambda pairs: pairs.tolist(),
    "array of strings": lambda pairs: pairs.astype(str),
    "Fortran order": np.asfortranarray,
    "pandas": _pairs_frame("pandas"),
    "pandas categorical": lambda pairs: _pairs_frame("pandas")(pairs).astype("category"),
    "pandas string": lambda pairs: _pairs_frame("pandas")(pairs).astype("string"),
    "polars": _pairs_frame("polars"),
    "pyarrow": _pairs_frame("pyarrow"),
}


def variants(case):
    return list(PAIRS_OF) if case.kind == PAIRS else [*DENSE, *SPARSE, "sparse DataFrame of zeros"]


@functools.cache
def plain(name):
    case = CASES[name]
    return case.fitted_results(matrix_of(case), **case.tight)


def stored(case, variant):
    X = matrix_of(case)
    if case.kind == PAIRS:
        return Pairs((PAIRS_OF[variant](X[0]), X[1]))
    if variant in SPARSE:
        return SPARSE[variant](values_of(case))
    return _sparse_mixed(X) if variant == "sparse DataFrame of zeros" else DENSE[variant](X)


def check(case, variant):
    if case.name == "RankSearchCV" and "pyarrow" in variant and parse_version("1.8") > _SKLEARN:
        pytest.skip("this scikit-learn cannot take rows of a pyarrow Table")
    X = stored(case, variant)
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
