"""PPMI: positive pointwise mutual information of co-occurrence counts."""

from numbers import Real
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.special import logsumexp
from sklearn.utils.validation import check_is_fitted

from lrfact._sklearn_compat import Interval, fit_context
from lrfact._typing import Array
from lrfact.checks._fitted_state import reset_on_error
from lrfact.estimators.text._count_weights import CountWeights


class PPMI(CountWeights):
    r"""Positive pointwise mutual information (PPMI) of word-context co-occurrence counts.

    With :math:`n_{ij}` the count of word i in context j, :math:`r_i` the sum of its row and
    :math:`c_j` the sum of a column over the training rows:

    .. math:: \max\Big(0,\ \log \frac{n_{ij} / r_i}{p_j} - \log \kappa\Big), \qquad
              p_j = \frac{c_j^\alpha}{\sum_l c_l^\alpha}

    where :math:`\alpha` is `smoothing` and :math:`\kappa` is `shift`. With both equal to 1
    it is the logarithm of the ratio of the observed to the expected co-occurrence count under
    independence, and 0 where this ratio is below 1. Rows can also be documents and columns their
    terms.

    Parameters
    ----------
    smoothing : float in (0, 1], default=0.75
        Exponent of the context counts (context distribution smoothing). Values below 1 raise the
        probability of rare contexts, whose mutual information is otherwise the highest of all with
        only one or two occurrences. 1 disables smoothing.

    shift : float, default=1.0
        Shift of at least 1. Its logarithm is subtracted from each weight before negative weights
        are set to 0, so that larger values give sparser results. It corresponds to the number of
        negative samples of word2vec, whose usual values are 5 and 15.

    Attributes
    ----------
    context_log_probability_ : ndarray of shape (n_features,)
        Logarithm of :math:`p_j` in float64. It is 0 for contexts without any count in the fit, so
        that no weight in such a column is above 0.

    n_features_in_ : int
        Number of contexts.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the contexts. Defined only if `X` has feature names that are all strings.

    See Also
    --------
    TermWeighting : Weights for search: BM25, log-entropy, tf-idf.
    TruncatedSVDReducer : Truncated SVD, which gives word vectors when applied to the weights.
    MaskedMF : Weighted factorization of the observed entries only, as in GloVe.

    Notes
    -----
    The weights of a row depend only on its own sum and on the context probabilities of the fit, so
    that unseen words can be folded in, and rows do not depend on each other. Counts in contexts
    without any count in the fit get the weight 0, but are part of the sum of their row.

    Cost: O(nnz) time and memory. The result is sparse if `X` is, and never has more entries.

    References
    ----------
    Church and Hanks (1990), "Word association norms, mutual information, and lexicography",
    Computational Linguistics 16(1). Bullinaria and Levy (2007), doi:10.3758/BF03193020. Levy,
    Goldberg and Dagan (2015), doi:10.1162/tacl_a_00134, for `smoothing` and `shift`.

    Examples
    --------
    Co-occurrence counts of four words. The context "the" occurs near all of them and is thus not
    informative:

    >>> import numpy as np
    >>> from sklearn.pipeline import make_pipeline
    >>> from lrfact import PPMI, TruncatedSVDReducer
    >>> contexts = ["the", "drive", "road", "feed", "fur"]
    >>> counts = np.array(
    ...     [
    ...         [9, 4, 3, 0, 0],  # car
    ...         [8, 3, 2, 0, 0],  # lorry
    ...         [9, 0, 0, 4, 3],  # cat
    ...         [7, 0, 1, 3, 2],  # dog
    ...     ]
    ... )
    >>> PPMI(smoothing=1).fit_transform(counts).round(2)
    array([[0.  , 0.73, 0.59, 0.  , 0.  ],
           [0.08, 0.65, 0.4 , 0.  , 0.  ],
           [0.  , 0.  , 0.  , 0.73, 0.78],
           [0.  , 0.  , 0.  , 0.65, 0.58]])

    A truncated SVD of the weights gives word vectors, here compared by cosine similarity:

    >>> to_vectors = make_pipeline(PPMI(), TruncatedSVDReducer(n_components=2))
    >>> vectors = to_vectors.fit_transform(counts)
    >>> vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    >>> (vectors @ vectors.T).round(1)
    array([[1. , 1. , 0.1, 0.1],
           [1. , 1. , 0.1, 0.1],
           [0.1, 0.1, 1. , 1. ],
           [0.1, 0.1, 1. , 1. ]])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "smoothing": [Interval(Real, 0, 1, closed="right")],
        "shift": [Interval(Real, 1, None, closed="left")],
    }

    def __init__(self, *, smoothing: float = 0.75, shift: float = 1.0) -> None:
        self.smoothing = smoothing
        self.shift = shift

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the smoothed probabilities of the contexts.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Nonnegative co-occurrence counts, with words in rows and contexts in columns.

        y : None
            Not used, present here for API consistency by convention.

        Returns
        -------
        self : object
            The fitted transformer.

        Raises
        ------
        ValueError
            If a count is negative or not finite, or the sum of the counts overflows.
        """
        with reset_on_error(self):
            counts = self._counts(X, reset=True)
            context_counts = _sums(counts.indices, counts.data, counts.shape[1])
            self.context_log_probability_ = _log_probability(context_counts, self.smoothing)
            # `transform` must not depend on later calls of `set_params`.
            self._fitted_shift = self.shift
        return self

    def transform(self, X: Any) -> Any:
        """Return the PPMI weights of words, known or unseen.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Nonnegative counts in the contexts of the fit.

        Returns
        -------
        {ndarray, csr_array or csr_matrix} of shape (n_samples, n_features)
            Nonnegative weights, sparse and without stored zeros if `X` is sparse. float32 is kept,
            any other dtype becomes float64.
        """
        check_is_fitted(self, "context_log_probability_")
        counts = self._counts(X, reset=False)
        thresholds = self.context_log_probability_ + np.log(self._fitted_shift)
        weights = _positive_information(counts, thresholds)
        return self._stored_as(X, weights)


