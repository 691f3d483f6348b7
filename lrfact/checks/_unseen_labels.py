"""What is said of labels that a fit has not seen: how many, an example, and the likely cause."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrfact._typing import Mask
from lrfact.checks._label_index import LabelIndex

# Of the lines: so many unseen labels of one column hardly come from a random split.
_MANY = 0.5

# Of fewer lines nothing of the kind can be said.
_FEWEST_LINES = 10

# So many lines known with their labels the other way round are no coincidence.
_NEARLY_ALL = 0.9

_KINDS = {"i": "integers", "f": "floats", "int": "integers", "float": "floats", "str": "strings"}


@dataclass(frozen=True)
class UnseenLabels:
    """A description in two parts, for a warning or an error.

    Attributes
    ----------
    found : str
        Number of lines with unseen labels, and the first one; without a full stop.

    advice : str
        Advice to the user.
    """

    found: str
    advice: str


def describe_unseen(
    known: tuple[LabelIndex, LabelIndex],
    given: tuple[NDArray[Any], NDArray[Any]],
    seen: tuple[Mask, Mask],
) -> UnseenLabels:
    """Describe labels that are not among those of a fit.

    Parameters
    ----------
    known : tuple of two LabelIndex
        Labels of rows and of columns.

    given : tuple of two ndarray of shape (n,)
        Labels of the lines.

    seen : tuple of two ndarray of bool, shape (n,)
        Masks of known labels; at least one label is unknown.

    Returns
    -------
    UnseenLabels
    """
    n_lines = len(seen[0])
    unseen = ~(seen[0] & seen[1])
    first = int(np.argmax(unseen))
    which = " and ".join(
        side for side, of_side in zip(("row", "column"), seen, strict=True) if not of_side[first]
    )
    found = (
        f"{np.count_nonzero(unseen)} of {n_lines} lines of X have labels that fit has not seen, "
        f"the first is {shown_pair(given[0][first], given[1][first])} (its {which} label)"
    )
    return UnseenLabels(found, _advice(known, given, seen))


def _advice(
    known: tuple[LabelIndex, LabelIndex],
    given: tuple[NDArray[Any], NDArray[Any]],
    seen: tuple[Mask, Mask],
) -> str:
    for side, index, labels, of_side in zip(("row", "column"), known, given, seen, strict=True):
        expected, found = _kind(index.labels), _kind(labels[~of_side])
        if not of_side.any() and expected and found and expected != found:
            return f"The {side} labels of fit are {expected}, these are {found}: convert them."
    shares = [float(np.mean(~of_side)) for of_side in seen]
    if max(shares) >= _MANY and len(seen[0]) >= _FEWEST_LINES:
        turned = [
            index.numbers_of(labels) >= 0 for index, labels in zip(known[::-1], given, strict=True)
        ]
        if float(np.mean(turned[0] & turned[1])) >= _NEARLY_ALL:
            return "They are known from the other column: are the two columns swapped?"
        side = ("row", "column")[int(np.argmax(shares))]
        return (
            f"If this is a fold of cross-validation, a table sorted by {side} leaves whole {side}s "
            "out of the training lines: shuffle it, by cv=KFold(shuffle=True), or split a matrix "
            "by EntryKFold."
        )
    return "Check their spelling, or drop these lines."


def _kind(labels: NDArray[Any]) -> str:
    """What all labels are; nothing for a mixture."""
    if labels.dtype != object:
        return _KINDS[labels.dtype.kind]
    kinds = {type(label).__name__ for label in labels.tolist()}
    if len(kinds) != 1:
        return ""
    (kind,) = kinds
    return _KINDS.get(kind, f"of type {kind}")


def shown_pair(*labels: Any) -> tuple[Any, ...]:
    """Labels as a message should show them.

    Parameters
    ----------
    *labels : object
        Labels of a row and a column.

    Returns
    -------
    tuple
        NumPy numbers as Python has them.
    """
    return tuple(label.item() if isinstance(label, np.generic) else label for label in labels)
