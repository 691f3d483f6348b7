"""How far a computed singular value may be from the true one."""

import numpy as np
from numpy.typing import DTypeLike

from lrfact._typing import Array


def requested_error(tol: float, dtype: DTypeLike) -> float:
    """Return the relative error to aim at: `tol`, but not less than rounding allows."""
    return max(float(tol), 16 * float(np.finfo(dtype).eps))


def reaches(error: Array, s: Array, goal: float, dtype: DTypeLike) -> bool:
    """Return whether each singular value is as accurate as asked, or as rounding allows.

    Parameters
    ----------
    error : ndarray of shape (k,)
        Relative errors.

    s : ndarray of shape (k,)
        Singular values, descending.

    goal : float
        Relative error asked for.

    dtype : dtype
        Data type of the matrix: values that are negligible beside the largest one have an error of
        its eps times that.
    """
    s = np.asarray(s, dtype=np.float64)
    absolute = np.multiply(error, s, out=np.zeros_like(s), where=s > 0)
    return bool(((error <= goal) | (absolute <= 500 * np.finfo(dtype).eps * s[0])).all())


def rounding_error(s: Array, eps: float, *, squared: bool = False) -> Array:
    """Relative error that rounding leaves in each singular value.

    Parameters
    ----------
    s : ndarray of shape (k,)
        Singular values, descending.

    eps : float
        Unit roundoff of the arithmetic used.

    squared : bool, default=False
        Whether they are square roots of eigenvalues of a Gram matrix, so that the error
        is relative to the square of the largest.

    Returns
    -------
    ndarray of shape (k,)
        Infinite for vanishing values.
    """
    s = np.asarray(s, dtype=np.float64)
    if s.size == 0 or s[0] == 0:
        return np.zeros_like(s)
    with np.errstate(divide="ignore", over="ignore"):
        ratio = s[0] / s
        return 16 * eps * ratio**2 if squared else 64 * eps * ratio


def residual_error(residuals: Array, s: Array) -> Array:
    """Relative error of each singular value, estimated from the residual of its triplet.

    Parameters
    ----------
    residuals : ndarray of shape (k,)
        ``||A v - s u||``, in the units of the matrix.

    s : ndarray of shape (k,)
        Singular values.

    Returns
    -------
    ndarray of shape (k,)
        ``min(r / s, 16 (r / s)^2)``.

    Notes
    -----
    ``r`` bounds the error of a singular value; ``r^2 / gap`` does too, and is what is seen in
    practice (Parlett, The Symmetric Eigenvalue Problem, 1998, theorem 11.7.1,
    doi:10.1137/1.9781611971163). The gap to the rest of the spectrum is not known; on text,
    ratings and noise the error stays within ``16 r^2 / s`` when a block Krylov space is used.
    """
    s = np.asarray(s, dtype=np.float64)
    residuals = np.asarray(residuals, dtype=np.float64)
    relative = np.divide(residuals, s, out=np.full_like(s, np.inf), where=s > 0)
    relative[residuals == 0] = 0
    return np.minimum(relative, 16 * relative**2)
