"""What is known of the columns of a table beside its entries."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from lrfact._typing import Array
from lrfact.checks._matrix_input import validated_matrix


def column_features(
    features: Any, n_columns: int, names: NDArray[Any] | None, dtype: np.dtype
) -> Array | sparse.csr_array:
    """Return features of columns as numbers, in the order of the columns.

    Parameters
    ----------
    features : {array-like, sparse matrix} of shape (n_columns, n)
        Features of the columns. A DataFrame with an index of strings must have the names of the
        columns in its index, if they have names.

    n_columns : int
        Number of columns of the table.

    names : ndarray of shape (n_columns,) or None
        Their names.

    dtype : dtype
        Number of rows and columns of the table.

    Returns
    -------
    ndarray or csr_array of shape (n_columns, n)
        In `dtype`.

    Raises
    ------
    ValueError
        If it is not one row for each column, in their order, or there are NaN or infinite values.
    """
    checked = validated_matrix(
        "fit",
        features,
        reset=False,
        accept_sparse="csr",
        dtype=dtype,
        input_name="column_features",
    )
    if checked.shape[0] != n_columns:
        raise ValueError(
            f"column_features has {checked.shape[0]} rows, but X has {n_columns} columns: it takes "
            "a row of features for each column of X, in their order"
        )
    labels = _labels(features)
    if names is not None and labels is not None and not np.array_equal(labels, names):
        raise ValueError(
            "the index of column_features is not the columns of X in their order; pass "
            "column_features.loc[X.columns]"
        )
    return checked


def _labels(features: Any) -> NDArray[Any] | None:
    """Index of a frame, if it is one of strings."""
    index = getattr(features, "index", None)
    if index is None or callable(index):  # a list has a method of this name
        return None
    labels = np.asarray(index, dtype=object)
    return labels if all(isinstance(label, str) for label in labels) else None
