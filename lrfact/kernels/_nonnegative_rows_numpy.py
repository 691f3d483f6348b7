"""NumPy twins of the kernels in `_nonnegative_rows.pyx`: reference of the tests, and fallback."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrfact._typing import Array
from lrfact.kernels._argument_checks import check_layout, check_shape, check_threads, check_types

# Numbers in the Gram matrices of the rows that are handled at a time.
_BLOCK = 2**22


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
    check_types({"gram": gram, "rows": rows})

    def product(x: Array, f: int) -> Array:
        return x @ gram[f]

    curvature = np.broadcast_to(np.diagonal(gram), rows.shape)
    target = cross.astype(np.float64) - shift
    state = (rows, violation, at_rest)
    rows[:] = _descend(
        product, curvature, target, order, weight, *state, tol, tol_is_of_first, most_passes
    )


def _descend(
    product: Callable[[Array, int], Array],
    curvature: Array,
    target: Array,
    order: NDArray[np.int64],
    weight: Array,
    rows: Array,
    violation: NDArray[np.float64],
    at_rest: NDArray[np.uint8],
    tol: float,
    tol_is_of_first: bool,
    most_passes: int,
) -> Array:
    """Return the rows at rest, given their product with column f of the Gram matrix."""
    tiny = np.finfo(curvature.dtype).tiny
    share = curvature / curvature.max(axis=1, initial=tiny, keepdims=True)
    unit = _units(rows, target, curvature)
    x, target = rows / unit[:, np.newaxis], target / unit[:, np.newaxis]
    violation[:] = 0
    at_rest[:] = rows.shape[1] == 0
    first = np.zeros(len(rows))
    for n_passes in range(most_passes):
        moved, length = np.zeros_like(first), np.zeros_like(first)
        for f in order:
            curved = curvature[:, f] > 0
            before = x[:, f].copy()
            gradient = product(x, f) - target[:, f]
            if n_passes == 0:
                counts = curved & ((before > 0) | (gradient < 0))
                violation[counts] += weight[f] * np.abs(gradient[counts])
            step = np.divide(gradient, curvature[:, f], out=np.zeros_like(first), where=curved)
            after = np.fmax(before - step, 0)
            after[at_rest == 1] = before[at_rest == 1]
            moved += share[:, f] * (after - before) ** 2
            length += share[:, f] * after**2
            # Where it is linear the minimum is at zero, or nowhere.
            after[~curved & (target[:, f] < 0)] = 0
            x[:, f] = after
        if n_passes == 0 and tol_is_of_first:
            first = moved
        at_rest[:] = moved <= tol**2 * (first if tol_is_of_first else length)
        if at_rest.all():
            break
    with np.errstate(over="ignore"):  # infinite rows are for the caller to see
        violation *= unit
        return (x * unit[:, np.newaxis]).astype(rows.dtype)


def _units(rows: Array, target: Array, curvature: Array) -> NDArray[np.float64]:
    """Return the unit of each row: in it no square overflows."""
    size = rows.max(axis=1, initial=0).astype(np.float64)
    largest = curvature.max(axis=1, initial=0)
    reach = np.abs(target).max(axis=1, initial=0)
    size = np.fmax(size, np.divide(reach, largest, out=np.zeros_like(size), where=largest > 0))
    size[(size == 0) | ~np.isfinite(size)] = 0.5
    return np.ldexp(1.0, np.clip(np.frexp(size)[1], -1000, 1000))


def descend_rows_with_missing(
    gram: NDArray[np.float64],
    cross: Array,
    design: Array,
    hidden: NDArray[np.int64],
    indptr: NDArray[np.int64],
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
    check_layout(design=(design, 2), hidden=(hidden, 1), indptr=(indptr, 1))
    check_layout(energy=(energy, 1))
    _check_rows(rows, gram, cross, order, weight, violation, at_rest, n_threads)
    n_columns, width = design.shape
    check_shape("design", design, (n_columns, rows.shape[1]))
    check_shape("energy", energy, (len(rows),))
    check_types(
        {"design": design, "rows": rows}, outputs=(energy,), gram=(gram, np.float64),
        hidden=(hidden, np.int64), indptr=(indptr, np.int64), energy=(energy, np.float64),
    )  # fmt: skip
    _check_hidden(hidden, indptr, len(rows), n_columns)
    step = max(1, _BLOCK // max(1, width * width))
    for begin in range(0, len(rows), step):
        part = slice(begin, min(begin + step, len(rows)))
        own = _own_grams(design, hidden, indptr[begin : part.stop + 1])
        curvature = np.diagonal(own, axis1=1, axis2=2)
        unseen = curvature <= 1e-12 * np.diagonal(gram)
        own[unseen] = 0
        own.transpose(0, 2, 1)[unseen] = 0
        with_ridge = own + ridge * np.eye(width)
        curvature = np.diagonal(with_ridge, axis1=1, axis2=2)
        target = cross[part].astype(np.float64) - shift
        start = rows[part].astype(np.float64)
        if ridge == 0:
            start[unseen & (np.diagonal(gram) > 0)] = 0

        def product(x: Array, f: int, grams: Array = with_ridge) -> Array:
            return np.einsum("if,if->i", x, grams[:, f])

        state = (start, violation[part], at_rest[part])
        x = _descend(
            product, curvature, target, order, weight, *state, tol, tol_is_of_first, most_passes
        )
        energy[part] = np.einsum("if,ifg,ig->i", x, own, x, optimize=True)
        rows[part] = x


def _own_grams(
    design: Array, hidden: NDArray[np.int64], indptr: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the Gram matrix of what each row shows of the design."""
    grams = np.empty((len(indptr) - 1, design.shape[1], design.shape[1]))
    for i, (begin, end) in enumerate(pairwise(indptr)):
        shown = np.ones(len(design), dtype=bool)
        shown[hidden[begin:end]] = False
        seen = design[shown].astype(np.float64)
        grams[i] = seen.T @ seen
    return grams


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
    check_types(
        {"cross": cross, "weight": weight, "rows": rows}, outputs=(rows, violation, at_rest),
        order=(order, np.int64), violation=(violation, np.float64), at_rest=(at_rest, np.uint8),
    )  # fmt: skip
    if sorted(order) != list(range(width)):
        raise ValueError(f"order must hold each of 0 to {width - 1} once")
    check_threads(n_threads)


def _check_hidden(
    hidden: NDArray[np.int64], indptr: NDArray[np.int64], n_rows: int, n_columns: int
) -> None:
    if indptr.shape != (n_rows + 1,):
        raise ValueError(f"indptr has shape {indptr.shape}; it must have {(n_rows + 1,)}")
    if indptr[0] != 0 or indptr[-1] != len(hidden) or (indptr[1:] < indptr[:-1]).any():
        raise ValueError("indptr must rise from 0 to the number of hidden entries")
    falls = np.flatnonzero(np.diff(hidden) <= 0) + 1
    if len(hidden) and (
        hidden.min() < 0 or hidden.max() >= n_columns or not np.isin(falls, indptr).all()
    ):
        raise ValueError("hidden must rise within each row and lie inside the matrix")
