"""Weighted least squares over all entries of a matrix of implicit feedback."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from lrfact.linalg.sparse_rows import row_sums


def total_confidence(weights: sparse.csr_array) -> NDArray[np.float64]:
    """Return the sum of the confidences of all entries of each row, stored or not.

    Parameters
    ----------
    weights : csr_array of shape (n_rows, n_columns)
        Confidence of stored entries minus 1.

    Returns
    -------
    ndarray of shape (n_rows,)
    """
    return row_sums(weights) + float(weights.shape[1])


def row_penalties(
    weights: sparse.csr_array, reg: float, reg_exponent: float
) -> NDArray[np.float64]:
    r"""Return the penalty of the squared length of each row's factors.

    Parameters
    ----------
    weights : csr_array of shape (n_rows, n_columns)
        Confidence minus 1, as in `total_confidence`.

    reg, reg_exponent : float
        Parameters of :math:`reg\, C_i^\nu` with the total confidence :math:`C_i`.

    Returns
    -------
    ndarray of shape (n_rows,)
    """
    return reg * total_confidence(weights) ** reg_exponent


@dataclass(frozen=True)
class ImplicitProblem:
    r"""What implicit feedback is to be approximated, and how much each part counts.

    .. math:: \min_{W, V} \sum_{i,j} (1 + a_{ij}) (p_{ij} - w_i' v_j)^2
              + \sum_i \lambda_i \|w_i\|^2 + \sum_j \mu_j \|v_j\|^2

    with :math:`p_{ij}` 1 where an entry is stored and 0 elsewhere, where :math:`a_{ij}` is 0 too.

    Attributes
    ----------
    weights : csr_array of shape (n_rows, n_columns)
        :math:`a`, above 0 where stored.

    row_penalty : ndarray of shape (n_rows,)
        :math:`\lambda`.

    column_penalty : ndarray of shape (n_columns,)
        :math:`\mu`.
    """

    weights: sparse.csr_array
    row_penalty: NDArray[np.float64]
    column_penalty: NDArray[np.float64]

    @cached_property
    def by_columns(self) -> sparse.csr_array:
        """The transpose, by its own rows."""
        return self.weights.T.tocsr()

    @classmethod
    def with_confidence_scaled_penalty(
        cls, weights: sparse.csr_array, reg: float, reg_exponent: float
    ) -> "ImplicitProblem":
        """Return the problem whose penalties grow with the total confidence.

        Parameters
        ----------
        weights : csr_array of shape (n_rows, n_columns)
            Above 0 where stored.

        reg, reg_exponent : float
            Parameters of `row_penalties`.

        Returns
        -------
        ImplicitProblem
        """
        return cls(
            weights,
            row_penalties(weights, reg, reg_exponent),
            row_penalties(weights.T.tocsr(), reg, reg_exponent),
        )
