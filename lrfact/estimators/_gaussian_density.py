"""The Gaussian model behind probabilistic PCA: few strong directions, equal noise in the rest."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]


@dataclass(frozen=True)
class GaussianDensity:
    """A Gaussian with covariance ``V' diag(variances - noise) V + noise I``, V orthonormal rows.

    Attributes
    ----------
    variances : ndarray of shape (k,)
        Along the strong directions.

    noise : float
        Variance in all other directions.

    n_features : int
        Dimension of the space.
    """

    variances: Array
    noise: float
    n_features: int

    @property
    def is_singular(self) -> bool:
        """Whether some direction has no variance."""
        if len(self.variances) < self.n_features and self.noise <= 0:
            return True
        # A direction with less variance than the noise has the noise's.
        strong = np.maximum(self.variances, self.noise)
        return bool((strong <= np.finfo(np.float64).tiny).any())

    @property
    def _strong(self) -> Array:
        """Variances along the strong directions, none less than the noise or than rounding."""
        return np.maximum(self.variances, max(self.noise, _rounding_level(self.variances)))

    def log_density(self, squared_coordinates: Array, squared_norms: Array) -> Array:
        """Return the log-density of centred rows.

        Parameters
        ----------
        squared_coordinates : ndarray of shape (n_rows, k)
            On the strong directions.

        squared_norms : ndarray of shape (n_rows,)
            Of the whole rows.

        Returns
        -------
        ndarray of shape (n_rows,)
        """
        self._require_regular()
        strong = self._strong
        n_weak = self.n_features - len(strong)
        distance = squared_coordinates @ (1 / strong)
        log_volume = np.log(strong).sum()
        if n_weak:
            outside = np.maximum(squared_norms - squared_coordinates.sum(axis=1), 0)
            distance = distance + outside / self.noise
            log_volume += n_weak * np.log(self.noise)
        return -0.5 * (self.n_features * np.log(2 * np.pi) + log_volume + distance)

    def covariance(self, directions: Array) -> Array:
        """Return the covariance for strong directions of shape (k, n_features)."""
        excess = np.maximum(self.variances - self.noise, 0)
        covariance = (directions.T * excess) @ directions
        np.fill_diagonal(covariance, covariance.diagonal() + self.noise)
        return covariance

    def precision(self, directions: Array) -> Array:
        """Return the inverse of the covariance."""
        self._require_regular()
        strong = self._strong
        if len(strong) == self.n_features:
            return (directions.T / strong) @ directions
        precision = (directions.T * (1 / strong - 1 / self.noise)) @ directions
        np.fill_diagonal(precision, precision.diagonal() + 1 / self.noise)
        return precision

    def _require_regular(self) -> None:
        if self.is_singular:
            raise ValueError(
                "the model has no variance in some directions, so the density is singular: lower "
                f"n_components (now {len(self.variances)}), remove constant columns, or fit more "
                "rows"
            )


def _rounding_level(variances: Array) -> float:
    """Return the variance that rounding may leave of a direction that has none."""
    return 10 * float(np.finfo(np.float64).eps) * float(variances.max(initial=0.0))


def log_density_by_rank(
    variances: Array,
    noise: Array,
    ranks: NDArray[np.integer],
    n_features: int,
    squared_coordinates: Array,
    squared_norm: float,
) -> Array:
    """Return the log-density of a centred row in models with several numbers of directions.

    The same as `GaussianDensity.log_density` for each rank, but all of them at once. As that is
    linear in the squares, means of squares over rows give the mean log-density.

    Parameters
    ----------
    variances : ndarray of shape (K,)
        Along all directions.

    noise : ndarray of shape (n_ranks,)
        Variance in all others, for each rank.

    ranks : ndarray of shape (n_ranks,)
        Numbers of leading directions, at most K.

    n_features : int
        Dimension of the space.

    squared_coordinates : ndarray of shape (K,)
        On all directions.

    squared_norm : float
        Of the whole row.

    Returns
    -------
    ndarray of shape (n_ranks,)
        NaN where the density is singular.
    """
    kept = np.arange(len(variances)) < ranks[:, np.newaxis]
    strong = np.where(kept, np.maximum(variances, noise[:, np.newaxis]), 1.0)
    n_weak = n_features - ranks
    singular = (strong <= np.finfo(np.float64).tiny).any(axis=1) | ((n_weak > 0) & (noise <= 0))
    strong = np.where(kept, np.maximum(strong, _rounding_level(variances)), 1.0)
    strong[singular] = 1.0
    weak = np.where(singular | (n_weak == 0), 1.0, noise)
    squares = np.where(kept, squared_coordinates, 0.0)
    outside = np.where(n_weak > 0, np.maximum(squared_norm - squares.sum(axis=1), 0.0), 0.0)
    distance = (squares / strong).sum(axis=1) + outside / weak
    log_volume = np.log(strong).sum(axis=1) + n_weak * np.log(weak)
    density = -0.5 * (n_features * np.log(2 * np.pi) + log_volume + distance)
    return np.where(singular, np.nan, density)
