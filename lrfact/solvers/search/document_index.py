"""What a search looks through: directions of documents, and which of them have which words."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array, hstack

from lrfact._typing import Array


@dataclass(frozen=True)
class DocumentIndex:
    """Documents laid out for a search.

    Attributes
    ----------
    vectors : ndarray of shape (n_documents, k)
        float32, by rows; of length 1, or as long as the documents are, or 0.

    second_moment : ndarray of shape (k, k)
        ``vectors.T @ vectors / n_documents``, float64.

    says_anything : ndarray of shape (n_documents,)
        Whether a document has a known word.

    postings : csr_array of shape (n_terms, n_documents) or None
        float32: the documents of each term, and what a mention of it adds to their lexical
        score. None where there is no such score.
    """

    vectors: NDArray[np.float32]
    second_moment: NDArray[np.float64]
    says_anything: NDArray[np.bool_]
    postings: csr_array | None

    @property
    def n_documents(self) -> int:
        """Number of documents, those without words included."""
        return len(self.vectors)

    def extended(self, other: "DocumentIndex") -> "DocumentIndex":
        """Return these documents, and those of `other` behind them."""
        n, n_other = self.n_documents, other.n_documents
        postings = None
        if self.postings is not None:
            postings = csr_array(hstack([self.postings, other.postings], format="csr"))
        moment = (n * self.second_moment + n_other * other.second_moment) / (n + n_other)
        says = np.concatenate([self.says_anything, other.says_anything])
        return DocumentIndex(np.vstack([self.vectors, other.vectors]), moment, says, postings)

    def turned(self, matrix: Array, *, unit: bool) -> "DocumentIndex":
        """Return the same documents in other coordinates, ``vectors @ matrix``."""
        vectors = float32_vectors(self.vectors @ matrix, unit=unit)
        return self.with_vectors(vectors)

    def with_vectors(self, vectors: NDArray[np.float32]) -> "DocumentIndex":
        """Return the same documents at other places."""
        says = _is_nonzero(vectors, self.postings)
        return DocumentIndex(vectors, second_moment(vectors), says, self.postings)


def document_index(coordinates: Array, lexical: csr_array | None, *, unit: bool) -> DocumentIndex:
    """Lay documents out for a search.

    Parameters
    ----------
    coordinates : ndarray of shape (n_documents, k)
        Coordinates of the documents.

    lexical : csr_array of shape (n_documents, n_terms) or None
        Their weights of terms, for the lexical score.

    unit : bool
        Whether only directions count.

    Returns
    -------
    DocumentIndex

    Raises
    ------
    ValueError
        If a coordinate is too large for float32.
    """
    vectors = float32_vectors(coordinates, unit=unit)
    postings = None
    if lexical is not None:
        postings = csr_array(csc_array(lexical, dtype=np.float32).T)
    says = _is_nonzero(vectors, postings)
    return DocumentIndex(vectors, second_moment(vectors), says, postings)


def _is_nonzero(vectors: NDArray[np.float32], postings: csr_array | None) -> NDArray[np.bool_]:
    says = np.asarray(vectors.any(axis=1))
    if postings is not None and not says.all():
        says[postings.indices[postings.data != 0]] = True
    return says


def float32_vectors(coordinates: Array, *, unit: bool) -> NDArray[np.float32]:
    """Return coordinates in float32, on request as vectors of length 1; 0 stays 0."""
    if unit:
        # By the largest entry first: squares of tiny and of huge ones have no digits.
        largest = np.abs(coordinates).max(axis=1, keepdims=True, initial=0).astype(np.float64)
        scaled = np.divide(coordinates, largest, out=np.zeros(coordinates.shape), where=largest > 0)
        lengths = np.linalg.norm(scaled, axis=1, keepdims=True)
        coordinates = np.divide(scaled, lengths, out=scaled, where=lengths > 0)
    with np.errstate(over="ignore"):
        vectors = np.ascontiguousarray(coordinates, dtype=np.float32)
    if not np.isfinite(vectors).all():
        raise ValueError(
            "coordinates of documents are too large for the float32 of the index; divide X by its "
            "largest absolute value, or take metric='cosine'"
        )
    return vectors


def second_moment(vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return ``vectors.T @ vectors / n`` in float64, block by block."""
    n, k = vectors.shape
    total = np.zeros((k, k))
    for start in range(0, n, 2**14):
        block = vectors[start : start + 2**14].astype(np.float64)
        total += block.T @ block
    return total / max(n, 1)
