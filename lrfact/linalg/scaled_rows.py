"""Rows of which only the proportions count, scaled into the range of float32."""

import numpy as np
from scipy.sparse import csr_array

# Squares and sums of squares of what is between them are far from the ends of float32.
_SMALLEST, _LARGEST = 2.0**-40, 2.0**40


def scaled_rows(rows: csr_array) -> csr_array:
    """Scale rows by powers of two, exactly, where entries are very small or very large.

    Parameters
    ----------
    rows : csr_array
        Matrix of finite entries.

    Returns
    -------
    csr_array
        The same dtype and pattern; `rows` itself where no entry needs it.
    """
    sizes = np.abs(rows.data)
    needs_it = ((sizes < _SMALLEST) & (sizes > 0)) | (sizes > _LARGEST)
    if not needs_it.any():
        return rows
    row_of = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
    largest = np.zeros(rows.shape[0], dtype=rows.dtype)
    np.maximum.at(largest, row_of, sizes)
    _, exponents = np.frexp(largest)
    with np.errstate(under="ignore"):
        data = np.ldexp(rows.data, -exponents[row_of])
    return csr_array((data, rows.indices, rows.indptr), shape=rows.shape)
