"""Rows, known or new, on the column factors of a fitted factorization of observed entries."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from lrfact._typing import Array
from lrfact.solvers.observed.masked_problem import row_weights
from lrfact.solvers.observed.ridge_rows import (
    RowRegressions,
    leave_one_out_residuals,
    regress_rows,
)


@dataclass(frozen=True)
class ColumnModel:
    r"""What a fold-in needs of a model: all but its rows.

    .. math:: \min_{w, b} \sum_{j \in o} \omega_j (x_j - \mu - c_j - b - w' v_j)^2
              + reg \sqrt{n} (\|w\|^2 + b^2), \quad n = \sum_{j \in o} \omega_j

    Attributes
    ----------
    factors : ndarray of shape (n_columns, n_components)
        :math:`v_j`.

    column_bias : ndarray of shape (n_columns,) or None
        :math:`c_j`; None for a model without biases.

    intercept : float
        :math:`\mu`.

    reg : float
        Regularization strength.

    nonnegative : bool
        Whether :math:`w` is confined to numbers from 0.
    """

    factors: Array
    column_bias: Array | None
    intercept: float
    reg: float
    nonnegative: bool

    @property
    def bias(self) -> bool:
        """Whether there are biases."""
        return self.column_bias is not None

    def fold_in(
        self, entries: sparse.csr_array, weights: Array | None = None, *, n_threads: int
    ) -> RowRegressions:
        """Solve for factors and biases of rows.

        Parameters
        ----------
        entries : csr_array of shape (n_rows, n_columns)
            Their observed entries.

        weights : ndarray of shape (nnz,) or None, default=None
            Weights of the entries.

        n_threads : int
            The digits do not depend on it.

        Returns
        -------
        RowRegressions
            ``solution`` has the row biases in its last column, if there are any.
        """
        entries, design = self._of_observed(entries)
        return regress_rows(
            entries,
            weights,
            design,
            intercept=self.intercept,
            bias=self.bias,
            penalty=np.full(design.shape[1], self.reg, dtype=design.dtype),
            row_scale=np.sqrt(row_weights(entries, weights)),
            nonnegative=self.nonnegative,
            n_threads=n_threads,
        )

    def leave_one_out(self, entries: sparse.csr_array, *, n_threads: int) -> Array:
        """Return each value less its prediction from the other values of its row.

        Parameters
        ----------
        entries : csr_array of shape (n_rows, n_columns)
            Observed entries of rows.

        n_threads : int
            The digits do not depend on it.

        Returns
        -------
        ndarray of shape (nnz,)
        """
        found = self.fold_in(entries, n_threads=n_threads)
        entries, design = self._of_observed(entries)
        return leave_one_out_residuals(
            entries,
            None,
            design,
            found.solution,
            intercept=self.intercept,
            bias=self.bias,
            penalty=np.full(design.shape[1], self.reg, dtype=design.dtype),
            row_scale=np.sqrt(row_weights(entries, None)),
            nonnegative=self.nonnegative,
            n_threads=n_threads,
        )

    def _of_observed(self, entries: sparse.csr_array) -> tuple[sparse.csr_array, Array]:
        """Entries and design; of a few rows only the columns that they have."""
        dtype = entries.dtype
        columns: NDArray[np.integer] | slice = slice(None)
        if 4 * entries.nnz < entries.shape[1]:
            columns, places = np.unique(entries.indices, return_inverse=True)
            entries = sparse.csr_array(
                (entries.data, places.astype(entries.indices.dtype), entries.indptr),
                shape=(entries.shape[0], len(columns)),
            )
        factors = self.factors[columns].astype(dtype, copy=False)
        if self.column_bias is not None:
            bias = self.column_bias[columns].astype(dtype, copy=False)
            factors = np.column_stack([factors, bias])
        return entries, np.ascontiguousarray(factors)
