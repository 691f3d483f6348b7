"""Rows of a matrix, each as a non-negative combination of the same components."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lrfact import kernels
from lrfact._threads import limit_threads
from lrfact._typing import Array
from lrfact.solvers.nmf.nonnegative_problem import Side

# Of one thread of the kernel, for a multiplication and an addition.
_MILLISECONDS = 1e-7


@dataclass(frozen=True)
class Stopping:
    """When coordinate descent on a row ends.

    Attributes
    ----------
    tol : float
        Tolerance: stop after the first pass that changes the row by at most this fraction.

    of_first : bool
        Whether the fraction is relative to the first change of the row, else to its norm.

    most_passes : int
        Maximum number of passes.
    """

    tol: float
    of_first: bool
    most_passes: int


@dataclass(frozen=True)
class RowFit:
    """Rows after coordinate descent.

    Attributes
    ----------
    rows : ndarray of shape (n_rows, n_components)
        Their factors.

    cross : ndarray of shape (n_rows, n_components)
        The matrix times the design.

    violation : float
        Sum of the sizes of the projected gradient at the start.

    model_energy : float
        Sum of the squares of the approximation, over entries that are not hidden.

    at_rest : ndarray of bool, shape (n_rows,)
        Mask of the rows that converged before the last pass.
    """

    rows: Array
    cross: Array
    violation: float
    model_energy: float
    at_rest: NDArray[np.bool_]

    def loss(self, squared_norm: float) -> float:
        """Return half of the squared error, of a matrix with this squared norm."""
        shared = float(np.einsum("ij,ij->j", self.rows, self.cross, dtype=np.float64).sum())
        return max(0.5 * (squared_norm - 2 * shared + self.model_energy), 0.0)


def fit_rows(
    side: Side,
    design: Array,
    start: Array,
    stopping: Stopping,
    *,
    gram: Array,
    order: NDArray[np.int64] | None = None,
    weight: Array | None = None,
) -> RowFit:
    r"""Move the factors of rows towards the minimum, given the design of the columns.

    .. math:: \min_{w_i \ge 0} \frac12 \sum_j (x_{ij} - w_i' v_j)^2
              + \lambda_1 \|w_i\|_1 + \frac{\lambda_2}{2} \|w_i\|^2

    Parameters
    ----------
    side : Side
        The rows.

    design : ndarray of shape (n_columns, n_components)
        :math:`v_j`, not negative.

    start : ndarray of shape (n_rows, n_components)
        Not negative; not written to.

    stopping : Stopping
        Stopping criterion.

    gram : ndarray of shape (n_components, n_components)
        ``design.T @ design``, float64.

    order : ndarray of int64, shape (n_components,), default=None
        Order of the components within a pass.

    weight : ndarray of shape (n_components,), default=None
        Weights of the components in `violation`.

    Returns
    -------
    RowFit

    Notes
    -----
    A product of the matrix with the design, and ``2 n_rows k^2`` flops for a pass. Rows with
    missing entries have a Gram matrix each, for ``k^2`` flops for each entry that is missing, or
    that is not, whichever is less.

    References
    ----------
    Cichocki and Phan (2009), doi:10.1587/transfun.E92.A.708, for the coordinates; Gillis and
    Glineur (2012), arXiv:1107.5194, for several passes with one product.
    """
    dtype, (n_rows, width) = start.dtype, start.shape
    cross = side.operator.matmat(design)
    rows = start.copy()
    violation = np.empty(n_rows)
    at_rest = np.empty(n_rows, dtype=np.uint8)
    order = np.arange(width) if order is None else order
    weight = np.ones(width, dtype=dtype) if weight is None else weight.astype(dtype)
    n_threads = limit_threads(side.n_threads, n_rows * width * width * _MILLISECONDS)
    if side.hidden is None:
        with_ridge = gram.astype(dtype)
        with_ridge.flat[:: width + 1] += side.penalty.l2
        kernels.descend_rows(
            with_ridge,
            cross,
            order,
            weight,
            rows,
            violation,
            at_rest,
            side.penalty.l1,
            stopping.tol,
            stopping.of_first,
            stopping.most_passes,
            n_threads,
        )
        model_energy = float(np.sum(gram * side.gram_of(rows)))
    else:
        energy = np.empty(n_rows)
        kernels.descend_rows_with_missing(
            gram.astype(np.float64, copy=False),
            cross,
            design,
            side.hidden.indices,
            side.hidden.indptr,
            order,
            weight,
            rows,
            violation,
            energy,
            at_rest,
            side.penalty.l1,
            side.penalty.l2,
            stopping.tol,
            stopping.of_first,
            stopping.most_passes,
            side.n_threads,
        )
        model_energy = float(energy.sum())
    return RowFit(rows, cross, float(violation.sum()), model_energy, at_rest.astype(bool))
