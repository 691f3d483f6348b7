"""Factors turned into a basis in which their Gram matrix is diagonal, on all threads."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lrfact._typing import Array
from lrfact.linalg.gram_matrix import square_gram
from lrfact.linalg.narrow_product import narrow_product


@dataclass(frozen=True)
class DiagonalGram:
    """Turned factors.

    Attributes
    ----------
    factors : ndarray of shape (n, k)
        ``given @ turn``, by rows.

    spectrum : ndarray of shape (k,)
        Diagonal of their Gram matrix, float64, descending; 0 where only rounding errors are left.

    turn : ndarray of shape (k, k)
        Orthogonal, in the dtype of the factors.
    """

    factors: Array
    spectrum: NDArray[np.float64]
    turn: Array


def diagonal_gram(factors: Array, *, n_threads: int) -> DiagonalGram:
    """Turn factors so that their columns are orthogonal, the longest first.

    Parameters
    ----------
    factors : ndarray of shape (n, k)
        One direction a column.

    n_threads : int
        The digits do not depend on it.

    Returns
    -------
    DiagonalGram

    See Also
    --------
    lrfact.linalg.principal_directions.principal_directions : The same in float64, signs fixed.

    Notes
    -----
    ``2 n k^2 + O(k^3)`` multiplications and additions.
    """
    energies, turn = np.linalg.eigh(square_gram(factors, n_threads=n_threads))
    energies, turn = energies[::-1], np.ascontiguousarray(turn[:, ::-1], dtype=factors.dtype)
    rounding = len(energies) * float(np.finfo(factors.dtype).eps) * max(float(energies[0]), 0.0)
    spectrum = np.where(energies > rounding, energies, 0.0)
    return DiagonalGram(narrow_product(factors, turn, n_threads), spectrum, turn)
