"""What every SVD solver returns."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike

from lrfact._typing import Array


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


def nothing(
    shape: tuple[int, int], k: int, dtype: DTypeLike, solver: str, *, want_left: bool
) -> SVDResult:
    """Return the triplets of a matrix of zeros: any directions will do."""
    U, Vt = np.eye(shape[0], k, dtype=dtype), np.eye(k, shape[1], dtype=dtype)
    return SVDResult(U if want_left else None, np.zeros(k, dtype=dtype), Vt, np.zeros(k), solver, 1)
