"""LSASearch: document retrieval by latent semantic analysis (LSA) and lexical matching."""

from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import column_or_1d
from sklearn.utils.validation import check_is_fitted

from lrfact._sklearn_compat import HasMethods, Interval, RealNotInt, StrOptions, fit_context
from lrfact._threads import effective_n_threads
from lrfact.checks._documents import as_texts, is_one_row, python_value, python_values
from lrfact.estimators.text._document_matrix import VECTORIZERS, DocumentMatrix
from lrfact.estimators.text._latent_collection import LatentCollection
from lrfact.estimators.text._query_words import QueryWords, query_words
from lrfact.estimators.text._search_archive import SearchArchive
from lrfact.estimators.text._search_hits import Hit, SearchHits, snippet
from lrfact.estimators.text._search_insight import SearchInsight
from lrfact.linalg.matrix_operator import Array
from lrfact.linalg.scaled_rows import scaled_rows
from lrfact.linalg.sparse_rows import as_sparse_rows
from lrfact.metrics import average_precision_at_k
from lrfact.rank_rules import RANK_RULES
from lrfact.solvers.search.document_index import float32_vectors
from lrfact.solvers.search.hybrid_search import Queries, hybrid_search
from lrfact.solvers.search.term_weights import SCHEMES
from lrfact.solvers.svd.truncated_svd import SVD_SOLVERS

Indices = NDArray[np.intp]

# The depth of the rankings that are evaluated at TREC.
_JUDGED_PLACES = 1000


