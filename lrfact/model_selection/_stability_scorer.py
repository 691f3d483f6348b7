"""stability_scorer: for searches over rows, whether test rows lead to the same components."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import clone

from lrfact.model_selection._last_step import last_step
from lrfact.solvers.nmf.topic_agreement import matched_similarity


def stability_scorer() -> "StabilityScorer":
    r"""Make a scorer of topics: whether other documents lead to the same ones.

    .. math:: \frac1k \max_\pi \sum_{t=1}^k \cos (h_t, h'_{\pi(t)})

    In GridSearchCV and RankSearchCV the estimator is fitted on the training documents, with
    components :math:`h_t`; the scorer fits a clone on the test documents, with components
    :math:`h'_t`, and pairs them, :math:`\pi`, for the largest sum of cosines.

    Returns
    -------
    StabilityScorer
        Called as ``scorer(estimator, X)``, returns a float between 0 and 1, greater for better. It
        can be pickled.

    Raises
    ------
    ValueError
        By the scorer, if components have negative entries, or what the clone finds has other
        columns.

    TypeError
        By the scorer, if the estimator has no `components_`.

    See Also
    --------
    coherence_scorer : Whether the terms of topics occur together in test documents.
    NMFTopics : Its `stability_` compares starts on the same documents; its `score` predicts
        entries.

    Notes
    -----
    Of a Pipeline the last step is fitted anew, on test documents transformed by the steps before as
    these were fitted, so that columns stay the same.

    Each call costs one fit on the test documents. With two folds both sets of components are found
    on the same number of documents; with more, those of the few test documents are worse, and so is
    every score.

    Too few topics can be as stable as the right number: a single one is, and so are sums of topics
    that mix in the same proportions in all documents. Where scores are alike look at the curve,
    for the last number before it falls. Of 2 to 8
    components for Poisson counts of 300 documents, each about one of 3 or 5 topics that share no
    terms, the best score was at the right number for 38 seeds of 40; for documents that mix 4 or 5
    topics that share terms it was for 6 of 16, the `score` of `NMFTopics` for 11.

    References
    ----------
    Greene, O'Callaghan and Cunningham (2014), arXiv:1404.4606, and Brunet, Tamayo, Golub and
    Mesirov (2004), doi:10.1073/pnas.0308531101, for stability; here between disjoint documents, by
    cosines.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.model_selection import GridSearchCV
    >>> from lrfact import NMFTopics, stability_scorer
    >>> rng = np.random.default_rng(0)
    >>> topics = np.kron(np.eye(4), np.ones(10))  # of ten terms each
    >>> X = rng.poisson(0.02 + 0.5 * topics[rng.integers(4, size=400)])
    >>> grid = {"n_components": [2, 3, 4, 5, 6]}
    >>> scoring = stability_scorer()
    >>> search = GridSearchCV(NMFTopics(random_state=0), grid, scoring=scoring, cv=2).fit(X)
    >>> search.best_params_
    {'n_components': 4}
    """
    return StabilityScorer()


@dataclass(frozen=True)
class StabilityScorer:
    """What `stability_scorer` makes."""

    def __call__(self, estimator: Any, X: Any, y: Any = None) -> float:
        """Fit a clone to documents, and compare components; `y` is ignored."""
        estimator, X = last_step(estimator, X)
        if not hasattr(estimator, "components_"):
            raise TypeError(
                f"{type(estimator).__name__} has no components_, which stability_scorer compares; "
                "give a fitted factorization, or a Pipeline that ends in one"
            )
        own, other = estimator.components_, clone(estimator).fit(X).components_
        if own.shape[1] != other.shape[1]:
            raise ValueError(
                f"X has {other.shape[1]} columns, but the components_ of "
                f"{type(estimator).__name__} have {own.shape[1]}; stability_scorer needs the "
                "columns that were factorized"
            )
        if min(own.min(), other.min()) < 0:
            raise ValueError(
                f"{type(estimator).__name__} has components with negative entries; "
                "stability_scorer compares non-negative ones, such as those of NMFTopics"
            )
        return float(np.mean(matched_similarity(own, other)))
