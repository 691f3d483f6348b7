"""Values in units of a power of two: no digit changes, and squares stay in the range of floats."""

from typing import Any

import numpy as np

from lrfact._typing import Array

# Squares of values between 2**-20 and 2**20, and sums of these, are far from both ends of float32.
_ORDINARY = 20

# Sums of 2**40 squares of smaller values are finite in float64.
_LARGEST_EXPONENT = 491

# Predictions may be somewhat larger than any value, and have to be finite too.
_MARGIN = 8


def unit_exponent(values: Array) -> int:
    """Return the exponent of the power of two that values are to be divided by.

    Parameters
    ----------
    values : ndarray
        Finite, float32 or float64.

    Returns
    -------
    int
        0 where the largest absolute value is of ordinary size, or 0; else the one that brings it
        to between 1/2 and 1. It depends on the largest absolute value alone.

    Raises
    ------
    ValueError
        If the sum of the squares overflows float64, or predictions of this size may overflow the
        dtype of the values.
    """
    if not values.size:
        return 0
    largest = max(float(values.max()), -float(values.min()))
    exponent = int(np.frexp(largest)[1])
    most = min(_LARGEST_EXPONENT, int(np.finfo(values.dtype).maxexp) - _MARGIN)
    if exponent > most:
        raise ValueError(
            f"entries of X reach {largest:.3g} in absolute value, too large for their squares and "
            f"for predictions in {values.dtype}; divide X by its largest absolute value"
        )
    return 0 if abs(exponent) <= _ORDINARY else exponent


def times_power_of_two(values: Any, exponent: int) -> Any:
    """Return values times a power of two, in their dtype.

    Parameters
    ----------
    values : ndarray or float
        float32 or float64.

    exponent : int
        Exponent of the power.

    Returns
    -------
    ndarray or float
        The same object where the exponent is 0. Exact but for numbers that leave the range of
        normal floats.
    """
    return values if exponent == 0 else np.ldexp(values, exponent)
