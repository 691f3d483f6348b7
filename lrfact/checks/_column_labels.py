"""Columns by their names, whatever kind of label these are."""

from collections.abc import Hashable
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrfact._typing import Indices

Labels = NDArray[Any]
_SHOWN = 3  # labels in a message


def check_column_labels(estimator: Any, X: Any, *, reset: bool) -> None:
    """Learn the column labels of a DataFrame, or compare them with those of `fit`.

    scikit-learn does so for names that are all strings, and ignores integers, dates and tuples.

    Parameters
    ----------
    estimator : estimator
        Estimator that remembers the labels.

    X : object
        Input, before any conversion.

    reset : bool
        True in `fit`: learn. False: compare.

    Raises
    ------
    ValueError
        If the labels differ from those of `fit`.
    """
    if reset:
        vars(estimator).pop("_fitted_column_labels", None)
        labels = None if hasattr(estimator, "feature_names_in_") else _labels_of(X)
        if labels is not None:
            estimator._fitted_column_labels = labels
        return
    expected = getattr(estimator, "_fitted_column_labels", None)
    labels = None if expected is None else _labels_of(X)
    if expected is None or labels is None or _same(labels, expected):
        return
    if _are_positions(labels):  # a DataFrame without names of its own
        return
    if _are_positions(expected) and not np.array_equal(np.sort(labels), expected):
        return  # fitted without names
    given, fitted = labels.tolist(), expected.tolist()
    at = next(i for i, pair in enumerate(zip(given, fitted, strict=True)) if not _equal(*pair))
    raise ValueError(
        f"the column labels of X should match those that were passed during fit, in the same "
        f"order: column {at} is {given[at]!r}, and was {fitted[at]!r}; pass "
        "X[fitted.columns] with the columns of the DataFrame that was fitted"
    )


def fitted_column_labels(estimator: Any) -> Labels | None:
    """Return the labels of the columns of a fitted estimator.

    Parameters
    ----------
    estimator : estimator
        The fitted estimator.

    Returns
    -------
    ndarray of shape (n_features,) or None
        None if the columns of `X` had none, or 0, 1, 2 and so on.
    """
    names = getattr(estimator, "feature_names_in_", None)
    if names is None:
        names = getattr(estimator, "_fitted_column_labels", None)
    return None if names is None or _are_positions(names) else np.asarray(names)


def column_index(estimator: Any, column: Any, n_features: int) -> int:
    """Return the index of a column from its name or its index.

    Parameters
    ----------
    estimator : estimator
        The fitted estimator.

    column : object
        Name of a column, or its index where no column has an integer as its name.

    n_features : int
        Number of columns.

    Returns
    -------
    int

    Raises
    ------
    ValueError
        If there is no such column, or more than one.
    """
    return _Lookup(fitted_column_labels(estimator), n_features)(column, "column")


def column_indices(estimator: Any, columns: Any, n_features: int, name: str) -> Indices:
    """Return the indices of distinct columns in ascending order.

    Parameters
    ----------
    estimator : estimator
        The fitted estimator.

    columns : array-like
        Names or indices, as `column_index` reads them, or a boolean mask of shape (n_features,).

    n_features : int
        Number of columns.

    name : str
        Name of the parameter, for error messages.

    Returns
    -------
    ndarray of int, shape (n_columns,)

    Raises
    ------
    ValueError
        If there is no such column, one is given twice, or a mask has another length.
    """
    if isinstance(columns, str | bytes):
        raise ValueError(f"{name}={columns!r} must be a list of columns; give [{columns!r}]")
    if np.ndim(columns) == 0 and not hasattr(columns, "__iter__"):
        raise ValueError(f"{name}={columns!r} has 0 dimensions; it must have one")
    given = columns if hasattr(columns, "dtype") else list(columns)
    numbers = _as_numbers(given)
    n_dimensions = 1 if numbers is None else numbers.ndim
    if numbers is None and any(isinstance(column, list | np.ndarray) for column in given):
        n_dimensions = 2
    if n_dimensions != 1:
        raise ValueError(f"{name} has {n_dimensions} dimensions; it must have one")
    if numbers is not None and numbers.dtype == bool:
        if len(numbers) != n_features:
            raise ValueError(
                f"{name} is a mask of length {len(numbers)}; it must have one entry for each of "
                f"the {n_features} columns"
            )
        return np.flatnonzero(numbers)
    labels = fitted_column_labels(estimator)
    if numbers is not None and (labels is None or all(isinstance(label, str) for label in labels)):
        if numbers.dtype.kind == "f":
            raise ValueError(f"{name} must hold names, integers or booleans, not {numbers.dtype}")
        found = np.sort(numbers).astype(np.intp)
        if len(found) and (found[0] < 0 or found[-1] >= n_features):
            raise ValueError(f"{name} must hold column indices from 0 to {n_features - 1}")
    else:
        lookup = _Lookup(labels, n_features)
        found = np.sort(np.array([lookup(column, name) for column in given], dtype=np.intp))
    repeated = np.flatnonzero(found[1:] == found[:-1])
    if len(repeated):
        raise ValueError(f"{name} holds a column twice: the one with index {found[repeated[0]]}")
    return found


