"""stability_scorer: similarity of the components learned from training and from test rows."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import clone

from lrfact.model_selection._last_step import last_step
from lrfact.solvers.nmf.topic_agreement import matched_similarity


def stability_scorer() -> "StabilityScorer":
    r"""Make a scorer of topics by their stability across documents.

    .. math:: \frac1k \max_\pi \sum_{t=1}^k \cos (h_t, h'_{\pi(t)})

    In GridSearchCV and RankSearchCV the estimator is fitted on the training documents, with
    components :math:`h_t`; the scorer fits a clone on the test documents, with components
    :math:`h'_t`, and matches them by the permutation :math:`\pi` with the largest sum of cosines.

    Returns
    -------
    StabilityScorer
        Scorer, called as ``scorer(estimator, X)``; returns a float between 0 and 1, for which
        higher is better. It can be pickled.

    Raises
    ------
    ValueError
        Raised by the scorer if components have negative entries, or those of the clone have other
        columns.

    TypeError
        Raised by the scorer if the estimator has no `components_`.

    See Also
    --------
    coherence_scorer : Co-occurrence of the terms of topics in test documents.
    NMFTopics : Topic model; its `stability_` compares initializations on the same documents.

    Notes
    -----
    For a Pipeline, a clone of the last step is fitted on test documents transformed by the
    preceding fitted steps, so that columns are the same.

    Each call costs one fit on the test documents. With two folds both sets of components are
    learned from the same number of documents; with more folds, those of the fewer test documents
    are worse, and so is every score.

    Too few topics can be as stable as the right number: a single topic is, and so are sums of
    topics that occur in the same proportions in all documents. If scores are similar, inspect the
    curve for the last number before it falls. Of 2 to 8 components for Poisson counts of 300
    documents, each about one of 3 or 5 topics that share no terms, the best score was at the right
    number for 38 seeds of 40; for documents that mix 4 or 5 topics that share terms it was for 6 of
    16, the `score` of `NMFTopics` for 11.

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
    """Scorer made by `stability_scorer`."""

    def __call__(self, estimator: Any, X: Any, y: Any = None) -> float:
        """Fit a clone to documents and compare its components; `y` is ignored."""
        estimator, X = last_step(estimator, X)
        if not hasattr(estimator, "components_"):
            raise TypeError(
                f"{type(estimator).__name__} has no components_, which stability_scorer compares; "
                "pass a fitted factorization, or a Pipeline that ends in one"
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
                "stability_scorer compares nonnegative ones, such as those of NMFTopics"
            )
        return float(np.mean(matched_similarity(own, other)))