def _log_probability(counts: Array, smoothing: float) -> Array:
    """Return log-probabilities of contexts with smoothing; 0 for those without a count."""
    seen = counts > 0
    log_probability = np.zeros(len(counts))
    if seen.any():
        smoothed = smoothing * np.log(counts[seen])
        log_probability[seen] = smoothed - logsumexp(smoothed)
    return log_probability


def _positive_information(counts: csr_array, thresholds: Array) -> csr_array:
    """Log of the relative frequencies in each row minus the column thresholds, clipped at 0."""
    n_rows = counts.shape[0]
    rows = np.repeat(np.arange(n_rows), np.diff(counts.indptr))
    row_sums = _sums(rows, counts.data, n_rows)
    # A difference of logarithms, as a tiny count divided by a huge sum may underflow to 0.
    values = np.log(counts.data, dtype=np.float64)
    values -= np.log(np.where(row_sums > 0, row_sums, 1))[rows]
    values -= thresholds[counts.indices]
    np.maximum(values, 0, out=values)
    weights = csr_array(
        (values.astype(counts.dtype), counts.indices, counts.indptr), shape=counts.shape
    ).copy()  # as zeros are removed in place
    weights.eliminate_zeros()
    return weights


def _sums(groups: NDArray[np.integer], values: Array, n_groups: int) -> Array:
    """Sum of the values of each group, in double precision."""
    # Without any values, bincount returns integers.
    sums = np.bincount(groups, weights=values, minlength=n_groups).astype(np.float64)
    if not np.isfinite(sums).all():
        raise ValueError(
            "X has counts so large that their sum is infinite; divide X by its largest value, "
            "which does not change the weights"
        )
    return sums