class _Lookup:
    """Indices of columns by their labels, and by number where no label is one."""

    def __init__(self, labels: Labels | None, n_features: int) -> None:
        self.labels = labels
        self.n_features = n_features
        self.places: dict[Hashable, list[int]] = {}
        for place, label in enumerate([] if labels is None else labels.tolist()):
            self.places.setdefault(_key(label), []).append(place)
        self.numbers_are_names = any(isinstance(key, Integral | float) for key in self.places)

    def __call__(self, column: Any, name: str) -> int:
        if isinstance(column, Integral) and not self.numbers_are_names:
            if not 0 <= int(column) < self.n_features:
                raise ValueError(
                    f"{name}={column!r} must be an index from 0 to {self.n_features - 1}"
                )
            return int(column)
        try:
            found = self.places.get(_key(column), [])
        except TypeError:  # not hashable
            found = []
        if len(found) == 1:
            return found[0]
        if found:
            raise ValueError(
                f"{len(found)} columns are named {column!r}: those with indices {found}; give the "
                "columns distinct names before fit"
            )
        if self.labels is None:
            raise ValueError(
                f"there is no column named {column!r}: X had no column names in fit; give an index "
                f"from 0 to {self.n_features - 1}, or fit a DataFrame"
            )
        shown = ", ".join(map(repr, self.labels[:_SHOWN].tolist()))
        rest = ", ..." if self.n_features > _SHOWN else ""
        alternative = "a name" if self.numbers_are_names else "a name or an index"
        raise ValueError(
            f"there is no column named {column!r} among {shown}{rest}; give {alternative}"
        )


def _labels_of(X: Any) -> Labels | None:
    """Return the labels of a pandas DataFrame; integers as int64, all else as objects."""
    if not hasattr(X, "iloc") or not hasattr(X, "columns"):
        return None
    labels = np.fromiter(X.columns, dtype=object)  # tuples too are one label each
    if all(isinstance(label, Integral) and not isinstance(label, bool) for label in labels):
        try:
            return labels.astype(np.int64)
        except OverflowError:
            return labels
    return labels


def _are_positions(labels: Labels) -> bool:
    return labels.dtype == np.int64 and np.array_equal(labels, np.arange(len(labels)))


def _same(labels: Labels, others: Labels) -> bool:
    if len(labels) != len(others):
        return False
    if labels.dtype == others.dtype == np.int64:
        return bool(np.array_equal(labels, others))
    return all(map(_equal, labels.tolist(), others.tolist()))


def _equal(label: Any, other: Any) -> bool:
    return bool(_key(label) == _key(other))


def _key(label: Any) -> Any:
    """Return the label, or the word for those that equal nothing, not even themselves."""
    different = label != label
    if isinstance(different, bool | np.bool_):
        return "missing label" if different else label
    return "missing label" if type(different).__name__ == "NAType" else label


def _as_numbers(columns: Any) -> NDArray[Any] | None:
    """Return integers, floats or booleans as an array; None if some are something else."""
    if not hasattr(columns, "dtype") and not all(
        isinstance(column, Integral | np.bool_ | float) for column in columns
    ):
        return None
    numbers = np.asarray(columns)
    if numbers.size == 0:
        return np.empty(0, dtype=np.intp) if numbers.ndim == 1 else numbers
    return numbers if numbers.dtype.kind in "biuf" else None
