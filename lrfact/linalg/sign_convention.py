"""One sign for each pair of singular vectors, the same from every solver."""

import numpy as np

from lrfact._typing import Array


def fix_signs(U: Array | None, Vt: Array) -> tuple[Array | None, Array]:
    """Make the largest loading (in absolute value) of each row of `Vt` positive.

    Parameters
    ----------
    U : ndarray of shape (n_rows, k) or None
        Left vectors, flipped along in place.

    Vt : ndarray of shape (k, n_columns)
        Right vectors, flipped in place. A largest loading that occurs with both signs counts
        as positive.

    Returns
    -------
    U, Vt : ndarray
        The arrays given.
    """
    if Vt.size == 0:
        return U, Vt
    signs = np.where(-Vt.min(axis=1) > Vt.max(axis=1), -1, 1).astype(Vt.dtype)
    Vt *= signs[:, np.newaxis]
    if U is not None:
        U *= signs
    return U, Vt
