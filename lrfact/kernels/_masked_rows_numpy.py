"""Twin of `_masked_rows`: normal equations of some rows at a time, each as its definition says."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from lrfact._typing import Array
from lrfact.kernels._argument_checks import check_layout, check_shape, check_threads

_BATCH = 1 << 20
"""Numbers of the gathered design that are held at a time."""

_PIVOTS = {np.dtype(np.float32): (1e-6, 1e37), np.dtype(np.float64): (1e-14, 1e300)}
"""Least share of a pivot that rounding leaves, and the largest whose factor does not overflow."""


def _check(
    values: Array,
    weights: Array,
    columns: NDArray[np.integer],
    indptr: NDArray[np.integer],
    design: Array,
    bias: bool,
    penalty: Array,
    row_scale: Array,
    solution: Array,
    n_threads: int,
    **sums: Array,
) -> None:
    of_one_type = {
        "values": (values, 1),
        "weights": (weights, 1),
        "design": (design, 2),
        "penalty": (penalty, 1),
        "row_scale": (row_scale, 1),
        "solution": (solution, 2),
    }
    check_layout(columns=(columns, 1), indptr=(indptr, 1), **of_one_type)
    check_layout(**{name: (array, 1) for name, array in sums.items()})
    for name, (array, _) in of_one_type.items():
        if array.dtype not in (np.float32, np.float64) or array.dtype != values.dtype:
            raise ValueError(f"{name} is {array.dtype}; all must be float32, or all float64")
    if columns.dtype not in (np.int32, np.int64) or columns.dtype != indptr.dtype:
        raise ValueError("columns and indptr must both be int32, or both int64")
    n_rows, width = len(indptr) - 1, design.shape[1]
    if n_rows < 0:
        raise ValueError("indptr is empty; it must have n_rows + 1 entries")
    if len(values) != len(columns) or len(weights) not in (0, len(values)):
        raise ValueError("values, weights and columns must agree, or weights be empty")
    if width < 1 + bias:
        raise ValueError(f"design has {width} columns; it must have a factor, and the bias if any")
    if len(penalty) != width or len(row_scale) != n_rows:
        raise ValueError(f"penalty must have {width} entries, row_scale {n_rows}")
    check_shape("solution", solution, (n_rows, width))
    for name, array in sums.items():
        if array.dtype != np.float64 or len(array) != n_rows:
            raise ValueError(f"{name} must have {n_rows} entries of float64")
    check_threads(n_threads)
    if indptr[0] < 0 or indptr[-1] > len(columns) or (indptr[1:] < indptr[:-1]).any():
        raise ValueError("indptr must rise, from 0 at least to the number of entries at most")
    inside = columns[indptr[0] : indptr[-1]]
    if ((inside < 0) | (inside >= len(design))).any():
        raise ValueError("a row has columns outside of the design")


def _batches(
    indptr: NDArray[np.integer], width: int, *, least: int = 1
) -> Iterator[NDArray[np.intp]]:
    """Rows of like numbers of entries: filling up to the longest at most doubles them."""
    counts = np.diff(indptr)
    doublings = np.frexp(counts.astype(np.float64))[1]
    for doubling in np.unique(doublings[counts >= least]):
        rows = np.flatnonzero(doublings == doubling)
        most = max(1, _BATCH // (max(1, counts[rows].max()) * width))
        yield from (rows[i : i + most] for i in range(0, len(rows), most))


def _gather(
    rows: NDArray[np.intp],
    values: Array,
    weights: Array,
    columns: NDArray[np.integer],
    indptr: NDArray[np.integer],
    design: Array,
    intercept: float,
    bias: bool,
) -> tuple[NDArray[np.bool_], NDArray[np.intp], tuple[NDArray[np.float64], ...]]:
    """Which places of the filled-up rows are entries, and of which number.

    Design, targets and weights of the entries follow, 0 where there is none.
    """
    counts = np.diff(indptr)[rows]
    place = np.arange(counts.max())
    stored = place < counts[:, None]
    entry = np.where(stored, indptr[rows, None] + place, 0)[stored]
    D = np.zeros((*stored.shape, design.shape[1]))
    y, w = np.zeros((2, *stored.shape))
    D[stored] = design[columns[entry]]
    y[stored] = values[entry].astype(np.float64) - intercept
    w[stored] = weights[entry] if len(weights) else 1
    if bias:
        y -= D[..., -1]
        D[..., -1] = stored
    return stored, entry, (D, y, w)


def _normal_matrices(
    D: NDArray[np.float64], w: NDArray[np.float64], penalties: NDArray[np.float64]
) -> NDArray[np.float64]:
    A: NDArray[np.float64] = D.transpose(0, 2, 1) @ (w[..., None] * D)
    np.einsum("rff->rf", A)[...] += penalties
    return A


def _positive_definite(
    A: NDArray[np.float64], dtype: np.dtype
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Each matrix with as much added to its diagonal as a Cholesky factor needs, and how much.

    What no diagonal makes positive definite is the identity then, with -1 added.
    """
    eps, largest = _PIVOTS[dtype]
    added = np.zeros(len(A))
    unit = np.eye(A.shape[1])
    diagonal = np.einsum("rff->rf", A)
    hopeless = ~np.isfinite(A).all(axis=(1, 2)) | (diagonal > largest).any(axis=1)
    A = np.where(hopeless[:, None, None], unit, A)
    added[hopeless] = -1
    for i in np.flatnonzero(~_have_factors(A, eps)):
        top = np.diag(A[i]).max(initial=0) or 1.0
        for amount in eps * top * 10.0 ** np.arange(60):
            B = A[i] + amount * unit
            if _have_factors(B[None], eps)[0]:
                A[i], added[i] = B, amount
                break
        else:
            A[i], added[i] = unit, -1
    return A, added


