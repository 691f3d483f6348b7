"""Rows of implicit feedback on the columns of a weighted factorization: fold-in and reasons."""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from lrfact._typing import Array
from lrfact.linalg.diagonal_gram import diagonal_gram
from lrfact.linalg.narrow_product import narrow_product
from lrfact.solvers.implicit.implicit_problem import row_penalties
from lrfact.solvers.implicit.implicit_rows import solve_rows_over_all


@dataclass(frozen=True)
class ConfidenceColumns:
    r"""Columns given, rows are weighted ridge regressions over all columns.

    .. math:: \min_w \sum_j (1 + \alpha x_j) (p_j - w' v_j)^2
              + reg\, \Big[\sum_j (1 + \alpha x_j)\Big]^{\nu} \|w\|^2

    Attributes
    ----------
    factors : ndarray of shape (n_columns, k)
        :math:`v_j`.

    alpha, reg, reg_exponent : float
        :math:`\alpha`, :math:`reg` and :math:`\nu`.
    """

    factors: Array
    alpha: float
    reg: float
    reg_exponent: float

    def fold_in(self, entries: sparse.csr_array, *, n_threads: int) -> Array:
        """Solve for rows exactly.

        Parameters
        ----------
        entries : csr_array of shape (n_rows, n_columns)
            Their positive entries.

        n_threads : int
            The digits do not depend on it.

        Returns
        -------
        ndarray of shape (n_rows, k)
            Zeros for rows without entries.
        """
        weights = confidence_weights(entries, self.alpha)
        factors = np.ascontiguousarray(self.factors, dtype=entries.dtype)
        basis = diagonal_gram(factors, n_threads=n_threads)
        rows, _ = solve_rows_over_all(
            weights,
            basis.factors,
            basis.spectrum,
            row_penalties(weights, self.reg, self.reg_exponent),
            n_threads=n_threads,
        )
        return narrow_product(rows, np.ascontiguousarray(basis.turn.T), n_threads)

    def contributions(self, entries: sparse.csr_array, column: int) -> Array:
        """Return what the entries of a row add to its score of a column.

        Parameters
        ----------
        entries : csr_array of shape (1, n_columns)
            The positive entries of one row.

        column : int
            Whose score.

        Returns
        -------
        ndarray of shape (nnz,)
            Contributions, which add up to the score (Hu, Koren and Volinsky, 2008, section 5).
        """
        weights = confidence_weights(entries.astype(np.float64), self.alpha)
        V = self.factors.astype(np.float64)
        own = V[entries.indices]
        A = V.T @ V + own.T @ (weights.data[:, np.newaxis] * own)
        A += row_penalties(weights, self.reg, self.reg_exponent)[0] * np.eye(len(A))
        similar, *_ = np.linalg.lstsq(A, V[column], rcond=None)
        return (1 + weights.data) * (own @ similar)


def confidence_weights(entries: sparse.csr_array, alpha: float) -> sparse.csr_array:
    """Return what the confidence of positive entries exceeds 1 by.

    Parameters
    ----------
    entries : csr_array of shape (n_rows, n_columns)
        Positive entries.

    alpha : float
        Weight of a unit of them.

    Returns
    -------
    csr_array of shape (n_rows, n_columns)
        In the dtype of `entries`.

    Raises
    ------
    ValueError
        If a product overflows.
    """
    with np.errstate(over="ignore"):
        data = entries.data * entries.dtype.type(alpha)
    if not np.isfinite(data).all():
        raise ValueError(
            f"alpha={alpha} times the largest entry of X overflows {entries.dtype}; scale X down, "
            "or pass np.log1p of it"
        )
    return sparse.csr_array((data, entries.indices, entries.indptr), entries.shape)
