"""Non-negative least squares of one row, to the end whatever the condition."""

import warnings

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgWarning
from scipy.optimize import nnls

from lrfact._typing import Array

# Exchanges of one coordinate, times their number; SciPy's own bound is 3, of which rounding errors
# on nearly dependent columns need more.
_MOST_EXCHANGES = 100


def active_set_minimum(gram: Array, target: Array) -> NDArray[np.float64] | None:
    """Minimize ``x' gram x / 2 - target' x`` over ``x >= 0``.

    Parameters
    ----------
    gram : ndarray of shape (n, n)
        Symmetric, positive semi-definite.

    target : ndarray of shape (n,)
        In the range of `gram`; what is outside counts for nothing.

    Returns
    -------
    ndarray of shape (n,), or None
        float64; None if rounding errors keep it from an end.

    References
    ----------
    Lawson and Hanson (1974), Solving Least Squares Problems, chapter 23; SciPy's `nnls`.
    """
    values, vectors = np.linalg.eigh(gram.astype(np.float64))
    kept = values > len(values) * np.finfo(np.float64).eps * max(values[-1], 0.0)
    if not kept.any():
        return np.zeros(len(target))
    root = np.sqrt(values[kept])
    factor = root[:, np.newaxis] * vectors[:, kept].T
    with warnings.catch_warnings():
        # Nearly dependent columns are what it is for; SciPy before 1.15 warns of them.
        warnings.simplefilter("ignore", LinAlgWarning)
        try:
            solution, _ = nnls(
                factor, (vectors[:, kept].T @ target) / root, maxiter=_MOST_EXCHANGES * len(gram)
            )
        except (RuntimeError, ValueError, np.linalg.LinAlgError):
            # Before SciPy 1.13 rounding errors that leave no coordinate free are a ValueError.
            return None
    return solution
