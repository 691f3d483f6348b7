"""Labels of any kind as consecutive numbers, and back."""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.intp]

_LARGEST_INT64 = 2.0**63
_LARGEST_EXACT = 2**53  # above it, not every integer is a float64


@dataclass(frozen=True, eq=False)
class LabelIndex:
    """Distinct labels, each with its number.

    Labels are one if Python finds them equal with the same hash: 1, 1.0 and True are, 1 and "1"
    are not.

    Attributes
    ----------
    labels : ndarray of shape (n_labels,)
        Ascending where they can be compared with each other, else in order of appearance. int64
        or float64 for numbers of one kind; objects for all else.
    """

    labels: NDArray[Any]
    _numbers: dict[Hashable, int] = field(repr=False)

    @classmethod
    def from_values(cls, values: NDArray[Any]) -> tuple[Self, Codes]:
        """Number the distinct labels of a column.

        Parameters
        ----------
        values : ndarray of shape (n,)
            Labels, as returned by `label_column`.

        Returns
        -------
        LabelIndex
            The labels.

        codes : ndarray of int, shape (n,)
            Number of each label in the column.
        """
        if values.dtype != object:
            labels, codes = np.unique(values, return_inverse=True)
            return cls(labels, {}), codes.reshape(-1).astype(np.intp, copy=False)
        numbers: dict[Hashable, int] = {}
        listed = values.tolist()
        for value in listed:
            numbers.setdefault(value, len(numbers))
        order = _ascending(list(numbers))
        numbers = {label: number for number, label in enumerate(order)}
        return cls(_objects(order), numbers), _looked_up(numbers, listed)

    def numbers_of(self, values: NDArray[Any]) -> Codes:
        """Return the number of each label in a column.

        Parameters
        ----------
        values : ndarray of shape (n,)
            Labels, as returned by `label_column`.

        Returns
        -------
        ndarray of int, shape (n,)
            -1 for labels that are not among `labels`.
        """
        if self.labels.dtype == object:
            return _looked_up(self._numbers, values.tolist())
        if values.dtype == object:
            numbers = {label: number for number, label in enumerate(self.labels.tolist())}
            return _looked_up(numbers, values.tolist())
        exact = np.ones(len(values), dtype=bool)
        if values.dtype != self.labels.dtype:
            values, exact = _converted(values, self.labels.dtype)
        at = np.minimum(np.searchsorted(self.labels, values), len(self.labels) - 1)
        return np.where(exact & (self.labels[at] == values), at, -1)


def label_column(values: Any, name: str) -> NDArray[Any]:
    """Return a column of labels as an array that `LabelIndex` takes.

    Parameters
    ----------
    values : ndarray or iterable of shape (n,)
        Labels of any hashable type.

    name : str
        Name of the column, for error messages.

    Returns
    -------
    ndarray of shape (n,)
        int64 or float64 where all labels are integers or all are floats, else objects.

    Raises
    ------
    ValueError
        If a label is missing (NaN, NaT, NA or None), or infinite.

    TypeError
        If a label cannot be hashed.
    """
    column = values if isinstance(values, np.ndarray) else _objects(values)
    if column.dtype == object:
        column = _numbers_of_one_kind(column)
    kind = column.dtype.kind
    if kind in "biu" and (kind != "u" or column.dtype.itemsize < 8):
        return column.astype(np.int64, copy=False)
    if kind == "f" and column.dtype.itemsize <= 8:
        if not np.isfinite(column).all():
            raise ValueError(
                f"{name} of X contains NaN, infinity or a value too large for float64; labels must "
                "be finite: drop these rows, or give them a label"
            )
        return column.astype(np.float64, copy=False)
    if kind == "c":
        raise ValueError(f"Complex data not supported: {name} of X has dtype {column.dtype}")
    column = _objects(column) if kind in "mM" else column.astype(object, copy=False)
    _require_labels(column, name)
    return column


def _numbers_of_one_kind(column: NDArray[Any]) -> NDArray[Any]:
    """An array of numbers, if objects are just that."""
    kinds = set(map(type, column.tolist()))
    if kinds and all(issubclass(kind, int | np.integer) for kind in kinds):
        try:
            return column.astype(np.int64)
        except OverflowError:
            return column
    if kinds and all(issubclass(kind, float | np.floating) for kind in kinds):
        return column.astype(np.float64)
    return column


def _require_labels(column: NDArray[Any], name: str) -> None:
    try:
        distinct = set(column.tolist())
    except TypeError as error:
        raise TypeError(
            f"{name} of X has a label that cannot be hashed ({error}); a label in this "
            "argument must be hashable, such as strings, numbers or tuples"
        ) from error
    for label in distinct:
        if _is_missing(label):
            raise ValueError(
                f"{name} of X contains NaN or another missing label ({label!r}); drop these rows, "
                "or give them a label"
            )


def _is_missing(label: Any) -> bool:
    if label is None:
        return True
    different = label != label  # nothing else differs from itself
    # The comparison with pandas.NA is NA, neither true nor false.
    if isinstance(different, bool | np.bool_):
        return bool(different)
    return type(different).__name__ == "NAType"


def _ascending(labels: list[Any]) -> list[Any]:
    try:
        return sorted(labels)
    except TypeError:
        return labels


def _objects(values: Iterable[Any]) -> NDArray[Any]:
    """One-dimensional also where the labels are sequences."""
    return np.fromiter(values, dtype=object)


def _looked_up(numbers: dict[Hashable, int], values: list[Any]) -> Codes:
    return np.fromiter(map(numbers.get, values, repeat(-1)), dtype=np.intp, count=len(values))


def _converted(values: NDArray[Any], dtype: Any) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Integers as floats or the reverse, and which of them came through unchanged."""
    if values.dtype.kind == "f":
        exact = (values == np.floor(values)) & (np.abs(values) < _LARGEST_INT64)
        return np.where(exact, values, 0).astype(dtype), exact
    return values.astype(dtype), np.abs(values) <= _LARGEST_EXACT
