"""Size of a test set, as a fraction or a number of entries."""

from numbers import Integral, Real
from typing import Any


def check_test_size(test_size: Any) -> int | float:
    """Return `test_size` if it is a fraction or a number of entries.

    Parameters
    ----------
    test_size : float or int
        Value of the parameter.

    Returns
    -------
    int or float

    Raises
    ------
    ValueError
        If it is neither a float in (0, 1) nor an integer of at least 1.
    """
    if isinstance(test_size, Real) and not isinstance(test_size, bool):
        size = float(test_size)
        if isinstance(test_size, Integral) and size >= 1:
            return int(test_size)
        if not isinstance(test_size, Integral) and 0 < size < 1:
            return size
    raise ValueError(
        f"test_size={test_size!r} must be a fraction of the observed entries, a float between 0 "
        "and 1, or their number, an integer of at least 1"
    )
