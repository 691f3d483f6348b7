"""Units of a matrix and its factors in which squares and other powers stay in range."""

from typing import Any

import numpy as np
from scipy import sparse

from lrfact.solvers.nmf.nonnegative_problem import Penalty

# Base-2 logarithm of the largest entry, and of its inverse, up to which nothing is done.
_REACH = {np.dtype(np.float32): 16, np.dtype(np.float64): 64}

# Of penalties: what is multiplied by more is 0, and sums of more would be infinite.
_MOST_PENALTY = 2.0**100


def exponent_of(matrix: Any, before: int = 0) -> int:
    """Return the exponent of the unit in which a matrix is factorized.

    Parameters
    ----------
    matrix : {ndarray, csr_array}
        Not negative, float32 or float64.

    before : int, default=0
        Exponent that is kept if the entries have a moderate size in its units.

    Returns
    -------
    int
        Even, so that factors have a unit that is a power of two as well. Multiplying by a power of
        two rounds nothing, so that a factorization does not depend on it.
    """
    stored = matrix.data if sparse.issparse(matrix) else matrix
    largest = float(stored.max(initial=0))
    exponent, reach = int(np.frexp(largest)[1]), _REACH[np.dtype(matrix.dtype)]
    if not 0 < largest < np.inf or abs(exponent - before) <= reach:
        return before
    # As large as it may be, so that much smaller entries keep their digits.
    return 2 * -((reach - exponent) // 2)


def in_unit(matrix: Any, exponent: int) -> Any:
    """Return a matrix, dense or sparse, divided by two to a power; itself for a power of 0."""
    if exponent == 0:
        return matrix
    stored = matrix.data if sparse.issparse(matrix) else matrix
    with np.errstate(over="ignore", under="ignore"):  # what overflows is raised in the end
        data = np.ldexp(stored, -exponent)
    if not sparse.issparse(matrix):
        return data
    return sparse.csr_array((data, matrix.indices, matrix.indptr), shape=matrix.shape)


def penalty_in_units(penalty: Penalty, beta: float, matrix: int, factors: int) -> Penalty:
    """Return a penalty so that the minimum is that of the original units.

    Parameters
    ----------
    penalty : Penalty
        Regularization of the factors in their original units.

    beta : float
        Parameter of the beta-divergence, which has the units of the matrix to this power.

    matrix, factors : int
        Exponents of the units of the matrix and of the factors that are penalized.

    Returns
    -------
    Penalty
    """
    if matrix == factors == 0:
        return penalty
    l1, l2 = (
        min(size * power_of_two(power * factors - beta * matrix), _MOST_PENALTY) if size else 0.0
        for size, power in ((penalty.l1, 1), (penalty.l2, 2))
    )
    return Penalty(l1, l2)


def power_of_two(exponent: float) -> float:
    """Return two to a power, 0 or infinity where that is out of range."""
    with np.errstate(over="ignore", under="ignore"):
        return float(np.exp2(np.float64(exponent)))


def times_power(values: Any, exponent: float) -> Any:
    """Return numbers times two to a power, right even where that power alone is out of range."""
    half = np.floor(exponent / 2)  # a whole number, so that nothing is rounded
    with np.errstate(over="ignore", under="ignore"):
        values = np.asarray(values, dtype=np.float64) * power_of_two(half)
        return values * power_of_two(exponent - half)
