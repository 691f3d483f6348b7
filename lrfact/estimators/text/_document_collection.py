"""Ids, labels and texts of the indexed documents."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import column_or_1d

from lrfact.checks._documents import python_value, python_values


@dataclass(frozen=True)
class DocumentCollection:
    """Metadata of the indexed documents, in the order in which they were added.

    Attributes
    ----------
    n_documents : int
        Number of documents.

    ids : ndarray of shape (n_documents,) or None
        Distinct identifiers, or None if documents are identified by their position.

    labels : ndarray of shape (n_documents,) or None
        Label of each document, or None.

    texts : tuple of str or None
        Text of each document, or None if the texts were not kept.
    """

    n_documents: int
    ids: NDArray[Any] | None = None
    labels: NDArray[Any] | None = None
    texts: tuple[str, ...] | None = None

    def id_of(self, position: int) -> Any:
        """Return the id of a document."""
        return int(position) if self.ids is None else _plain(self.ids[position])

    def label_of(self, position: int) -> Any:
        """Return the label of a document, or None."""
        return None if self.labels is None else _plain(self.labels[position])

    def position_of(self, document: Any) -> int:
        """Return the position of the document with this id; `ValueError` if there is none."""
        document = python_value(document)
        positions = self._positions([document])
        if positions[0] < 0:
            raise ValueError(f"there is no document with the id {document!r}; {self._rule()}")
        return int(positions[0])

    def positions_of(self, allowed: Any) -> NDArray[np.intp]:
        """Return the positions of documents, ascending.

        Parameters
        ----------
        allowed : array-like, set or iterator
            Distinct ids, or a mask with one boolean for each document.

        Returns
        -------
        ndarray of int
            Positions of the documents, ascending and distinct.

        Raises
        ------
        ValueError
            If `allowed` is a single id, has an unknown or a duplicate id, or is a mask of a wrong
            length.
        """
        allowed = python_values(allowed)
        shape = getattr(allowed, "shape", (1,))
        if isinstance(allowed, str | bytes) or not isinstance(allowed, Iterable) or len(shape) != 1:
            got = f"has shape {shape}" if len(shape) != 1 else f"is {allowed!r}"
            raise ValueError(f"allowed {got}; it must be a list of ids, or a mask")
        requested = allowed if isinstance(allowed, np.ndarray) else list(allowed)
        if _is_mask(requested):
            if len(requested) != self.n_documents:
                raise ValueError(
                    f"allowed is a mask of length {len(requested)}; it must have one entry for "
                    f"each of the {self.n_documents} documents"
                )
            return np.flatnonzero(requested)
        positions = self._positions(requested)
        if (positions < 0).any():
            unknown = requested[int(np.argmax(positions < 0))]
            raise ValueError(f"allowed has the id {unknown!r}, of no document; {self._rule()}")
        positions.sort()
        if (positions[1:] == positions[:-1]).any():
            raise ValueError("allowed contains a document twice")
        return positions

    def extended(self, other: "DocumentCollection") -> "DocumentCollection":
        """Return a collection with the documents of `other` appended.

        Raises
        ------
        ValueError
            If only one of the two has ids or labels, or an id is not unique.
        """
        for name, ours, theirs in (
            ("ids", self.ids, other.ids),
            ("y", self.labels, other.labels),
        ):
            if (ours is None) != (theirs is None):
                have, need = ("no", "with") if ours is not None else ("some", "without")
                raise ValueError(
                    f"the further documents have {have} {name}, and the fit was {need}; give "
                    f"{name} to all documents or to none"
                )
        texts = self.texts
        if texts is not None:
            texts = texts + (("",) * other.n_documents if other.texts is None else other.texts)
        ids = None if self.ids is None else _distinct(np.concatenate([self.ids, other.ids]))
        labels = None if self.labels is None else np.concatenate([self.labels, other.labels])
        return DocumentCollection(self.n_documents + other.n_documents, ids, labels, texts)

    @cached_property
    def _position_of_id(self) -> dict[Any, int]:
        return {_plain(one): position for position, one in enumerate(self.ids)}  # type: ignore[arg-type]

    def __getstate__(self) -> dict[str, Any]:
        # The cached lookup table is rebuilt when needed.
        return {one.name: getattr(self, one.name) for one in fields(self)}

    def _positions(self, documents: Collection[Any]) -> NDArray[np.intp]:
        if self.ids is None:
            if isinstance(documents, np.ndarray) and documents.dtype.kind in "iu":
                is_known = (documents >= 0) & (documents < self.n_documents)
                return np.where(is_known, documents, -1).astype(np.intp)
            known = np.array(
                [
                    isinstance(d, int | np.integer)
                    and not isinstance(d, bool)
                    and 0 <= d < self.n_documents
                    for d in documents
                ],
                dtype=bool,
            )
            places = [
                int(d) if is_known else -1 for d, is_known in zip(documents, known, strict=True)
            ]
            return np.array(places, dtype=np.intp)
        at = self._position_of_id
        places = [at.get(_plain(d), -1) if _is_hashable(d) else -1 for d in documents]
        return np.array(places, dtype=np.intp)

    def _rule(self) -> str:
        if self.ids is None:
            return f"documents are known by their positions, 0 to {self.n_documents - 1}"
        return "give ids as they were given to fit and add"


def document_collection(
    n_documents: int, *, ids: Any, labels: Any, texts: list[str] | None
) -> DocumentCollection:
    """Validate the ids, labels and texts of documents.

    Parameters
    ----------
    n_documents : int
        Number of documents.

    ids : array-like of shape (n_documents,) or None
        Distinct identifiers.

    labels : array-like of shape (n_documents,) or None
        Labels of the documents, as `y` of a classifier.

    texts : list of str or None
        Texts to keep.

    Returns
    -------
    DocumentCollection
        The validated metadata.

    Raises
    ------
    ValueError
        If the number of ids or labels differs from the number of documents, or an id is not unique.
    """
    if isinstance(ids, set | frozenset):
        raise ValueError("ids are a set, which has no order; give a list in the order of documents")
    if ids is not None:
        ids = _distinct(_one_each(list(python_values(ids)), n_documents, "ids"))
    if labels is not None:
        labels = _one_each(column_or_1d(python_values(labels)), n_documents, "y")
    return DocumentCollection(n_documents, ids, labels, None if texts is None else tuple(texts))


def _one_each(values: Any, n_documents: int, name: str) -> NDArray[Any]:
    if len(values) != n_documents:
        raise ValueError(f"{name} has {len(values)} entries for {n_documents} documents")
    if isinstance(values, np.ndarray):
        return values.copy()
    if not any(isinstance(one, list | tuple | np.ndarray) for one in values):
        array = np.array(values)
        # NumPy would convert numbers to strings in a list that contains both.
        if all(a == b for a, b in zip(array.tolist(), values, strict=True)):
            return array
    array = np.empty(n_documents, dtype=object)
    for place, one in enumerate(values):
        array[place] = one
    return array


def _is_mask(values: Collection[Any]) -> bool:
    if isinstance(values, np.ndarray) and values.dtype != object:
        return values.dtype == bool
    return len(values) > 0 and all(isinstance(one, bool | np.bool_) for one in values)


def _is_hashable(value: Any) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True


def _distinct(ids: NDArray[Any]) -> NDArray[Any]:
    seen: set[Any] = set()
    for one in ids.tolist():
        if not _is_hashable(one):
            raise ValueError(f"{one!r} cannot be an id, as it may change; give strings or numbers")
        if one in seen:
            raise ValueError(f"the id {one!r} comes more than once; give each document its own")
        seen.add(one)
    return ids


def _plain(value: Any) -> Any:
    """Return a NumPy or Arrow scalar as a Python object."""
    return value.item() if isinstance(value, np.generic) else python_value(value)
