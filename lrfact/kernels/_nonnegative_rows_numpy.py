"""NumPy twins of the kernels in `_nonnegative_rows.pyx`: reference of the tests, and fallback."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrfact.kernels._twin_checks import check_layout, check_shape

Array = NDArray[np.floating]


def descend_rows(
    gram: Array,
    cross: Array,
    order: NDArray[np.int64],
    weight: Array,
    rows: Array,
    violation: NDArray[np.float64],
    at_rest: NDArray[np.uint8],
    shift: float,
    tol: float,
    tol_is_of_first: bool,
    most_passes: int,
    n_threads: int,
) -> None:
    """Minimize ``x' gram x / 2 - (cross_i - shift)' x`` over ``x >= 0`` for each row."""
    _check_rows(rows, gram, cross, order, weight, violation, at_rest, n_threads)
    width = rows.shape[1]
    curvature = np.diagonal(gram)
    share = curvature / curvature.max(initial=np.finfo(gram.dtype).tiny)
    x, target, unit = _in_units(rows, cross, shift, curvature)
    violation[:] = 0
    at_rest[:] = width == 0
    first = np.zeros(len(rows))
    for n_passes in range(most_passes):
        moved, length = np.zeros_like(first), np.zeros_like(first)
        for f in order:
            if not curvature[f] > 0:
                x[target[:, f] < 0, f] = 0  # linear: the minimum is there, or nowhere
                continue
            before = x[:, f].copy()
            gradient = x @ gram[f] - target[:, f]
            if n_passes == 0:
                counts = (before > 0) | (gradient < 0)
                violation[counts] += weight[f] * np.abs(gradient[counts])
            after = np.fmax(before - gradient / curvature[f], 0)
            after[at_rest == 1] = before[at_rest == 1]
            moved += share[f] * (after - before) ** 2
            length += share[f] * after**2
            x[:, f] = after
        if n_passes == 0 and tol_is_of_first:
            first = moved
        at_rest[:] = moved <= tol**2 * (first if tol_is_of_first else length)
        if at_rest.all():
            break
    violation *= unit
    with np.errstate(over="ignore"):  # infinite rows are for the caller to see
        rows[:] = x * unit[:, np.newaxis]


def _in_units(
    rows: Array, cross: Array, shift: float, curvature: Array
) -> tuple[Array, Array, Array]:
    """Return rows, ``cross - shift`` and the unit of each row: in it no square overflows."""
    x, target = rows.astype(np.float64), cross.astype(np.float64) - shift
    largest = curvature.max(initial=0)
    size = x.max(axis=1, initial=0)
    if largest > 0:
        size = np.maximum(size, np.abs(target).max(axis=1, initial=0) / largest)
    size[(size == 0) | ~np.isfinite(size)] = 0.5
    unit = np.ldexp(1.0, np.clip(np.frexp(size)[1], -1000, 1000))
    return x / unit[:, np.newaxis], target / unit[:, np.newaxis], unit


def descend_rows_with_holes(
    gram: NDArray[np.float64],
    cross: Array,
    design: Array,
    hidden: NDArray[np.int64],
    row_start: NDArray[np.int64],
    order: NDArray[np.int64],
    weight: Array,
    rows: Array,
    violation: NDArray[np.float64],
    energy: NDArray[np.float64],
    at_rest: NDArray[np.uint8],
    shift: float,
    ridge: float,
    tol: float,
    tol_is_of_first: bool,
    most_passes: int,
    n_threads: int,
) -> None:
    """Do the same with the Gram matrix of what each row shows of `design`, plus ``ridge I``."""
    check_layout(design=(design, 2), hidden=(hidden, 1), row_start=(row_start, 1))
    check_layout(energy=(energy, 1))
    _check_rows(rows, gram, cross, order, weight, violation, at_rest, n_threads)
    n_columns, width = design.shape
    check_shape("design", design, (n_columns, rows.shape[1]))
    check_shape("energy", energy, (len(rows),))
    _check_hidden(hidden, row_start, len(rows), n_columns)
    diagonal = np.arange(width)
    for i, row in enumerate(rows):
        shown = np.ones(n_columns, dtype=bool)
        shown[hidden[row_start[i] : row_start[i + 1]]] = False
        seen = design[shown].astype(np.float64)
        own = seen.T @ seen
        x = row[np.newaxis].astype(np.float64)
        unseen = np.diagonal(own) <= 1e-12 * np.diagonal(gram)
        own[unseen] = own[:, unseen] = 0
        if ridge == 0:
            x[0, unseen & (np.diagonal(gram) > 0)] = 0
        with_ridge = own.copy()
        with_ridge[diagonal, diagonal] += ridge
        descend_rows(
            with_ridge,
            cross[i : i + 1].astype(np.float64),
            order,
            weight.astype(np.float64),
            x,
            violation[i : i + 1],
            at_rest[i : i + 1],
            shift,
            tol,
            tol_is_of_first,
            most_passes,
            n_threads,
        )
        energy[i] = x[0] @ own @ x[0]
        row[:] = x[0]


def _check_rows(
    rows: Array,
    gram: Array,
    cross: Array,
    order: NDArray[Any],
    weight: Array,
    violation: Array,
    at_rest: NDArray[Any],
    n_threads: int,
) -> None:
    check_layout(gram=(gram, 2), cross=(cross, 2), rows=(rows, 2), order=(order, 1))
    check_layout(weight=(weight, 1), violation=(violation, 1), at_rest=(at_rest, 1))
    n_rows, width = rows.shape
    check_shape("gram", gram, (width, width))
    check_shape("cross", cross, (n_rows, width))
    check_shape("weight", weight, (width,))
    check_shape("violation", violation, (n_rows,))
    check_shape("at_rest", at_rest, (n_rows,))
    if sorted(order) != list(range(width)):
        raise ValueError(f"order must hold each of 0 to {width - 1} once")
    if n_threads < 1:
        raise ValueError(f"n_threads={n_threads} must be at least 1")


def _check_hidden(
    hidden: NDArray[np.int64], row_start: NDArray[np.int64], n_rows: int, n_columns: int
) -> None:
    if row_start.shape != (n_rows + 1,):
        raise ValueError(f"row_start has shape {row_start.shape}; it must have {(n_rows + 1,)}")
    if row_start[0] != 0 or row_start[-1] != len(hidden) or (np.diff(row_start) < 0).any():
        raise ValueError("row_start must rise from 0 to the number of hidden entries")
    falls = np.flatnonzero(np.diff(hidden) <= 0) + 1
    if len(hidden) and (
        hidden.min() < 0 or hidden.max() >= n_columns or not np.isin(falls, row_start).all()
    ):
        raise ValueError("hidden must rise within each row and lie inside the matrix")
