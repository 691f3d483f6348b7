"""Pairs of labels, one of a row and one of a column, from whatever table they come in."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils.validation import validate_data

from lrfact.checks._label_index import label_column


def label_pairs(
    estimator: Any, X: Any, y: Any = "no_validation", *, reset: bool
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the two columns of labels of a long table.

    Parameters
    ----------
    estimator : estimator
        Whose `n_features_in_` is set or compared, and whose name is in error messages.

    X : {array-like, DataFrame} of shape (n_samples, 2), or iterable of pairs
        Labels of row and column.

    y : array-like, default="no_validation"
        In `fit`: the values, which must not be None.

    reset : bool
        True in `fit`: learn number and names of the columns. False: compare them.

    Returns
    -------
    rows, columns : ndarray of shape (n_samples,)
        Labels, as accepted by `LabelIndex`.

    Raises
    ------
    ValueError
        If there are not two columns, or no line, or a label is missing.

    TypeError
        If a label cannot be hashed, or `X` is sparse.
    """
    name = type(estimator).__name__
    if sparse.issparse(X):
        raise TypeError(f"{name} takes pairs of labels, not a sparse matrix; pass that to MaskedMF")
    require_unmasked(X, "X", "labels")
    columns, n_lines = _columns_of(X)
    shape = (n_lines, len(columns))
    if 0 in shape:
        raise _wrong_shape(shape, name)
    # Of an array it would look at the values too, but labels need not be numbers.
    table = X if hasattr(X, "columns") else np.empty(shape, dtype=bool)
    validate_data(estimator, table, y, reset=reset, skip_check_array=True)
    names = getattr(X, "columns", [f"column {at}" for at in range(len(columns))])
    labels = [label_column(column, str(name)) for column, name in zip(columns, names, strict=True)]
    if len(labels) != 2:
        raise _wrong_shape(shape, name)
    return labels[0], labels[1]


def require_unmasked(values: Any, name: str, what: str) -> None:
    """Refuse a masked array that masks something: a line has no missing parts.

    Parameters
    ----------
    values : object
        Input, before any conversion.

    name : str
        Name of the argument, for the message.

    what : str
        Name of the entries in error messages, in the plural.

    Raises
    ------
    ValueError
        If an entry is masked.
    """
    if np.ma.isMaskedArray(values) and np.ma.getmaskarray(values).any():
        raise ValueError(
            f"{name} is a masked array, and each line needs all its {what}: drop the lines that it "
            "masks"
        )


def _columns_of(X: Any) -> tuple[list[Any], int]:
    """The columns of a table, each as it is, and the number of lines."""
    if hasattr(X, "iloc") and X.ndim == 2:  # pandas
        return [X.iloc[:, at].to_numpy() for at in range(X.shape[1])], len(X)
    if hasattr(X, "get_columns"):  # polars
        return [column.to_numpy() for column in X.get_columns()], len(X)
    if hasattr(X, "__array__") or np.isscalar(X):
        table = np.asarray(X)
        if table.ndim != 2:
            raise ValueError(
                f"Expected 2D array, got {table.ndim}D array instead: X must have two columns, the "
                "labels of row and column. Reshape your data: a single pair by X.reshape(1, -1)."
            )
        return list(table.T), len(table)
    return _columns_of_lines(X)


def _columns_of_lines(X: Any) -> tuple[list[Any], int]:
    """The same of an iterable, which an array might turn into labels of one kind."""
    try:
        lines = list(X)
        lengths = set(map(len, lines))
    except TypeError as error:
        raise ValueError(
            "Expected 2D array: X must be a table of two columns or an iterable of pairs of labels"
        ) from error
    if str in set(map(type, lines)) or len(lengths) > 1:
        raise ValueError("Expected 2D array: all lines of X must be pairs of labels")
    # Not zip(*lines): a million arguments take seconds.
    width = max(lengths, default=0)
    return [[line[at] for line in lines] for at in range(width)], len(lines)


def _wrong_shape(shape: tuple[int, int], name: str) -> ValueError:
    n_samples, n_features = shape
    if n_features != 2 and n_samples:
        bound = "minimum" if n_features < 2 else "maximum"
        return ValueError(
            f"Found array with {n_features} feature(s) (shape={shape}) while a {bound} of 2 is "
            f"required by {name}: X must have two columns, the labels of row and column"
        )
    return ValueError(
        f"Found array with {n_samples} sample(s) (shape={shape}) while a minimum of 1 is required "
        f"by {name}; pass a line for each entry"
    )
