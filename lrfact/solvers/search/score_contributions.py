"""A score of a hybrid search taken apart into the words of its query."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lrfact._typing import Array
from lrfact.solvers.search.document_index import DocumentIndex
from lrfact.solvers.search.hybrid_search import Queries, lexical_scale


@dataclass(frozen=True)
class ScoreParts:
    """What adds up to a score.

    Attributes
    ----------
    latent : ndarray of shape (n_words,)
        Contribution of each query word through its latent vector.

    lexical : ndarray of shape (n_words,)
        Contribution of each query word through its occurrences in the document.

    feedback : float
        Contribution of the documents towards which the query was moved.
    """

    latent: NDArray[np.float64]
    lexical: NDArray[np.float64]
    feedback: float


def score_contributions(
    index: DocumentIndex,
    query: Queries,
    moved: Queries,
    words: NDArray[np.integer],
    directions: Array,
    document: int,
    *,
    lexical_weight: float,
) -> ScoreParts:
    """Take the score of a document apart.

    Parameters
    ----------
    index : DocumentIndex
        Index of the documents.

    query, moved : Queries
        The one query as it was given, and moved towards its first hits (or the same again).

    words : ndarray of shape (n_words,)
        Terms of the query.

    directions : ndarray of shape (n_words, k)
        Part of each word in the coordinates of the query, up to a common factor.

    document : int
        Position of the document.

    lexical_weight : float
        0 where there is no lexical score.

    Returns
    -------
    ScoreParts
    """
    d = index.vectors[document].astype(np.float64)
    own = query.vectors[0].astype(np.float64)
    if moved.own_share is not None:
        own *= moved.own_share[0]
    directions = directions.astype(np.float64)
    length = float(np.linalg.norm(directions.sum(axis=0)))
    factor = float(np.linalg.norm(own)) / length if length > 0 else 0.0
    weight = 1 - lexical_weight
    lexical = np.zeros(len(words))
    if lexical_weight and moved.terms is not None and index.postings is not None:
        scores = moved.lexical_scores(0, index.postings)
        scale = lexical_weight * lexical_scale(index, moved.vectors[0], scores)
        of_query = np.zeros(index.postings.shape[0])
        of_query[moved.terms.indices] = moved.terms.data
        in_document = index.postings[words][:, [document]].toarray()[:, 0]
        lexical = scale * of_query[words] * in_document
    return ScoreParts(
        latent=weight * factor * (directions @ d),
        lexical=lexical,
        feedback=weight * float((moved.vectors[0].astype(np.float64) - own) @ d),
    )
