"""NumPy twin of the kernel in `_ratio_rows.pyx`: reference of the tests, and fallback."""

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from lrfact.kernels._twin_checks import (
    check_layout,
    check_positive_floor,
    check_shape,
    check_sparse_rows,
    check_threads,
    check_types,
)

Array = NDArray[np.floating]

# Stored entries handled at a time: their design rows are gathered.
_CHUNK = 2**15


def ratio_rows(
    data: Array,
    indices: NDArray[np.integer],
    indptr: NDArray[np.integer],
    rows: Array,
    design: Array,
    out: Array,
    loss: NDArray[np.float64],
    floor: float,
    wants_loss: bool,
    n_threads: int,
) -> None:
    """Sum ``x_ij / s_ij d_j`` and ``x_ij log(x_ij / s_ij)``, ``s_ij = max(w_i' d_j, floor)``."""
    check_layout(rows=(rows, 2), design=(design, 2), out=(out, 2), loss=(loss, 1))
    n_rows, width = rows.shape
    check_sparse_rows(data, indices, indptr, n_rows, len(design))
    check_shape("design", design, (len(design), width))
    check_shape("out", out, (n_rows, width))
    check_shape("loss", loss, (n_rows,))
    check_types(
        {"data": data, "rows": rows, "design": design, "out": out},
        {"indices": indices, "indptr": indptr}, (out, loss), loss=(loss, np.float64),
    )  # fmt: skip
    check_positive_floor(floor)
    check_threads(n_threads)
    stored = slice(int(indptr[0]), int(indptr[-1]))
    columns = indices[stored]
    row_of = np.repeat(np.arange(n_rows), np.diff(indptr))
    values = data[stored].astype(np.float64)
    model = np.empty(len(values))
    for first in range(0, len(values), _CHUNK):
        part = slice(first, first + _CHUNK)
        np.einsum("pf,pf->p", rows[row_of[part]], design[columns[part]], out=model[part])
    with np.errstate(over="ignore"):
        ratio = values / np.maximum(model, floor)
    # Infinity times 0 would be NaN.
    bounded = np.minimum(ratio, np.finfo(rows.dtype).max)
    ratios = sparse.csr_array(
        (bounded.astype(rows.dtype), columns, indptr - indptr[0]), shape=(n_rows, len(design))
    )
    out[:] = ratios @ design
    terms = np.zeros_like(ratio)
    counts = ratio > 0
    if wants_loss:
        terms[counts] = values[counts] * np.log(ratio[counts])
    loss[:] = np.bincount(row_of, weights=terms, minlength=n_rows)
