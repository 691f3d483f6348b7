"""LSASearch: documents found by what they mean."""

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
    r"""Search by meaning: documents and queries in the few directions of a truncated SVD.

    .. math:: \min_{U, S, V} \|A - U S V'\|_F^2

    over matrices of rank `n_components`, with A the weighted document-term matrix (latent semantic
    analysis; with ``centering="correspondence"`` its residuals of independence). A document or
    query a has the coordinates :math:`a V S^{p-1}`, so that a text is found by words that occur
    with its own, too. Documents are ranked by

    .. math:: (1 - \lambda) \cos(z_q, d_i) + \lambda\, \rho_q\, l_{qi}

    where l is the score of the words themselves (BM25 under that weighting, otherwise the cosine
    of weights), :math:`\lambda` is `lexical_weight`, :math:`\rho_q` makes both parts vary by
    the same amount over the documents, and :math:`z_q` the query, moved towards its first
    `n_feedback` hits.

    Parameters
    ----------
    n_components : "auto", int, float in (0, 1) or str, default="auto"
        Directions. "auto" takes 100, or what a smaller collection allows. An int above that is
        clipped, with a warning. A float is the share of the energy of A to exceed, another string
        a rule; see `select_rank`.

    vectorizer : {"count", "tfidf"}, vectorizer or None, default="count"
        Turns text into a matrix: scikit-learn's `CountVectorizer` or `TfidfVectorizer` without
        English stop words, or any object with their `fit_transform` and `transform`, which is
        cloned. Not used where `X` is a matrix; None refuses text.

    weighting : {"auto", "bm25", "log-entropy", "tf-idf"}, transformer or None, default="auto"
        Of the entries of the matrix; the names are those of `TermWeighting`. "auto" is "bm25" where
        all entries are counts, whole and not negative, and None elsewhere. None takes them as
        they are. A transformer is cloned.

    centering : {"correspondence"} or None, default=None
        "correspondence" divides documents by their sums, expects of each term its share in all
        documents, and decomposes what differs, in units of the square root of the expected
        (correspondence analysis). The weights must not be negative.

    sigma_power : float, default=1.0
        The exponent p of the singular values in coordinates. 1 keeps the distances of the best
        approximation; 0 makes all directions equally long; above 1 the first count more.

    metric : {"cosine", "dot"}, default="cosine"
        Whether the lengths of documents count.

    lexical_weight : float, default=0.4
        The weight of words that stand in the document themselves, 0 to 1. 0 is latent semantic
        analysis alone, 1 the lexical score alone. Each search reads it, so that it can be set
        after `fit` as well, unless it was 0 in `fit`.

    n_feedback : int, default=4
        How many first hits the query is moved towards before the ranking that is returned
        (pseudo-relevance feedback). 0 for none, at half the time. Each search reads it.

    n_neighbors : int, default=5
        Hits that `predict` asks, and the default of `kneighbors`.

    keep_documents : bool, default=True
        Whether to keep the texts, for snippets. They are stored by `save`, too.

    solver : {"auto", "exact", "gram", "randomized", "lanczos"}, default="auto"
        See `TruncatedSVDReducer`.

    tol : float, default=0.001
        Relative error asked of each singular value.

    random_state : int, RandomState instance or None, default=None
        Start of the iterative solvers. An int makes the result the same, to the last bit, for every
        `n_jobs`.

    n_jobs : int, default=None
        Threads of products and searches; None for all.

    Attributes
    ----------
    components_ : ndarray of shape (n_components_, n_features_in_)
        Right singular vectors, orthonormal, the largest loading of each positive.

    singular_values_ : ndarray of shape (n_components_,)
        Descending.

    explained_energy_ratio_ : ndarray of shape (n_components_,)
        Share of each direction in the energy of the decomposed matrix.

    n_components_ : int
        Directions found: `n_components`, or less where the collection does not allow that many.

    document_vectors_ : ndarray of shape (n_samples_fit_, n_components_)
        float32: where the documents lie, those added later included; of length 1 under "cosine", 0
        for a document without a known word.

    n_samples_fit_ : int
        Number of documents.

    document_ids_ : ndarray of shape (n_samples_fit_,)
        As given, or positions.

    labels_ : ndarray of shape (n_samples_fit_,) or None
        `y` as given.

    classes_ : ndarray or None
        The distinct labels.

    vectorizer_ : object or None
        As fitted; None where `X` was a matrix.

    weighting_ : object or None
        As fitted; None where the entries were taken as they are.

    drift_ : float
        How much less the directions hold of the documents added since the fit, when they came,
        than may be expected of documents like those of the fit: 0 for as much or more, 1 for
        nothing. Above 0.1 it is time for a new fit.

    solver_ : str
        The solver that ran.

    singular_value_error_ : ndarray of shape (n_components_,)
        Bound on the relative error of each singular value.

    n_features_in_ : int
        Number of terms.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where `X` was a DataFrame.

    See Also
    --------
    TruncatedSVDReducer : The directions alone, for any matrix.
    TermWeighting : The weights, as a step of a Pipeline.
    retrieval_scorer : For searches of rank and weights by judged queries.
    NMFTopics : Directions that can be read as topics.

    Notes
    -----
    Defaults are those that did best by mean average precision on three judged collections
    (cranfield, cacm, adi), among constants of BM25 that are usual elsewhere; docs/benchmarks.md has
    the figures, beside tf-idf, BM25 and latent semantic analysis. "Adding documents" in
    docs/searching.md says what `drift_` was when a new fit paid.

    A word that no document of the fit has says nothing; a query of such words finds nothing, nor
    does anything find a document of them. Hits are exact: every document is compared.

    Cost of a fit: that of a truncated SVD, about 4 nnz k flops a step. A query: ``2 n k`` flops for
    each of its two rankings, and the documents of its words. Memory: the matrix during the fit;
    then ``4 k (n + m)`` bytes for n documents and m terms (``8 k m`` of these in float64), and 8
    bytes for each stored entry with a lexical score.

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
        """Learn the directions of a collection, and index its documents.

        Parameters
        ----------
        X : iterable of str, or {array-like, sparse matrix} of shape (n_samples, n_features)
            Texts, also from a generator or a column; or counts or weights of terms.

        y : array-like of shape (n_samples,), default=None
            Labels of the documents, for `predict` and `score`.

        ids : array-like of shape (n_samples,), default=None
            What hits are called by; None for their positions.

        Returns
        -------
        self : object
            The fitted searcher.

        Raises
        ------
        TypeError
            If `X` is a single string or a dict, or holds bytes, lists of words or anything else
            among its texts.

        ValueError
            If there is no document or no word, an entry is not finite, `ids` repeat, or singular
            values to the power `sigma_power` overflow.

        Warns
        -----
        UserWarning
            If `n_components` is more than the collection allows; it is clipped.
        """
        self._fit(X, y, ids)
        return self

    @fit_context(prefer_skip_nested_validation=True)
    def fit_transform(self, X: Any, y: Any = None, *, ids: Any = None) -> Array:
        """Fit, and return the coordinates of the same documents.

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
            The result of ``fit(X).transform(X)``.
        """
        return self._fit(X, y, ids)

    def transform(self, X: Any) -> Array:
        """Return the coordinates of documents, known or new.

        Parameters
        ----------
        X : iterable of str, or {array-like, sparse matrix} of shape (n_samples, n_features)
            Text where the fit was on text, or a matrix with its columns.

        Returns
        -------
        ndarray of shape (n_samples, n_components_)
            Not scaled to length 1. 0 for a document without a known word.
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
        """Return the documents closest to queries, in the way of scikit-learn's neighbors.

        Parameters
        ----------
        X : iterable of str, or {array-like, sparse matrix} of shape (n_queries, n_features)
            Queries.

        n_neighbors : int, default=None
            How many for each; None for the parameter of that name.

        return_distance : bool, default=True
            Whether to return distances, too.

        allowed : array-like or set, default=None
            The only documents that may come up: ids, or a mask. None allows all.

        Returns
        -------
        distances : ndarray of shape (n_queries, n_neighbors)
            Ascending: one minus the score, or minus the score under ``metric="dot"``; infinity
            beside -1. Only with `return_distance`.

        indices : ndarray of shape (n_queries, n_neighbors)
            Positions of documents. -1 where nothing is left: documents without a known word
            never come up, and a query without one finds nothing.

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
        """Find documents, and say what they are.

        Parameters
        ----------
        query : str, list of str, or {array-like, sparse matrix}
            One query, as text or as a row of `n_features` entries, or several.

        n : int, default=10
            How many hits. More than there are documents asks for all.

        allowed : array-like or set, default=None
            The only documents that may come up: ids, or a mask. None allows all.

        unknown : {"ignore", "closest"}, default="ignore"
            What stands in for words of a text that no document has: nothing, or the known word
            that is spelt most nearly the same, if any comes close.

        Returns
        -------
        SearchHits or list of SearchHits
            One for each query. Without a known word there are no hits, and `note` says so.

        Raises
        ------
        TypeError
            If a query is no text and no matrix.

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
        """Return the label of the best hits: each of `n_neighbors` votes with its score.

        Parameters
        ----------
        X : iterable of str, or {array-like, sparse matrix} of shape (n_queries, n_features)
            Queries, or documents to be labeled.

        Returns
        -------
        ndarray of shape (n_queries,)
            Of equal votes the first class in order. A query that finds nothing gets the most
            frequent label.

        Raises
        ------
        ValueError
            If the fit had no `y`.
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
        """Mean average precision of the rankings of queries.

        Parameters
        ----------
        X : iterable of str, or {array-like, sparse matrix} of shape (n_queries, n_features)
            Queries.

        y : array-like of shape (n_queries,) or {array-like, sparse matrix} of shape \
                (n_queries, n_samples_fit_)
            What is relevant: the documents with the same label, or those with an entry above 0.

        Returns
        -------
        float
            Between 0 and 1, over the first 1000 places; queries for which nothing is relevant are
            left out.

        Raises
        ------
        ValueError
            If `y` is missing or has another shape, labels are given and the fit had none, or
            nothing is relevant for any query.

        See Also
        --------
        retrieval_scorer : Other measures, and searches over judged queries.
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
        """Return the positions that may come up: those allowed, of documents that say anything."""
        says = self._fitted_index.says_anything
        if allowed is None:
            return None if says.all() else np.flatnonzero(says)
        positions = self._fitted_collection.positions_of(allowed)
        return positions[says[positions]]

    def _ranked(self, queries: Queries, k: int, allowed: Any) -> tuple[Indices, Array]:
        """Return positions and scores, as many columns as asked for, -1 where nothing is left."""
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
        """Return which documents have the label of each query."""
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
