"""One matrix in every container and every order of its entries."""

from typing import Any

import numpy as np
import pytest
from scipy import sparse

from laws.cases import PAIRS, Case, Pairs, matrix_of


def _names(X):
    return [f"c{j}" for j in range(X.shape[1])]


def _view(X):
    wide = np.zeros((2 * X.shape[0], 3 * X.shape[1]), X.dtype)
    wide[::2, ::3] = X
    return wide[::2, ::3]


def _read_only(X):
    X = X.copy()
    X.setflags(write=False)
    return X


def _pandas(X):
    return pytest.importorskip("pandas").DataFrame(X, columns=_names(X))


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
    return pandas.DataFrame(dict(zip(_names(X), columns, strict=True)))


def _polars(X):
    polars = pytest.importorskip("polars")
    return polars.DataFrame(dict(zip(_names(X), X.T, strict=True)))


def _pyarrow(X):
    pyarrow = pytest.importorskip("pyarrow")
    return pyarrow.table(dict(zip(_names(X), X.T, strict=True)))


def _pyarrow_nulls(X):
    pyarrow = pytest.importorskip("pyarrow")
    columns = [pyarrow.array(column, mask=np.isnan(column)) for column in X.T]
    return pyarrow.table(dict(zip(_names(X), columns, strict=True)))


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
SPARSE_FRAME = "sparse DataFrame of zeros"
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


def unsorted(values):
    """Stored entries of each row, the last column first."""
    X = sparse.csr_array(values)
    order = np.concatenate(
        [np.arange(a, b)[::-1] for a, b in zip(X.indptr, X.indptr[1:], strict=False)]
    )
    X = sparse.csr_array((X.data[order], X.indices[order], X.indptr), shape=X.shape)
    assert not X.has_sorted_indices
    return X


def repeated(values):
    """Each entry twice in its row, with a quarter and three quarters of its value."""
    X = sparse.csr_array(values)
    data = np.column_stack([X.data / 4, X.data * 3 / 4]).ravel()
    return sparse.csr_array((data, np.repeat(X.indices, 2), 2 * X.indptr), shape=X.shape)


def with_stored_zeros(values):
    places = np.indices(values.shape).reshape(2, -1)
    return sparse.csr_array((values.ravel(), tuple(places)), shape=values.shape)


def stored(case: Case, variant: str, values: np.ndarray) -> Any:
    """Return the data of a case in one of the containers."""
    X = matrix_of(case, values)
    if case.kind == PAIRS:
        return Pairs((PAIRS_OF[variant](X[0]), X[1]))
    if variant in SPARSE:
        return SPARSE[variant](values)
    return _sparse_mixed(X) if variant == SPARSE_FRAME else DENSE[variant](X)


def containers_of(case: Case) -> list[str]:
    """Return the names of the containers that a case is tested in."""
    return list(PAIRS_OF) if case.kind == PAIRS else [*DENSE, *SPARSE, SPARSE_FRAME]
