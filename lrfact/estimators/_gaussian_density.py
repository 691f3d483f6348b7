"""The Gaussian model behind probabilistic PCA: few components, and equal noise in the rest."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrfact._typing import Array

EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class GaussianDensity:
    """A Gaussian with covariance ``V' diag(variances - noise) V + noise I``, V orthonormal rows.

    A variance within the rounding error of the largest one is replaced by the smallest one above
    it, so that the density is finite and does not depend on rounding errors.

    Attributes
    ----------
    variances : ndarray of shape (k,)
        Variances of the components, in descending order.

    noise : float
        Variance of all other components.

    n_features : int
        Dimension of the space.

    eps : float
        Unit roundoff of the arithmetic by which the components were computed.
    """

    variances: Array
    noise: float
    n_features: int
    eps: float = EPS

    @property
    def is_singular(self) -> bool:
        """Whether all variances are zero."""
        return self._largest <= 0

    @property
    def _largest(self) -> float:
        return max(self.noise, _largest(self.variances))

    @property
    def _n_weak(self) -> int:
        return self.n_features - len(self.variances)

    @property
    def _weak(self) -> float:
        """Variance of the noise, at least that of rounding errors."""
        return max(self.noise, _least_noise(float(self.variances.sum()), self._n_weak, self.eps))

    @property
    def _strong(self) -> Array:
        """Variances of the components, at least that of the noise."""
        least = self._weak if self._n_weak else _least_variance(self.variances, self.eps)
        return np.maximum(self.variances, least)

    def log_density(self, squared_coordinates: Array, squared_norms: Array) -> Array:
        """Return the log-density of centered rows.

        Parameters
        ----------
        squared_coordinates : ndarray of shape (n_rows, k)
            Squared coordinates on the components.

        squared_norms : ndarray of shape (n_rows,)
            Squared norms of the rows.

        Returns
        -------
        ndarray of shape (n_rows,)
        """
        self._require_regular()
        strong, weak, n_weak = self._strong, self._weak, self._n_weak
        # Inverses of very small variances may overflow where distances do not.
        unit = self._largest
        distance = (squared_coordinates / unit) @ (unit / strong)
        log_volume = np.log(strong).sum()
        if n_weak:
            outside = _outside(squared_norms, squared_coordinates.sum(axis=1), self.eps)
            distance = distance + outside / weak
            log_volume += n_weak * np.log(weak)
        return -0.5 * (self.n_features * np.log(2 * np.pi) + log_volume + distance)

    def covariance(self, components: Array) -> Array:
        """Return the covariance for components of shape (k, n_features)."""
        excess = np.maximum(self.variances - self.noise, 0)
        covariance = (components.T * excess) @ components
        np.fill_diagonal(covariance, covariance.diagonal() + self.noise)
        return covariance

    def precision(self, components: Array) -> Array:
        """Return the inverse of the covariance, with variances bounded as in the density."""
        self._require_regular()
        strong, weak = self._strong, self._weak
        least = min(float(strong.min()), weak) if self._n_weak else float(strong.min())
        if least < 1 / np.finfo(np.float64).max:
            raise ValueError(
                f"the least variance is {least:.3g}, and its inverse overflows: fit rows that are "
                "multiplied by a large number"
            )
        if not self._n_weak:
            return (components.T / strong) @ components
        precision = (components.T * (1 / strong - 1 / weak)) @ components
        np.fill_diagonal(precision, precision.diagonal() + 1 / weak)
        return precision

    def _require_regular(self) -> None:
        if self.is_singular:
            raise ValueError(
                "the fitted rows have no variance, so there is no density: fit rows that differ"
            )


def _least_variance(variances: Array, eps: float) -> float:
    """Return the variance of a component that may be due to rounding: squares of coordinates."""
    return max((100 * eps) ** 2, 10 * EPS) * _largest(variances)


def _least_noise(total: Any, n_weak: Any, eps: float) -> Any:
    """Return the variance outside that rounding may pretend: see `_outside`."""
    return 10 * eps * total / np.maximum(n_weak, 1)


def _outside(norms: Any, inside: Array, eps: float) -> Array:
    """Return what is left of squared norms; what rounding leaves of a difference is nothing."""
    left = norms - inside
    return np.where(left > 10 * eps * norms, left, 0.0)


def _largest(variances: Array) -> float:
    return float(variances.max(initial=0.0))


def log_density_by_rank(
    variances: Array,
    noise: Array,
    ranks: NDArray[np.integer],
    n_features: int,
    squared_coordinates: Array,
    squared_norm: float,
    eps: float = EPS,
) -> Array:
    """Return the log-density of a centered row in models with several numbers of components.

    The same as `GaussianDensity.log_density` for each rank, but all of them at once. As that is
    linear in the squares, means of squares over rows give the mean log-density.

    Parameters
    ----------
    variances : ndarray of shape (K,)
        Variances of all components.

    noise : ndarray of shape (n_ranks,)
        Variance in all others, for each rank.

    ranks : ndarray of shape (n_ranks,)
        Numbers of leading components, at most K.

    n_features : int
        Dimension of the space.

    squared_coordinates : ndarray of shape (K,)
        Mean squared coordinates on all components.

    squared_norm : float
        Mean squared norm of the rows.

    eps : float
        Unit roundoff of the arithmetic by which the components were computed.

    Returns
    -------
    ndarray of shape (n_ranks,)
        NaN where there is no density, for want of any variance.
    """
    n_weak = n_features - ranks
    if _largest(variances) <= 0:
        return np.full(len(ranks), np.nan)
    kept = np.arange(len(variances)) < ranks[:, np.newaxis]
    total = np.where(kept, variances, 0.0).sum(axis=1)
    weak = np.maximum(noise, _least_noise(total, n_weak, eps))
    least = np.where(n_weak > 0, weak, _least_variance(variances, eps))
    strong = np.where(kept, np.maximum(variances, least[:, np.newaxis]), 1.0)
    squares = np.where(kept, squared_coordinates, 0.0)
    outside = np.where(n_weak > 0, _outside(squared_norm, squares.sum(axis=1), eps), 0.0)
    distance = (squares / strong).sum(axis=1) + outside / weak
    log_volume = np.log(strong).sum(axis=1) + n_weak * np.log(weak)
    return -0.5 * (n_features * np.log(2 * np.pi) + log_volume + distance)
