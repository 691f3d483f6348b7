"""Checks that the NumPy twins share: what the type of an argument does for a kernel."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def check_dimensions(**arrays: tuple[Any, int]) -> None:
    """Refuse what is no array, or has not the number of dimensions given."""
    for name, (array, n_dims) in arrays.items():
        if not isinstance(array, np.ndarray):
            raise TypeError(f"{name} is of type {type(array).__name__}; it must be an ndarray")
        if array.ndim != n_dims:
            raise ValueError(f"{name} has {array.ndim} dimensions; it must have {n_dims}")


def check_layout(**arrays: tuple[Any, int]) -> None:
    """Refuse, besides, what is not C-contiguous."""
    check_dimensions(**arrays)
    for name, (array, _) in arrays.items():
        if not array.flags.c_contiguous:
            raise ValueError(f"{name} must be C-contiguous")


def check_shape(name: str, array: NDArray[Any], wanted: tuple[int, ...]) -> None:
    """Refuse another shape than the one wanted."""
    if array.shape != wanted:
        raise ValueError(f"{name} has shape {array.shape}; it must have {wanted}")
