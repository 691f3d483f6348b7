"""`n_components` against the shape of the data."""

from numbers import Integral
from typing import Any

from lrfact._memory import require_factors


def check_rank(n_components: Any, shape: tuple[int, int]) -> int:
    """Return `n_components` as an int if a matrix of this shape allows it.

    Parameters
    ----------
    n_components : int
        The rank asked for.

    shape : tuple of int
        (n_samples, n_features).

    Returns
    -------
    int

    Raises
    ------
    ValueError
        If it exceeds min(n_samples, n_features).

    MemoryError
        If there is no memory for the factors.
    """
    n_samples, n_features = shape
    if not isinstance(n_components, Integral) or not 1 <= int(n_components) <= min(shape):
        raise ValueError(
            f"n_components={n_components!r} must be between 1 and min(n_samples={n_samples}, "
            f"n_features={n_features})={min(shape)}; lower it or pass more data"
        )
    require_factors(shape, int(n_components))
    return int(n_components)
