"""Twin of `_masked_rows`: one row after the other, each as its definition says."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular
from scipy.optimize import nnls

from lrfact.kernels._twin_checks import check_layout, check_shape

Array = NDArray[np.floating]


def _check(
    values: Array,
    weights: Array,
    columns: NDArray[np.integer],
    row_start: NDArray[np.integer],
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
    check_layout(columns=(columns, 1), row_start=(row_start, 1), **of_one_type)
    check_layout(**{name: (array, 1) for name, array in sums.items()})
    for name, (array, _) in of_one_type.items():
        if array.dtype not in (np.float32, np.float64) or array.dtype != values.dtype:
            raise ValueError(f"{name} is {array.dtype}; all must be float32, or all float64")
    if columns.dtype not in (np.int32, np.int64) or columns.dtype != row_start.dtype:
        raise ValueError("columns and row_start must both be int32, or both int64")
    n_rows, width = len(row_start) - 1, design.shape[1]
    if n_rows < 0:
        raise ValueError("row_start is empty; it must have n_rows + 1 entries")
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
    if n_threads < 1:
        raise ValueError(f"n_threads={n_threads} must be at least 1")
    if row_start[0] < 0 or row_start[-1] > len(columns) or (np.diff(row_start) < 0).any():
        raise ValueError("row_start must rise, from 0 at least to the number of entries at most")
    inside = columns[row_start[0] : row_start[-1]]
    if ((inside < 0) | (inside >= len(design))).any():
        raise ValueError("a row has columns outside of the design")


def _row(
    i: int,
    values: Array,
    weights: Array,
    columns: NDArray[np.integer],
    row_start: NDArray[np.integer],
    design: Array,
    intercept: float,
    bias: bool,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Design, targets and weights of the entries of a row."""
    entries = slice(row_start[i], row_start[i + 1])
    D = design[columns[entries]].astype(np.float64)
    y = values[entries].astype(np.float64) - intercept
    if bias:
        y -= D[:, -1]
        D[:, -1] = 1
    w = weights[entries].astype(np.float64) if len(weights) else np.ones(len(y))
    return D, y, w


# Least share of a pivot that rounding leaves, and the largest whose factor does not overflow.
_PIVOTS = {np.dtype(np.float32): (1e-6, 1e37), np.dtype(np.float64): (1e-14, 1e300)}


def _positive_definite(
    A: NDArray[np.float64], dtype: np.dtype
) -> tuple[NDArray[np.float64], float]:
    """`A` with as much added to its diagonal as a Cholesky factor needs, and how much that is."""
    eps, largest = _PIVOTS[dtype]
    if not np.isfinite(A).all() or np.diag(A).max(initial=0) > largest:
        return A, -1.0
    added = 0.0
    for _ in range(60):
        B = A + added * np.eye(len(A))
        try:
            pivots = np.diag(np.linalg.cholesky(B)) ** 2
        except np.linalg.LinAlgError:
            pivots = np.zeros(len(A))
        if (pivots > eps * np.diag(B)).all():
            return B, added
        added = 10 * added or eps * (np.diag(A).max(initial=0) or 1.0)
    return A, -1.0


def _nonnegative(A: NDArray[np.float64], b: NDArray[np.float64], bias: bool) -> Any:
    """Minimize x'Ax - 2b'x with the factors from 0, as least squares of the Cholesky factor."""
    U = np.linalg.cholesky(A).T
    target = solve_triangular(U, b, trans="T")
    if not bias:
        return nnls(U, target)[0]
    # A bias of any sign is the difference of two numbers from 0.
    x, _ = nnls(np.column_stack([U, -U[:, -1]]), target)
    return np.append(x[:-2], x[-2] - x[-1])


def solve_rows(
    values: Array,
    weights: Array,
    columns: NDArray[np.integer],
    row_start: NDArray[np.integer],
    design: Array,
    intercept: float,
    bias: bool,
    penalty: Array,
    row_scale: Array,
    nonnegative: bool,
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
        row_start,
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
    for i in range(len(solution)):
        D, y, w = _row(i, values, weights, columns, row_start, design, intercept, bias)
        if len(y) == 0:
            solution[i] = loss[i] = residual_sum[i] = added_diagonal[i] = 0
            continue
        b = D.T @ (w * y)
        A = D.T @ (w[:, None] * D) + row_scale[i] * np.diag(penalty)
        x: NDArray[np.float64]
        A, added = _positive_definite(A, values.dtype)
        if not np.isfinite(b).all():
            added = -1.0
        if added < 0:
            x = np.zeros(len(b))
        elif nonnegative:
            x = _nonnegative(A, b, bias)
        else:
            x = np.asarray(np.linalg.solve(A, b))
        with np.errstate(over="ignore"):
            solution[i] = x
            e = y - D @ solution[i]
            loss[i], residual_sum[i] = e @ (w * e), (w @ e if bias else 0)
        if added < 0 or not (np.isfinite(solution[i]).all() and np.isfinite(loss[i])):
            solution[i] = loss[i] = residual_sum[i] = 0
            added = -1.0
        added_diagonal[i] = added


def leave_one_out_rows(
    values: Array,
    weights: Array,
    columns: NDArray[np.integer],
    row_start: NDArray[np.integer],
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
    _check(
        values, weights, columns, row_start, design, bias, penalty, row_scale, solution, n_threads
    )
    check_layout(residual=(residual, 1))
    if residual.dtype != values.dtype or len(residual) != len(values):
        raise ValueError(f"residual must have {len(values)} entries of {values.dtype}")
    if not residual.flags.writeable:
        raise ValueError("residual is read-only")
    single = values.dtype == np.float32
    for i in range(len(solution)):
        D, y, w = _row(i, values, weights, columns, row_start, design, intercept, bias)
        x = solution[i].astype(np.float64)
        free = np.full(len(x), True)
        if nonnegative:
            free[: len(x) - bias] = x[: len(x) - bias] > 0
        F = D[:, free]
        A = F.T @ (w[:, None] * F) + row_scale[i] * np.diag(penalty[free])
        A, added = _positive_definite(A, values.dtype)
        if added < 0:
            residual[row_start[i] : row_start[i + 1]] = values[row_start[i] : row_start[i + 1]]
            continue
        spared = 1 - w * np.einsum("jf,fj->j", F, np.linalg.solve(A, F.T))
        told = spared > (1e-5 if single else 1e-12)
        e = (y - D @ x) / np.where(told, spared, 1)
        residual[row_start[i] : row_start[i + 1]] = np.where(told, e, y)
