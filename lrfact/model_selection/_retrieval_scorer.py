"""retrieval_scorer: ranking metrics of document search for judged queries."""

from dataclasses import dataclass, field
from numbers import Integral
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.utils import check_array

from lrfact._sklearn_compat import Interval, StrOptions, validate_params
from lrfact.checks._matrix_input import with_wide_dtype
from lrfact.metrics import (
    average_precision_at_k,
    hit_rate_at_k,
    ndcg_at_k,
    precision_at_k,
    recall_at_k,
    reciprocal_rank_at_k,
)
from lrfact.model_selection._last_step import last_step

METRICS = {
    "average_precision": average_precision_at_k,
    "hit_rate": hit_rate_at_k,
    "ndcg": ndcg_at_k,
    "precision": precision_at_k,
    "recall": recall_at_k,
    "reciprocal_rank": reciprocal_rank_at_k,
}


@validate_params(
    {
        "queries": "no_validation",
        "relevance": "no_validation",
        "metric": [StrOptions(set(METRICS))],
        "k": [Interval(Integral, 1, None, closed="left")],
    },
    prefer_skip_nested_validation=True,
)
def retrieval_scorer(
    queries: Any, relevance: Any, *, metric: str = "average_precision", k: int = 1000
) -> "RetrievalScorer":
    """Make a scorer of document search by judged queries (mean average precision and others).

    For GridSearchCV or RankSearchCV over estimators that find the nearest documents, such as a
    Pipeline of TfidfVectorizer, TruncatedSVDReducer and NearestNeighbors. The fitted estimator
    ranks the documents on which it was fitted, so that a single "fold" of all documents is used,
    ``cv=[(rows, rows)]`` with ``rows = np.arange(n_documents)``: only the queries are unseen.

    Parameters
    ----------
    queries : list of str, or {array-like, sparse matrix} of shape (n_queries, n_features)
        Queries, in the same form as the documents on which the estimator is fitted.

    relevance : {array-like, sparse matrix} of shape (n_queries, n_documents)
        Relevance judgments. Documents with positive entries are relevant, with the entry as gain
        for "ndcg"; all others are not, including negative grades as in some TREC judgments.
        Columns are documents, in the order of the training rows. Queries without a relevant
        document are excluded from the mean.

    metric : str, default='average_precision'
        "average_precision", whose mean is MAP, "reciprocal_rank", "ndcg", "precision", "recall"
        or "hit_rate": the function of `lrfact.metrics` of this name and ``_at_k``.

    k : int, default=1000
        Number of leading documents of each ranking that are evaluated. The default is the depth of
        TREC evaluations, which suits "average_precision" and "ndcg". "precision", "recall" and
        "hit_rate" need the number of documents that a user reads, such as 10; precision divides
        by `k` even if there are fewer documents.

    Returns
    -------
    RetrievalScorer
        Scorer, called as ``scorer(estimator, X)``; returns a float between 0 and 1, for which
        higher is better. `X` is ignored: the training documents are ranked. It can be pickled.

    Raises
    ------
    ValueError
        If there is no such metric, `k` is below 1, `queries` is one string, the number of queries
        is not that of the rows of `relevance`, `relevance` is not a finite matrix, or no query has
        a relevant document. Raised by the scorer if the estimator was not fitted on as many
        documents as `relevance` has columns.

    TypeError
        Raised by the scorer if the estimator has no `kneighbors` or no `n_samples_fit_`.

    See Also
    --------
    lrfact.metrics.average_precision_at_k : One of the metrics.
    RankSearchCV : Search over the number of components with a single factorization.
    holdout_scorer : Scorer for recommenders, whose queries are rows with held-out entries.

    Notes
    -----
    The scorer calls ``kneighbors(queries, n_neighbors, return_distance=False)``, which returns
    indices of documents, best first, with -1 for missing ones. For a Pipeline it calls the last
    step, with queries transformed by the preceding steps.

    The best score of a search is too optimistic for other queries. Split the judged queries and
    their rows of `relevance` into two halves: choose parameters with one half,
    ``search.fit(documents)``, and report the score of the other,
    ``other_scorer(search.best_estimator_)``.

    Cost: one call of `kneighbors` for all queries, then O(nnz + n_queries k log nnz) time for nnz
    relevant entries, and O(nnz + n_queries k) memory.

    References
    ----------
    Manning, C. D., Raghavan, P. and Schütze, H. (2008). Introduction to Information Retrieval,
    chapter 8. Cambridge University Press. doi:10.1017/CBO9780511809071.

    Deerwester, S., Dumais, S. T., Furnas, G. W., Landauer, T. K. and Harshman, R. (1990). Indexing
    by latent semantic analysis. Journal of the American Society for Information Science 41, who
    judge the number of components by what is retrieved.
    doi:10.1002/(SICI)1097-4571(199009)41:6<391::AID-ASI1>3.0.CO;2-9.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.feature_extraction.text import TfidfVectorizer
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sklearn.neighbors import NearestNeighbors
    >>> from sklearn.pipeline import make_pipeline
    >>> from lrfact import RankSearchCV, TruncatedSVDReducer, retrieval_scorer
    >>> documents = [
    ...     "a car with an engine",
    ...     "an automobile with an engine",
    ...     "wheels of an automobile",
    ...     "a cat and a kitten",
    ...     "a kitten drinks milk",
    ...     "milk for a cat in a car",
    ...     "bread from an oven",
    ...     "a baker with an oven",
    ...     "a baker buys flour and milk",
    ... ]
    >>> relevance = np.repeat(np.eye(3), 3, axis=1)  # of three documents for each query
    >>> scorer = retrieval_scorer(["car", "kitten", "bread"], relevance)
    >>> engine = make_pipeline(
    ...     TfidfVectorizer(stop_words="english"),
    ...     TruncatedSVDReducer(),
    ...     NearestNeighbors(metric="cosine"),
    ... )
    >>> rows = np.arange(len(documents))
    >>> grid = {"truncatedsvdreducer__n_components": [2, 3, 5]}
    >>> search = GridSearchCV(engine, grid, scoring=scorer, cv=[(rows, rows)]).fit(documents)
    >>> search.best_params_
    {'truncatedsvdreducer__n_components': 3}
    >>> search.cv_results_["mean_test_score"].round(2)
    array([0.89, 0.91, 0.81])
    >>> ranks = RankSearchCV(engine, ranks=[2, 3, 5], scoring=scorer, cv=[(rows, rows)])
    >>> ranks.fit(documents).best_rank_
    3
    """
    if isinstance(queries, str):
        raise ValueError(
            "queries of retrieval_scorer must be a list of str or a matrix with a row per query, "
            f"but is one string, {queries!r}; put it into a list"
        )
    if np.ma.isMaskedArray(relevance):
        raise ValueError(
            "relevance of retrieval_scorer is a masked array, whose mask would be lost; fill it "
            "with 0 where nothing is relevant: relevance.filled(0)"
        )
    grades = check_array(with_wide_dtype(relevance), accept_sparse="csr", input_name="relevance")
    n_queries = queries.shape[0] if hasattr(queries, "shape") else len(queries)
    if n_queries != grades.shape[0]:
        raise ValueError(
            f"retrieval_scorer got {n_queries} queries, but relevance has {grades.shape[0]} rows "
            f"and {grades.shape[1]} columns; it must have a row per query, in the same order, and "
            "a column per document"
        )
    relevant = sp.csr_array(grades, dtype=np.float64, copy=True)
    relevant.sum_duplicates()
    relevant.data[relevant.data < 0] = 0
    relevant.eliminate_zeros()
    if not relevant.nnz:
        raise ValueError(
            "relevance of retrieval_scorer has no entry above 0, so no query has a relevant "
            "document and there is nothing to find; give judged queries"
        )
    return RetrievalScorer(queries, relevant, metric, int(k))