def _have_factors(A: NDArray[np.float64], eps: float) -> NDArray[np.bool_]:
    """Which matrices have a Cholesky factor with pivots above rounding."""
    try:
        pivots = np.einsum("rff->rf", np.linalg.cholesky(A)) ** 2
    except np.linalg.LinAlgError:
        if len(A) == 1:
            return np.array([False])
        return np.concatenate([_have_factors(A[i : i + 1], eps) for i in range(len(A))])
    return (pivots > eps * np.einsum("rff->rf", A)).all(axis=1)


def _nonnegative(A: NDArray[np.float64], b: NDArray[np.float64], bias: bool) -> NDArray[np.float64]:
    """Minimize x'Ax - 2b'x of each row with the factors from 0: Lawson and Hanson's active set.

    SciPy's `nnls` takes one row at a time, and in 1.12 fails where an unknown is nearly zero.
    """
    width = b.shape[1]
    x, free = np.zeros(b.shape), np.zeros(b.shape, dtype=bool)
    free[:, -1] = bias  # of any sign
    going = np.arange(len(b))
    for _ in range(10 * (width + 1)):
        if not len(going):
            break
        inside, now, of_rows, target = free[going], x[going], A[going], b[going]
        both = inside[:, :, None] & inside[:, None]
        minimum = np.linalg.solve(
            np.where(both, of_rows, np.eye(width)), np.where(inside, target, 0)[..., None]
        )[..., 0]
        # As far towards the minimum of what is free as no factor falls below zero.
        below = inside & (minimum < 0)
        below[:, -1] &= not bias
        share = np.divide(now, now - minimum, out=np.ones(now.shape), where=below)
        step = share.min(axis=1, initial=1)[:, None]
        hit = below & (share <= step)
        now = np.where(hit, 0, now + step * (minimum - now))
        x[going], free[going] = now, inside & ~hit
        # A row that is there frees the factor that would lower it most, by more than rounding.
        there = np.count_nonzero(below, axis=1) == 0
        gradient = target - (of_rows @ now[..., None])[..., 0]
        size = np.abs(target) + (np.abs(of_rows) @ np.abs(now[..., None]))[..., 0]
        asks = gradient > 4 * width * np.finfo(np.float64).eps * size
        gain = np.where(asks & ~inside & there[:, None], gradient, 0)
        most = gain.argmax(axis=1)
        enters = gain.any(axis=1)
        free[going[enters], most[enters]] = True
        going = going[enters | ~there]
    return x


