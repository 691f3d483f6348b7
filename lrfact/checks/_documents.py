"""Texts told from matrices, and what is wrong with either."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy import sparse

_BYTES = (
    "{what} holds bytes, and a search compares text: decode them first, for example "
    "[text.decode('utf-8') for text in X]"
)


# How None, NaN, and what pandas has for them are written.
_MISSING = ("None", "nan", "<NA>", "NaT")


def as_texts(X: Any, *, what: str = "X") -> list[str] | None:
    """Return documents as a list of strings, or None where `X` is a matrix.

    Parameters
    ----------
    X : object
        A list, tuple, iterator, array or column of strings, of NumPy, pandas, polars or Arrow, or
        anything else.

    what : str, default="X"
        Name of the object in error messages.

    Returns
    -------
    list of str or None
        None says no more than that it is no text; whether it is a matrix is for others to say.

    Raises
    ------
    TypeError
        If it is a single string, a dict or a set, or holds bytes, strings beside other things, or
        lists of words.

    ValueError
        If there is no document, or strings in more than one column.
    """
    X = python_values(X)
    if isinstance(X, str):
        raise TypeError(
            f"{what} is a single string, whose documents would be its letters; give a list of "
            f"texts: [{what}]"
        )
    if isinstance(X, bytes | bytearray):
        raise TypeError(_BYTES.format(what=what))
    if sparse.issparse(X):
        return None
    if isinstance(X, dict):
        raise TypeError(f"{what} is a dict; give its texts: list({what}.values())")
    if isinstance(X, set | frozenset):
        raise TypeError(
            f"{what} is a set, whose order is another in each run; give a list: sorted({what})"
        )
    if isinstance(X, Iterator) or _is_unsized(X):
        X = list(X)
    elif len(getattr(X, "shape", (1,))) != 1:
        _refuse_table_of_texts(X, what)
        return None
    kind = getattr(getattr(X, "dtype", None), "kind", None)
    if kind == "S":
        raise TypeError(_BYTES.format(what=what))
    if kind is not None and kind in "biufc":
        return None
    if not hasattr(X, "__len__"):
        return None
    items = [python_value(item) for item in X]
    if not items:
        raise ValueError(f"{what} has no documents; give at least one")
    if not any(isinstance(item, str | bytes | bytearray) for item in items):
        _refuse_lists_of_words(items, what)
        return None
    for place, item in enumerate(items):
        if isinstance(item, bytes | bytearray):
            raise TypeError(_BYTES.format(what=what))
        if not isinstance(item, str):
            missing = str(item) in _MISSING
            advice = (
                "put '' where there is no text" if missing else "every document must be a string"
            )
            raise TypeError(f"{what}[{place}] is {item!r}, no string; {advice}")
    return [str(item) for item in items]


def python_values(values: Any) -> Any:
    """Return an array of Arrow as a list of Python's own values, and anything else as it is."""
    # Without importing pyarrow, which few have: tables of it have no type.
    if hasattr(values, "to_pylist") and hasattr(values, "type"):
        return values.to_pylist()
    return python_value(values)


def python_value(value: Any) -> Any:
    """Return a string in a scalar of Arrow or NumPy as one of Python, as any scalar of Arrow."""
    if isinstance(value, str):
        return value
    if hasattr(value, "as_py"):
        return value.as_py()
    if getattr(value, "shape", None) == () and getattr(value.dtype, "kind", "") in "UT":
        return value.item()
    return value


def is_one_row(X: Any) -> bool:
    """Return whether `X` is an array of one dimension that holds numbers."""
    kind = getattr(getattr(X, "dtype", None), "kind", "O")
    return getattr(X, "ndim", 0) == 1 and kind in "biuf" and hasattr(X, "reshape")


def _is_unsized(X: Any) -> bool:
    return hasattr(X, "__iter__") and not hasattr(X, "__len__") and not hasattr(X, "__array__")


def _refuse_lists_of_words(items: list[Any], what: str) -> None:
    for place, item in enumerate(items):
        if isinstance(item, list | tuple) and any(isinstance(word, str) for word in item):
            raise TypeError(
                f"{what}[{place}] is a {type(item).__name__} of strings, and a document is one "
                f"string: join its words, for example [' '.join(words) for words in {what}]"
            )


def _refuse_table_of_texts(X: Any, what: str) -> None:
    first_row: Any = np.ravel(np.asarray(X[:1], dtype=object)) if np.shape(X) else ()
    if any(isinstance(cell, str) for cell in first_row):
        raise ValueError(
            f"{what} is a table of texts; give one of its columns, or join the columns of each row "
            "to one string"
        )
