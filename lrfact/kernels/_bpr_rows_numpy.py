"""Twin of `_bpr_rows`: the same steps, with the matrix of all pairs of a row at hand."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrfact._typing import Array
from lrfact.kernels._argument_checks import (
    check_layout,
    check_shape,
    check_sparse_rows,
    check_threads,
)

_MEMORY = 6
_UPHILL = 0.5
_MOST_CUTS = 20


def fit_bpr_rows(
    indices: NDArray[np.integer],
    indptr: NDArray[np.integer],
    columns: Array,
    offsets: Array,
    sample: NDArray[np.int32],
    preconditioner: Array,
    rows: Array,
    at_rest: NDArray[np.uint8],
    reg: float,
    tol: float,
    max_iter: int,
    n_threads: int,
) -> None:
    """Minimize the pairwise logistic loss of each row against a sample of columns.

    ``sum_j [mean_l -ln sigma(s_j - s_l) + reg / 2 |x|^2]`` with ``s = columns x + offsets``, over
    the columns j of a row and those l of the sample that it has not.

    Parameters
    ----------
    indices : ndarray of int32 or int64, shape (nnz,)
        Columns of each row, in any order.

    indptr : ndarray of the same type, shape (n_rows + 1,)
        Row pointers.

    columns : ndarray of shape (n_columns, width)
        Factors of the columns.

    offsets : ndarray of shape (n_columns,)
        Offsets that are added to the products.

    sample : ndarray of int32, shape (n_sample,)
        Values in ascending order.

    preconditioner : ndarray of shape (width, width)
        Positive definite; about the inverse of the curvature of a pair and `reg`.

    rows : ndarray of shape (n_rows, width)
        Output: factors of the rows; zeros for rows without columns, or with all of the sample.

    at_rest : ndarray of uint8, shape (n_rows,)
        Output: whether the tolerance was reached.

    reg : float
        Not negative.

    tol : float
        Tolerance of the gradient, in the norm of the preconditioner, relative to that at 0.

    max_iter : int
        Maximum number of steps.

    n_threads : int
        At least 1; the result does not depend on it.

    Raises
    ------
    ValueError
        If shapes disagree, indices lie outside of the matrix, or the sample does not ascend.
    """
    _check(indices, indptr, columns, offsets, sample, preconditioner, rows, at_rest)
    if not reg >= 0:
        raise ValueError(f"reg={reg} must not be negative")
    check_threads(n_threads)
    for i in range(len(rows)):
        own = indices[indptr[i] : indptr[i + 1]]
        others = sample[~np.isin(sample, own)]
        rows[i], at_rest[i] = 0, 1
        if len(own) and len(others):
            gradient = _gradient_of(
                columns[own], offsets[own], columns[others], offsets[others], reg
            )
            at_rest[i] = _descend(gradient, preconditioner, rows[i], len(own), tol, max_iter)


def _gradient_of(
    positives: Array, positive_offsets: Array, negatives: Array, negative_offsets: Array, reg: float
) -> Callable[[Array], Array]:
    penalty = positives.dtype.type(reg) * len(positives)
    least = np.finfo(positives.dtype).tiny

    def gradient(x: Array) -> Array:
        of_positives = positives @ x + positive_offsets
        of_negatives = negatives @ x + negative_offsets
        largest = max(of_positives.max(), of_negatives.max())
        with np.errstate(under="ignore"):
            of_positives = np.maximum(np.exp(of_positives - largest), least)[:, np.newaxis]
            of_negatives = np.exp(of_negatives - largest)
            shares = (
                of_negatives
                / (of_positives + of_negatives)
                / of_negatives.dtype.type(len(of_negatives))
            )
        result: Array = (
            penalty * x - shares.sum(axis=1) @ positives + shares.sum(axis=0) @ negatives
        )
        return result

    return gradient


def _descend(
    gradient: Callable[[Array], Array], P: Array, x: Array, count: int, tol: float, max_iter: int
) -> bool:
    """Limited-memory BFGS from x, in place."""
    changes: list[tuple[Array, Array]] = []
    scale: Any = x.dtype.type(1) / count
    slopes = gradient(x)
    goal = tol**2 * float(slopes @ P @ slopes)
    for _ in range(max_iter):
        if float(slopes @ P @ slopes) <= goal:
            return True
        direction = _downhill(changes, scale, P, slopes)
        slope: Any = slopes @ direction
        length: Any = x.dtype.type(1)
        if not slope < 0:
            return False
        for _ in range(_MOST_CUTS + 1):
            place = x + length * direction
            slopes_there = gradient(place)
            slope_there = slopes_there @ direction
            if slope_there <= -_UPHILL * slope:
                break
            length *= max(slope / (slope - slope_there), x.dtype.type(0.1))
        else:
            return False
        move, bend = place - x, slopes_there - slopes
        changes = [*changes, (move, bend)][-_MEMORY:]
        x[...], slopes = place, slopes_there
        bent = bend @ P @ bend
        if not (move @ bend > 0 and bent > 0):
            return False
        scale = (move @ bend) / bent
    return float(slopes @ P @ slopes) <= goal


def _downhill(changes: list[tuple[Array, Array]], scale: float, P: Array, slopes: Array) -> Array:
    direction = -slopes
    shares = []
    for move, bend in reversed(changes):
        shares.append((move @ direction) / (move @ bend))
        direction = direction - shares[-1] * bend
    direction = scale * (P @ direction)
    for (move, bend), share in zip(changes, reversed(shares), strict=True):
        direction = direction + (share - (bend @ direction) / (move @ bend)) * move
    return direction


def _check(
    indices: NDArray[np.integer],
    indptr: NDArray[np.integer],
    columns: Array,
    offsets: Array,
    sample: NDArray[np.int32],
    preconditioner: Array,
    rows: Array,
    at_rest: NDArray[np.uint8],
) -> None:
    """Refuse what the compiled kernel refuses."""
    check_layout(
        columns=(columns, 2), offsets=(offsets, 1), sample=(sample, 1),
        preconditioner=(preconditioner, 2), rows=(rows, 2), at_rest=(at_rest, 1),
    )  # fmt: skip
    n_rows, width = rows.shape
    check_sparse_rows(indices, indices, indptr, n_rows, len(columns))
    if indices.dtype not in (np.int32, np.int64):
        raise TypeError(f"indices has dtype {indices.dtype}; it must be int32 or int64")
    if columns.dtype not in (np.float32, np.float64):
        raise TypeError(f"columns has dtype {columns.dtype}; it must be float32 or float64")
    for wanted, array in (
        (indices.dtype, indptr), (np.int32, sample), (np.uint8, at_rest),
        (columns.dtype, offsets), (columns.dtype, preconditioner), (columns.dtype, rows),
    ):  # fmt: skip
        if array.dtype != wanted:
            raise ValueError(f"an array has dtype {array.dtype}; it must be {wanted}")
    for name, output in (("rows", rows), ("at_rest", at_rest)):
        if not output.flags.writeable:
            raise ValueError(f"{name} must be writeable")
    check_shape("columns", columns, (len(columns), width))
    check_shape("offsets", offsets, (len(columns),))
    check_shape("preconditioner", preconditioner, (width, width))
    check_shape("at_rest", at_rest, (n_rows,))
    if (sample[1:] <= sample[:-1]).any():
        raise ValueError("sample must ascend")
    if len(sample) and (sample[0] < 0 or sample[-1] >= len(columns)):
        raise ValueError(f"sample must lie from 0 to {len(columns) - 1}")
