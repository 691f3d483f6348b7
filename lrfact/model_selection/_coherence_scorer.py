"""coherence_scorer: for searches over rows, how well topics' terms go together in test rows."""

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
    """Make a scorer of topics: how well the leading terms of each go together in test documents.

    For models of a document-term matrix, such as non-negative factorizations, in GridSearchCV or
    RankSearchCV: the estimator is fitted on the training documents, and the terms of its
    components are looked up in the others.

    Parameters
    ----------
    measure : {"npmi", "c_v", "u_mass"}, default="npmi"
        As in `lrfact.metrics.topic_coherence`, with each document for a window.

    n_terms : int, default=10
        Terms of each topic: the columns of the greatest weights, as far as these are above 0.

    Returns
    -------
    CoherenceScorer
        Called as ``scorer(estimator, X)``, returns a float, greater for better. It can be
        pickled.

    Raises
    ------
    ValueError
        If there is no such measure, or `n_terms` is below 2. The scorer raises it if the
        documents have negative entries or none above 0, or not the columns of the components.

    TypeError
        By the scorer, if the estimator has no `components_`.

    See Also
    --------
    lrfact.metrics.topic_coherence : The measures, also by sliding windows.
    lrfact.metrics.topic_diversity : What coherence does not see: topics that repeat each other.
    holdout_scorer : The error on hidden entries of test rows.

    Notes
    -----
    Of a Pipeline the components of the last step are judged, on documents transformed by the steps
    before. A topic with fewer than two weights above 0 scores as one whose terms never occur in
    the test documents: -1, 0 for "c_v", minus the logarithm of their number for "u_mass".

    A mean over topics does not punish too few of them: where one number is to be chosen, look at
    the curve, and at the error of held-out entries too.

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
    """What `coherence_scorer` makes.

    Attributes
    ----------
    measure : str
        How topics are judged.

    n_terms : int
        By how many of their terms.
    """

    measure: str
    n_terms: int

    def __call__(self, estimator: Any, X: Any, y: Any = None) -> float:
        """Score the components of a fitted estimator on documents; `y` is ignored."""
        estimator, X = last_step(estimator, X)
        if not hasattr(estimator, "components_"):
            raise TypeError(
                f"{type(estimator).__name__} has no components_, which coherence_scorer takes for "
                "topics; give a fitted factorization, or a Pipeline that ends in one"
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
        """Columns of positive weight, the greatest first, of equal ones the first column."""
        best = np.argsort(-weights, kind="stable")[: self.n_terms]
        return best[weights[best] > 0]
