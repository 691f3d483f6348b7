r"""The documents closest to a query, by meaning and by words.

The score of document i for query q is

.. math:: (1 - \lambda)\, z' d_i + \lambda\, \rho_q\, l_{qi}, \qquad
          \rho_q = \sqrt{\textstyle\sum_i (z' d_i)^2 / \sum_i l_{qi}^2}

with d the vectors of the documents, z that of the query, and l the lexical score: both parts vary
by the same amount over the documents, whatever their units.

Rocchio's feedback without a user (1971; Manning et al., 2008, section 9.1) moves z from the words
that were typed towards the documents found by them: it is the direction of
:math:`z / |z| + \beta\, p / |p|`, with p the mean direction of the first few documents.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from lrfact._typing import Array, ArrayLike
from lrfact.linalg.top_k_product import top_k_product
from lrfact.solvers.search.document_index import DocumentIndex

Indices = NDArray[np.intp]

# Above 1, so that the two never cancel; of 0.5, 1 and 2 the best on three judged collections.
FEEDBACK_WEIGHT = 2.0

# Of the lengths that are multiplied: scores of float32 below this are those of strangers.
_NOISE = 1e-6


@dataclass(frozen=True)
class Queries:
    """What is looked for.

    Attributes
    ----------
    vectors : ndarray of shape (n_queries, k)
        float32, in the coordinates of the documents.

    terms : csr_array of shape (n_queries, n_terms) or None
        Weights of their terms in the lexical score; None where there is no such score.

    own_share : ndarray of shape (n_queries,) or None
        Factor of the original vectors of queries that were moved; None if they were not.
    """

    vectors: NDArray[np.float32]
    terms: csr_array | None
    own_share: NDArray[np.float64] | None = None

    def is_nonzero(self, index: DocumentIndex) -> NDArray[np.bool_]:
        """Return which queries have a known word, ndarray of shape (n_queries,)."""
        says = np.asarray(self.vectors.any(axis=1))
        if self.terms is not None and index.postings is not None:
            starts = index.postings.indptr
            known = starts[self.terms.indices + 1] > starts[self.terms.indices]
            counted = np.concatenate([[0], np.cumsum(known & (self.terms.data != 0))])
            says |= counted[self.terms.indptr[1:]] > counted[self.terms.indptr[:-1]]
        return says

    def lexical_scores(self, i: int, postings: csr_array) -> NDArray[np.float32]:
        """Return the lexical score of every document for query i."""
        scores = np.zeros(postings.shape[1], dtype=np.float32)
        assert self.terms is not None
        of_query = slice(self.terms.indptr[i], self.terms.indptr[i + 1])
        for term, weight in zip(
            self.terms.indices[of_query], self.terms.data[of_query], strict=True
        ):
            mentions = slice(postings.indptr[term], postings.indptr[term + 1])
            # No document comes twice under a term.
            scores[postings.indices[mentions]] += np.float32(weight) * postings.data[mentions]
        return scores


def hybrid_search(
    index: DocumentIndex,
    queries: Queries,
    k: int,
    *,
    lexical_weight: float,
    n_feedback: int,
    allowed: ArrayLike | None = None,
    n_threads: int = 1,
) -> tuple[Indices, NDArray[np.float32]]:
    """Return the k documents of each query with the highest scores, best first.

    Parameters
    ----------
    index : DocumentIndex
        Index to search.

    queries : Queries
        Queries to search for.

    k : int
        At least 0.

    lexical_weight : float
        The weight of the lexical score, 0 to 1.

    n_feedback : int
        Number of documents that the query is moved towards; 0 for none.

    allowed : array-like of int or None, default=None
        Distinct indices of the only documents that may come up; no other is moved towards.

    n_threads : int, default=1
        The result does not depend on it, not in a single bit.

    Returns
    -------
    indices : ndarray of shape (n_queries, min(k, n_allowed))
        Indices of the documents, ties by index, padded with -1.

    scores : ndarray of the same shape, float32
        Minus infinity beside -1.

    Notes
    -----
    Costs ``2 n_queries n_documents width`` flops for a ranking, and two rankings with feedback.
    With a lexical score queries are answered one after the other.
    """
    if n_feedback > 0:
        queries = moved_towards(
            index,
            queries,
            feedback_documents(
                index,
                queries,
                n_feedback,
                lexical_weight=lexical_weight,
                allowed=allowed,
                n_threads=n_threads,
            ),
        )
    return _ranking(index, queries, k, lexical_weight, allowed, n_threads)


def feedback_documents(
    index: DocumentIndex,
    queries: Queries,
    n_feedback: int,
    *,
    lexical_weight: float,
    allowed: ArrayLike | None = None,
    n_threads: int = 1,
) -> Indices:
    """Return the documents that queries are moved towards, -1 where there are fewer.

    Parameters
    ----------
    index, queries, n_feedback, lexical_weight, allowed, n_threads
        See `hybrid_search`.

    Returns
    -------
    ndarray of shape (n_queries, n_feedback)
        Only documents with a score above 0, by more than rounding errors.
    """
    indices, scores = _ranking(index, queries, n_feedback, lexical_weight, allowed, n_threads)
    lengths = np.linalg.norm(queries.vectors, axis=1, keepdims=True)
    noise = _NOISE * lengths * np.sqrt(np.trace(index.second_moment))
    return np.where(scores > noise, indices, -1)


def moved_towards(index: DocumentIndex, queries: Queries, documents: Indices) -> Queries:
    """Move queries towards the mean directions of documents, at the length they have.

    Parameters
    ----------
    index : DocumentIndex
        Index of the documents.

    queries : Queries
        A query at 0 takes the direction of its documents, and the length 1.

    documents : ndarray of shape (n_queries, n_feedback)
        -1 for none.

    Returns
    -------
    Queries
    """
    vectors = queries.vectors.astype(np.float64)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    directions = _units(vectors)
    chosen = _units(index.vectors[documents].astype(np.float64))
    towards = _units((chosen * (documents >= 0)[:, :, np.newaxis]).sum(axis=1))
    moved = directions + FEEDBACK_WEIGHT * towards
    sizes = np.linalg.norm(moved, axis=1)
    own_share = 1 / np.where(sizes > 0, sizes, 1)
    moved = moved * own_share[:, np.newaxis] * np.where(lengths > 0, lengths, 1)
    return Queries(moved.astype(np.float32), queries.terms, own_share)


def lexical_scale(index: DocumentIndex, vector: Array, lexical_scores: Array) -> float:
    """Return the factor that makes the lexical scores vary as much as the latent ones.

    Parameters
    ----------
    index : DocumentIndex
        Index, all of whose documents are used.

    vector : ndarray of shape (k,)
        Values of the query.

    lexical_scores : ndarray of shape (n_documents,)
        Values of the query.

    Returns
    -------
    float
        0 where no lexical score differs from 0, and one over the largest where all latent ones
        are 0.
    """
    squares = float(np.mean(np.square(lexical_scores, dtype=np.float64)))
    if squares == 0:
        return 0.0
    z = vector.astype(np.float64)
    latent = max(float(z @ index.second_moment @ z), 0.0)
    if latent == 0:
        return 1 / float(np.abs(lexical_scores).max())
    return float(np.sqrt(latent / squares))


def _ranking(
    index: DocumentIndex,
    queries: Queries,
    k: int,
    lexical_weight: float,
    allowed: ArrayLike | None,
    n_threads: int,
) -> tuple[Indices, NDArray[np.float32]]:
    if lexical_weight == 0 or index.postings is None:
        return top_k_product(
            queries.vectors, index.vectors, k, allowed=allowed, n_threads=n_threads
        )
    found = [
        top_k_product(
            np.float32(1 - lexical_weight) * queries.vectors[i : i + 1],
            index.vectors,
            k,
            offset=_lexical_part(index, queries, i, lexical_weight),
            allowed=allowed,
            n_threads=n_threads,
        )
        for i in range(len(queries.vectors))
    ]
    if not found:
        return np.empty((0, k), dtype=np.intp), np.empty((0, k), dtype=np.float32)
    return np.vstack([indices for indices, _ in found]), np.vstack([scores for _, scores in found])


def _lexical_part(
    index: DocumentIndex, queries: Queries, i: int, lexical_weight: float
) -> NDArray[np.float32]:
    scores = queries.lexical_scores(i, index.postings)
    return np.float32(lexical_weight * lexical_scale(index, queries.vectors[i], scores)) * scores


def _units(vectors: Array) -> Array:
    """Scale vectors along the last axis to length 1; 0 stays 0."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
