r"""Hybrid retrieval: documents ranked by a latent and a lexical score.

The score of document i for query q is

.. math:: (1 - \lambda)\, z' d_i + \lambda\, \rho_q\, l_{qi}, \qquad
          \rho_q = \sqrt{\textstyle\sum_i (z' d_i)^2 / \sum_i l_{qi}^2}

with d the vectors of the documents, z that of the query, and l the lexical score: both parts vary
by the same amount over the documents, whatever their units.

Pseudo-relevance feedback by Rocchio's algorithm (1971; Manning et al., 2008, section 9.1) moves z
towards the first hits: z is replaced by :math:`z / |z| + \beta\, p / |p|`, rescaled to the
length of z, with p the mean of the normalized vectors of the first few documents.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from lrfact._typing import Array, ArrayLike
from lrfact.linalg.top_k_product import top_k_product
from lrfact.solvers.search.document_index import DocumentIndex

Indices = NDArray[np.intp]

# Above 1, so that the two never cancel; of 0.5, 1 and 2 the best on three test collections.
FEEDBACK_WEIGHT = 2.0

# Relative to the product of lengths: float32 scores below this are rounding errors.
_NOISE = 1e-6


@dataclass(frozen=True)
class Queries:
    """Queries of a search.

    Attributes
    ----------
    vectors : ndarray of shape (n_queries, k)
        Query vectors in the latent space of the documents, float32.

    terms : csr_array of shape (n_queries, n_terms) or None
        Weights of the query terms in the lexical score. None without a lexical score.

    own_share : ndarray of shape (n_queries,) or None
        Factor of the original query in the query after feedback. None without feedback.
    """

    vectors: NDArray[np.float32]
    terms: csr_array | None
    own_share: NDArray[np.float64] | None = None

    def is_nonzero(self, index: DocumentIndex) -> NDArray[np.bool_]:
        """Return a mask of the queries that have a known word, ndarray of shape (n_queries,)."""
        nonzero = np.asarray(self.vectors.any(axis=1))
        if self.terms is not None and index.postings is not None:
            starts = index.postings.indptr
            known = starts[self.terms.indices + 1] > starts[self.terms.indices]
            counted = np.concatenate([[0], np.cumsum(known & (self.terms.data != 0))])
            nonzero |= counted[self.terms.indptr[1:]] > counted[self.terms.indptr[:-1]]
        return nonzero

    def lexical_scores(self, i: int, postings: csr_array) -> NDArray[np.float32]:
        """Return the lexical score of every document for query i."""
        scores = np.zeros(postings.shape[1], dtype=np.float32)
        assert self.terms is not None
        of_query = slice(self.terms.indptr[i], self.terms.indptr[i + 1])
        for term, weight in zip(
            self.terms.indices[of_query], self.terms.data[of_query], strict=True
        ):
            mentions = slice(postings.indptr[term], postings.indptr[term + 1])
            # A document occurs at most once in the postings of a term.
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
        Index of the documents to search.

    queries : Queries
        Queries to process.

    k : int
        Number of documents for each query, at least 0.

    lexical_weight : float
        Weight of the lexical score, 0 to 1.

    n_feedback : int
        Number of documents for pseudo-relevance feedback. 0 disables it.

    allowed : array-like of int or None, default=None
        Distinct indices of the documents that can be returned or used for feedback.

    n_threads : int, default=1
        Number of threads. Results are bitwise identical for any number of threads.

    Returns
    -------
    indices : ndarray of shape (n_queries, min(k, n_allowed))
        Document indices, with ties in ascending order of the index, padded with -1.

    scores : ndarray of the same shape, float32
        Scores of the documents, minus infinity where the index is -1.

    Notes
    -----
    The cost is ``2 n_queries n_documents width`` flops per ranking, and there are two rankings with
    feedback. With a lexical score, queries are processed one after the other.
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
    """Return the documents for pseudo-relevance feedback, padded with -1.

    Parameters
    ----------
    index, queries, n_feedback, lexical_weight, allowed, n_threads
        See `hybrid_search`.

    Returns
    -------
    ndarray of shape (n_queries, n_feedback)
        Indices of documents whose score is above 0 by more than rounding errors.
    """
    indices, scores = _ranking(index, queries, n_feedback, lexical_weight, allowed, n_threads)
    lengths = np.linalg.norm(queries.vectors, axis=1, keepdims=True)
    noise = _NOISE * lengths * np.sqrt(np.trace(index.second_moment))
    return np.where(scores > noise, indices, -1)


def moved_towards(index: DocumentIndex, queries: Queries, documents: Indices) -> Queries:
    """Move queries towards the mean of normalized document vectors, preserving their lengths.

    Parameters
    ----------
    index : DocumentIndex
        Index that contains the documents.

    queries : Queries
        Queries to move. A zero query becomes the normalized mean of its documents.

    documents : ndarray of shape (n_queries, n_feedback)
        Indices of the documents, padded with -1.

    Returns
    -------
    Queries
        The moved queries.
    """
    vectors = queries.vectors.astype(np.float64)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    units = _units(vectors)
    chosen = _units(index.vectors[documents].astype(np.float64))
    towards = _units((chosen * (documents >= 0)[:, :, np.newaxis]).sum(axis=1))
    moved = units + FEEDBACK_WEIGHT * towards
    sizes = np.linalg.norm(moved, axis=1)
    own_share = 1 / np.where(sizes > 0, sizes, 1)
    moved = moved * own_share[:, np.newaxis] * np.where(lengths > 0, lengths, 1)
    return Queries(moved.astype(np.float32), queries.terms, own_share)


def lexical_scale(index: DocumentIndex, vector: Array, lexical_scores: Array) -> float:
    """Return the factor that scales the lexical scores to the spread of the latent scores.

    Parameters
    ----------
    index : DocumentIndex
        Index over whose documents the spread is computed.

    vector : ndarray of shape (k,)
        Vector of the query.

    lexical_scores : ndarray of shape (n_documents,)
        Lexical scores of the query.

    Returns
    -------
    float
        The factor: 0 if all lexical scores are 0, and the reciprocal of the largest one if all
        latent scores are 0.
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
