"""Rows, known or new, completed by a fitted nuclear-norm model."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike
from scipy import sparse

from lrfact._memory import require_dense
from lrfact._typing import Array
from lrfact.solvers.completion.entry_scaling import EntryScaling, rows_of_entries
from lrfact.solvers.completion.soft_impute import ridge_design
from lrfact.solvers.observed.ridge_rows import leave_one_out_residuals, regress_rows

# Predictions of a block of rows at a time.
_BLOCK_BYTES = 2**23


@dataclass(frozen=True)
class CompletionModel:
    r"""What completing rows takes: all of the fit but its rows.

    .. math:: \min_{w, a} \sum_{j \in o} (y_j - a - w' b_j)^2 + \lambda \|w\|^2 + \rho a^2,
              \quad b_j = \sqrt{d} \circ v_j

    where y are the entries of a row in scaled units. In the fit it has the same solution as the
    nuclear norm.

    Attributes
    ----------
    singular_values : ndarray of shape (k,)
        Singular values :math:`d`.

    components : ndarray of shape (k, n_columns)
        Right singular vectors :math:`v`.

    reg : float
        :math:`\lambda`.

    offset_penalty : float or None
        :math:`\rho`; None for rows without offsets.

    scaling : EntryScaling
        Between the units of the data and of the model.
    """

    singular_values: Array
    components: Array
    reg: float
    offset_penalty: float | None
    scaling: EntryScaling

    def complete(self, entries: sparse.csr_array, *, n_threads: int) -> Array:
        """Fill the holes of rows.

        Parameters
        ----------
        entries : csr_array of shape (n_rows, n_columns)
            Observed entries.

        n_threads : int
            The digits do not depend on it.

        Returns
        -------
        ndarray of shape (n_rows, n_columns)
            Observed entries as they are, predictions elsewhere; in the dtype of `entries`.
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
        """Return each entry less its prediction from the other entries of its row.

        Parameters
        ----------
        entries : csr_array of shape (n_rows, n_columns)
            Observed entries.

        n_threads : int
            The digits do not depend on it.

        Returns
        -------
        ndarray of shape (nnz,)
            In the units of the data. Mean, scales and penalties are held. An entry of which the
            others say nothing is predicted by the mean of its column.
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
            # The kernel takes a factor at least: one that stays zero.
            return ridge_design(np.zeros((len(factors), 1), dtype), 1.0, self.offset_penalty)
        return ridge_design(factors.astype(dtype), self.reg, self.offset_penalty)

    def _fold_in(
        self, entries: sparse.csr_array, n_threads: int
    ) -> tuple[sparse.csr_array, Array, Array]:
        """Scaled entries, the scale of each row, and its coefficients."""
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
