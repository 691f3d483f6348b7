"""The normal distribution that the vectors of rows or columns come from, and draws of it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cholesky, solve_triangular

from lrfact._typing import Array

# The prior of the mean counts as one vector at zero. That of the precision counts as as many
# vectors as keep it proper, all of variance 1 over their number: little beside a few rows.
_PRIOR_VECTORS = 1.0


@dataclass(frozen=True)
class NormalPrior:
    r"""A normal distribution of vectors, :math:`N(m, (R R')^{-1})`.

    Attributes
    ----------
    mean : ndarray of shape (p,)
        :math:`m`.

    root : ndarray of shape (p, p)
        :math:`R`, lower triangular, float64.
    """

    mean: NDArray[np.float64]
    root: NDArray[np.float64]

    def whiten(self, vectors: Array) -> Array:
        """Return vectors in coordinates in which their prior has unit covariance.

        Parameters
        ----------
        vectors : ndarray of shape (n, p)
            Vectors of this prior.

        Returns
        -------
        ndarray of shape (n, p)
            :math:`R' x` for each, in the dtype of `vectors`.
        """
        return vectors @ self.root.astype(vectors.dtype)

    def unwhiten(self, coordinates: Array) -> Array:
        """Return vectors from their coordinates.

        Parameters
        ----------
        coordinates : ndarray of shape (n, p)
            Whitened coordinates, as returned by `whiten`.

        Returns
        -------
        ndarray of shape (n, p)
        """
        return coordinates @ self._inverse_root().astype(coordinates.dtype)

    def whiten_design(self, design: Array) -> Array:
        """Return what to multiply coordinates by instead of the vectors by `design`.

        Parameters
        ----------
        design : ndarray of shape (n, p)
            Whose products with vectors are wanted.

        Returns
        -------
        ndarray of shape (n, p)
            C-contiguous, in the dtype of `design`.
        """
        return np.ascontiguousarray(design @ self._inverse_root().T.astype(design.dtype))

    def _inverse_root(self) -> NDArray[np.float64]:
        return solve_triangular(self.root, np.eye(len(self.root)), lower=True)


def draw_normal_prior(
    vectors: Array, link: Array, link_precision: float, rng: np.random.Generator
) -> NormalPrior:
    r"""Draw mean and precision of a normal distribution, given vectors from it.

    Parameters
    ----------
    vectors : ndarray of shape (n, p)
        Less what a link makes of their features.

    link : ndarray of shape (r, p)
        Whose rows have the prior :math:`N(0, (\lambda \Lambda)^{-1})`, and so tell of the precision
        :math:`\Lambda` too.

    link_precision : float
        :math:`\lambda`.

    rng : Generator
        Random number generator.

    Returns
    -------
    NormalPrior

    Notes
    -----
    The prior of mean and precision is normal-Wishart with as many degrees of freedom as
    dimensions, scale I / p and a mean of 0 that counts as one vector, in units in which the data
    have variance 1. Salakhutdinov and Mnih (2008), doi:10.1145/1390156.1390267, equation 14; the
    Wishart distribution by Bartlett's decomposition. ``n p^2`` multiplications and additions.
    """
    n, p = vectors.shape
    wide = vectors.astype(np.float64)
    average = wide.mean(axis=0)
    centered = wide - average
    scatter = np.eye(p) + centered.T @ centered + link_precision * (link.T @ link)
    scatter += n * _PRIOR_VECTORS / (n + _PRIOR_VECTORS) * np.outer(average, average)
    freedom = p + n + len(link)
    bartlett = np.zeros((p, p))
    bartlett[np.tril_indices(p, -1)] = rng.standard_normal(p * (p - 1) // 2)
    bartlett[np.diag_indices(p)] = np.sqrt(rng.chisquare(freedom - np.arange(p)))
    # Precision = M M' with M = inv(C') A for scatter = C C'; its triangular root is R of M' = Q R.
    C = cholesky(scatter, lower=True)
    M = solve_triangular(C, bartlett, lower=True, trans="T")
    triangle = np.linalg.qr(M.T).R
    root = triangle.T * np.sign(np.diag(triangle))
    spread = solve_triangular(root, rng.standard_normal(p), lower=True, trans="T")
    mean = n / (n + _PRIOR_VECTORS) * average + spread / np.sqrt(n + _PRIOR_VECTORS)
    return NormalPrior(mean, root)
