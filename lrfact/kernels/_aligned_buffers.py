"""Working memory of kernels whose lines each start at a cache line."""

import numpy as np
from numpy.typing import NDArray

CACHE_LINE = 64  # bytes


def next_multiple(number: int, unit: int) -> int:
    """Return the least multiple of a unit that is not less than a number."""
    return -(-number // unit) * unit


def aligned(n_lines: int, length: int, dtype: np.dtype) -> NDArray:
    """Return zeros of shape (n_lines, length or more), each line from a cache line on."""
    padded = next_multiple(length * dtype.itemsize, CACHE_LINE)
    raw = np.zeros(n_lines * padded + CACHE_LINE, dtype=np.uint8)
    address = raw.ctypes.data
    offset = next_multiple(address, CACHE_LINE) - address
    return raw[offset : offset + n_lines * padded].view(dtype).reshape(n_lines, -1)
