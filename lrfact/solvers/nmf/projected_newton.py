"""Rows of non-negative least squares, all coordinates that are not 0 moved at once."""

import numpy as np
from numpy.typing import NDArray

from lrfact._typing import Array

# Of the largest diagonal entry, added to the diagonal: copies of a component share what they get.
_RIDGE = 4 * np.finfo(np.float64).eps


def projected_newton_step(grams: Array, targets: Array, rows: Array) -> Array:
    r"""Move each row towards the minimum over the coordinates that are not 0 in it.

    .. math:: \min_x \tfrac12 x' G x - t' x

    Parameters
    ----------
    grams : ndarray of shape (n_components, n_components) or (n_rows, n_components, n_components)
        :math:`G`, positive semi-definite: one for all rows, or one for each.

    targets : ndarray of shape (n_rows, n_components)
        :math:`t`, one for each row.

    rows : ndarray of shape (n_rows, n_components)
        :math:`x`, not negative; not written to.

    Returns
    -------
    ndarray of shape (n_rows, n_components)
        The lowest of the row, that minimum cut off at 0, and the row as far along the way there as
        it stays non-negative. No row gets worse, and none depends on the others.

    Notes
    -----
    ``2 k^3 / 3`` flops for a row; memory of a Gram matrix for each.

    References
    ----------
    Bertsekas (1982), doi:10.1137/0320018.
    """
    n_rows, width = rows.shape
    grams = np.broadcast_to(grams, (n_rows, width, width)).astype(np.float64, copy=False)
    rows = rows.astype(np.float64)
    wanted = _minima_on(rows > 0, grams, targets)
    change = wanted - rows
    with np.errstate(divide="ignore", invalid="ignore"):
        longest = np.where(wanted < 0, rows / -change, 1.0).min(axis=1, initial=1.0, keepdims=True)
    best, value = rows, _objective(grams, targets, rows)
    for tried in (np.maximum(rows + longest * change, 0), np.maximum(wanted, 0)):
        its_value = _objective(grams, targets, tried)
        lower = its_value < value
        best = np.where(lower[:, np.newaxis], tried, best)
        value = np.where(lower, its_value, value)
    return best


def _minima_on(support: NDArray[np.bool_], grams: Array, targets: Array) -> Array:
    equations = grams * (support[:, :, np.newaxis] & support[:, np.newaxis, :])
    diagonal = np.einsum("iff->if", equations)
    largest = diagonal.max(axis=1, initial=0, keepdims=True)
    diagonal += np.where(support, _RIDGE * largest, np.where(largest > 0, largest, 1))
    right_sides = np.where(support, targets, 0)[:, :, np.newaxis]
    try:
        minima: Array = np.linalg.solve(equations, right_sides)[:, :, 0]
    except np.linalg.LinAlgError:
        return np.zeros(support.shape)
    minima[~np.isfinite(minima).all(axis=1)] = 0
    return minima


def _objective(grams: Array, targets: Array, rows: Array) -> Array:
    slopes = np.matmul(grams, rows[:, :, np.newaxis])[:, :, 0]
    value: Array = ((0.5 * slopes - targets) * rows).sum(axis=1)
    return value
