"""Columns of a factorization of observed entries, updated by rows that were not there before."""

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from lrfact._typing import Array
from lrfact.solvers.observed.masked_fold_in import ColumnModel
from lrfact.solvers.observed.masked_problem import row_weights
from lrfact.solvers.observed.ridge_rows import regress_rows

_SWEEPS = 3


@dataclass(frozen=True)
class SufficientStatistics:
    """How firmly the columns stand where they are.

    Attributes
    ----------
    counts : ndarray of shape (n_columns,)
        Entries that each was learnt from, or the sum of their weights.

    row_energy : float
        Mean square of a row factor, over these entries.

    variance : float
        Variance of the observed values.

    n_entries : float
        All entries learnt from, or the sum of their weights.
    """

    counts: Array
    row_energy: float
    variance: float
    n_entries: float

    @classmethod
    def from_entries(
        cls,
        entries: sparse.csr_array,
        rows: Array,
        variance: float,
        weights: Array | None = None,
    ) -> "SufficientStatistics":
        """Return what the entries of a fit say.

        Parameters
        ----------
        entries : csr_array of shape (n_rows, n_columns)
            Learnt from.

        rows : ndarray of shape (n_rows, n_components)
            Row factors.

        variance : float
            Variance of the observed values.

        weights : ndarray of shape (nnz,) or None, default=None
            Weights of the entries; None means ones.

        Returns
        -------
        SufficientStatistics
        """
        counts = np.bincount(entries.indices, weights, entries.shape[1]).astype(np.float64)
        squares = np.mean(rows.astype(np.float64) ** 2, axis=1)
        energy = float(np.average(squares, weights=row_weights(entries, weights)))
        return cls(counts, energy, variance, float(counts.sum()))

    def and_also(self, other: "SufficientStatistics") -> "SufficientStatistics":
        """Return what both say together.

        Parameters
        ----------
        other : SufficientStatistics
            Statistics of other rows.

        Returns
        -------
        SufficientStatistics
        """
        n = self.n_entries + other.n_entries
        share = other.n_entries / n
        return SufficientStatistics(
            self.counts + other.counts,
            (1 - share) * self.row_energy + share * other.row_energy,
            (1 - share) * self.variance + share * other.variance,
            n,
        )


def update_columns(
    model: ColumnModel, evidence: SufficientStatistics, entries: sparse.csr_array, *, n_threads: int
) -> ColumnModel:
    r"""Move the columns to where the entries of new rows ask them to be.

    .. math:: \min_{w_i, b_i, \delta_j} \sum_{ij} (x_{ij} - \mu - b_i - c_j - \delta^c_j
              - w_i' (v_j + \delta_j))^2 + reg \sum_i \sqrt{n_i} (\|w_i\|^2 + b_i^2)
              + \sum_j (N_j e + reg\,\sigma^2 \sqrt{n_j}) \|\delta_j\|^2 / e

    in the units of e, the mean square of a row factor so far; :math:`N_j` is the number of entries
    that column j was learnt from before. So a column holds to its place as the entries behind
    it say, and one never seen moves freely but for the penalty of a fit.

    Parameters
    ----------
    model : ColumnModel
        Model before the update.

    evidence : SufficientStatistics
        Behind it.

    entries : csr_array of shape (n_rows, n_columns)
        Observed entries of the new rows.

    n_threads : int
        The digits do not depend on it.

    Returns
    -------
    ColumnModel
        Model after the update. Columns without new entries do not change.

    Notes
    -----
    Three sweeps over the new entries; memory does not depend on how many rows were seen before.
    The quadratic bound on the old loss is that of online matrix factorization (Mairal, Bach,
    Ponce and Sapiro, 2010, arXiv:0908.0050) with one number in place of a matrix for each column.
    """
    dtype = model.factors.dtype
    entries = entries.astype(dtype)
    by_columns = entries.T.tocsr()
    column_of_entry = np.repeat(np.arange(entries.shape[1]), np.diff(by_columns.indptr))
    new_counts = np.diff(by_columns.indptr)
    energy = max(evidence.row_energy, 1e-12 * evidence.variance) or 1.0
    hold = evidence.counts + model.reg * evidence.variance / energy * np.sqrt(new_counts)
    start, bias = model, model.column_bias
    old = model.factors if bias is None else np.column_stack([model.factors, bias])
    width = old.shape[1]
    penalty = np.full(width, energy, dtype=dtype)
    if bias is not None:
        penalty[-1] = 1
    for _ in range(_SWEEPS):
        rows = model.fold_in(entries, n_threads=n_threads).solution
        # What the rows say of each entry with the columns as they were, but for the row bias,
        # which the regression takes off as that of its design.
        of_rows = rows[by_columns.indices]
        told = np.einsum(
            "nf,nf->n", of_rows[:, : width - model.bias], start.factors[column_of_entry]
        )
        if bias is not None:
            told = told + bias[column_of_entry]
        left = sparse.csr_array(
            (by_columns.data - told, by_columns.indices, by_columns.indptr), by_columns.shape
        )
        moved = regress_rows(
            left,
            None,
            rows,
            intercept=model.intercept,
            bias=model.bias,
            penalty=penalty,
            row_scale=hold,
            nonnegative=False,
            n_threads=n_threads,
        )
        now = old + moved.solution
        factors = now[:, : width - model.bias]
        if model.nonnegative:
            factors = np.maximum(factors, 0)
        model = replace(
            model,
            factors=np.ascontiguousarray(factors, dtype=dtype),
            column_bias=None if bias is None else np.ascontiguousarray(now[:, -1]),
        )
    return model
