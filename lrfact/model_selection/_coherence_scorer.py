"""coherence_scorer: coherence of the terms of topics in test documents."""

from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
import numpy.typing as npt

from lrfact._sklearn_compat import Interval, StrOptions, validate_params
from lrfact.metrics._topic_coherence import MEASURES, coherence_of_columns
from lrfact.model_selection._last_step import last_step


@validate_params(
    {
        "measure": [StrOptions(set(MEASURES))],
        "n_terms": [Interval(Integral, 2, None, closed="left")],
    },
    prefer_skip_nested_validation=True,
)
def coherence_scorer(measure: str = "npmi", *, n_terms: int = 10) -> "CoherenceScorer":
    """Make a scorer of topics by topic coherence: co-occurrence of their terms in test documents.

    For models of a document-term matrix, such as nonnegative matrix factorizations, in GridSearchCV
    or RankSearchCV: the estimator is fitted on the training documents, and the co-occurrence of
    the terms of its components is evaluated on the test documents.

    Parameters
    ----------
    measure : {"npmi", "c_v", "u_mass"}, default="npmi"
        Coherence measure, as in `lrfact.metrics.topic_coherence`, with each document as a window.

    n_terms : int, default=10
        Number of terms of each topic: the columns with the largest positive weights.

    Returns
    -------
    CoherenceScorer
        Scorer, called as ``scorer(estimator, X)``; returns a float, for which higher is better. It
        can be pickled.

    Raises
    ------
    ValueError
        If there is no such measure, or `n_terms` is below 2. Raised by the scorer if the documents
        have negative or only zero entries, or not the columns of the components.

    TypeError
        Raised by the scorer if the estimator has no `components_`.

    See Also
    --------
    lrfact.metrics.topic_coherence : The measures, also with sliding windows.
    lrfact.metrics.topic_diversity : Fraction of distinct terms, which detects repeated topics.
    holdout_scorer : Error on held-out entries of test rows.

    Notes
    -----
    For a Pipeline, the components of the last step are scored on documents transformed by the
    preceding steps. A topic with fewer than two positive weights has the score of one whose terms
    never occur in the test documents: -1, 0 for "c_v", minus the logarithm of the number of
    documents for "u_mass".

    A mean over topics does not penalize too few topics. To choose their number, inspect the curve
    and also the error on held-out entries.

    References
    ----------
    Röder, M., Both, A. and Hinneburg, A. (2015). Exploring the space of topic coherence measures.
    Proceedings of WSDM 2015. doi:10.1145/2684822.2685324.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.decomposition import NMF
    >>> from sklearn.model_selection import GridSearchCV
    >>> from lrfact import coherence_scorer
    >>> rng = np.random.default_rng(0)
    >>> topics = np.kron(np.eye(3), np.ones(10))  # of ten terms each
    >>> X = rng.poisson(0.05 + 0.3 * topics[rng.integers(3, size=300)])
    >>> model = NMF(init="nndsvda", max_iter=500)
    >>> scoring = coherence_scorer(n_terms=8)
    >>> search = GridSearchCV(model, {"n_components": [2, 3, 4]}, scoring=scoring).fit(X)
    >>> search.best_params_
    {'n_components': 3}
    """
    return CoherenceScorer(measure, int(n_terms))


@dataclass(frozen=True)
class CoherenceScorer:
    """Scorer made by `coherence_scorer`.

    Attributes
    ----------
    measure : str
        Coherence measure.

    n_terms : int
        Number of terms of each topic.
    """

    measure: str
    n_terms: int

    def __call__(self, estimator: Any, X: Any, y: Any = None) -> float:
        """Score the components of a fitted estimator on documents; `y` is ignored."""
        estimator, X = last_step(estimator, X)
        if not hasattr(estimator, "components_"):
            raise TypeError(
                f"{type(estimator).__name__} has no components_, which coherence_scorer uses as "
                "topics; pass a fitted factorization, or a Pipeline that ends in one"
            )
        weights = np.asarray(estimator.components_)
        if np.shape(X)[1:] != weights.shape[1:]:
            raise ValueError(
                f"X has shape {np.shape(X)}, but the components_ of {type(estimator).__name__} "
                f"have {weights.shape[1]} columns; coherence_scorer needs the columns that were "
                "factorized"
            )
        topics = [self._leading_terms(weights_of_one) for weights_of_one in weights]
        return float(coherence_of_columns(topics, X, MEASURES[self.measure]).mean())

    def _leading_terms(self, weights: npt.NDArray) -> npt.NDArray[np.int64]:
        """Columns with positive weights, in descending order, ties by column index."""
        best = np.argsort(-weights, kind="stable")[: self.n_terms]
        return best[weights[best] > 0]
