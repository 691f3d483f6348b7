"""Document index of a search: latent vectors and an inverted index of the documents."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array, hstack

from lrfact._typing import Array


@dataclass(frozen=True)
class DocumentIndex:
    """Index of documents: latent vectors and postings of the terms.

    Attributes
    ----------
    vectors : ndarray of shape (n_documents, k)
        Document vectors in float32 and C order, normalized to length 1 on request; 0 if empty.

    second_moment : ndarray of shape (k, k)
        Matrix ``vectors.T @ vectors / n_documents`` in float64.

    says_anything : ndarray of shape (n_documents,)
        Mask of the documents that have a known word.

    postings : csr_array of shape (n_terms, n_documents) or None
        Inverted index in float32: the documents of each term, and its weight in their lexical
        scores. None without a lexical score.
    """

    vectors: NDArray[np.float32]
    second_moment: NDArray[np.float64]
    says_anything: NDArray[np.bool_]
    postings: csr_array | None

    @property
    def n_documents(self) -> int:
        """Number of documents, including those without words."""
        return len(self.vectors)

    def extended(self, other: "DocumentIndex") -> "DocumentIndex":
        """Return an index with the documents of `other` appended."""
        n, n_other = self.n_documents, other.n_documents
        postings = None
        if self.postings is not None:
            postings = csr_array(hstack([self.postings, other.postings], format="csr"))
        moment = (n * self.second_moment + n_other * other.second_moment) / (n + n_other)
        nonzero = np.concatenate([self.says_anything, other.says_anything])
        return DocumentIndex(np.vstack([self.vectors, other.vectors]), moment, nonzero, postings)

    def transformed(self, matrix: Array, *, unit: bool) -> "DocumentIndex":
        """Return an index of the same documents with the vectors ``vectors @ matrix``."""
        vectors = float32_vectors(self.vectors @ matrix, unit=unit)
        return self.with_vectors(vectors)

    def with_vectors(self, vectors: NDArray[np.float32]) -> "DocumentIndex":
        """Return an index of the same documents with other vectors."""
        nonzero = _is_nonzero(vectors, self.postings)
        return DocumentIndex(vectors, second_moment(vectors), nonzero, self.postings)


def document_index(coordinates: Array, lexical: csr_array | None, *, unit: bool) -> DocumentIndex:
    """Build the index of documents.

    Parameters
    ----------
    coordinates : ndarray of shape (n_documents, k)
        Coordinates of the documents in the latent space.

    lexical : csr_array of shape (n_documents, n_terms) or None
        Term weights of the documents for the lexical score, or None without such a score.

    unit : bool
        Whether to normalize the vectors to length 1, for cosine similarity.

    Returns
    -------
    DocumentIndex
        The index of the documents.

    Raises
    ------
    ValueError
        If a coordinate is too large for float32.
    """
    vectors = float32_vectors(coordinates, unit=unit)
    postings = None
    if lexical is not None:
        postings = csr_array(csc_array(lexical, dtype=np.float32).T)
    nonzero = _is_nonzero(vectors, postings)
    return DocumentIndex(vectors, second_moment(vectors), nonzero, postings)


def _is_nonzero(vectors: NDArray[np.float32], postings: csr_array | None) -> NDArray[np.bool_]:
    nonzero = np.asarray(vectors.any(axis=1))
    if postings is not None and not nonzero.all():
        nonzero[postings.indices[postings.data != 0]] = True
    return nonzero


def float32_vectors(coordinates: Array, *, unit: bool) -> NDArray[np.float32]:
    """Return coordinates in float32, optionally normalized to length 1; 0 stays 0."""
    if unit:
        # Divided by the largest entry first, so that squares do not underflow or overflow.
        largest = np.abs(coordinates).max(axis=1, keepdims=True, initial=0).astype(np.float64)
        scaled = np.divide(coordinates, largest, out=np.zeros(coordinates.shape), where=largest > 0)
        lengths = np.linalg.norm(scaled, axis=1, keepdims=True)
        coordinates = np.divide(scaled, lengths, out=scaled, where=lengths > 0)
    with np.errstate(over="ignore"):
        vectors = np.ascontiguousarray(coordinates, dtype=np.float32)
    if not np.isfinite(vectors).all():
        raise ValueError(
            "coordinates of documents are too large for the float32 of the index; divide X by its "
            "largest absolute value, or set metric='cosine'"
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
