"""Type aliases that the whole package shares."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Array", "ArrayLike", "FloatArray", "Indices", "Mask", "RandomState"]

# float32 or float64, as the input has it
Array = NDArray[np.floating]
FloatArray = NDArray[np.float64]
Indices = NDArray[np.integer]
Mask = NDArray[np.bool_]
RandomState = int | np.random.RandomState | None
