"""The check between products that may overflow and the LAPACK routines that take them on trust."""

import numpy as np

from lrfact.linalg.matrix_operator import Array


def require_finite(*arrays: Array) -> None:
    """Raise where numbers have overflown: LAPACK would hang, print, or return nonsense.

    Parameters
    ----------
    *arrays : ndarray
        Computed from a matrix whose own entries are finite.

    Raises
    ------
    ValueError
        If any entry is infinite or NaN.
    """
    for array in arrays:
        if not np.isfinite(array).all():
            raise ValueError(
                "the factorization overflows: entries of X are too large for their squares to be "
                f"summed in {array.dtype}; divide X by its largest absolute value"
            )
