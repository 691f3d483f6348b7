"""Ridge regressions of all rows on the factors of their columns: half a sweep, and the fold-in."""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from lrfact import kernels
from lrfact._threads import limit_threads
from lrfact._typing import Array


@dataclass(frozen=True)
class RowRegressions:
    """What regressing all rows found.

    Attributes
    ----------
    solution : ndarray of shape (n_rows, width)
        Factors of the rows, the bias last if there is one; of rows without entries the center, and
        noise if there is any.

    loss : float
        Weighted sum of the squared residuals of all entries.

    mean_residual : float
        Weighted mean of the residuals with a bias, else 0.

    added_diagonal : float
        The most that a system of equations had added to its diagonal; 0 if all were well posed.
    """

    solution: Array
    loss: float
    mean_residual: float
    added_diagonal: float


def regress_rows(
    ratings: sparse.csr_array,
    weights: Array | None,
    design: Array,
    *,
    intercept: float,
    bias: bool,
    penalty: Array,
    row_scale: Array,
    nonnegative: bool,
    n_threads: int,
    center: Array | None = None,
    noise: Array | None = None,
    out: Array | None = None,
) -> RowRegressions:
    r"""Solve for each row the ridge regression on its observed columns.

    .. math:: \min_x \sum_j \omega_j (y_j - d_j' x)^2 + s \sum_f \rho_f (x_f - z_f)^2

    where :math:`d_j` are the factors of column j, followed by 1 with a bias, and :math:`y_j` is the
    value less the intercept and the bias of the column.

    Parameters
    ----------
    ratings : csr_array of shape (n_rows, n_columns)
        The observed entries; of another precision than `design` they are converted.

    weights : ndarray of shape (nnz,) or None
        :math:`\omega`, in the order of `ratings`.

    design : ndarray of shape (n_columns, width)
        Factors of the columns; with `bias` their biases last.

    intercept : float
        Intercept of the model.

    bias : bool
        Whether rows and columns have biases.

    penalty : ndarray of shape (width,)
        :math:`\rho`.

    row_scale : ndarray of shape (n_rows,)
        :math:`s`.

    nonnegative : bool
        Whether factors must not be negative. They are then found by coordinate descent from `out`.

    n_threads : int
        The digits do not depend on it.

    center : ndarray of shape (n_rows, width) or None, default=None
        :math:`z`, where the penalty draws rows to; None for zeros. Not with `nonnegative`.

    noise : ndarray of shape (n_rows, width) or None, default=None
        :math:`e`: rows become :math:`x + U^{-1} e`, where :math:`U'U` is the matrix of their
        equations. For independent normal numbers of variance :math:`s^2` these are draws from
        the posterior of a regression with noise of that variance and a normal prior of precision
        :math:`\mathrm{diag}(s\,\rho) / s^2`. Not with `nonnegative`.

    out : ndarray of shape (n_rows, width) or None, default=None
        Output array, and initial solution of coordinate descent; None allocates zeros.

    Returns
    -------
    RowRegressions

    Raises
    ------
    ValueError
        If a solution would not be finite.

    Notes
    -----
    ``nnz width^2 + n_rows width^3 / 3`` multiplications and additions. Nearly singular equations
    are solved with the least diagonal, of ten-fold steps, that lets Cholesky's factorization pass
    (Nocedal and Wright, Numerical Optimization, 2006, section 3.4).
    """
    dtype = design.dtype
    n_rows, width = ratings.shape[0], design.shape[1]
    out = np.zeros((n_rows, width), dtype=dtype) if out is None else out
    loss, residual_sum, added = (np.zeros(n_rows) for _ in range(3))
    values = np.ascontiguousarray(ratings.data, dtype=dtype)
    of_entries = _weights_or_none(weights, dtype)
    milliseconds = (ratings.nnz * width**2 + n_rows * width**3 / 3) / 1e7
    kernels.solve_rows(
        values,
        of_entries,
        ratings.indices,
        ratings.indptr,
        design,
        intercept,
        bias,
        np.ascontiguousarray(penalty, dtype=dtype),
        np.ascontiguousarray(row_scale, dtype=dtype),
        nonnegative,
        np.empty((0, width), dtype=dtype) if center is None else center,
        np.empty((0, width), dtype=dtype) if noise is None else noise,
        out,
        loss,
        residual_sum,
        added,
        limit_threads(n_threads, milliseconds),
    )
    if added.min(initial=0) < 0:
        row = int(np.argmin(added))
        strongest = float(np.max(penalty, initial=0)) * float(np.max(row_scale, initial=1))
        if not strongest < np.sqrt(float(np.finfo(dtype).max)):
            raise ValueError(
                f"the equations of row {row} overflow: a regularization of {strongest:.3g} is too "
                f"large for {dtype}; lower reg"
            )
        raise ValueError(
            f"the equations of row {row} overflow: its values are too large for their squares to "
            f"be summed in {dtype}; divide all values by the largest"
        )
    total = float(ratings.nnz if weights is None else weights.sum(dtype=np.float64))
    return RowRegressions(
        out,
        float(loss.sum()),
        float(residual_sum.sum()) / total if total else 0.0,
        float(added.max(initial=0)),
    )


