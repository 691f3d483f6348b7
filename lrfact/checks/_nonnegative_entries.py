"""A matrix without negative entries, and which of them are missing."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils import check_array

from lrfact._typing import Array
from lrfact.checks._matrix_input import validated_matrix
from lrfact.checks._negative_values import refuse_negative


@dataclass(frozen=True)
class NonnegativeEntries:
    """What came in, in the form that the solvers take.

    Attributes
    ----------
    values : {ndarray, csr_array} of shape (n_samples, n_features)
        float32 or float64; 0 where missing.

    hidden : csr_array of bool, shape (n_samples, n_features), or None
        Stores the places of missing entries, in order; None where there are none.
    """

    values: Array | sparse.csr_array
    hidden: sparse.csr_array | None

    @property
    def n_shown(self) -> int:
        """Number of entries that are not missing; those of a sparse matrix not stored included."""
        n_samples, n_features = self.values.shape
        return int(n_samples) * int(n_features) - (0 if self.hidden is None else self.hidden.nnz)

    @property
    def mean(self) -> float:
        """Mean of the entries that are not missing; 0 where all are."""
        values: Any = self.values.data if sparse.issparse(self.values) else self.values
        return float(values.sum(dtype=np.float64)) / max(self.n_shown, 1)

    @property
    def has_zeros(self) -> bool:
        """Whether an entry that is not missing is 0."""
        values = self.values.data if sparse.issparse(self.values) else self.values
        return int(np.count_nonzero(values)) < self.n_shown


def nonnegative_entries(
    estimator: Any,
    X: Any,
    *,
    mask: Any = None,
    missing_values: float = np.nan,
    reset: bool,
) -> NonnegativeEntries:
    """Return the entries of `X` and the places of those that are missing.

    Parameters
    ----------
    estimator : estimator
        Whose `n_features_in_` is set or compared, and whose name is in error messages.

    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        Entries equal to `missing_values` are missing, stored ones in a sparse matrix, and those
        that a masked array masks. What a sparse matrix does not store is 0.

    mask : {array-like, sparse matrix} of bool, shape (n_samples, n_features), default=None
        True where an entry is missing besides.

    missing_values : float, default=nan
        Stands for a missing entry. Unless it is NaN, NaN is refused.

    reset : bool
        True in `fit`: learn number and names of the columns. False: compare them.

    Returns
    -------
    NonnegativeEntries
        `values` may share memory with `X`, so it is for reading only.

    Raises
    ------
    ValueError
        If an entry is negative, infinite, or NaN where that does not mean missing, or `mask` has
        another shape.
    """
    if np.ma.isMaskedArray(X):
        own_mask = np.ma.getmaskarray(X)
        mask = own_mask if mask is None else own_mask | _dense(mask)
        X = np.where(own_mask, np.zeros((), X.dtype), np.ma.getdata(X))
    X = _of_floats(X)
    missing_values = float(missing_values)
    means_missing = bool(np.isnan(missing_values))
    X = validated_matrix(
        estimator,
        X,
        reset=reset,
        accept_sparse="csr",
        dtype=[np.float64, np.float32],
        ensure_all_finite="allow-nan" if means_missing else True,
    )
    X = _of_floats(X)  # which a frame of sparse columns was not before
    if sparse.issparse(X):
        if not X.has_canonical_format:
            X = X.copy()
            X.sum_duplicates()
        X = sparse.csr_array(X)
    stored = X.data if sparse.issparse(X) else X
    # One pass over dense entries where none is missing.
    if means_missing:
        missing = np.isnan(stored) if np.isnan(stored.sum()) else None
    else:
        missing = stored == stored.dtype.type(missing_values)
        if reset and missing_values == 0 and sparse.issparse(X) and X.nnz < np.prod(X.shape):
            _require_stored_zero(bool(missing.any()))
    hidden = _places(X, missing)
    if mask is not None:
        masked = _masked_places(mask, X.shape)
        hidden = masked if hidden is None else _ordered(hidden + masked)
    if hidden is not None and hidden.nnz == 0:
        hidden = None
    if hidden is not None:
        X = _without(X, hidden)
    refuse_negative(
        X,
        estimator,
        "a sum of non-negative parts cannot approximate it; shift or clip X, or use "
        "TruncatedSVDReducer",
    )
    return NonnegativeEntries(X, hidden)


def _of_floats(X: Any) -> Any:
    """Return a sparse matrix of floating-point numbers: sums of repeated entries fit in these."""
    if sparse.issparse(X) and X.dtype.kind in "biu":
        return X.astype(np.float64)
    return X


def _dense(mask: Any) -> NDArray[np.bool_]:
    return np.asarray(mask.toarray() if sparse.issparse(mask) else mask, dtype=bool)


def _places(X: Any, missing: NDArray[np.bool_] | None) -> sparse.csr_array | None:
    """Places of missing entries among those of a dense, or stored ones of a sparse matrix."""
    if missing is None:
        return None
    if not sparse.issparse(X):
        return _ordered(sparse.csr_array(missing))
    rows = np.repeat(np.arange(X.shape[0]), np.diff(X.indptr))[missing]
    columns = X.indices[missing]
    ones = np.ones(len(rows), dtype=bool)
    return _ordered(sparse.csr_array((ones, (rows, columns)), shape=X.shape))


def _masked_places(mask: Any, shape: tuple[int, int]) -> sparse.csr_array:
    mask = check_array(mask, accept_sparse="csr", dtype=bool, input_name="mask")
    if mask.shape != shape:
        raise ValueError(f"mask has shape {mask.shape}; it must have the shape {shape} of X")
    places = sparse.csr_array(mask)
    places.eliminate_zeros()
    return _ordered(places)


def _ordered(places: sparse.csr_array) -> sparse.csr_array:
    places.sum_duplicates()
    places.sort_indices()
    return places


def _without(X: Any, hidden: sparse.csr_array) -> Any:
    """Zeros in the places of missing entries, in a copy."""
    rows = np.repeat(np.arange(X.shape[0]), np.diff(hidden.indptr))
    if not sparse.issparse(X):
        X = X.copy()
        X[rows, hidden.indices] = 0
        return X
    # Stored entries that are hidden: by their place in a matrix written row after row.
    width = X.shape[1]
    stored_rows = np.repeat(np.arange(X.shape[0], dtype=np.int64), np.diff(X.indptr))
    gone = np.isin(stored_rows * width + X.indices, rows.astype(np.int64) * width + hidden.indices)
    kept = ~gone
    counts = np.bincount(stored_rows[kept], minlength=X.shape[0])
    indptr = np.concatenate([[0], np.cumsum(counts)]).astype(X.indptr.dtype)
    return sparse.csr_array((X.data[kept], X.indices[kept], indptr), shape=X.shape)


def _require_stored_zero(stores_zero: bool) -> None:
    """Refuse zeros as missing entries of a sparse matrix that has none but absent entries."""
    if not stores_zero:
        raise ValueError(
            "missing_values=0, and the sparse X stores no zero: what it does not store counts as 0 "
            "and is not missing; pass X.toarray() if all zeros are missing, leave missing_values "
            "out if none is, or take MaskedMF(nonnegative=True), where absent entries are missing"
        )
