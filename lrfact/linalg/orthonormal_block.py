"""New directions for a growing orthonormal basis."""

import numpy as np
from scipy.linalg import qr

from lrfact.linalg.matrix_operator import Array
from lrfact.linalg.narrow_product import add_narrow_product, transposed_narrow_product


def project_out(
    block: Array, basis: Array, expected: int = 0, *, n_threads: int = 1
) -> tuple[Array, Array]:
    """Remove from `block` what lies in the span of `basis`.

    Parameters
    ----------
    block : ndarray of shape (n, b)
        Block in C order, overwritten.

    basis : ndarray of shape (n, d)
        Orthonormal columns.

    expected : int, default=0
        Index of the first column of `basis` along which `block` has more than rounding errors,
        where that is known: the first of two passes can then leave out those before.

    n_threads : int, default=1
        Threads of the products.

    Returns
    -------
    remainder : ndarray of shape (n, b)
        `block` itself, orthogonal to `basis` to working precision.

    coefficients : ndarray of shape (d, b)
        Coefficients of the removed part with respect to `basis`.

    Notes
    -----
    Classical Gram-Schmidt, done twice, which is enough: Giraud, Langou, Rozloznik and
    van den Eshof (2005), doi:10.1007/s00211-005-0615-4.
    """
    coefficients = _remove_span(block, basis[:, expected:], n_threads)
    correction = _remove_span(block, basis, n_threads)
    correction[expected:] += coefficients
    return block, correction


def _remove_span(block: Array, basis: Array, n_threads: int) -> Array:
    coefficients = transposed_narrow_product(basis, block, n_threads)
    add_narrow_product(block, basis, coefficients, n_threads, factor=-1.0)
    return coefficients


def orthonormal_block(
    block: Array,
    basis: Array,
    width: int,
    floor: float,
    rng: np.random.RandomState,
    *,
    n_threads: int = 1,
) -> Array:
    """Orthonormalise the leading directions of a block that is orthogonal to `basis`.

    Parameters
    ----------
    block : ndarray of shape (n, b)
        Orthogonal to `basis`; may be short of rank.

    basis : ndarray of shape (n, d)
        Orthonormal columns.

    width : int
        Directions wanted, at most b and at most n - d.

    floor : float
        Directions shorter than this are rounding noise and are replaced by random ones:
        the basis then keeps growing where the matrix has nothing more to say.

    rng : RandomState
        Source of the replacements.

    n_threads : int, default=1
        Threads of the products.

    Returns
    -------
    ndarray of shape (n, width)
        Orthonormal, and orthogonal to `basis`.
    """
    Q, R, _ = qr(block, mode="economic", pivoting=True, check_finite=False)
    Q, lengths = Q[:, :width], np.abs(np.diag(R))[:width]
    n_strong = int(np.count_nonzero(lengths > floor))  # pivoting puts them first
    if n_strong == width and lengths[-1] > 1e-3 * lengths[0]:
        return Q
    # What rounding left of `basis` in the short directions has grown with their length.
    Q[:, n_strong:] = rng.standard_normal((len(block), width - n_strong))
    Q, _ = project_out(np.ascontiguousarray(Q), basis, n_threads=n_threads)
    return qr(Q, mode="economic", check_finite=False)[0]
