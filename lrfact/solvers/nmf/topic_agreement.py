"""How far two sets of components, in any order, are the same."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from lrfact._typing import Array


def matched_similarity(components: Array, others: Array) -> NDArray[np.float64]:
    """Cosine of each component with its partner in another set, paired for the largest sum.

    Parameters
    ----------
    components, others : ndarray of shape (n_components, n_features)
        Not negative.

    Returns
    -------
    ndarray of shape (n_components,)
        Between 0 and 1; 0 for components of zeros.

    References
    ----------
    Greene, O'Callaghan and Cunningham (2014), arXiv:1404.4606, with the cosine for the overlap of
    top terms.
    """
    cosines = _unit_rows(components) @ _unit_rows(others).T
    own, partner = linear_sum_assignment(cosines, maximize=True)
    similarity = np.zeros(len(components))
    similarity[own] = np.clip(cosines[own, partner], 0, 1)
    return similarity


def stability(best: Array, others: Sequence[Array]) -> NDArray[np.float64]:
    """Mean similarity of each component to its partners in several other sets.

    Parameters
    ----------
    best : ndarray of shape (n_components, n_features)
        The components judged.

    others : sequence of ndarray of shape (n_components, n_features)
        At least one.

    Returns
    -------
    ndarray of shape (n_components,)
    """
    return np.mean([matched_similarity(best, other) for other in others], axis=0)


def _unit_rows(components: Array) -> NDArray[np.float64]:
    components = components.astype(np.float64)
    norms = np.linalg.norm(components, axis=1, keepdims=True)
    return np.divide(components, norms, out=np.zeros_like(components), where=norms > 0)
