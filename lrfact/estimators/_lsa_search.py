"""LSASearch: documents found by what they mean."""

import copy
import warnings
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import csr_array
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    clone,
)
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.preprocessing import normalize
from sklearn.utils import check_random_state, column_or_1d
from sklearn.utils.validation import check_is_fitted, validate_data

from lrfact.checks._compat import HasMethods, Interval, RealNotInt, StrOptions, fit_context
from lrfact.checks._documents import as_texts, is_one_row
from lrfact.checks._fitted_state import forgetting
from lrfact.checks._threads import effective_n_threads
from lrfact.estimators._document_collection import DocumentCollection, document_collection
from lrfact.estimators._query_words import QueryWords, query_words
from lrfact.estimators._search_archive import SearchArchive
from lrfact.estimators._search_hits import Hit, SearchHits, snippet
from lrfact.estimators._search_insight import SearchInsight
from lrfact.estimators._term_weighting import TermWeighting
from lrfact.linalg.matrix_operator import Array, MatrixOperator
from lrfact.metrics import average_precision_at_k
from lrfact.rank_rules import RANK_RULES, rank_rule
from lrfact.solvers._result import SVDResult
from lrfact.solvers.document_index import (
    DocumentIndex,
    document_index,
    float32_vectors,
)
from lrfact.solvers.hybrid_search import Queries, hybrid_search
from lrfact.solvers.latent_space import (
    HeldEnergy,
    LatentSpace,
    absent_terms,
    as_sparse_rows,
    decomposed,
    merged,
    term_masses,
)
from lrfact.solvers.svd_with_rank import svd_with_rank
from lrfact.solvers.term_weights import SCHEMES
from lrfact.solvers.truncated_svd import SVD_SOLVERS, truncated_svd

Indices = NDArray[np.intp]

_NAMED: dict[str, Any] = {"count": CountVectorizer, "tfidf": TfidfVectorizer}

# Of 60, 100, 150 and 200 the best on the three judged collections, by little.
_RANK = 100

# As deep as the rankings that TREC judges.
_JUDGED_PLACES = 1000