@dataclass(frozen=True, eq=False)
class RetrievalScorer:
    """Scorer made by `retrieval_scorer`.

    Attributes
    ----------
    queries : list of str, or {array-like, sparse matrix} of shape (n_queries, n_features)
        Queries in the form of the documents.

    relevance : csr_array of shape (n_queries, n_documents)
        Relevance judgments.

    metric : str
        Name of the ranking metric.

    k : int
        Number of leading documents that are evaluated.
    """

    queries: Any = field(repr=False)
    relevance: sp.csr_array = field(repr=False)
    metric: str
    k: int

    def __call__(self, estimator: Any, X: Any = None, y: Any = None) -> float:
        """Score a fitted estimator on the queries; `X` and `y` are ignored."""
        estimator, queries = last_step(estimator, self.queries)
        for needed in ("kneighbors", "n_samples_fit_"):
            if not hasattr(estimator, needed):
                raise TypeError(
                    f"{type(estimator).__name__} has no {needed}, which retrieval_scorer needs; "
                    "give a fitted estimator that finds neighbors, such as NearestNeighbors, or "
                    "a Pipeline that ends in one"
                )
        n_documents = self.relevance.shape[1]
        if estimator.n_samples_fit_ != n_documents:
            raise ValueError(
                f"relevance of retrieval_scorer has {n_documents} columns, but "
                f"{type(estimator).__name__} was fitted on {estimator.n_samples_fit_} documents; "
                "there must be a column per document. In a search such as GridSearchCV, whose "
                "folds leave out documents, while what is judged are queries, pass "
                f"cv=[(rows, rows)] with rows = np.arange({n_documents})"
            )
        n_neighbors = min(self.k, n_documents)
        ranking = estimator.kneighbors(queries, n_neighbors, return_distance=False)
        return float(METRICS[self.metric](ranking, self.relevance, k=self.k))