def solve_rows(
    values: Array,
    weights: Array,
    columns: NDArray[np.integer],
    indptr: NDArray[np.integer],
    design: Array,
    intercept: float,
    bias: bool,
    penalty: Array,
    row_scale: Array,
    nonnegative: bool,
    center: Array,
    noise: Array,
    solution: Array,
    loss: NDArray[np.float64],
    residual_sum: NDArray[np.float64],
    added_diagonal: NDArray[np.float64],
    n_threads: int,
) -> None:
    _check(
        values,
        weights,
        columns,
        indptr,
        design,
        bias,
        penalty,
        row_scale,
        solution,
        n_threads,
        loss=loss,
        residual_sum=residual_sum,
        added_diagonal=added_diagonal,
    )
    for name, array in (("center", center), ("noise", noise)):
        check_layout(**{name: (array, 2)})
        if array.dtype != values.dtype:
            raise ValueError(f"{name} is {array.dtype}; it must be {values.dtype}")
        if array.shape not in ((0, design.shape[1]), solution.shape):
            raise ValueError(
                f"{name} has shape {array.shape}; it must have {solution.shape}, or no rows"
            )
        if len(array) and nonnegative:
            raise ValueError(f"rows with {name} cannot be non-negative")
    for out in (solution, loss, residual_sum, added_diagonal):
        out[...] = 0
    # Without entries a row is its center and noise, if there are any.
    least = 0 if len(center) or len(noise) else 1
    for rows in _batches(indptr, design.shape[1], least=least):
        _, _, (D, y, w) = _gather(rows, values, weights, columns, indptr, design, intercept, bias)
        with np.errstate(over="ignore", invalid="ignore"):
            b = np.einsum("rjf,rj->rf", D, w * y)
            A = _normal_matrices(D, w, row_scale[rows, None] * penalty)
            if len(center):
                b += row_scale[rows, None] * penalty * center[rows].astype(np.float64)
        A, added = _positive_definite(A, values.dtype)
        added[~np.isfinite(b).all(axis=1)] = -1
        b[added < 0] = 0
        with np.errstate(over="ignore", invalid="ignore"):
            if nonnegative:
                x = _nonnegative(A, b, bias)
            else:
                x = np.linalg.solve(A, b[..., None])[..., 0]
            if len(noise):
                U = np.linalg.cholesky(A).transpose(0, 2, 1)
                x += np.linalg.solve(U, noise[rows, :, None].astype(np.float64))[..., 0]
            solution[rows] = x
            e = y - np.einsum("rjf,rf->rj", D, solution[rows])
            loss[rows] = np.einsum("rj,rj->r", e, w * e)
            residual_sum[rows] = np.einsum("rj,rj->r", w, e) if bias else 0
        failed = (added < 0) | ~(np.isfinite(solution[rows]).all(axis=1) & np.isfinite(loss[rows]))
        added[failed] = -1
        for out in (solution, loss, residual_sum):
            out[rows[failed]] = 0
        added_diagonal[rows] = added


def leave_one_out_rows(
    values: Array,
    weights: Array,
    columns: NDArray[np.integer],
    indptr: NDArray[np.integer],
    design: Array,
    intercept: float,
    bias: bool,
    penalty: Array,
    row_scale: Array,
    nonnegative: bool,
    solution: Array,
    residual: Array,
    n_threads: int,
) -> None:
    _check(values, weights, columns, indptr, design, bias, penalty, row_scale, solution, n_threads)
    check_layout(residual=(residual, 1))
    if residual.dtype != values.dtype or len(residual) != len(values):
        raise ValueError(f"residual must have {len(values)} entries of {values.dtype}")
    if not residual.flags.writeable:
        raise ValueError("residual is read-only")
    for rows in _batches(indptr, design.shape[1]):
        stored, entry, (D, y, w) = _gather(
            rows, values, weights, columns, indptr, design, intercept, bias
        )
        x = solution[rows].astype(np.float64)
        free = np.full(x.shape, True)
        if nonnegative:
            free[:, : x.shape[1] - bias] = x[:, : x.shape[1] - bias] > 0
        F = D * free[:, None]
        A = _normal_matrices(F, w, row_scale[rows, None] * penalty * free)
        # What is held at 0 must not decide how far the diagonal grows.
        diagonal = np.einsum("rff->rf", A)
        diagonal[...] = np.where(free, diagonal, diagonal.max(axis=1, keepdims=True))
        diagonal[diagonal.max(axis=1) == 0] = 1
        A, added = _positive_definite(A, values.dtype)
        spared = 1 - w * np.einsum("rjf,rfj->rj", F, np.linalg.solve(A, F.transpose(0, 2, 1)))
        told = spared > (1e-5 if values.dtype == np.float32 else 1e-12)
        e = np.where(told, (y - np.einsum("rjf,rf->rj", D, x)) / np.where(told, spared, 1), y)
        lost = np.broadcast_to(added[:, None] < 0, e.shape)[stored]
        residual[entry] = np.where(lost, values[entry], e[stored])
