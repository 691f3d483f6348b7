"""A long table of row, column and value, given where a matrix is expected."""

import re
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

# Row number, column number, value, and perhaps a time.
_WIDTHS = (3, 4)

# Minimum lines for each distinct row or column number; fewer suffice with names of identifiers.
_FEWEST_REPEATS = 4
_FEWEST_LINES = 20

_NUMBERED = re.compile(r"(?i:(^|[\W_])(ids?|idx|index|code|key|no|number)$)|[a-z]I[Dd]$")
_OF_ROWS = re.compile(r"(?i)^(user|customer|client|person|document|doc|row|i)s?$")
_OF_COLUMNS = re.compile(
    r"(?i)^(item|movie|film|book|song|track|artist|product|article|word|term|column|col|j)s?$"
)


def warn_of_long_table(X: Any, name: str) -> None:
    """Warn where the first two columns look like identifiers of rows and columns.

    Parameters
    ----------
    X : array-like or sparse matrix of shape (n_samples, n_features)
        Matrix passed to `fit`.

    name : str
        Name of the estimator.

    Warns
    -----
    UserWarning
        If `X` has three or four columns, of which the first two are whole numbers from 0 without
        missing entries, and are named like identifiers, as "user_id" and "item", or both repeat and
        no pair of them occurs twice.
    """
    if sparse.issparse(X) or len(getattr(X, "shape", ())) != 2 or X.shape[1] not in _WIDTHS:
        return
    names = [str(column) for column in getattr(X, "columns", ())][:2]
    named = len(names) == 2 and _are_names_of_identifiers(*names)
    if len(X) < (2 if named else _FEWEST_LINES):
        return
    pairs = _first_two(X)
    if pairs is None or not _are_identifiers(pairs, named=named):
        return
    shown = " and ".join(map(repr, names)) if names else "the first two"
    warnings.warn(
        f"X has {X.shape[1]} columns, of which {shown} look like identifiers of rows and columns; "
        f"{name} takes a matrix with a row for each user and a column for each item. For a long "
        "table of (row, column, value) use EntryRegressor, with the first two columns as X and the "
        "values as y",
        UserWarning,
        stacklevel=2,
    )


def _are_names_of_identifiers(first: str, second: str) -> bool:
    if _NUMBERED.search(first) and _NUMBERED.search(second):
        return True
    return any(
        _OF_ROWS.search(one) and _OF_COLUMNS.search(other)
        for one, other in ((first, second), (second, first))
    )


def _first_two(X: Any) -> NDArray[Any] | None:
    """The first two columns as an array, if they are numbers."""
    if hasattr(X, "iloc"):
        X = X.iloc[:, :2]
    elif hasattr(X, "get_columns"):
        X = X[:, :2]
    try:
        return np.asarray(X, dtype=np.float64)[:, :2]
    except (TypeError, ValueError):
        return None


def _are_identifiers(pairs: NDArray[Any], *, named: bool) -> bool:
    with np.errstate(invalid="ignore"):
        whole = (pairs >= 0) & (pairs < 2**53) & (pairs == np.floor(pairs))
    if not whole.all():
        return False
    n_lines = len(pairs)
    rows, columns = (np.unique(pairs[:, at], return_inverse=True) for at in (0, 1))
    distinct = len(rows[0]), len(columns[0])
    if max(distinct) * (1 if named else _FEWEST_REPEATS) > n_lines or min(distinct) < 2:
        return False
    if named:
        return True  # a log of events has pairs twice
    keys = rows[1].reshape(-1).astype(np.int64) * distinct[1] + columns[1].reshape(-1)
    return len(np.unique(keys)) == n_lines
