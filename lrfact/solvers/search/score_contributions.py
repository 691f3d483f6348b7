"""Contributions of the query words to a hybrid retrieval score."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lrfact._typing import Array
from lrfact.solvers.search.document_index import DocumentIndex
from lrfact.solvers.search.hybrid_search import Queries, lexical_scale


@dataclass(frozen=True)
class ScoreParts:
    """Additive parts of a score.

    Attributes
    ----------
    latent : ndarray of shape (n_words,)
        Contribution of each query word to the latent score.

    lexical : ndarray of shape (n_words,)
        Contribution of each query word to the lexical score.

    feedback : float
        Contribution of pseudo-relevance feedback.
    """

    latent: NDArray[np.float64]
    lexical: NDArray[np.float64]
    feedback: float


def score_contributions(
    index: DocumentIndex,
    query: Queries,
    moved: Queries,
    words: NDArray[np.integer],
    word_vectors: Array,
    document: int,
    *,
    lexical_weight: float,
) -> ScoreParts:
    """Decompose the score of a document into contributions of the query words.

    Parameters
    ----------
    index : DocumentIndex
        Index that contains the document.

    query, moved : Queries
        The original query, and the query after feedback (the same without feedback).

    words : ndarray of shape (n_words,)
        Column indices of the terms of the query.

    word_vectors : ndarray of shape (n_words, k)
        Contribution of each word to the coordinates of the query, up to a common factor.

    document : int
        Position of the document.

    lexical_weight : float
        Weight of the lexical score; 0 without a lexical score.

    Returns
    -------
    ScoreParts
        The parts, which add up to the score.
    """
    d = index.vectors[document].astype(np.float64)
    own = query.vectors[0].astype(np.float64)
    if moved.own_share is not None:
        own *= moved.own_share[0]
    word_vectors = word_vectors.astype(np.float64)
    length = float(np.linalg.norm(word_vectors.sum(axis=0)))
    factor = float(np.linalg.norm(own)) / length if length > 0 else 0.0
    weight = 1 - lexical_weight
    lexical = np.zeros(len(words))
    if lexical_weight and moved.terms is not None and index.postings is not None:
        scores = moved.lexical_scores(0, index.postings)
        scale = lexical_weight * lexical_scale(index, moved.vectors[0], scores)
        query_weights = np.zeros(index.postings.shape[0])
        query_weights[moved.terms.indices] = moved.terms.data
        in_document = index.postings[words][:, [document]].toarray()[:, 0]
        lexical = scale * query_weights[words] * in_document
    return ScoreParts(
        latent=weight * factor * (word_vectors @ d),
        lexical=lexical,
        feedback=weight * float((moved.vectors[0].astype(np.float64) - own) @ d),
    )
