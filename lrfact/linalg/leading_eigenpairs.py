"""The largest eigenvalues of a symmetric matrix."""

from contextlib import nullcontext, suppress

import numpy as np
from scipy.linalg import LinAlgError, eigh

from lrfact._threads import single_threaded_blas
from lrfact.linalg.matrix_operator import Array

_FEW_ROWS = 512


def leading_eigenpairs(G: Array, k: int) -> tuple[Array, Array]:
    """Return the k largest eigenvalues of a positive semi-definite matrix, and their vectors.

    Parameters
    ----------
    G : ndarray of shape (p, p)
        Symmetric matrix.

    k : int
        1 to p.

    Returns
    -------
    eigenvalues : ndarray of shape (k,)
        Descending; negative ones, which rounding leaves of zeros, are set to zero.

    vectors : ndarray of shape (p, k)
        Orthonormal columns.
    """
    # A second thread would gain nothing on few rows, and then wait for more work by spinning.
    with single_threaded_blas() if len(G) <= _FEW_ROWS else nullcontext():
        return _leading_eigenpairs(G, k)


def _leading_eigenpairs(G: Array, k: int) -> tuple[Array, Array]:
    p = len(G)
    if 2 * k < p or p == 1:
        # On spectra with many equal eigenvalues, evr may give up or come back with too few.
        with suppress(LinAlgError):
            eigenvalues, vectors = eigh(
                G, subset_by_index=[p - k, p - 1], driver="evr", check_finite=False
            )
            if len(eigenvalues) == k:
                return np.maximum(eigenvalues[::-1], 0), vectors[:, ::-1]
    eigenvalues, vectors = eigh(G, driver="evd", check_finite=False)
    return np.maximum(eigenvalues[::-1][:k], 0), vectors[:, ::-1][:, :k]
