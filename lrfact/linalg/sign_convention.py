"""One sign for each pair of singular vectors, the same from every solver."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]


def fix_signs(U: Array | None, Vt: Array) -> tuple[Array | None, Array]:
    """Make the largest loading (in absolute value) of each row of `Vt` positive.

    Parameters
    ----------
    U : ndarray of shape (n_rows, k) or None
        Left vectors, flipped along.

    Vt : ndarray of shape (k, n_columns)
        Right vectors. Where two loadings tie, the first one decides.

    Returns
    -------
    U, Vt : ndarray
        New arrays; the ones given are not changed.
    """
    if Vt.size == 0:
        return U, Vt
    largest = np.argmax(np.abs(Vt), axis=1)
    signs = np.where(Vt[np.arange(len(Vt)), largest] < 0, -1, 1).astype(Vt.dtype)
    return (None if U is None else U * signs), Vt * signs[:, np.newaxis]
