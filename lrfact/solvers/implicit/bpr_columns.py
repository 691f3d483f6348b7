"""Rows ranked on the columns of a pairwise factorization: fold-in and reasons."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.special import expit

from lrfact._typing import Array
from lrfact.solvers.implicit.bpr_fold_in import bpr_fold_in

_ACCURACY = 1e-3  # of a row's gradient; rankings do not change with a smaller one
_EXACT = 1e-9  # for reasons that add up
_MOST_STEPS = 100
_MOST_EXACT_STEPS = 2000


@dataclass(frozen=True)
class RankingColumns:
    """Columns given, the factors of a row rank what it has above a sample of what it has not.

    See `lrfact.solvers.implicit.bpr_fold_in` for the objective.

    Attributes
    ----------
    factors : ndarray of shape (n_columns, k)
        Factors of the columns.

    bias : ndarray of shape (n_columns,)
        Biases of the columns.

    negatives : ndarray of int32, shape (n_sample,)
        Columns that rows are compared with, ascending.

    reg : float
        Regularization strength.
    """

    factors: Array
    bias: Array
    negatives: NDArray[np.int32]
    reg: float

    def fold_in(self, entries: sparse.csr_array, *, n_threads: int) -> Array:
        """Fit rows.

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
        return bpr_fold_in(
            entries,
            self.factors.astype(entries.dtype, copy=False),
            self.bias.astype(entries.dtype, copy=False),
            self.negatives,
            reg=self.reg,
            tol=_ACCURACY,
            max_iter=_MOST_STEPS,
            n_threads=n_threads,
        ).row_factors

    def contributions(self, entries: sparse.csr_array, column: int) -> Array:
        r"""Return what the entries of a row add to its score of a column, beside the bias.

        At its minimum a row of n entries is a sum over them,

        .. math:: w = \frac{1}{\lambda n} \sum_j \frac{1}{|S|} \sum_{l \in S}
                  \sigma(s_l - s_j) (v_j - v_l)

        Parameters
        ----------
        entries : csr_array of shape (1, n_columns)
            The positive entries of one row.

        column : int
            Whose score.

        Returns
        -------
        ndarray of shape (nnz,)
            Contributions, which add up to the score as far as the fold-in has converged.

        Raises
        ------
        ValueError
            If there is no penalty, and so no such sum.
        """
        if not self.reg > 0:
            raise ValueError(
                "reg=0 leaves no sum over the entries of a row to explain a score of loss='bpr' "
                "by; fit with a positive reg"
            )
        V, bias = self.factors.astype(np.float64), self.bias.astype(np.float64)
        w = bpr_fold_in(
            entries.astype(np.float64),
            V,
            bias,
            self.negatives,
            reg=self.reg,
            tol=_EXACT,
            max_iter=_MOST_EXACT_STEPS,
            n_threads=1,
        ).row_factors[0]
        own = entries.indices
        sample = np.setdiff1d(self.negatives, own)
        if not len(sample) or not len(own):
            return np.zeros(len(own))
        scores = V @ w + bias
        pull = expit(scores[sample] - scores[own, np.newaxis])
        similar = V @ V[column]
        gains = pull.mean(axis=1) * similar[own] - pull @ similar[sample] / len(sample)
        return gains / (self.reg * len(own))
