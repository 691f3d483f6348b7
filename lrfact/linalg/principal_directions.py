"""Factors turned so that they are orthogonal and in descending order."""

import numpy as np

from lrfact._typing import Array
from lrfact.linalg.sign_convention import fix_signs


def principal_directions(factors: Array) -> Array:
    """Rotate factors so that their columns are orthogonal, the longest first.

    Parameters
    ----------
    factors : ndarray of shape (n, k)
        One direction a column.

    Returns
    -------
    ndarray of shape (n, k)
        ``factors @ Q`` with an orthogonal Q, the largest entry of each column positive. A
        penalty on the squared length of the rows, and products with other factors that are turned
        along, stay as they are.
    """
    wide = factors.astype(np.float64)
    _, Q = np.linalg.eigh(wide.T @ wide)
    turned = np.ascontiguousarray(wide @ Q[:, ::-1])
    fix_signs(None, turned.T)
    return turned.astype(factors.dtype)
