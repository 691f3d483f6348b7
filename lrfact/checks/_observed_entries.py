"""Which entries of a matrix with holes are observed, whatever it came in."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils import check_array

from lrfact._typing import Array
from lrfact.checks._long_table import warn_of_long_table
from lrfact.checks._matrix_input import validated_matrix


def observed_entries(
    estimator: Any,
    X: Any,
    *,
    missing_values: float = np.nan,
    reset: bool,
    **options: Any,
) -> sparse.csr_array:
    """Return the observed entries of `X` as a sparse matrix that stores these and no others.

    Parameters
    ----------
    estimator : estimator or str
        Whose `n_features_in_` is set or compared, and whose name is in error messages; of a
        function the name alone.

    X : array-like or sparse matrix of shape (n_samples, n_features)
        Dense: entries equal to `missing_values` are missing, and those that a masked array masks.
        Sparse: what is not stored is missing, and what is stored is observed, zeros included,
        unless it equals `missing_values`. A frame of sparse columns filled with 0 counts as sparse.

    missing_values : float, default=nan
        Stands for a missing entry. Unless it is NaN, NaN is refused; stored NaN is always refused.

    reset : bool
        True in `fit`: learn number and names of the columns. False: compare them. Not read for a
        function.

    **options : dict
        More parameters of `sklearn.utils.check_array`.

    Returns
    -------
    csr_array of shape (n_samples, n_features)
        float32 if `X` is, else float64; sorted within rows, no entry twice. It may share memory
        with `X`, so it is for reading only.

    Raises
    ------
    ValueError
        If `X` is infinite, or NaN where that does not mean missing, has a pair twice, or the
        wrong number of columns.

    TypeError
        If `X` is sparse by blocks or by diagonals, formats that store what nobody has observed.

    Warns
    -----
    UserWarning
        In `fit`, if `X` looks like a long table of row numbers, column numbers and values.
    """
    entries = _observed(estimator, X, missing_values, reset, options)
    if reset and not isinstance(estimator, str):
        warn_of_long_table(X, type(estimator).__name__)
    return entries


def _observed(
    estimator: Any, X: Any, missing_values: float, reset: bool, options: dict[str, Any]
) -> sparse.csr_array:
    if sparse.issparse(X):
        return _stored_entries(estimator, X, missing_values, reset=reset, **options)
    if np.ma.isMaskedArray(X):
        X = _nan_for_masks(X, missing_values)
    if hasattr(X, "sparse") and any(kind.fill_value != 0 for kind in X.dtypes):
        X = X.sparse.to_dense()  # a frame; scikit-learn takes those that are filled with 0 only
    missing_values = float(missing_values)  # a NumPy number would widen a float32 X to compare
    means_missing = bool(np.isnan(missing_values))
    X = validated_matrix(
        estimator,
        X,
        reset=reset,
        dtype=[np.float64, np.float32],
        accept_sparse="csr",
        ensure_all_finite="allow-nan" if means_missing else True,
        **options,
    )
    if sparse.issparse(X):  # a frame of sparse columns filled with 0
        return _without(missing_values, sparse.csr_array(X))
    with np.errstate(over="ignore"):  # float32 entries equal no number beyond float32
        rows, columns = np.nonzero(~np.isnan(X) if means_missing else missing_values != X)
    counts = np.bincount(rows, minlength=X.shape[0])
    index = np.int64 if len(rows) > np.iinfo(np.int32).max else np.int32
    indptr = np.concatenate([[0], np.cumsum(counts)]).astype(index)
    return sparse.csr_array((X[rows, columns], columns.astype(index), indptr), shape=X.shape)


def require_stored_entries(X: Any, name: str) -> None:
    """Refuse sparse formats in which to be stored does not mean to be observed.

    Parameters
    ----------
    X : sparse matrix
        Matrix to check.

    name : str
        Name of the estimator, for the message.

    Raises
    ------
    TypeError
        If `X` is sparse by blocks or by diagonals.
    """
    if X.format in ("bsr", "dia"):
        raise TypeError(
            f"{name} takes what a sparse matrix stores as observed, but the format "
            f"{X.format!r} stores zeros that nobody observed, or drops some that were; pass "
            "X.tocsr() if its stored entries are the observed ones"
        )


def _stored_entries(
    estimator: Any, X: Any, missing_values: float, *, reset: bool, **options: Any
) -> sparse.csr_array:
    require_stored_entries(X, estimator if isinstance(estimator, str) else type(estimator).__name__)
    n_stored = X.nnz
    X = validated_matrix(
        estimator,
        X,
        reset=reset,
        dtype=[np.float64, np.float32],
        accept_sparse="csr",
        **options,
    )
    if not X.has_canonical_format:
        # A csr matrix keeps pairs twice; conversion from other formats has added them up.
        X = sparse.csr_array(X, copy=True)
        X.sum_duplicates()
    if X.nnz != n_stored:
        raise ValueError(
            f"X stores {n_stored} entries for {X.nnz} (row, column) pairs; average or drop the "
            "duplicates first, or pass pairs and values to EntryRegressor, which does so"
        )
    return _without(missing_values, sparse.csr_array(X))


def _without(missing_values: float, entries: sparse.csr_array) -> sparse.csr_array:
    """Stored entries without those that stand for missing ones, as in dense input."""
    with np.errstate(over="ignore"):
        observed = entries.data != float(missing_values)
    if observed.all():
        return entries
    kept = np.concatenate([[0], np.cumsum(observed)])
    indptr = kept[entries.indptr].astype(entries.indptr.dtype)
    chosen = (entries.data[observed], entries.indices[observed], indptr)
    return sparse.csr_array(chosen, shape=entries.shape)


def _nan_for_masks(X: Any, missing_values: float) -> Array:
    """Plain array of a masked one; scikit-learn would drop the mask without a word."""
    kind = X.dtype if X.dtype in (np.float32, np.float64) else np.float64
    filled = np.ma.getdata(X).astype(kind)
    filled[np.ma.getmaskarray(X)] = missing_values
    return filled


def with_values(entries: sparse.csr_array, values: Array) -> sparse.csr_array:
    """Return a matrix of other values at the same places.

    Parameters
    ----------
    entries : csr_array of shape (n_rows, n_columns)
        Positions of the entries.

    values : ndarray of shape (nnz,)
        In the order of `entries`.

    Returns
    -------
    csr_array of shape (n_rows, n_columns)
        `entries` itself where the values are its own.
    """
    if values is entries.data:
        return entries
    return sparse.csr_array((values, entries.indices, entries.indptr), entries.shape)


def entry_weights(weights: Any, entries: sparse.csr_array) -> Array:
    """Return the weight of each observed entry.

    Parameters
    ----------
    weights : array-like or sparse matrix of shape (n_samples, n_features)
        Positive where an entry is observed; not read elsewhere.

    entries : csr_array of shape (n_samples, n_features)
        The observed entries.

    Returns
    -------
    ndarray of shape (nnz,)
        In the order and dtype of `entries`.

    Raises
    ------
    ValueError
        If the shape differs, or a weight is not positive and finite.
    """
    weights = check_array(
        weights,
        accept_sparse="csr",
        dtype=entries.dtype,
        ensure_all_finite=False,
        input_name="entry_weight",
    )
    if weights.shape != entries.shape:
        raise ValueError(f"entry_weight has shape {weights.shape}; it must have {entries.shape}")
    rows = np.repeat(np.arange(entries.shape[0]), np.diff(entries.indptr))
    if sparse.issparse(weights):
        of_entries = _at(sparse.csr_array(weights), rows, entries.indices)
    else:
        of_entries = weights[rows, entries.indices]
    sound = np.isfinite(of_entries) & (of_entries > 0)
    if not sound.all():
        first = int(np.argmin(sound))
        raise ValueError(
            f"entry_weight must be positive and finite where X is observed, but is "
            f"{of_entries[first]} at row {rows[first]}, column {entries.indices[first]}; leave out "
            "of X what is to have no weight"
        )
    return np.ascontiguousarray(of_entries)


def _at(matrix: sparse.csr_array, rows: NDArray[Any], columns: NDArray[Any]) -> Array:
    """Stored values at some places; 0 where nothing is stored."""
    matrix = matrix.copy()
    matrix.sum_duplicates()
    width = matrix.shape[1]
    stored_rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    keys = stored_rows.astype(np.int64) * width + matrix.indices
    wanted = rows.astype(np.int64) * width + columns
    at = np.minimum(np.searchsorted(keys, wanted), max(len(keys) - 1, 0))
    if not len(keys):
        return np.zeros(len(wanted), dtype=matrix.dtype)
    return np.where(keys[at] == wanted, matrix.data[at], 0)
