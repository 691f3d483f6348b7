"""What every SVD solver returns."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]


@dataclass(frozen=True)
class SVDResult:
    """Leading singular triplets and how well they are known.

    Attributes
    ----------
    U : ndarray of shape (n_rows, k) or None
        Left singular vectors; None where they were not asked for.

    s : ndarray of shape (k,)
        Singular values, descending.

    Vt : ndarray of shape (k, n_columns)
        Right singular vectors, the largest loading of each positive.

    error : ndarray of shape (k,)
        Estimated relative error of each singular value.

    solver : str
        Name of the solver that ran.

    n_iter : int
        Passes over the matrix: block steps, power iterations, or 1 where nothing iterates.

    converged : bool
        Whether `error` stayed within the tolerance asked for.
    """

    U: Array | None
    s: Array
    Vt: Array
    error: Array
    solver: str
    n_iter: int
    converged: bool = True
