"""NumPy twin of the kernel in `_poisson_rows.pyx`: reference of the tests, and fallback."""

import numpy as np
from numpy.typing import NDArray

from lrfact.kernels._twin_checks import (
    check_layout,
    check_positive_floor,
    check_shape,
    check_sparse_rows,
    check_threads,
)

Array = NDArray[np.floating]

_MOST_DECREASE = 0.9


def fit_poisson_rows(
    data: Array,
    indices: NDArray[np.integer],
    indptr: NDArray[np.integer],
    design: Array,
    reach: Array,
    rows: Array,
    at_rest: NDArray[np.uint8],
    l1: float,
    l2: float,
    floor: float,
    tol: float,
    most_passes: int,
    n_threads: int,
) -> None:
    """Minimize ``(reach_i + l1)' x + l2 x' x / 2 - sum_j x_ij log(x' d_j)`` for each row."""
    check_layout(design=(design, 2), reach=(reach, 2), rows=(rows, 2), at_rest=(at_rest, 1))
    n_rows, width = rows.shape
    check_sparse_rows(data, indices, indptr, n_rows, len(design))
    check_shape("design", design, (len(design), width))
    check_shape("reach", reach, (n_rows, width))
    check_shape("at_rest", at_rest, (n_rows,))
    check_positive_floor(floor)
    check_threads(n_threads)
    for i in range(n_rows):
        stored = slice(int(indptr[i]), int(indptr[i + 1]))
        positive = data[stored] > 0
        values = data[stored][positive].astype(np.float64)
        panel = design[indices[stored][positive]].astype(np.float64)
        x = rows[i].astype(np.float64)
        weight = reach[i].astype(np.float64) + l1
        at_rest[i] = _fit_row(values, panel, weight, x, l2, floor, tol, most_passes)
        rows[i] = x


def _fit_row(
    values: Array,
    panel: Array,
    weight: Array,
    x: Array,
    l2: float,
    floor: float,
    tol: float,
    most_passes: int,
) -> bool:
    total = float(weight @ x)
    for _ in range(most_passes):
        nothing = tol * total
        moved = total = 0.0
        model = panel @ x
        for f in range(len(x)):
            ratio = panel[:, f] / np.maximum(model, floor)
            gradient = weight[f] + l2 * x[f] - values @ ratio
            curvature = (values * ratio) @ ratio + l2
            after = 0.0
            if curvature > 0:
                after = max(x[f] - gradient / curvature, (1 - _MOST_DECREASE) * x[f])
            if gradient > 0 and weight[f] * after < nothing:
                after = 0.0  # on its way there
            total += weight[f] * after
            model += (after - x[f]) * panel[:, f]
            moved = max(moved, weight[f] * abs(after - x[f]))
            x[f] = after
        if moved <= tol * total:
            return True
    return False
