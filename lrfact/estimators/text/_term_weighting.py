"""TermWeighting: BM25, log-entropy or tf-idf weights of a document-term matrix of counts."""

from numbers import Real
from typing import Any, Self

from scipy.sparse import csr_array
from sklearn.utils.validation import check_is_fitted

from lrfact._sklearn_compat import Interval, RealNotInt, StrOptions, fit_context
from lrfact.checks._fitted_state import reset_on_error
from lrfact.estimators.text._count_weights import CountWeights
from lrfact.solvers.search.term_weights import SCHEMES, TermWeights, fit_term_weights


class TermWeighting(CountWeights):
    r"""Term weighting of a document-term matrix: BM25, log-entropy or tf-idf.

    With :math:`f_{ij}` the count of term j in document i of n, :math:`n_j` the number of documents
    that contain it, and :math:`l_i` the length of a document divided by the mean length:

    .. math::

        \text{bm25:} \quad & \frac{(k_1 + 1) f_{ij}}{f_{ij} + k_1 (1 - b + b\, l_i)}
            \log\Big(1 + \frac{n - n_j + 1/2}{n_j + 1/2}\Big) \\
        \text{log-entropy:} \quad & \log(1 + f_{ij})
            \Big(1 + \frac{1}{\log n} \sum_i p_{ij} \log p_{ij}\Big), \quad
            p_{ij} = f_{ij} / \sum_i f_{ij} \\
        \text{tf-idf:} \quad & f_{ij} \Big(1 + \log \frac{1 + n}{1 + n_j}\Big)

    Parameters
    ----------
    scheme : {"bm25", "log-entropy", "tf-idf"}, default="bm25"
        Weighting formula. "bm25" saturates with the counts and normalizes for document length,
        "log-entropy" gives high weights to terms that are concentrated in few documents, and
        "tf-idf" is linear in the counts.

    k1 : float, default=1.2
        Saturation constant of "bm25". At 0 only the presence of a word matters; in the limit of
        infinity the weight is linear in the counts. Usual values are 1.2 to 2.

    b : float, default=0.5
        Degree of document length normalization of "bm25", from 0 (none) to 1 (full). Usual values
        are 0.5 to 0.8.

    Attributes
    ----------
    term_weights_ : ndarray of shape (n_features,)
        Global weight of each term: the factor of the formula that does not depend on the document.

    mean_length_ : float
        Mean document length, in words, of the documents of the fit.

    n_features_in_ : int
        Number of terms.

    feature_names_in_ : ndarray of shape (n_features,)
        Names of the terms. Defined only if `X` was a DataFrame.

    See Also
    --------
    LSASearch : Latent semantic analysis and search, which uses these weights.
    PPMI : Weights of counts by positive pointwise mutual information.
    sklearn.feature_extraction.text.TfidfTransformer : Weights "tf-idf", with rows of unit length.

    Notes
    -----
    A term that is evenly distributed over all documents has a small weight with "bm25" and "tf-idf"
    and none with "log-entropy". Unseen documents are weighted with the term weights of the fit. A
    term that no document of the fit contains is treated as rare by "bm25" and "tf-idf".

    Cost: O(nnz) time and memory; the result is sparse.

    References
    ----------
    Robertson, S. and Zaragoza, H. (2009). The Probabilistic Relevance Framework: BM25 and Beyond.
    doi:10.1561/1500000019.

    Dumais, S. T. (1991). Improving the retrieval of information from external sources.
    doi:10.3758/BF03203370.

    Examples
    --------
    >>> import numpy as np
    >>> from lrfact import TermWeighting
    >>> counts = np.array([[3, 1, 0], [1, 0, 0], [2, 0, 1]])
    >>> TermWeighting("log-entropy").fit(counts).term_weights_.round(2)
    array([0.08, 1.  , 1.  ])
    >>> TermWeighting().fit_transform(counts).round(2)
    array([[0.2 , 0.86, 0.  ],
           [0.16, 0.  , 0.  ],
           [0.18, 0.  , 0.95]])
    """

    _parameter_constraints: dict = {
        "scheme": [StrOptions(set(SCHEMES))],
        "k1": [Interval(Real, 0, None, closed="left")],
        "b": [Interval(RealNotInt, 0, 1, closed="both"), Interval(Real, 0, 1, closed="both")],
    }

    def __init__(self, scheme: str = "bm25", *, k1: float = 1.2, b: float = 0.5) -> None:
        self.scheme = scheme
        self.k1 = k1
        self.b = b

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the global weights of the terms.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Document-term matrix of nonnegative counts.

        y : None
            Not used, present here for API consistency by convention.

        Returns
        -------
        self : object
            The fitted transformer.

        Raises
        ------
        ValueError
            If a count is negative or not finite.
        """
        with reset_on_error(self):
            counts = self._counts(X, reset=True)
            weights = fit_term_weights(counts, self.scheme, k1=self.k1, b=self.b)
            self.term_weights_ = weights.of_terms
            self.mean_length_ = weights.mean_length
            # `transform` must not depend on later calls of `set_params`.
            self._fitted_formula = (self.scheme, self.k1, self.b)
        return self

    def transform(self, X: Any) -> csr_array:
        """Return the term weights of documents.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Document-term matrix of nonnegative counts, of known or unseen documents.

        Returns
        -------
        {ndarray, csr_array or csr_matrix} of shape (n_samples, n_features)
            Term weights, sparse if `X` is sparse. float32 is kept, any other dtype becomes float64.
        """
        check_is_fitted(self, "term_weights_")
        counts = self._counts(X, reset=False)
        # An instance loaded by `LSASearch.load` has only its parameters.
        scheme, k1, b = getattr(self, "_fitted_formula", (self.scheme, self.k1, self.b))
        weights = TermWeights(scheme, self.term_weights_, self.mean_length_, k1, b)
        # A copy, as the caller may modify the sparsity pattern in place.
        return self._stored_as(X, weights.weigh(counts).copy())
