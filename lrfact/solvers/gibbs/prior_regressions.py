"""Rows given columns under a normal prior of the rows: what sampling and fold-in share."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from lrfact._typing import Array
from lrfact.solvers.gibbs.normal_prior import NormalPrior
from lrfact.solvers.observed.ridge_rows import (
    RowRegressions,
    leave_one_out_residuals,
    regress_rows,
)


@dataclass(frozen=True)
class PriorRegressions:
    r"""Regressions of rows on the factors of columns, under a normal prior of the rows.

    .. math:: x_i \sim N(m + e_i, \Lambda^{-1}), \qquad
              y_{ij} \sim N(w_i' v_j + b_i + c_j, \sigma^2), \quad x_i = (w_i, b_i)

    In coordinates in which the prior has unit covariance they are ridge regressions, with a penalty
    of :math:`\sigma^2` that draws each row to its expectation.

    Attributes
    ----------
    entries : csr_array of shape (n_rows, n_columns)
        :math:`y`.

    columns : ndarray of shape (n_columns, p)
        Factors :math:`v_j`, the bias :math:`c_j` last.

    expected : ndarray of shape (n_rows, p)
        :math:`e_i`.

    prior : NormalPrior
        :math:`m` and :math:`\Lambda`.

    noise : float
        :math:`\sigma`.

    n_threads : int
        The digits do not depend on it.

    weights : ndarray of shape (nnz,) or None, default=None
        An entry of weight k counts as k: the variance of its noise is :math:`\sigma^2 / k`.
    """

    entries: sparse.csr_array
    columns: Array
    expected: Array
    prior: NormalPrior
    noise: float
    n_threads: int
    weights: Array | None = None

    def solve(self, perturbation: Array | None = None) -> RowRegressions:
        """Return the posterior mean of the vectors of rows, or draws from the posterior.

        Parameters
        ----------
        perturbation : ndarray of shape (n_rows, p) or None, default=None
            Independent standard normal numbers for draws; None for the mean.

        Returns
        -------
        RowRegressions
            Regressions whose solutions are the vectors :math:`(w_i, b_i)`.
        """
        noise = None
        if perturbation is not None:
            noise = perturbation * self.columns.dtype.type(self.noise)
        found = self._solve(self._ridge(), noise)
        vectors = np.ascontiguousarray(self.prior.unwhiten(found.solution))
        return RowRegressions(vectors, found.loss, found.mean_residual, found.added_diagonal)

    def leave_one_out(self) -> Array:
        """Return each entry less its expectation given the other entries of its row.

        Returns
        -------
        ndarray of shape (nnz,)
        """
        ridge = self._ridge()
        solution = self._solve(ridge, None).solution
        return leave_one_out_residuals(solution=solution, **ridge)

    def _solve(self, ridge: dict[str, Any], noise: Array | None) -> RowRegressions:
        dtype = self.columns.dtype
        center = self.prior.whiten((self.expected + self.prior.mean).astype(dtype))
        return regress_rows(center=np.ascontiguousarray(center), noise=noise, **ridge)

    def _ridge(self) -> dict[str, Any]:
        """What both solving and leaving out take."""
        dtype, p = self.columns.dtype, self.columns.shape[1]
        entries = self.entries
        design = self.columns.copy()
        design[:, -1] = 1  # multiplies the bias of the row
        values = entries.data.astype(dtype) - self.columns[:, -1][entries.indices]
        return {
            "ratings": sparse.csr_array((values, entries.indices, entries.indptr), entries.shape),
            "weights": self.weights,
            "design": self.prior.whiten_design(design),
            "intercept": 0.0,
            "bias": False,
            "penalty": np.full(p, self.noise**2),
            "row_scale": np.ones(entries.shape[0]),
            "nonnegative": False,
            "n_threads": self.n_threads,
        }