class LSASearch(
    DocumentMatrix,
    LatentCollection,
    SearchInsight,
    SearchArchive,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    BaseEstimator,
):
    r"""Latent semantic analysis (LSA, LSI): semantic search of documents by a truncated SVD.

    Documents and queries are represented in a latent space of low dimension, and ranked by a hybrid
    of the latent similarity and a lexical score. The latent space is that of

    .. math:: \min_{U, S, V} \|A - U S V'\|_F^2

    over matrices of rank `n_components`, with A the weighted document-term matrix (or, with
    ``centering="correspondence"``, its residuals of independence). A document or query a has the
    coordinates :math:`a V S^{p-1}` (fold-in), so that a document also matches query terms which it
    does not contain but which co-occur with its own terms. Documents are ranked by

    .. math:: (1 - \lambda) \cos(z_q, d_i) + \lambda\, \rho_q\, l_{qi}

    where l is the lexical score (BM25 under that weighting, otherwise the cosine similarity of the
    term weights), :math:`\lambda` is `lexical_weight`, :math:`\rho_q` scales the lexical score so
    that both parts vary by the same amount over the documents, and :math:`z_q` is the query, moved
    towards its first `n_feedback` hits (pseudo-relevance feedback).

    Parameters
    ----------
    n_components : "auto", int, float in (0, 1) or str, default="auto"
        Number of latent dimensions. "auto" takes 100, or the maximum that a smaller collection
        allows. An int above that maximum is clipped, with a warning. A float is the fraction of the
        energy of A (its squared Frobenius norm) to exceed. Another string is a rule to select the
        rank; see `select_rank`.

    vectorizer : {"count", "tfidf"}, vectorizer or None, default="count"
        Vectorizer that converts text to a document-term matrix: scikit-learn's `CountVectorizer`
        or `TfidfVectorizer` with English stop words removed, or any object with their methods
        `fit_transform` and `transform`, which is cloned. Not used if `X` is a matrix. With None,
        text raises an error.

    weighting : {"auto", "bm25", "log-entropy", "tf-idf"}, transformer or None, default="auto"
        Weighting of the entries of the document-term matrix; the names are those of
        `TermWeighting`. "auto" is "bm25" if all entries are counts (nonnegative integers) and None
        otherwise. None leaves the entries unchanged. A transformer is cloned.

    centering : {"correspondence"} or None, default=None
        Centering of the weighted matrix. "correspondence" is correspondence analysis: each
        document is divided by its sum, and the deviations from the relative frequencies of the
        terms over all documents, divided by the square root of these frequencies, are decomposed.
        The weights must not be negative.

    sigma_power : float, default=1.0
        Exponent p of the singular values in the coordinates. 1 keeps the distances of the best
        rank-k approximation, 0 gives all latent dimensions the same scale, and values above 1 give
        more weight to the leading ones.

    metric : {"cosine", "dot"}, default="cosine"
        Similarity of query and document vectors: "cosine" ignores their lengths, "dot" (the inner
        product) takes them into account.

    lexical_weight : float, default=0.4
        Weight of the lexical score in the hybrid score, 0 to 1. 0 is latent semantic analysis
        alone, 1 the lexical score alone. It is used at search time, so that it can also be changed
        after `fit`, unless it was 0 in `fit`.

    n_feedback : int, default=4
        Number of top-ranked documents for pseudo-relevance feedback: the query is moved towards
        them before the final ranking. 0 disables feedback and halves the search time. It is used at
        search time, so that it can also be changed after `fit`.

    n_neighbors : int, default=5
        Number of hits that vote in `predict`, and the default of `kneighbors`.

    keep_documents : bool, default=True
        Whether to keep the texts, which is needed for snippets. They are also stored by `save`.

    solver : {"auto", "exact", "gram", "randomized", "lanczos"}, default="auto"
        SVD solver. See `TruncatedSVDReducer` for the options.

    tol : float, default=0.001
        Tolerance: the requested relative error of each singular value.

    random_state : int, RandomState instance or None, default=None
        Controls the random initialization of the iterative solvers. Pass an int for reproducible
        results, which are bitwise identical for every `n_jobs`.

    n_jobs : int, default=None
        Number of threads for matrix products and searches. None uses all of them.

    Attributes
    ----------
    components_ : ndarray of shape (n_components_, n_features_in_)
        Right singular vectors. They are orthonormal, and the largest loading of each is positive.

    singular_values_ : ndarray of shape (n_components_,)
        Singular values in descending order.

    explained_energy_ratio_ : ndarray of shape (n_components_,)
        Fraction of the energy of the decomposed matrix that each component explains.

    n_components_ : int
        Number of latent dimensions: `n_components`, or fewer if the collection does not allow that
        many.

    document_vectors_ : ndarray of shape (n_samples_fit_, n_components_)
        Coordinates of the documents in the latent space in float32, including documents added after
        the fit. They have length 1 under "cosine", and are 0 for a document without a known word.

    n_samples_fit_ : int
        Number of documents in the index.

    document_ids_ : ndarray of shape (n_samples_fit_,)
        Ids of the documents, or their positions if no ids were given.

    labels_ : ndarray of shape (n_samples_fit_,) or None
        Labels of the documents, as given in `y`, or None.

    classes_ : ndarray or None
        Distinct labels, or None without labels.

    vectorizer_ : object or None
        The fitted vectorizer, or None if `X` was a matrix.

    weighting_ : object or None
        The fitted weighting transformer, or None if the entries were left unchanged.

    drift_ : float
        Loss of representation quality for documents added after the fit: the relative decrease of
        the fraction of their energy that the latent space explained when they were added, compared
        with the fraction expected for documents like those of the fit. 0 indicates no decrease, 1
        that nothing is explained. Refit if it is above 0.1.

    solver_ : str
        SVD solver that was used.

    singular_value_error_ : ndarray of shape (n_components_,)
        Upper bound on the relative error of each singular value.

    n_features_in_ : int
        Number of terms.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns. Defined only if `X` was a DataFrame.

    See Also
    --------
    TruncatedSVDReducer : Truncated SVD of any matrix, without a search index.
    TermWeighting : The term weights, as a step of a Pipeline.
    retrieval_scorer : Scorer for hyperparameter search with relevance judgments.
    NMFTopics : Topic model, whose components can be interpreted as topics.

    Notes
    -----
    The defaults had the best mean average precision on three test collections with relevance
    judgments (cranfield, cacm, adi), among the usual values of the BM25 constants;
    docs/benchmarks.md has the figures, compared with tf-idf, BM25 and latent semantic analysis.
    The section "Adding documents" in docs/searching.md reports the values of `drift_` at which a
    new fit was worthwhile.

    Words that are not in the vocabulary of the fit are ignored: a query of only such words has no
    hits, and a document of only such words is never a hit. The search is exact: every document is
    compared with the query.

    A fit costs a truncated SVD, about 4 nnz k flops per iteration. A query costs ``2 n k`` flops
    for each of its two rankings, and a pass over the documents that contain its words. Memory: the
    matrix during the fit; then ``4 k (n + m)`` bytes for n documents and m terms (``8 k m`` of
    these in float64), and 8 bytes for each stored entry if there is a lexical score.

    References
    ----------
    Deerwester, S. et al. (1990). Indexing by latent semantic analysis.
    doi:10.1002/(SICI)1097-4571(199009)41:6<391::AID-ASI1>3.0.CO;2-9.

    Qi, Q., Hessen, D. J. and van der Heijden, P. G. M. (2023). Improving information retrieval
    through correspondence analysis instead of latent semantic analysis.
    doi:10.1007/s10844-023-00815-y.

    Robertson, S. and Zaragoza, H. (2009). The Probabilistic Relevance Framework: BM25 and Beyond.
    doi:10.1561/1500000019.

    Manning, C. D., Raghavan, P. and Schütze, H. (2008). Introduction to Information Retrieval,
    chapters 9 and 18. doi:10.1017/CBO9780511809071.

    Examples
    --------
    >>> from lrfact import LSASearch
    >>> documents = [
    ...     "the car has a strong engine",
    ...     "an auto with a new engine",
    ...     "the vet looked at the cat",
    ...     "cats and dogs see a vet",
    ... ]
    >>> search = LSASearch(n_components=2).fit(documents)
    >>> hits = search.search("car", n=2)
    >>> [hit.document for hit in hits]
    [0, 1]
    >>> hits[1].snippet
    'an auto with a new engine'
    """

    _parameter_constraints: dict = {
        "n_components": [
            Interval(Integral, 1, None, closed="left"),
            Interval(RealNotInt, 0, 1, closed="neither"),
            StrOptions({"auto", *RANK_RULES}),
        ],
        "vectorizer": [
            StrOptions(set(VECTORIZERS)),
            HasMethods(["fit_transform", "transform"]),
            None,
        ],
        "weighting": [
            StrOptions({"auto", *SCHEMES}),
            HasMethods(["fit", "transform"]),
            None,
        ],
        "centering": [StrOptions({"correspondence"}), None],
        "sigma_power": [Interval(Real, None, None, closed="neither")],
        "metric": [StrOptions({"cosine", "dot"})],
        "lexical_weight": [Interval(Real, 0, 1, closed="both")],
        "n_feedback": [Interval(Integral, 0, None, closed="left")],
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "keep_documents": ["boolean"],
        "solver": [StrOptions({"auto", *SVD_SOLVERS})],
        "tol": [Interval(Real, 0, None, closed="left")],
        "random_state": ["random_state"],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        n_components: Any = "auto",
        *,
        vectorizer: Any = "count",
        weighting: Any = "auto",
        centering: str | None = None,
        sigma_power: float = 1.0,
        metric: str = "cosine",
        lexical_weight: float = 0.4,
        n_feedback: int = 4,
        n_neighbors: int = 5,
        keep_documents: bool = True,
        solver: str = "auto",
        tol: float = 1e-3,
        random_state: Any = None,
        n_jobs: int | None = None,
    ) -> None:
        self.n_components = n_components
        self.vectorizer = vectorizer
        self.weighting = weighting
        self.centering = centering
        self.sigma_power = sigma_power
        self.metric = metric
        self.lexical_weight = lexical_weight
        self.n_feedback = n_feedback
        self.n_neighbors = n_neighbors
        self.keep_documents = keep_documents
        self.solver = solver
        self.tol = tol
        self.random_state = random_state
        self.n_jobs = n_jobs

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None, *, ids: Any = None) -> Self:
        """Fit the latent space of a collection of documents, and index them.

        Parameters
        ----------
        X : iterable of str, or {array-like, sparse matrix} of shape (n_samples, n_features)
            Documents: texts, which can also come from a generator or a DataFrame column, or a
            matrix of term counts or term weights.

        y : array-like of shape (n_samples,), default=None
            Labels of the documents, for `predict` and `score`.

        ids : array-like of shape (n_samples,), default=None
            Distinct identifiers of the documents, by which hits refer to them. None uses their
            positions.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        TypeError
            If `X` is a single string or a dict, or contains bytes, lists of words or anything else
            that is not a string.

        ValueError
            If there are no documents or no words, an entry is not finite, `ids` has duplicates, or
            singular values to the power `sigma_power` overflow.

        Warns
        -----
        UserWarning
            If `n_components` is larger than the collection allows. It is clipped.
        """
        self._fit(X, y, ids)
        return self

    @fit_context(prefer_skip_nested_validation=True)
    def fit_transform(self, X: Any, y: Any = None, *, ids: Any = None) -> Array:
        """Fit, and return the coordinates of the documents in the latent space.

        Parameters
        ----------
        X : iterable of str, or {array-like, sparse matrix} of shape (n_samples, n_features)
            Documents: texts, or a matrix of term counts or term weights.

        y : array-like of shape (n_samples,), default=None
            Labels of the documents, for `predict` and `score`.

        ids : array-like of shape (n_samples,), default=None
            Distinct identifiers of the documents. None uses their positions.

        Returns
        -------
        ndarray of shape (n_samples, n_components_)
            Coordinates of the documents, equal to those of ``fit(X).transform(X)``.
        """
        return self._fit(X, y, ids)

    def transform(self, X: Any) -> Array:
        """Project documents, known or unseen, into the latent space (fold-in).

        Parameters
        ----------
        X : iterable of str, or {array-like, sparse matrix} of shape (n_samples, n_features)
            Documents: texts if the fit was on texts, or a matrix with the same columns.

        Returns
        -------
        ndarray of shape (n_samples, n_components_)
            Coordinates, not normalized to length 1. They are 0 for a document without a known word.
        """
        check_is_fitted(self, "components_")
        counts, _ = self._counts(X, reset=False)
        n_threads = effective_n_threads(self.n_jobs)
        return self._fitted_space.coordinates(self._weighted(counts), n_threads=n_threads)

    def kneighbors(
        self,
        X: Any,
        n_neighbors: int | None = None,
        return_distance: bool = True,
        *,
        allowed: Any = None,
    ) -> Any:
        """Find the nearest documents of queries, with the interface of scikit-learn's neighbors.

        Parameters
        ----------
        X : iterable of str, or {array-like, sparse matrix} of shape (n_queries, n_features)
            Queries: texts, or rows of a matrix with the columns of the fit.

        n_neighbors : int, default=None
            Number of documents for each query. None uses the parameter `n_neighbors`.

        return_distance : bool, default=True
            Whether to return the distances as well.

        allowed : array-like or set, default=None
            Filter of the documents that can be returned: their ids, or a boolean mask. None allows
            all documents.

        Returns
        -------
        distances : ndarray of shape (n_queries, n_neighbors)
            Distances in ascending order: one minus the score, or minus the score with
            ``metric="dot"``; infinity where the index is -1. Returned only if `return_distance` is
            True.

        indices : ndarray of shape (n_queries, n_neighbors)
            Positions of the documents, padded with -1 if there are fewer hits: documents without a
            known word are never returned, and a query without a known word has no hits.

        Raises
        ------
        ValueError
            If `n_neighbors` exceeds the number of documents, or `allowed` has an unknown id.
        """
        check_is_fitted(self, "components_")
        k = self.n_neighbors if n_neighbors is None else n_neighbors
        if not isinstance(k, Integral) or isinstance(k, bool) or k < 1:
            raise ValueError(f"n_neighbors={k!r} must be an integer from 1")
        if k > self.n_samples_fit_:
            raise ValueError(
                f"n_neighbors={k} must be at most n_samples_fit_={self.n_samples_fit_}, the "
                "number of documents; request fewer"
            )
        queries = self._queries(X)
        indices, scores = self._ranked(queries, int(k), allowed)
        if not return_distance:
            return indices
        return (0 if self._fitted_metric == "dot" else 1) - scores.astype(np.float64), indices

    def search(
        self, query: Any, n: int = 10, *, allowed: Any = None, unknown: str = "ignore"
    ) -> Any:
        """Search the documents, and return ranked hits with scores, ids, labels and snippets.

        Parameters
        ----------
        query : str, list of str, or {array-like, sparse matrix}
            One query, as a text or as a row of `n_features` entries, or several queries.

        n : int, default=10
            Maximum number of hits. All documents are returned if there are fewer than `n`.

        allowed : array-like or set, default=None
            Filter of the documents that can be returned: their ids, or a boolean mask. None allows
            all documents.

        unknown : {"ignore", "closest"}, default="ignore"
            Treatment of query words that are not in the vocabulary. "ignore" drops them, "closest"
            replaces each by the known word with the most similar spelling, if there is a close one.

        Returns
        -------
        SearchHits or list of SearchHits
            Hits of one query, or a list with those of each query. A query without a known word has
            no hits, which is reported in `note`.

        Raises
        ------
        TypeError
            If a query is neither a text nor a row of a matrix.

        ValueError
            If `n` is not positive, or `allowed` has an unknown id.
        """
        check_is_fitted(self, "components_")
        if not isinstance(n, Integral) or isinstance(n, bool) or n < 1:
            raise ValueError(f"n={n!r} must be an integer from 1")
        if unknown not in ("ignore", "closest"):
            raise ValueError(f"unknown={unknown!r} must be 'ignore' or 'closest'")
        query = python_value(query)
        single = isinstance(query, str) or is_one_row(query)
        if single and not isinstance(query, str):
            query = query.reshape((1, -1))
        texts = [query] if isinstance(query, str) else as_texts(query, what="query")
        if texts is None:
            if np.ndim(query) == 0 and not sparse.issparse(query):
                raise TypeError(
                    f"query={query!r} must be a text, a list of texts or rows of a matrix"
                )
            queries = self._queries(query)
            words = [QueryWords() for _ in queries.vectors]
        else:
            vectorizer = self._vectorizer_of_text()
            closest = self._fitted_closest if unknown == "closest" else None
            words = query_words(texts, vectorizer, closest)
            queries = self._queries([query.text for query in words])
        indices, scores = self._ranked(queries, min(int(n), self.n_samples_fit_), allowed)
        nonzero = queries.is_nonzero(self._fitted_index)
        found = [self._hits(*row) for row in zip(indices, scores, words, nonzero, strict=True)]
        return found[0] if single else found

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict labels by a vote of the `n_neighbors` best hits, weighted by their scores.

        Parameters
        ----------
        X : iterable of str, or {array-like, sparse matrix} of shape (n_queries, n_features)
            Queries, or documents to classify.

        Returns
        -------
        ndarray of shape (n_queries,)
            Predicted labels. Ties are resolved in favor of the first class in sorted order. A query
            without hits gets the most frequent label.

        Raises
        ------
        ValueError
            If no `y` was given to `fit`.
        """
        check_is_fitted(self, "components_")
        queries = self._queries(X)
        classes, codes = self._classes_and_codes("predict")
        k = min(self.n_neighbors, self.n_samples_fit_)
        indices, scores = self._ranked(queries, k, None)
        # A hit with a score of 0 or less has a small positive vote.
        votes = np.where(indices >= 0, np.maximum(scores.astype(np.float64), 1e-12), 0)
        total = np.zeros((len(indices), len(classes)))
        rows = np.broadcast_to(np.arange(len(indices))[:, np.newaxis], indices.shape)
        np.add.at(total, (rows, codes[indices]), votes)
        best = total.argmax(axis=1)
        frequent = int(np.bincount(codes, minlength=len(classes)).argmax())
        return classes[np.where(total.any(axis=1), best, frequent)]

    def score(self, X: Any, y: Any = None) -> float:
        """Return the mean average precision (MAP) of the rankings of queries.

        Parameters
        ----------
        X : iterable of str, or {array-like, sparse matrix} of shape (n_queries, n_features)
            Queries: texts, or rows of a matrix with the columns of the fit.

        y : array-like of shape (n_queries,) or {array-like, sparse matrix} of shape \
                (n_queries, n_samples_fit_)
            Relevance: labels of the queries, for which the documents with the same label are
            relevant, or a matrix whose positive entries mark the relevant documents.

        Returns
        -------
        float
            Mean average precision between 0 and 1, over the first 1000 ranks. Queries without a
            relevant document are excluded.

        Raises
        ------
        ValueError
            If `y` is missing or has a wrong shape, labels are given but none were given to `fit`,
            or no query has a relevant document.

        See Also
        --------
        retrieval_scorer : Other metrics, and hyperparameter search with relevance judgments.
        """
        check_is_fitted(self, "components_")
        queries = self._queries(X)
        if y is None:
            raise ValueError(
                "score of LSASearch needs y: the labels of the queries, or a relevance matrix "
                "with a row for each query and a column for each document"
            )
        y = python_values(y)
        relevance = y if sparse.issparse(y) or np.ndim(y) == 2 else self._same_label(y)
        if np.shape(relevance) != (len(queries.vectors), self.n_samples_fit_):
            raise ValueError(
                f"y has shape {np.shape(relevance)}; a relevance matrix must have one "
                f"row for each of the {len(queries.vectors)} queries and one column for each of "
                f"the {self.n_samples_fit_} documents"
            )
        k = min(_JUDGED_PLACES, self.n_samples_fit_)
        indices, _ = self._ranked(queries, k, None)
        return float(average_precision_at_k(indices, relevance, k=_JUDGED_PLACES))

    def _queries(self, X: Any) -> Queries:
        counts, _ = self._counts(X, reset=False)
        return self._as_queries(counts, self._weighted(counts))

    def _as_queries(self, counts: Any, A: Any) -> Queries:
        n_threads = effective_n_threads(self.n_jobs)
        coordinates = self._fitted_space.coordinates(A, n_threads=n_threads)
        terms = None
        if self.lexical_weight > 0:
            if self._fitted_index.postings is None:
                raise ValueError(
                    f"lexical_weight={self.lexical_weight} needs the words of the documents, which "
                    "a fit with lexical_weight=0 does not keep; refit with lexical_weight above 0"
                )
            rows = as_sparse_rows(counts if self._is_bm25 else A)
            # The lexical score is scaled to the latent score later, so that its unit is arbitrary.
            terms = scaled_rows(rows).astype(np.float32)
        return Queries(float32_vectors(coordinates, unit=self._fitted_metric == "cosine"), terms)

    def _searchable(self, allowed: Any) -> Indices | None:
        """Return the positions of the allowed documents that have a known word, or None for all."""
        nonzero = self._fitted_index.says_anything
        if allowed is None:
            return None if nonzero.all() else np.flatnonzero(nonzero)
        positions = self._fitted_collection.positions_of(allowed)
        return positions[nonzero[positions]]

    def _ranked(self, queries: Queries, k: int, allowed: Any) -> tuple[Indices, Array]:
        """Return positions and scores of `k` hits per query, padded with -1 if there are fewer."""
        found, found_scores = hybrid_search(
            self._fitted_index,
            queries,
            k,
            lexical_weight=self.lexical_weight,
            n_feedback=self.n_feedback,
            allowed=self._searchable(allowed),
            n_threads=effective_n_threads(self.n_jobs),
        )
        indices = np.full((len(queries.vectors), k), -1, dtype=np.intp)
        scores = np.full(indices.shape, -np.inf, dtype=np.float32)
        width = found.shape[1]
        nonzero = queries.is_nonzero(self._fitted_index)
        indices[nonzero, :width] = found[nonzero]
        scores[nonzero, :width] = found_scores[nonzero]
        return indices, scores

    def _hits(
        self, indices: Indices, scores: Array, words: QueryWords, has_known_word: bool = True
    ) -> SearchHits:
        collection = self._fitted_collection
        found = indices >= 0
        hits = tuple(
            Hit(
                rank,
                float(score),
                collection.id_of(at),
                collection.label_of(at),
                None if collection.texts is None else snippet(collection.texts[at], words.known),
            )
            for rank, (at, score) in enumerate(
                zip(indices[found].tolist(), scores[found], strict=True), start=1
            )
        )
        note = words.note(finds_nothing=not found.any(), has_known_word=bool(has_known_word))
        return SearchHits(hits, note)

    def _classes_and_codes(self, method: str) -> tuple[NDArray[Any], Indices]:
        labels = self._fitted_collection.labels
        if labels is None:
            raise ValueError(f"{method} of LSASearch needs labels of the documents; give y to fit")
        try:
            return np.unique(labels, return_inverse=True)
        except TypeError as unsorted:
            raise ValueError(
                f"{method} of LSASearch needs labels that can be sorted, but y of the fit has "
                "labels of different types; give strings only, or numbers only"
            ) from unsorted

    def _same_label(self, y: Any) -> csr_array:
        """Return the relevance matrix: documents that have the label of each query."""
        classes, codes = self._classes_and_codes("score with labels")
        labels = column_or_1d(y)
        at = np.minimum(np.searchsorted(classes, labels), len(classes) - 1)
        known = classes[at] == labels
        if len(labels) and not known.any():
            raise ValueError(
                f"no document has the label of any query, such as {labels.tolist()[0]!r}, so that "
                "none is relevant; give labels that were given to fit"
            )
        members = csr_array(
            (np.ones(len(codes)), (codes, np.arange(len(codes)))),
            shape=(len(classes), len(codes)),
        )
        return csr_array(members[at].multiply(known[:, np.newaxis]))

    @property
    def _n_features_out(self) -> int:
        return len(self.components_)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
