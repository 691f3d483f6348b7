"""NumPy twin of the kernel in `_poisson_rows.pyx`: reference of the tests, and fallback."""

import numpy as np
from numpy.typing import NDArray

from lrfact._typing import Array
from lrfact.kernels._argument_checks import (
    check_layout,
    check_positive_floor,
    check_shape,
    check_sparse_rows,
    check_threads,
    check_types,
)

_MOST_DECREASE = 0.9
_PASSES_BEFORE, _PASSES_BETWEEN = 8, 2
_MOST_HALVINGS = 4

# Of a start and of penalties in the units of a row: beyond, sums of them are infinite.
_LARGEST = 1e150


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
    check_types(
        {"data": data, "design": design, "reach": reach, "rows": rows},
        {"indices": indices, "indptr": indptr}, (rows, at_rest), at_rest=(at_rest, np.uint8),
    )  # fmt: skip
    check_positive_floor(floor)
    check_threads(n_threads)
    limits = np.finfo(rows.dtype)
    for i in range(n_rows):
        stored = slice(int(indptr[i]), int(indptr[i + 1]))
        positive = data[stored] > 0
        values = data[stored][positive].astype(np.float64)
        panel = design[indices[stored][positive]].astype(np.float64)
        # In units of the size of the largest entry and of the design, so that rows of any size are
        # solved alike on a design of any size.
        unit, of_design = _unit_of(values.max(initial=0)), _unit_of(reach[i].max(initial=0))
        of_row = unit / of_design
        values /= unit
        panel /= of_design
        least = floor * values + float(limits.tiny)
        with np.errstate(over="ignore"):
            x = np.minimum(rows[i].astype(np.float64) / of_row, _LARGEST)
        weight = reach[i].astype(np.float64) / of_design + min(l1 / of_design, _LARGEST)
        ridge = min(l2 * of_row / of_design, _LARGEST)
        epsilon = float(limits.eps)
        rests = _fit_row(values, panel, weight, x, ridge, least, tol, most_passes, epsilon)
        with np.errstate(over="ignore"):  # infinite rows are for the caller to see
            rows[i] = x * of_row
        at_rest[i] = rests and np.isfinite(rows[i]).all()


def _unit_of(size: float) -> float:
    """Return the power of two above a size; of 0 it is 1."""
    exponent = int(np.frexp(size)[1]) if np.isfinite(size) else 0
    return float(np.ldexp(1.0, min(max(exponent, -1000), 1000)))


def _fit_row(
    values: Array,
    panel: Array,
    weight: Array,
    x: Array,
    l2: float,
    least: Array,
    tol: float,
    most_passes: int,
    epsilon: float,
) -> bool:
    total = float(weight @ x)
    sizes = np.zeros(len(x))
    for n_passes in range(1, most_passes + 1):
        nothing = tol * total
        moved = total = 0.0
        model = panel @ x
        for f in range(len(x)):
            ratio = panel[:, f] / np.maximum(model, least)
            gradient = weight[f] + l2 * x[f] - values @ ratio
            curvature = (values * ratio) @ ratio + l2
            after = 0.0
            if curvature > 0:
                after = max(x[f] - gradient / curvature, (1 - _MOST_DECREASE) * x[f])
            if gradient > 0 and weight[f] * after < nothing and after * ratio.max(initial=0) < tol:
                after = 0.0  # on its way there, and nothing beside the others in any entry
            total += weight[f] * after
            sizes[f] = abs(after - x[f])
            model += (after - x[f]) * panel[:, f]
            moved = max(moved, weight[f] * abs(after - x[f]))
            x[f] = after
        parts = panel.T / np.maximum(model, least)
        if moved <= tol * total and (sizes * parts.max(axis=1, initial=0) <= np.sqrt(tol)).all():
            return True
        if n_passes >= _PASSES_BEFORE and n_passes % _PASSES_BETWEEN == 0:
            x[:] = _after_newton_step(values, panel, weight, x, l2, least, epsilon)
            total = float(weight @ x)
    return False


@np.errstate(over="ignore", invalid="ignore")  # such a step is not taken
def _after_newton_step(
    values: Array, panel: Array, weight: Array, x: Array, l2: float, least: Array, epsilon: float
) -> Array:
    """Move all coordinates that are not 0 at once, if that is downhill."""

    def objective(x: Array) -> float:
        model = np.maximum(panel @ x, least)
        return float((weight + 0.5 * l2 * x) @ x - values @ np.log(model))

    free = np.flatnonzero(x > 0)
    ratio = values / np.maximum(panel @ x, least)
    columns = panel[:, free]
    gradient = weight[free] + l2 * x[free] - columns.T @ ratio
    bent = columns * np.sqrt(ratio / np.maximum(panel @ x, least))[:, np.newaxis]
    hessian = bent.T @ bent + l2 * np.eye(len(free))
    hessian.flat[:: len(free) + 1] += epsilon * np.trace(hessian)
    try:
        step = np.linalg.solve(hessian, gradient)
    except np.linalg.LinAlgError:
        return x
    now = objective(x)
    for halvings in range(_MOST_HALVINGS + 1):
        tried = x.copy()
        tried[free] = np.maximum(x[free] - 0.5**halvings * step, 0)
        if objective(tried) < now:
            return tried
    return x