class LSASearch(
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
        analysis alone, 1 the lexical score alone.

    n_feedback : int, default=4
        How many first hits the query is moved towards before the ranking that is returned
        (pseudo-relevance feedback). 0 for none, at half the time.

    n_neighbors : int, default=5
        Hits that `predict` asks, and the default of `kneighbors`.

    keep_documents : bool, default=True
        Whether to keep the texts, for snippets. They are stored by `save`, too.

    solver : {"auto", "exact", "gram", "randomized", "lanczos"}, default="auto"
        As in `TruncatedSVDReducer`.

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
        How much less of the documents the directions hold than at the fit, 0 to 1:
        one minus the share of the energy of all documents that they hold, over the same share at
        the fit. See the notes.

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
    Defaults are those that did best by mean average precision over three judged collections
    (cranfield, cacm, adi); docs/searching.md has the figures, beside tf-idf, BM25 and latent
    semantic analysis. Its part "Adding documents" says what `drift_` was when a new fit paid.

    A word that no document of the fit has says nothing; a query of such words finds nothing, nor
    does anything find a document of them. Hits are exact: every document is compared.

    Cost of a fit: that of a truncated SVD, about 4 nnz k flops a step. A query: ``2 n k`` flops for
    each of its two rankings, and the documents of its words. Memory: the matrix, ``4 n k`` bytes
    for the index, and 8 bytes for each stored entry with a lexical score.

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
            StrOptions(set(_NAMED)),
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
            If `X` is a single string, or holds bytes or anything else among its texts.

        ValueError
            If there is no document or no word, an entry is not finite, or `ids` repeat.

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
            As in `fit`.

        y : array-like of shape (n_samples,), default=None
            As in `fit`.

        ids : array-like of shape (n_samples,), default=None
            As in `fit`.

        Returns
        -------
        ndarray of shape (n_samples, n_components_)
            What ``fit(X).transform(X)`` returns.
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
        """Return the documents closest to queries, in the way of scikit-learn's neighbours.

        Parameters
        ----------
        X : iterable of str, or {array-like, sparse matrix} of shape (n_queries, n_features)
            Queries.

        n_neighbors : int, default=None
            How many for each; None for the parameter of that name.

        return_distance : bool, default=True
            Whether to return distances, too.

        allowed : array-like, default=None
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
        return (0 if self.metric == "dot" else 1) - scores.astype(np.float64), indices

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

        allowed : array-like, default=None
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
        single = isinstance(query, str) or is_one_row(query)
        if single and not isinstance(query, str):
            query = query.reshape((1, -1))
        texts = [query] if isinstance(query, str) else as_texts(query, what="query")
        if texts is None:
            queries = self._queries(query)
            words = [QueryWords() for _ in queries.vectors]
        else:
            vectorizer = self._vectorizer_of_text()
            words = [query_words(text, vectorizer, unknown) for text in texts]
            queries = self._queries([of_query.text for of_query in words])
        indices, scores = self._ranked(queries, min(int(n), self.n_samples_fit_), allowed)
        says = queries.say_anything(self._fitted_index)
        found = [self._hits(*row) for row in zip(indices, scores, words, says, strict=True)]
        return found[0] if single else found

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the label of the best hits: each of `n_neighbors` votes with its score.

        Parameters
        ----------
        X : iterable of str, or {array-like, sparse matrix} of shape (n_queries, n_features)
            Queries, or documents to be labelled.

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
            If `y` is missing or has another shape, or labels are given and the fit had none.

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

    @fit_context(prefer_skip_nested_validation=True)
    def add(self, X: Any, y: Any = None, *, ids: Any = None) -> Self:
        """Index further documents along the directions of the fit.

        Parameters
        ----------
        X : iterable of str, or {array-like, sparse matrix} of shape (n_samples, n_features)
            Text where the fit was on text, or a matrix with its columns. Words that no document
            of the fit had are left out.

        y : array-like of shape (n_samples,), default=None
            As in `fit`; where that had it.

        ids : array-like of shape (n_samples,), default=None
            As in `fit`; where that had them.

        Returns
        -------
        self : object
            With these documents behind the others, and `drift_` brought up to date.

        Raises
        ------
        ValueError
            If `y` or `ids` are given where the fit had none, or missing where it had them, or an
            id comes twice.
        """
        check_is_fitted(self, "components_")
        self._extend(X, y, ids, turn=False)
        return self

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any = None, *, ids: Any = None) -> Self:
        """Index further documents, and turn the directions towards them.

        Parameters
        ----------
        X : iterable of str, or {array-like, sparse matrix} of shape (n_samples, n_features)
            As in `add`. The words and their weights stay those of the first batch.

        y : array-like of shape (n_samples,), default=None
            As in `add`.

        ids : array-like of shape (n_samples,), default=None
            As in `add`.

        Returns
        -------
        self : object
            The directions are those of a fit on all documents, as long as their matrix has no
            higher rank; the documents so far are moved to them.

        Raises
        ------
        ValueError
            As in `add`.

        Notes
        -----
        Costs a truncated SVD of a matrix of the further documents and `n_components_` rows more,
        and a product with the index.
        """
        if hasattr(self, "components_"):
            self._extend(X, y, ids, turn=True)
        else:
            self._fit(X, y, ids)
        return self

    def truncate(self, n_components: int) -> Self:
        """Return a copy that keeps fewer directions, equal to a fit with that rank.

        Parameters
        ----------
        n_components : int
            More than there are keeps all.

        Returns
        -------
        LSASearch
            Fitted, with `n_components` set. It shares what does not depend on the rank.

        Raises
        ------
        ValueError
            If it is no positive integer.
        """
        check_is_fitted(self, "components_")
        if not isinstance(n_components, Integral) or int(n_components) < 1:
            raise ValueError(f"n_components={n_components!r} must be an integer from 1")
        k = min(int(n_components), self.n_components_)
        shorter = copy.copy(self)
        shorter.n_components = int(n_components)
        index = self._fitted_index
        # In coordinates of length 1 the leading ones are in proportion to what they were.
        vectors = float32_vectors(index.vectors[:, :k], unit=self.metric == "cosine")
        shorter._store(
            self._fitted_space.leading(k),
            index.with_vectors(vectors),
            self._fitted_collection,
            self._fitted_energies.leading(k),
        )
        shorter.singular_value_error_ = self.singular_value_error_[:k]
        return shorter

    def _fit(self, X: Any, y: Any, ids: Any) -> Array:
        """Fit, and return the coordinates of the documents."""
        with forgetting(self):
            counts, texts = self._counts(X, reset=True)
            collection = document_collection(
                counts.shape[0], ids=ids, labels=y, texts=texts if self.keep_documents else None
            )
            self.weighting_ = self._new_weighting(counts)
            if self.weighting_ is not None:
                self.weighting_.fit(counts)
            A = self._weighted(counts)
            masses = term_masses(A) if self.centering is not None else None
            n_threads = effective_n_threads(self.n_jobs)
            operator = decomposed(A, masses, n_threads=n_threads)
            energy = operator.squared_norm()
            if not np.isfinite(energy):
                raise ValueError(
                    "entries of X are too large for their squares to be summed; divide X by its "
                    "largest absolute value"
                )
            result, k = self._directions(operator, A, energy)
            space = LatentSpace(result.s[:k], result.Vt[:k], self.sigma_power, masses)
            space = space.without(absent_terms(A))
            coordinates = space.coordinates(A, n_threads=n_threads)
            self._store(
                space,
                document_index(coordinates, self._lexical_rows(A), unit=self.metric == "cosine"),
                collection,
                HeldEnergy.of_fit(space.s, energy),
            )
            self.solver_ = result.solver
            self.singular_value_error_ = result.error[:k]
        return coordinates

    def _directions(self, A: MatrixOperator, rows: Any, energy: float) -> tuple[SVDResult, int]:
        """Return the leading triplets of a matrix, and how many of them were asked for."""
        # ARPACK cannot find the last triplet, and correspondence analysis leaves one out.
        less = (self.solver == "lanczos") + (self.centering is not None)
        max_rank = max(1, min(A.shape) - less)
        random_state = check_random_state(self.random_state)

        def factorize(operator: MatrixOperator, k: int) -> SVDResult:
            solver = "exact" if k == min(operator.shape) and less else self.solver
            return truncated_svd(
                operator, k, solver=solver, tol=self.tol, rng=random_state, want_left=False
            )

        asked = self.n_components
        if asked == "auto":
            asked = min(_RANK, max_rank)
        if isinstance(asked, Integral):
            if int(asked) > max_rank:
                warnings.warn(
                    f"n_components={asked} is more than the {max_rank} directions that "
                    f"a matrix of {A.shape[0]} documents and {A.shape[1]} terms can have here; "
                    f"{max_rank} are taken",
                    UserWarning,
                    stacklevel=5,
                )
            k = min(int(asked), max_rank)
            return factorize(A, k), k
        rule = rank_rule(
            asked,
            X=rows,
            random_state=random_state,
            n_threads=effective_n_threads(self.n_jobs),
        )
        return svd_with_rank(
            A,
            rule,
            lambda k: factorize(A, k),
            total_energy=energy,
            centered=False,
            max_rank=max_rank,
        )

    def _extend(self, X: Any, y: Any, ids: Any, *, turn: bool) -> None:
        counts, texts = self._counts(X, reset=False)
        kept = texts if self.keep_documents else None
        further = document_collection(counts.shape[0], ids=ids, labels=y, texts=kept)
        collection = self._fitted_collection.extended(further)
        A = self._weighted(counts)
        n_threads = effective_n_threads(self.n_jobs)
        space, index = self._fitted_space, self._fitted_index
        is_unit = self.metric == "cosine"
        batch = decomposed(A, space.masses, n_threads=n_threads)
        energy = batch.squared_norm()
        if turn:
            old = space
            space = merged(old, batch, tol=self.tol, rng=check_random_state(self.random_state))
            space = space.without(absent_terms(A) & ~old.Vt.any(axis=0))
            index = index.turned(space.moved_from(old), unit=is_unit)
            energies = self._fitted_energies.turned(space.s, energy)
        else:
            inside = batch.matmat(np.ascontiguousarray(space.Vt.T, dtype=batch.dtype))
            held = np.einsum("ij,ij->j", inside, inside, dtype=np.float64)
            energies = self._fitted_energies.extended(held, energy)
        lexical = self._lexical_rows(A)
        coordinates = space.coordinates(A, n_threads=n_threads)
        index = index.extended(document_index(coordinates, lexical, unit=is_unit))
        self._store(space, index, collection, energies)

    def _store(
        self,
        space: LatentSpace,
        index: DocumentIndex,
        collection: DocumentCollection,
        energies: HeldEnergy,
    ) -> None:
        self.components_ = space.Vt
        self.singular_values_ = space.s
        self.n_components_ = len(space.s)
        self.explained_energy_ratio_ = energies.shares.astype(space.s.dtype)
        self.drift_ = energies.drift
        self.document_vectors_ = index.vectors
        self.n_samples_fit_ = collection.n_documents
        self._fitted_space = space
        self._fitted_index = index
        self._fitted_collection = collection
        self._fitted_energies = energies

    @property
    def document_ids_(self) -> NDArray[Any]:
        """Ids of the documents, or their positions."""
        collection: DocumentCollection = self._fitted_collection
        return np.arange(collection.n_documents) if collection.ids is None else collection.ids

    @property
    def labels_(self) -> NDArray[Any] | None:
        """Labels of the documents, or None."""
        collection: DocumentCollection = self._fitted_collection
        return collection.labels

    @property
    def classes_(self) -> NDArray[Any] | None:
        """Distinct labels, or None."""
        labels = self.labels_
        return None if labels is None else np.unique(labels)

    def _validated(self, X: Any, *, reset: bool) -> Any:
        return self._counts(X, reset=reset)[0]

    def _solver_and_iterations(self) -> tuple[str, int | None]:
        return self.solver, None

    def _counts(self, X: Any, *, reset: bool) -> tuple[Any, list[str] | None]:
        """Return documents as a validated matrix, and their texts where they came as such."""
        texts = as_texts(X)
        if texts is not None:
            return self._vectorized(texts, reset=reset), texts
        if np.ma.isMaskedArray(X):
            raise ValueError("X is a masked array, and LSASearch has no missing entries: fill it")
        X = validate_data(self, X, reset=reset, accept_sparse="csr", dtype=[np.float64, np.float32])
        if reset:
            self.vectorizer_ = None
        return (as_sparse_rows(X) if sparse.issparse(X) else X), None

    def _vectorized(self, texts: list[str], *, reset: bool) -> csr_array:
        if not reset:
            counts = self._vectorizer_of_text().transform(texts)
        else:
            if self.vectorizer is None:
                raise ValueError(
                    "X is text, and vectorizer=None takes a matrix only; give vectorizer='count'"
                )
            if isinstance(self.vectorizer, str):
                vectorizer = _NAMED[self.vectorizer](stop_words="english", dtype=np.float32)
            else:
                vectorizer = clone(self.vectorizer)
            counts = vectorizer.fit_transform(texts)
            self.vectorizer_ = vectorizer
            self.n_features_in_ = counts.shape[1]
        dtype = counts.dtype if counts.dtype in (np.float32, np.float64) else np.float32
        return as_sparse_rows(sparse.csr_array(counts, dtype=dtype))

    def _vectorizer_of_text(self) -> Any:
        if self.vectorizer_ is None:
            raise ValueError(
                "text was given, and this LSASearch was fitted on a matrix, so that it does not "
                "know how to read words; give rows of a matrix, or fit it on text"
            )
        return self.vectorizer_

    def _new_weighting(self, counts: Any) -> Any:
        if self.weighting is None:
            return None
        if not isinstance(self.weighting, str):
            return clone(self.weighting)
        if self.weighting != "auto":
            return TermWeighting(self.weighting)
        values = counts.data if sparse.issparse(counts) else counts
        are_counts = bool((values >= 0).all()) and bool((values == np.rint(values)).all())
        return TermWeighting("bm25") if are_counts else None

    def _weighted(self, counts: Any) -> Any:
        A = counts if self.weighting_ is None else self.weighting_.transform(counts)
        if sparse.issparse(A):
            A = as_sparse_rows(A)
        if self.centering is None:
            return A
        A = as_sparse_rows(A)
        if A.nnz and A.data.min() < 0:
            raise ValueError(
                "Negative values in data passed to LSASearch, and centering='correspondence' takes "
                "shares of sums; give centering=None"
            )
        return A

    def _lexical_rows(self, A: Any) -> csr_array | None:
        """Return what each word of documents adds to their lexical scores."""
        if self.lexical_weight == 0:
            return None
        rows = as_sparse_rows(A)
        return rows if self._is_bm25 else csr_array(normalize(rows))

    @property
    def _is_bm25(self) -> bool:
        """Whether the weights are those of documents only, and queries are counts."""
        return isinstance(self.weighting_, TermWeighting) and self.weighting_.scheme == "bm25"

    def _queries(self, X: Any) -> Queries:
        counts, _ = self._counts(X, reset=False)
        return self._as_queries(counts, self._weighted(counts))

    def _as_queries(self, counts: Any, A: Any) -> Queries:
        n_threads = effective_n_threads(self.n_jobs)
        coordinates = self._fitted_space.coordinates(A, n_threads=n_threads)
        terms = None
        if self._fitted_index.postings is not None:
            terms = as_sparse_rows(counts if self._is_bm25 else A).astype(np.float32)
        return Queries(float32_vectors(coordinates, unit=self.metric == "cosine"), terms)

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
        finds = queries.say_anything(self._fitted_index)
        indices[finds, :width], scores[finds, :width] = found[finds], of_found[finds]
        return indices, scores

    def _hits(
        self, indices: Indices, scores: Array, words: QueryWords, says_anything: bool = True
    ) -> SearchHits:
        collection: DocumentCollection = self._fitted_collection
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
        return np.unique(labels, return_inverse=True)

    def _same_label(self, y: Any) -> csr_array:
        """Return which documents have the label of each query."""
        classes, codes = self._classes_and_codes("score with labels")
        asked = column_or_1d(y)
        at = np.minimum(np.searchsorted(classes, asked), len(classes) - 1)
        known = classes[at] == asked
        members = csr_array(
            (np.ones(len(codes)), (codes, np.arange(len(codes)))),
            shape=(len(classes), len(codes)),
        )
        return csr_array(members[at].multiply(known[:, np.newaxis]))

    def _term_names(self) -> NDArray[Any] | None:
        if self.vectorizer_ is None:
            return getattr(self, "feature_names_in_", None)
        names = getattr(self.vectorizer_, "get_feature_names_out", None)
        return None if names is None else np.asarray(names(), dtype=object)

    @property
    def _n_features_out(self) -> int:
        return len(self.components_)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
