"""LSASearch: semantic search of documents by latent semantic analysis."""

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

# As deep as the rankings that TREC judges.
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
    r"""Semantic search by latent semantic analysis (LSA), combined with lexical scores (BM25).

    .. math:: \min_{U, S, V} \|A - U S V'\|_F^2

    over matrices of rank `n_components`, where A is the weighted document-term matrix (with
    ``centering="correspondence"``, its residuals from independence). A document or query a has the
    coordinates :math:`a V S^{p-1}`, so that documents are also found by related terms. Documents
    are ranked by

    .. math:: (1 - \lambda) \cos(z_q, d_i) + \lambda\, \rho_q\, l_{qi}

    where l is the lexical score (BM25 with that weighting, otherwise the cosine similarity of
    weights), :math:`\lambda` is `lexical_weight`, :math:`\rho_q` scales both parts to the same
    standard deviation over the documents, and :math:`z_q` is the query, moved towards its first
    `n_feedback` hits (pseudo-relevance feedback).

    Parameters
    ----------
    n_components : "auto", int, float in (0, 1) or str, default="auto"
        Number of latent dimensions. "auto" means 100, or what a smaller collection allows. An int
        above that is reduced, with a warning. A float is the fraction of the energy of A to exceed,
        another string is the name of a rule; see `select_rank`.

    vectorizer : {"count", "tfidf"}, vectorizer or None, default="count"
        Converts texts to a matrix: scikit-learn's `CountVectorizer` or `TfidfVectorizer` without
        English stop words, or any object with their `fit_transform` and `transform`, which is
        cloned. Not used if `X` is a matrix; None refuses texts.

    weighting : {"auto", "bm25", "log-entropy", "tf-idf"}, transformer or None, default="auto"
        Term weighting of the matrix, by the names of `TermWeighting`. "auto" means "bm25" if all
        entries are counts (nonnegative integers), else None. None uses the entries unchanged. A
        transformer is cloned.

    centering : {"correspondence"} or None, default=None
        "correspondence" is correspondence analysis: documents are divided by their sums, and the
        deviations from the overall term frequencies, divided by the square roots of these, are
        decomposed. The weights must not be negative.

    sigma_power : float, default=1.0
        Exponent p of the singular values in coordinates. 1 keeps the distances of the best
        approximation, 0 gives all latent dimensions equal weight, and more than 1 emphasizes the
        first ones.

    metric : {"cosine", "dot"}, default="cosine"
        Similarity of documents and queries: cosine, or inner product.

    lexical_weight : float, default=0.4
        Weight of the lexical score, from 0 (latent semantic analysis only) to 1 (lexical score
        only). It is used by each search, so that it can also be changed after `fit`, unless it was
        0 in `fit`.

    n_feedback : int, default=4
        Number of first hits towards which the query is moved before the final ranking
        (pseudo-relevance feedback). 0 means none and takes half the time. It is used by each search
        and can be changed after `fit`.

    n_neighbors : int, default=5
        Number of hits used by `predict`, and the default of `kneighbors`.

    keep_documents : bool, default=True
        Whether to keep the texts for snippets. They are also stored by `save`.

    solver : {"auto", "exact", "gram", "randomized", "lanczos"}, default="auto"
        Algorithm of the truncated SVD, see `TruncatedSVDReducer`.

    tol : float, default=0.001
        Requested relative error of each singular value.

    random_state : int, RandomState instance or None, default=None
        Controls the random initialization of the iterative solvers. Pass an int for reproducible
        results: they are bitwise identical for every `n_jobs`.

    n_jobs : int, default=None
        Number of threads of products and searches. None means all available ones.

    Attributes
    ----------
    components_ : ndarray of shape (n_components_, n_features_in_)
        Right singular vectors, orthonormal, with signs such that the largest loading of each is
        positive.

    singular_values_ : ndarray of shape (n_components_,)
        Singular values in descending order.

    explained_energy_ratio_ : ndarray of shape (n_components_,)
        Fraction of the energy of the decomposed matrix of each latent dimension.

    n_components_ : int
        Number of latent dimensions: `n_components`, or less if the collection does not allow it.

    document_vectors_ : ndarray of shape (n_samples_fit_, n_components_)
        Coordinates of the documents in float32, including those added later; of unit norm with
        "cosine", zero for a document without known words.

    n_samples_fit_ : int
        Number of documents.

    document_ids_ : ndarray of shape (n_samples_fit_,)
        Ids of the documents as passed to `fit`, or their positions.

    labels_ : ndarray of shape (n_samples_fit_,) or None
        Labels of the documents as passed to `fit`, or None.

    classes_ : ndarray or None
        Distinct labels, or None.

    vectorizer_ : object or None
        Fitted vectorizer; None if `X` was a matrix.

    weighting_ : object or None
        Fitted term weighting; None if the entries were used unchanged.

    drift_ : float
        Loss of energy of the documents added since the fit, when projected onto the latent
        dimensions, relative to that expected of documents like the training documents: 0 for no
        loss, 1 if nothing is retained. Above 0.1 a new fit is recommended.

    solver_ : str
        Solver that was used.

    singular_value_error_ : ndarray of shape (n_components_,)
        Estimated relative error of each singular value.

    n_features_in_ : int
        Number of terms.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of features seen in `fit`, if `X` was a DataFrame.

    See Also
    --------
    TruncatedSVDReducer : Truncated SVD of any matrix.
    TermWeighting : Term weighting as a step of a Pipeline.
    retrieval_scorer : Scorer for the choice of rank and weights by judged queries.
    NMFTopics : Components that can be interpreted as topics.

    Notes
    -----
    The defaults had the best mean average precision on three judged collections (cranfield, cacm,
    adi), among common constants of BM25; docs/benchmarks.md has the figures, with those of tf-idf,
    BM25 and latent semantic analysis. "Adding documents" in docs/searching.md has values of
    `drift_` at which a new fit was better.

    Words that are in no training document are ignored: a query of such words has no hits, and a
    document of such words is never found. The search is exact: every document is compared.

    Cost of a fit: that of a truncated SVD, about 4 nnz k flops per step. Cost of a query: ``2 n k``
    flops for each of its two rankings, and a pass over the documents with its words. Memory: the
    matrix during the fit; then ``4 k (n + m)`` bytes for n documents and m terms (``8 k m`` of
    these in float64), and 8 bytes for each stored entry with a lexical score.

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
        """Fit the latent dimensions of a collection, and index its documents.

        Parameters
        ----------
        X : iterable of str, or {array-like, sparse matrix} of shape (n_samples, n_features)
            Texts, also from a generator or a column; or a document-term matrix.

        y : array-like of shape (n_samples,), default=None
            Labels of the documents, for `predict` and `score`.

        ids : array-like of shape (n_samples,), default=None
            Ids of the documents, by which hits are identified. If None, their positions.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        TypeError
            If `X` is a single string or a dict, or has bytes, lists of words or other objects among
            its texts.

        ValueError
            If there is no document or no word, an entry is not finite, `ids` are not unique, or
            singular values to the power `sigma_power` overflow.

        Warns
        -----
        UserWarning
            If `n_components` is more than the collection allows and is reduced.
        """
        self._fit(X, y, ids)
        return self

    @fit_context(prefer_skip_nested_validation=True)
    def fit_transform(self, X: Any, y: Any = None, *, ids: Any = None) -> Array:
        """Fit the model, and return the coordinates of the documents.

        Parameters
        ----------
        X : iterable of str, or {array-like, sparse matrix} of shape (n_samples, n_features)
            See `fit`.

        y : array-like of shape (n_samples,), default=None
            See `fit`.

        ids : array-like of shape (n_samples,), default=None
            See `fit`.

        Returns
        -------
        ndarray of shape (n_samples, n_components_)
            Coordinates, the result of ``fit(X).transform(X)``.
        """
        return self._fit(X, y, ids)

    def transform(self, X: Any) -> Array:
        """Return the coordinates of training documents or unseen documents.

        Parameters
        ----------
        X : iterable of str, or {array-like, sparse matrix} of shape (n_samples, n_features)
            Texts if the fit was on texts, else a document-term matrix with the same columns.

        Returns
        -------
        ndarray of shape (n_samples, n_components_)
            Coordinates, not normalized; zero for a document without known words.
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
        """Return the documents closest to queries, with the interface of `NearestNeighbors`.

        Parameters
        ----------
        X : iterable of str, or {array-like, sparse matrix} of shape (n_queries, n_features)
            Queries, as texts or as rows of a document-term matrix.

        n_neighbors : int, default=None
            Number of documents per query. If None, the parameter of that name.

        return_distance : bool, default=True
            Whether to also return distances.

        allowed : array-like or set, default=None
            Candidate documents: their ids, or a boolean mask. None allows all.

        Returns
        -------
        distances : ndarray of shape (n_queries, n_neighbors)
            Distances in ascending order: one minus the score, or the negated score with
            ``metric="dot"``; infinity for -1. Only returned if `return_distance`.

        indices : ndarray of shape (n_queries, n_neighbors)
            Positions of documents, padded with -1: documents without known words are never
            returned, and a query without known words has no hits.

        Raises
        ------
        ValueError
            If `n_neighbors` exceeds the number of documents, or `allowed` has an unknown id.
        """
        check_is_fitted(self, "components_")
        asked = self.n_neighbors if n_neighbors is None else n_neighbors
        if not isinstance(asked, Integral) or isinstance(asked, bool) or asked < 1:
            raise ValueError(f"n_neighbors={asked!r} must be an integer from 1")
        if asked > self.n_samples_fit_:
            raise ValueError(
                f"n_neighbors={asked} must be at most n_samples_fit_={self.n_samples_fit_}, the "
                "number of documents; ask for fewer"
            )
        queries = self._queries(X)
        indices, scores = self._ranked(queries, int(asked), allowed)
        if not return_distance:
            return indices
        return (0 if self._fitted_metric == "dot" else 1) - scores.astype(np.float64), indices

    def search(
        self, query: Any, n: int = 10, *, allowed: Any = None, unknown: str = "ignore"
    ) -> Any:
        """Search for documents.

        Parameters
        ----------
        query : str, list of str, or {array-like, sparse matrix}
            One query, as text or as a row of `n_features` entries, or several.

        n : int, default=10
            Maximum number of hits.

        allowed : array-like or set, default=None
            Candidate documents: their ids, or a boolean mask. None allows all.

        unknown : {"ignore", "closest"}, default="ignore"
            Treatment of query words that are in no document: ignore them, or replace them by the
            known word with the most similar spelling, if there is a similar one.

        Returns
        -------
        SearchHits or list of SearchHits
            Hits of each query. Without known words there are no hits, and `note` has the reason.

        Raises
        ------
        TypeError
            If a query is neither a text nor a matrix.

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
            queries = self._queries([of_query.text for of_query in words])
        indices, scores = self._ranked(queries, min(int(n), self.n_samples_fit_), allowed)
        says = queries.is_nonzero(self._fitted_index)
        found = [self._hits(*row) for row in zip(indices, scores, words, says, strict=True)]
        return found[0] if single else found

    def predict(self, X: Any) -> NDArray[Any]:
        """Predict labels by a vote of the best `n_neighbors` hits, weighted by their scores.

        Parameters
        ----------
        X : iterable of str, or {array-like, sparse matrix} of shape (n_queries, n_features)
            Queries, or documents to label.

        Returns
        -------
        ndarray of shape (n_queries,)
            Predicted labels, ties by the order of classes. A query without hits gets the most
            frequent label.

        Raises
        ------
        ValueError
            If `y` was not passed to `fit`.
        """
        check_is_fitted(self, "components_")
        queries = self._queries(X)
        classes, codes = self._classes_and_codes("predict")
        k = min(self.n_neighbors, self.n_samples_fit_)
        indices, scores = self._ranked(queries, k, None)
        # Even a hit with a score of 0 or less counts for something.
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
            Queries, as texts or as rows of a document-term matrix.

        y : array-like of shape (n_queries,) or {array-like, sparse matrix} of shape \
                (n_queries, n_samples_fit_)
            Relevant documents: those with the same label, or those with a positive entry.

        Returns
        -------
        float
            Score between 0 and 1, over the first 1000 documents. Queries without relevant documents
            are excluded.

        Raises
        ------
        ValueError
            If `y` is missing or has another shape, labels are passed and the fit had none, or no
            query has a relevant document.

        See Also
        --------
        retrieval_scorer : Other metrics, for searches over parameters by judged queries.
        """
        check_is_fitted(self, "components_")
        queries = self._queries(X)
        if y is None:
            raise ValueError(
                "score of LSASearch needs y: the labels of the queries, or a matrix of what is "
                "relevant with a row for each query and a column for each document"
            )
        y = python_values(y)
        relevance = y if sparse.issparse(y) or np.ndim(y) == 2 else self._same_label(y)
        if np.shape(relevance) != (len(queries.vectors), self.n_samples_fit_):
            raise ValueError(
                f"y has shape {np.shape(relevance)}; a matrix of what is relevant must have one "
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
                    "a fit with lexical_weight=0 does not keep; fit again"
                )
            rows = as_sparse_rows(counts if self._is_bm25 else A)
            # The lexical score is scaled to the latent one, whatever its units.
            terms = scaled_rows(rows).astype(np.float32)
        return Queries(float32_vectors(coordinates, unit=self._fitted_metric == "cosine"), terms)

    def _searchable(self, allowed: Any) -> Indices | None:
        """Return the positions of candidates: allowed documents that are not zero."""
        says = self._fitted_index.says_anything
        if allowed is None:
            return None if says.all() else np.flatnonzero(says)
        positions = self._fitted_collection.positions_of(allowed)
        return positions[says[positions]]

    def _ranked(self, queries: Queries, k: int, allowed: Any) -> tuple[Indices, Array]:
        """Return positions and scores, as many columns as requested, padded with -1."""
        found, of_found = hybrid_search(
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
        finds = queries.is_nonzero(self._fitted_index)
        indices[finds, :width], scores[finds, :width] = found[finds], of_found[finds]
        return indices, scores

    def _hits(
        self, indices: Indices, scores: Array, words: QueryWords, says_anything: bool = True
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
        note = words.note(finds_nothing=not found.any(), says_anything=bool(says_anything))
        return SearchHits(hits, note)

    def _classes_and_codes(self, method: str) -> tuple[NDArray[Any], Indices]:
        labels = self._fitted_collection.labels
        if labels is None:
            raise ValueError(f"{method} of LSASearch needs labels of the documents; give y to fit")
        try:
            return np.unique(labels, return_inverse=True)
        except TypeError as unsorted:
            raise ValueError(
                f"{method} of LSASearch needs labels that can be sorted, and y of the fit has some "
                "of different kinds; give strings only, or numbers only"
            ) from unsorted

    def _same_label(self, y: Any) -> csr_array:
        """Return the documents with the label of each query."""
        classes, codes = self._classes_and_codes("score with labels")
        asked = column_or_1d(y)
        at = np.minimum(np.searchsorted(classes, asked), len(classes) - 1)
        known = classes[at] == asked
        if len(asked) and not known.any():
            raise ValueError(
                f"no document has the label of any query, such as {asked.tolist()[0]!r}, so that "
                "none is relevant; give labels of the fit"
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
