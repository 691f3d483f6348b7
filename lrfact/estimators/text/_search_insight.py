"""Explanations of scores, similar terms and similar documents of a fitted search."""

from abc import abstractmethod
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils.validation import check_is_fitted

from lrfact._threads import effective_n_threads
from lrfact._typing import Array
from lrfact.checks._documents import is_one_row, python_value
from lrfact.estimators.text._document_collection import DocumentCollection
from lrfact.estimators.text._query_words import QueryWords
from lrfact.estimators.text._search_hits import HitExplanation, SearchHits
from lrfact.linalg.sparse_rows import as_sparse_rows
from lrfact.linalg.top_k_product import top_k_product
from lrfact.solvers.search.document_index import DocumentIndex, float32_vectors
from lrfact.solvers.search.hybrid_search import Queries, feedback_documents, moved_towards
from lrfact.solvers.search.latent_space import LatentSpace
from lrfact.solvers.search.score_contributions import score_contributions


class SearchInsight:
    """Mixin of a latent semantic search: explanations, similar terms and similar documents."""

    metric: str
    lexical_weight: float
    n_feedback: int
    n_jobs: int | None
    _fitted_metric: str
    _fitted_space: LatentSpace
    _fitted_index: DocumentIndex
    _fitted_collection: DocumentCollection

    @abstractmethod
    def _counts(self, X: Any, *, reset: bool) -> tuple[Any, list[str] | None]:
        """Return documents as a validated matrix, and their texts if they were given as texts."""

    @abstractmethod
    def _weighted(self, counts: Any) -> Any:
        """Return the weights of validated documents."""

    @abstractmethod
    def _as_queries(self, counts: Any, A: Any) -> Queries:
        """Return queries from their counts and their weights."""

    @abstractmethod
    def _searchable(self, allowed: Any) -> NDArray[np.intp] | None:
        """Return the positions of the documents that can be returned, or None for all."""

    @abstractmethod
    def _hits(self, indices: Any, scores: Any, words: QueryWords) -> SearchHits:
        """Return hits with ids, labels and snippets."""

    @abstractmethod
    def _term_names(self) -> NDArray[Any] | None:
        """Return the names of the columns, if they have any."""

    def explain(self, query: Any, document: Any, *, allowed: Any = None) -> HitExplanation:
        r"""Explain the score of a document by contributions of the words of a query.

        The coordinates of a query are a sum over its words. Its cosine similarity with a document
        and the lexical score are therefore sums over its words as well.

        Parameters
        ----------
        query : str or {array-like, sparse matrix} of shape (n_features,) or (1, n_features)
            One query.

        document : object
            Identifier of a document.

        allowed : array-like, default=None
            Filter of the documents, as given to `search`. Only these documents are used for
            pseudo-relevance feedback.

        Returns
        -------
        HitExplanation
            Explanation, whose `contributions` and `feedback` add up to the score; ``print`` shows
            them as a list.

        Raises
        ------
        ValueError
            If `query` has more than one row, or there is no such document.
        """
        check_is_fitted(self, "components_")
        at = self._fitted_collection.position_of(document)
        query = python_value(query)
        if isinstance(query, str):
            query = [query]
        elif is_one_row(query):
            query = query.reshape((1, -1))
        counts, _ = self._counts(query, reset=False)
        if counts.shape[0] != 1:
            raise ValueError(f"query has {counts.shape[0]} rows; explain takes one query")
        A = self._weighted(counts)
        original = self._as_queries(counts, A)
        index = self._fitted_index
        lexical_weight = 0.0 if index.postings is None else self.lexical_weight
        moved = original
        if self.n_feedback > 0:
            towards = feedback_documents(
                index,
                original,
                self.n_feedback,
                lexical_weight=lexical_weight,
                allowed=self._searchable(allowed),
                n_threads=effective_n_threads(self.n_jobs),
            )
            moved = moved_towards(index, original, towards)
        row = as_sparse_rows(A)
        vectors = self._fitted_space.loadings(row.indices) * row.data[:, np.newaxis]
        parts = score_contributions(
            index, original, moved, row.indices, vectors, at, lexical_weight=lexical_weight
        )
        contributions = parts.latent + parts.lexical
        order = np.argsort(-np.abs(contributions), kind="stable")
        names = self._term_names()
        return HitExplanation(
            document=self._fitted_collection.id_of(at),
            score=float(contributions.sum() + parts.feedback),
            terms=(row.indices if names is None else names[row.indices])[order],
            contributions=contributions[order],
            lexical=parts.lexical[order],
            feedback=parts.feedback,
        )

    def similar_terms(self, term: Any, n: int = 10) -> tuple[NDArray[Any], Array]:
        """Return the most similar terms by cosine similarity: those used in the same texts.

        Parameters
        ----------
        term : str or int
            Word of the vocabulary or name of a column, or its column index.

        n : int, default=10
            Number of terms to return.

        Returns
        -------
        terms : ndarray of shape (n_found,)
            Terms in descending order of similarity, without `term`, or their column indices if the
            columns have no names.

        similarities : ndarray of shape (n_found,)
            Cosine similarities, -1 to 1.

        Raises
        ------
        ValueError
            If there is no such term, or `n` is not positive.
        """
        check_is_fitted(self, "components_")
        _require_positive(n)
        names = self._term_names()
        at = self._term_index(term, names)
        vectors = float32_vectors(self._fitted_space.term_coordinates, unit=True)
        found, similarities = _others(vectors, at, n, effective_n_threads(self.n_jobs))
        return (found if names is None else names[found]), similarities

    def similar_documents(self, document: Any, n: int = 10) -> SearchHits:
        """Return the most similar documents by cosine similarity.

        Parameters
        ----------
        document : object
            Identifier of a document.

        n : int, default=10
            Number of documents to return.

        Returns
        -------
        SearchHits
            Hits with cosine similarities as scores, without `document` and without documents that
            have no known word.

        Raises
        ------
        ValueError
            If there is no such document, or `n` is not positive.
        """
        check_is_fitted(self, "components_")
        _require_positive(n)
        at = self._fitted_collection.position_of(document)
        vectors = self._fitted_index.vectors
        if self._fitted_metric != "cosine":
            vectors = float32_vectors(vectors, unit=True)
        if not vectors[at].any():
            return SearchHits((), "the document has no known word")
        found, similarities = _others(
            vectors, at, n, effective_n_threads(self.n_jobs), self._searchable(None)
        )
        return self._hits(found, similarities, QueryWords())

    def _term_index(self, term: Any, names: NDArray[Any] | None) -> int:
        term = python_value(term)
        n_terms = self._fitted_space.Vt.shape[1]
        if isinstance(term, str):
            if names is None:
                raise ValueError(
                    f"term={term!r} is a name, but the columns of the fit have none; give an index "
                    f"from 0 to {n_terms - 1}, or fit on text or a DataFrame"
                )
            if term not in names:
                raise ValueError(f"no document of the fit has the term {term!r}")
            return int(np.flatnonzero(names == term)[0])
        if not isinstance(term, Integral) or not 0 <= int(term) < n_terms:
            raise ValueError(f"term={term!r} must be a term, or an index from 0 to {n_terms - 1}")
        return int(term)


def _require_positive(n: Any) -> None:
    if not isinstance(n, Integral) or isinstance(n, bool) or n < 1:
        raise ValueError(f"n={n!r} must be an integer from 1")


def _others(
    vectors: NDArray[np.float32],
    at: int,
    n: int,
    n_threads: int,
    allowed: NDArray[np.intp] | None = None,
) -> tuple[NDArray[np.intp], Array]:
    """Return the rows with the largest inner products with row `at`, and these products."""
    itself = sparse.csr_array(([1.0], ([0], [at])), shape=(1, len(vectors)))
    found, products = top_k_product(
        vectors[at : at + 1],
        vectors,
        min(int(n), len(vectors) - 1),
        excluded=itself,
        allowed=allowed,
        n_threads=n_threads,
    )
    kept = found[0] >= 0
    return found[0][kept], products[0][kept]
