"""Validation of a matrix by scikit-learn, for containers and dtypes that it reads wrongly."""

from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils import check_array
from sklearn.utils.validation import validate_data

from lrfact.checks._column_labels import check_column_labels


def validated_matrix(estimator: Any, X: Any, *, reset: bool, **options: Any) -> Any:
    """Validate a matrix as `sklearn.utils.validation.validate_data` does.

    Parameters
    ----------
    estimator : estimator or str
        Estimator whose `n_features_in_` and column names are set or compared, and whose name is in
        error messages. The name alone for a function.

    X : array-like, DataFrame or sparse matrix of shape (n_samples, n_features)
        Input of `fit` or `predict`. A DataFrame may have sparse columns of any dtype and fill
        value. A sparse matrix of a small dtype is converted before repeated entries are added, so
        that their sum cannot overflow.

    reset : bool
        True in `fit`: learn the number and the names of the columns. False: compare them. Ignored
        for a function.

    **options : dict
        Further parameters of `sklearn.utils.check_array`.

    Returns
    -------
    {ndarray, sparse matrix} of shape (n_samples, n_features)
        Validated matrix, as returned by `check_array`.

    Raises
    ------
    ValueError
        If `check_array` refuses the input, or the columns are not those of `fit`.
    """
    matrix = _plain(X)
    if isinstance(estimator, str):
        return check_array(matrix, estimator=estimator, **{"input_name": "X", **options})
    if matrix is X or sparse.issparse(X):
        checked = validate_data(estimator, matrix, reset=reset, **options)
    else:
        # The names are those of the DataFrame.
        validate_data(estimator, X, reset=reset, skip_check_array=True)
        checked = check_array(matrix, estimator=estimator, input_name="X", **options)
    check_column_labels(estimator, X, reset=reset)
    return checked


def _plain(X: Any) -> Any:
    """Replace containers whose conversion by scikit-learn fails or loses values."""
    if sparse.issparse(X):
        return with_wide_dtype(X)
    if _has_sparse_columns(X):
        return _sparse_columns(X)
    return X


def with_wide_dtype(X: Any) -> Any:
    """Return a sparse matrix in float64 if its dtype is small; all else as it is.

    Parameters
    ----------
    X : object
        Input, before any conversion.

    Returns
    -------
    object
    """
    if not sparse.issparse(X):
        return X
    # SciPy adds repeated entries of a COO matrix in its own dtype: 256 ones of uint8 become 0, and
    # of bool 1.
    return X.astype(np.float64) if X.dtype.kind in "biu" or X.dtype == np.float16 else X


def _has_sparse_columns(X: Any) -> bool:
    """Return whether `X` is a pandas DataFrame of sparse columns only."""
    if not hasattr(X, "iloc") or getattr(X, "ndim", 0) != 2 or X.shape[1] == 0:
        return False
    return all(hasattr(dtype, "fill_value") and hasattr(dtype, "subtype") for dtype in X.dtypes)


def _sparse_columns(X: Any) -> Any:
    """Return a DataFrame of sparse columns as CSC; as ndarray where absent values are not 0."""
    columns = [X.iloc[:, at].array for at in range(X.shape[1])]
    kinds = [column.dtype.subtype for column in columns]
    dtype = np.float32 if all(kind == np.float32 for kind in kinds) else np.float64
    if any(column.fill_value != 0 for column in columns):
        dense = [np.asarray(column.to_dense(), dtype=dtype) for column in columns]
        return np.column_stack(dense) if len(X) else np.empty(X.shape, dtype)
    indptr = np.cumsum([0] + [len(column.sp_values) for column in columns])
    return sparse.csc_array(
        (
            np.concatenate([np.asarray(column.sp_values, dtype=dtype) for column in columns]),
            np.concatenate([column.sp_index.to_int_index().indices for column in columns]),
            indptr,
        ),
        shape=X.shape,
    )
