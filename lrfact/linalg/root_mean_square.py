"""Root mean square of numbers of any size."""

import numpy as np

from lrfact._typing import Array


def root_mean_square(values: Array) -> float:
    """Return the root of the mean square, whatever the size of the values.

    Parameters
    ----------
    values : ndarray of shape (n,)
        At least one.

    Returns
    -------
    float
        Squares neither overflow nor underflow: values are divided by the largest power of two
        below the largest of them.
    """
    largest = float(np.abs(values).max())
    exponent = int(np.frexp(largest)[1])
    wide = np.ldexp(values.astype(np.float64), -exponent)
    return float(np.ldexp(np.sqrt(np.mean(wide * wide)), exponent))
