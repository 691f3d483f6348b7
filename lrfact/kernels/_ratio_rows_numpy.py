"""NumPy twin of the kernel in `_ratio_rows.pyx`: reference of the tests, and fallback."""

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from lrfact._typing import Array
from lrfact.kernels._argument_checks import (
    check_layout,
    check_positive_floor,
    check_shape,
    check_sparse_rows,
    check_threads,
    check_types,
)

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
    model_sum: NDArray[np.float64],
    floor: float,
    wants_loss: bool,
    n_threads: int,
) -> None:
    """Sum ``x_ij / m_ij d_j``, the divergence of `x` from `m`, and ``s_ij = w_i' d_j``.

    Of positive stored entries, ``m_ij = max(s_ij, floor x_ij)``.
    """
    check_layout(rows=(rows, 2), design=(design, 2), out=(out, 2), loss=(loss, 1))
    check_layout(model_sum=(model_sum, 1))
    n_rows, width = rows.shape
    check_sparse_rows(data, indices, indptr, n_rows, len(design))
    check_shape("design", design, (len(design), width))
    check_shape("out", out, (n_rows, width))
    check_shape("loss", loss, (n_rows,))
    check_shape("model_sum", model_sum, (n_rows,))
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
        np.einsum(
            "pf,pf->p",
            rows[row_of[part]],
            design[columns[part]],
            dtype=np.float64,
            out=model[part],
        )
    counts = values > 0
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        # Infinity times 0 would be NaN.
        ratio = np.where(counts, np.fmin(values / model, 1 / floor), 0)
    ratios = sparse.csr_array(
        (ratio.astype(rows.dtype), columns, indptr - indptr[0]), shape=(n_rows, len(design))
    )
    out[:] = ratios @ design
    loss[:] = model_sum[:] = 0
    if wants_loss and rows.shape[1]:
        kept = values[counts], model[counts]
        terms = poisson_divergences(*kept, floor)
        loss[:] = np.bincount(row_of[counts], weights=terms, minlength=n_rows)
        model_sum[:] = np.bincount(row_of[counts], weights=kept[1], minlength=n_rows)


def poisson_divergences(
    x: NDArray[np.float64], s: NDArray[np.float64], floor: float
) -> NDArray[np.float64]:
    """Return ``x log(x / s) - x + s`` of positive `x`, where `s` counts as ``floor x`` at least.

    Where `s` is near `x` the terms cancel: there it is computed from their small difference.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        change = (s - x) / x
        near = np.abs(change) < 0.5
        small = np.where(near, change, 0)
        below = s <= floor * x
        quotient = np.divide(x, s, out=np.full_like(s, 1 / floor), where=~below)
        logarithm = np.log(quotient, out=np.zeros_like(s), where=(quotient > 0) & np.isfinite(s))
        far = x * logarithm - x + np.where(below, floor * x, s)
    return np.where(near & ~below, x * (small - np.log1p(small)), far)
