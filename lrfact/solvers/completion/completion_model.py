"""Imputation of training rows and unseen rows by a fitted nuclear-norm model."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike
from scipy import sparse

from lrfact._memory import require_dense
from lrfact._typing import Array
from lrfact.solvers.completion.entry_scaling import EntryScaling, rows_of_entries
from lrfact.solvers.completion.soft_impute import ridge_design
from lrfact.solvers.observed.ridge_rows import leave_one_out_residuals, regress_rows

# Size of a block of rows that is predicted at a time.
_BLOCK_BYTES = 2**23


@dataclass(frozen=True)
class CompletionModel:
    r"""Fitted model of matrix completion, without the factors of the training rows.

    .. math:: \min_{w, a} \sum_{j \in o} (y_j - a - w' b_j)^2 + \lambda \|w\|^2 + \rho a^2,
              \quad b_j = \sqrt{d} \circ v_j

    is solved for each row, where y are its entries in scaled units. For the training rows the
    solution is that of the nuclear-norm problem.

    Attributes
    ----------
    singular_values : ndarray of shape (k,)
        Singular values :math:`d`.

    components : ndarray of shape (k, n_columns)
        Right singular vectors :math:`v`.

    reg : float
        Regularization strength :math:`\lambda`.

    offset_penalty : float or None
        Regularization :math:`\rho` of the row offsets; None without offsets.

    scaling : EntryScaling
        Conversion between the units of the data and of the model.
    """

    singular_values: Array
    components: Array
    reg: float
    offset_penalty: float | None
    scaling: EntryScaling

    def complete(self, entries: sparse.csr_array, *, n_threads: int) -> Array:
        """Impute the missing values of rows.

        Parameters
        ----------
        entries : csr_array of shape (n_rows, n_columns)
            Observed entries.

        n_threads : int
            Number of threads. Results are bitwise identical for any number of threads.

        Returns
        -------
        ndarray of shape (n_rows, n_columns)
            Observed entries, unchanged, and predictions of the missing ones; dtype of `entries`.
        """
        dtype = entries.dtype
        design, _ = self._design(dtype)
        _, row_scale, rows = self._fold_in(entries, n_threads)
        if self.offset_penalty is not None:
            design[:, -1] = 1  # multiplies the offset
        design *= self.scaling.scale.astype(dtype)[:, np.newaxis]
        rows *= row_scale[:, np.newaxis]
        require_dense(entries.shape, dtype, "pass fewer rows at a time")
        out = np.empty(entries.shape, dtype)
        step = max(1, _BLOCK_BYTES // (out.itemsize * out.shape[1]))
        for start in range(0, len(out), step):
            block = out[start : start + step]
            np.matmul(rows[start : start + step], design.T, out=block)
            block += self.scaling.mean.astype(dtype)
        out[rows_of_entries(entries), entries.indices] = entries.data
        return out

    def leave_one_out(self, entries: sparse.csr_array, *, n_threads: int) -> Array:
        """Return the leave-one-out residuals, with predictions from the other entries of the row.

        Parameters
        ----------
        entries : csr_array of shape (n_rows, n_columns)
            Observed entries.

        n_threads : int
            Number of threads. Results are bitwise identical for any number of threads.

        Returns
        -------
        ndarray of shape (nnz,)
            Residuals in the units of the data. Means, scales and regularization are fixed. An entry
            that the other entries of its row do not determine is predicted by the column mean.
        """
        design, penalty = self._design(entries.dtype)
        scaled, row_scale, rows = self._fold_in(entries, n_threads)
        residuals = leave_one_out_residuals(
            scaled,
            None,
            design,
            rows,
            intercept=0.0,
            bias=self.offset_penalty is not None,
            penalty=penalty,
            row_scale=np.ones(len(rows)),
            nonnegative=False,
            n_threads=n_threads,
        )
        units = self.scaling.scale[entries.indices] * row_scale[rows_of_entries(entries)]
        return residuals * units.astype(residuals.dtype)

    def _design(self, dtype: DTypeLike) -> tuple[Array, Array]:
        factors = np.sqrt(self.singular_values) * self.components.T
        if not factors.size:
            # The kernel requires at least one factor, which stays zero here.
            return ridge_design(np.zeros((len(factors), 1), dtype), 1.0, self.offset_penalty)
        return ridge_design(factors.astype(dtype), self.reg, self.offset_penalty)

    def _fold_in(
        self, entries: sparse.csr_array, n_threads: int
    ) -> tuple[sparse.csr_array, Array, Array]:
        """Return the scaled entries, and the scale and the coefficients of each row."""
        scaled, row_scale = self.scaling.apply(entries)
        design, penalty = self._design(entries.dtype)
        rows = regress_rows(
            scaled,
            None,
            design,
            intercept=0.0,
            bias=self.offset_penalty is not None,
            penalty=penalty,
            row_scale=np.ones(entries.shape[0]),
            nonnegative=False,
            n_threads=n_threads,
        ).solution
        return scaled, row_scale, rows