def leave_one_out_residuals(
    ratings: sparse.csr_array,
    weights: Array | None,
    design: Array,
    solution: Array,
    *,
    intercept: float,
    bias: bool,
    penalty: Array,
    row_scale: Array,
    nonnegative: bool,
    n_threads: int,
) -> Array:
    r"""Return each value less its prediction from the other values of its row.

    With :math:`A = \sum_j \omega_j d_j d_j' + s\,\mathrm{diag}(\rho)` of the row and
    :math:`h_j = \omega_j d_j' A^{-1} d_j` it is :math:`e_j / (1 - h_j)`, the penalty being held
    at its full value.

    Parameters
    ----------
    ratings : csr_array of shape (n_rows, n_columns)
        The observed entries.

    weights : ndarray of shape (nnz,) or None
        :math:`\omega`.

    design : ndarray of shape (n_columns, width)
        Design matrix, as in `regress_rows`.

    solution : ndarray of shape (n_rows, width)
        Solution, as returned by `regress_rows`.

    intercept : float
        Intercept of the model.

    bias : bool
        Whether rows and columns have biases.

    penalty : ndarray of shape (width,)
        :math:`\rho`.

    row_scale : ndarray of shape (n_rows,)
        :math:`s`.

    nonnegative : bool
        Factors at zero are then held there: the formula is exact as long as leaving an entry out
        would not free or bind one.

    n_threads : int
        The digits do not depend on it.

    Returns
    -------
    ndarray of shape (nnz,)
        Leave-one-out residuals. If ``h_j`` is 1, so that an entry does not depend on the others,
        the value minus the intercept and the bias of its column.

    Notes
    -----
    ``2 nnz width^2 + n_rows width^3`` multiplications and additions. Cook and Weisberg (1982),
    Residuals and Influence in Regression, equation 2.2.6.
    """
    dtype = design.dtype
    residual = np.empty(ratings.nnz, dtype=dtype)
    milliseconds = 2 * (ratings.nnz * design.shape[1] ** 2) / 1e7
    kernels.leave_one_out_rows(
        np.ascontiguousarray(ratings.data, dtype=dtype),
        _weights_or_none(weights, dtype),
        ratings.indices,
        ratings.indptr,
        design,
        intercept,
        bias,
        np.ascontiguousarray(penalty, dtype=dtype),
        np.ascontiguousarray(row_scale, dtype=dtype),
        nonnegative,
        solution,
        residual,
        limit_threads(n_threads, milliseconds),
    )
    return residual


def _weights_or_none(weights: Array | None, dtype: np.dtype) -> Array:
    return np.empty(0, dtype=dtype) if weights is None else np.ascontiguousarray(weights, dtype)
