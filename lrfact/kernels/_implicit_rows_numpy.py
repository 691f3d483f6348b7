"""NumPy twin of `_implicit_rows`: the equations of each row in turn, solved exactly."""

import numpy as np
from numpy.typing import NDArray

from lrfact._typing import Array
from lrfact.kernels._argument_checks import check_layout, check_shape, check_threads, check_types


def solve_implicit_rows(
    weights: Array,
    columns: NDArray[np.integer],
    indptr: NDArray[np.integer],
    design: Array,
    spectrum: NDArray[np.float64],
    penalty: NDArray[np.float64],
    most_steps: int,
    tol: float,
    solution: Array,
    loss: NDArray[np.float64],
    n_threads: int,
) -> None:
    """See `lrfact.kernels._implicit_rows`; rows are solved exactly, whatever `most_steps` is."""
    check_layout(
        weights=(weights, 1),
        columns=(columns, 1),
        indptr=(indptr, 1),
        design=(design, 2),
        spectrum=(spectrum, 1),
        penalty=(penalty, 1),
        solution=(solution, 2),
        loss=(loss, 1),
    )
    check_threads(n_threads)
    _check_arrays(weights, columns, indptr, design, spectrum, penalty, solution, loss)
    for i in range(len(solution)):
        entries = slice(int(indptr[i]), int(indptr[i + 1]))
        a = weights[entries].astype(np.float64)
        V = design[columns[entries]].astype(np.float64)
        D = spectrum + penalty[i]
        d = np.divide(1, np.sqrt(D), out=np.zeros_like(D), where=D > 0)
        P = np.sqrt(a)[:, np.newaxis] * V * d
        with np.errstate(over="ignore", invalid="ignore"):
            b = d * ((1 + a) @ V)
            A = np.eye(len(d)) + P.T @ P
            try:
                x = d * np.linalg.solve(A, b)
            except np.linalg.LinAlgError:
                x = np.full_like(d, np.nan)
            solution[i] = x
        if not np.isfinite(solution[i]).all():
            raise ValueError(
                f"row {i} has no finite solution: weights or columns are too large, or the penalty "
                "(reg) is too small beside them"
            )
        if len(loss):
            s = V @ x
            loss[i] = spectrum @ x**2 + np.sum((1 + a) * (1 - s) ** 2 - s**2)


def _check_arrays(
    weights: Array,
    columns: NDArray[np.integer],
    indptr: NDArray[np.integer],
    design: Array,
    spectrum: NDArray[np.float64],
    penalty: NDArray[np.float64],
    solution: Array,
    loss: NDArray[np.float64],
) -> None:
    n_columns, width = design.shape
    if not len(indptr):
        raise ValueError("indptr is empty; it must have n_rows + 1 entries")
    n_rows = len(indptr) - 1
    check_types(
        {"weights": weights, "design": design, "solution": solution},
        {"columns": columns, "indptr": indptr}, (solution, loss),
        spectrum=(spectrum, np.float64), penalty=(penalty, np.float64), loss=(loss, np.float64),
    )  # fmt: skip
    check_shape("weights", weights, columns.shape)
    if width < 1:
        raise ValueError("design has no columns; it must have a factor at least")
    check_shape("spectrum", spectrum, (width,))
    check_shape("penalty", penalty, (n_rows,))
    check_shape("solution", solution, (n_rows, width))
    if len(loss):
        check_shape("loss", loss, (n_rows,))
    if indptr[0] < 0 or indptr[-1] > len(columns) or (indptr[1:] < indptr[:-1]).any():
        raise ValueError("indptr must rise, from 0 at least to the number of entries at most")
    used = columns[int(indptr[0]) : int(indptr[-1])]
    if len(used) and (used.min() < 0 or used.max() >= n_columns):
        raise ValueError("a row has columns outside of the design")
