"""Non-negative least squares of one row, to the end whatever the condition."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

Array = NDArray[np.floating]


def active_set_minimum(gram: Array, target: Array) -> NDArray[np.float64]:
    """Minimize ``x' gram x / 2 - target' x`` over ``x >= 0``.

    Parameters
    ----------
    gram : ndarray of shape (n, n)
        Symmetric, positive semi-definite.

    target : ndarray of shape (n,)
        In the range of `gram`; what is outside counts for nothing.

    Returns
    -------
    ndarray of shape (n,)
        float64.

    References
    ----------
    Lawson and Hanson (1974), Solving Least Squares Problems, chapter 23; SciPy's `nnls`.
    """
    values, vectors = np.linalg.eigh(gram.astype(np.float64))
    kept = values > len(values) * np.finfo(np.float64).eps * max(values[-1], 0.0)
    if not kept.any():
        return np.zeros(len(target))
    root = np.sqrt(values[kept])
    solution, _ = nnls(
        root[:, np.newaxis] * vectors[:, kept].T, (vectors[:, kept].T @ target) / root
    )
    return solution
