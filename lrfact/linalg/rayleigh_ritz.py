"""Singular triplets of a matrix from a basis of its leading left or right directions."""

import numpy as np
from scipy.linalg import qr, svd

from lrfact.linalg.dense_operator import DenseOperator
from lrfact.linalg.gram_matrix import gram_matrix
from lrfact.linalg.leading_eigenpairs import leading_eigenpairs
from lrfact.linalg.matrix_operator import Array, MatrixOperator
from lrfact.linalg.narrow_product import narrow_product

# Of singular values whose vectors, divided by them, are still orthonormal to a few eps.
_LARGEST_RATIO = 30.0


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
    image = A.rmatmat(basis)
    if image.dtype == np.float32 and image.shape[0] >= image.shape[1]:
        # In float64 squares keep the digits of float32, and take half the time of Q and R.
        squares = gram_matrix(DenseOperator(image, n_threads=A.n_threads), dtype=np.float64)
        eigenvalues, vectors = leading_eigenpairs(squares, len(squares))
        s = np.sqrt(eigenvalues)
        if _LARGEST_RATIO * s[-1] > s[0]:
            left = narrow_product(basis, vectors.astype(np.float32), A.n_threads)
            right = narrow_product(image, (vectors / s).astype(np.float32), A.n_threads)
            return left, s.astype(np.float32), right.T
    # min(n_columns, k) directions come back: no more than there are columns.
    Q, R = qr(image, mode="economic", check_finite=False)
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
        Singular triplets, as in `triplets_from_left`.
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
