"""The power of two that brings a matrix into the range where its squares keep their digits."""

import numpy as np

from lrfact.linalg.foreign_operator import ForeignOperator
from lrfact.linalg.matrix_operator import MatrixOperator

# Norms of matrices whose products with their transposes neither overflow nor lose, beside the
# largest singular value, what its rounding errors leave of the others.
_SAFE_NORMS = {np.dtype(np.float32): (1e-11, 1e16), np.dtype(np.float64): (1e-100, 1e100)}


def scaling_exponent(A: MatrixOperator) -> int:
    """Return e such that ``2**-e A`` is neither too large nor too small for its squares.

    Parameters
    ----------
    A : MatrixOperator of shape (n_rows, n_columns)
        Centered or not.

    Returns
    -------
    int
        0 for matrices of usual scale, for zeros, for what is not finite, and for a matrix that is
        known by its products only: its norm would take one for each row.

    Notes
    -----
    Costs a squared norm, which estimators need anyway and storages remember.
    """
    if isinstance(A, ForeignOperator):
        return 0
    smallest, largest = _SAFE_NORMS[A.dtype]
    with np.errstate(over="ignore", invalid="ignore"):
        if smallest**2 <= A.squared_norm() <= largest**2:
            return 0
        entry = A.largest_entry()
    if entry == 0 or not np.isfinite(entry):
        return 0
    return int(np.frexp(entry)[1])
