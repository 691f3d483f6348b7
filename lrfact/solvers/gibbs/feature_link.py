"""Where the vectors of rows or columns are expected, by their features: a drawn regression."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lrfact._typing import Array
from lrfact.solvers.gibbs.normal_prior import NormalPrior


@dataclass(frozen=True)
class FeatureLink:
    r"""Expectation of vectors beyond their common mean, :math:`B' f`.

    Attributes
    ----------
    weights : ndarray of shape (r, p)
        :math:`B`; without features r is 0.

    precision : float
        :math:`\lambda` of the prior :math:`N(0, (\lambda \Lambda)^{-1})` of each row of B, with
        :math:`\Lambda` the precision of the vectors.
    """

    weights: NDArray[np.float64]
    precision: float

    def expected(self, features: Array) -> Array:
        """Return what to add to the mean.

        Parameters
        ----------
        features : ndarray of shape (n, r)
            Features of the vectors.

        Returns
        -------
        ndarray of shape (n, p)
            In the dtype of `features`.
        """
        return features @ self.weights.astype(features.dtype)


def draw_feature_link(
    vectors: Array,
    features: Array,
    energies: Array,
    prior: NormalPrior,
    link: FeatureLink,
    rng: np.random.Generator,
) -> FeatureLink:
    r"""Draw the regression of vectors on features, given all else.

    Parameters
    ----------
    vectors : ndarray of shape (n, p)
        Vectors to be explained by the features.

    features : ndarray of shape (n, r)
        Features with orthogonal columns, so that the rows of B are independent.

    energies : ndarray of shape (r,)
        Squared lengths of these columns.

    prior : NormalPrior
        Prior of the vectors without the linked part.

    link : FeatureLink
        The last draw, for its precision.

    rng : Generator
        Random number generator.

    Returns
    -------
    FeatureLink

    Notes
    -----
    :math:`\lambda` has a Gamma(1/2, 1/2) prior. Simm et al. (2017), Macau: scalable Bayesian
    factorization with high-dimensional side information, doi:10.1109/MLSP.2017.8168143, with
    features of orthogonal columns, for which no equations need solving. ``n r p``
    multiplications and additions.
    """
    explained = features.T @ (vectors - prior.mean.astype(vectors.dtype))
    precision = energies + link.precision
    mean = explained.astype(np.float64) / precision[:, np.newaxis]
    noise = prior.unwhiten(np.asarray(rng.standard_normal(mean.shape)))
    weights = mean + noise / np.sqrt(precision)[:, np.newaxis]
    size = float(np.sum(prior.whiten(weights) ** 2))
    drawn = rng.gamma((1 + weights.size) / 2) / ((1 + size) / 2)
    return FeatureLink(weights, float(drawn))
