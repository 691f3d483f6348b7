"""Sums of non-negative numbers whose difference keeps its digits, however small it is."""

import numpy as np

from lrfact.linalg.matrix_operator import Array


def exactly_summable_parts(terms: Array) -> tuple[Array, Array]:
    """Split numbers into leading parts, which add up without rounding, and the rest.

    Where a sum over some of the terms is to be taken from a sum over all of them, the difference
    may be far below the rounding errors of both. Taken for both parts apart it is not.

    Parameters
    ----------
    terms : ndarray of shape (n,)
        float64, finite, not negative.

    Returns
    -------
    leading : ndarray of shape (n,)
        Multiples of one power of two. Sums of any of them, in any order, are exact.

    rest : ndarray of shape (n,)
        ``terms - leading``, exactly; about eps times the sum of all terms, or less.

    Notes
    -----
    The error of a difference, relative to the sum of all terms, is then of the order of
    ``n eps^2``. Demmel and Nguyen (2013), doi:10.1109/ARITH.2013.9, split in the same way.
    """
    total = float(terms.sum())
    # Every sum is less than 2**52 units: a multiple of them that float64 holds.
    _, exponent = np.frexp(2 * total)
    unit = max(np.ldexp(1.0, int(exponent) - 52), np.ldexp(1.0, -1074))
    leading = np.rint(terms / unit) * unit if total > 0 else np.zeros_like(terms)
    return leading, terms - leading
