"""Features turned so that their columns are orthogonal, which keeps regressions on them apart."""

import numpy as np

from lrfact._typing import Array

_LEAST_ENERGY = 1e-4  # of a feature, as a share of the number of rows


def orthogonal_turn(features: Array) -> Array:
    """Return the rotation to orthogonal columns, less the directions in which next to nothing is.

    Parameters
    ----------
    features : ndarray of shape (n, r)
        Features, scaled such that rows have norms of about 1.

    Returns
    -------
    ndarray of shape (r, s)
        Matrix with orthonormal columns, under which a prior of independent weights of equal
        variance is invariant.
    """
    energies, turn = np.linalg.eigh((features.T @ features).astype(np.float64))
    return turn[:, energies > _LEAST_ENERGY * len(features)].astype(features.dtype)
