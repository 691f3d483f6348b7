"""Singular triplets of a matrix from a basis of its leading left or right directions."""

import numpy as np
from scipy.linalg import qr, svd

from lrfact.linalg.matrix_operator import Array, MatrixOperator


def triplets_from_left(A: MatrixOperator, basis: Array) -> tuple[Array, Array, Array]:
    """Return the singular triplets of ``basis @ basis.T @ A``.

    Parameters
    ----------
    A : MatrixOperator of shape (n_rows, n_columns)
        The matrix.

    basis : ndarray of shape (n_rows, k)
        Orthonormal columns.

    Returns
    -------
    U : ndarray of shape (n_rows, k)
        Orthonormal columns, also where singular values vanish.

    s : ndarray of shape (k,)
        Descending; errors are of the order of eps * s[0], not of its square.

    Vt : ndarray of shape (k, n_columns)
        Orthonormal rows.
    """
    # min(n_columns, k) directions come back: no more than there are columns.
    Q, R = qr(A.rmatmat(basis), mode="economic", check_finite=False)
    W, s, Zt = svd(R, full_matrices=False, check_finite=False, lapack_driver="gesdd")
    return basis @ Zt.T, s, (Q @ W).T


def triplets_from_right(A: MatrixOperator, basis: Array) -> tuple[Array, Array, Array]:
    """Return the singular triplets of ``A @ basis @ basis.T``.

    Parameters
    ----------
    A : MatrixOperator of shape (n_rows, n_columns)
        The matrix.

    basis : ndarray of shape (n_columns, k)
        Orthonormal columns.

    Returns
    -------
    U, s, Vt : ndarray
        As `triplets_from_left`.
    """
    V, s, Ut = triplets_from_left(A.T, basis)
    return Ut.T, s, V.T


def residual_norms(A: MatrixOperator, U: Array, s: Array, Vt: Array) -> Array:
    """Return ``max(||A v - s u||, ||A.T u - s v||)`` for each triplet, float64.

    Parameters
    ----------
    A : MatrixOperator of shape (n_rows, n_columns)
        The matrix.

    U, s, Vt : ndarray
        k triplets.

    Returns
    -------
    ndarray of shape (k,)
        In the units of `A`. An interval of this radius around ``s[i]`` holds a singular
        value of `A`.
    """
    right = A.matmat(np.ascontiguousarray(Vt.T)) - U * s
    left = A.rmatmat(np.ascontiguousarray(U)) - Vt.T * s
    return np.maximum(
        np.linalg.norm(right.astype(np.float64), axis=0),
        np.linalg.norm(left.astype(np.float64), axis=0),
    )
