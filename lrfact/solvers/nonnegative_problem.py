"""What a non-negative factorization is asked for, and the same seen from either side."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from lrfact.linalg.as_operator import as_operator
from lrfact.linalg.gram_matrix import square_gram
from lrfact.linalg.matrix_operator import MatrixOperator

Array = NDArray[np.floating]


@dataclass(frozen=True)
class Penalty:
    """Of the factors of one side: ``l1 sum w + l2 sum w^2 / 2``.

    Attributes
    ----------
    l1, l2 : float
        At least 0.
    """

    l1: float = 0.0
    l2: float = 0.0

    def times(self, factor: float) -> "Penalty":
        """Return the penalty for so many rows of the other side."""
        return Penalty(factor * self.l1, factor * self.l2)

    def of(self, factors: Array) -> float:
        """Return the penalty of some factors, in float64."""
        total = self.l1 * float(factors.sum(dtype=np.float64)) if self.l1 else 0.0
        if self.l2:
            total += 0.5 * self.l2 * float(np.sum(np.square(factors, dtype=np.float64)))
        return total


@dataclass(frozen=True)
class Side:
    """One side of a factorization: factors of its rows are wanted, given the design of its columns.

    Attributes
    ----------
    matrix : {ndarray, csr_array} of shape (n_rows, n_columns)
        Not negative, float32 or float64; 0 where hidden.

    hidden : csr_array of shape (n_rows, n_columns) or None
        Stores the places of missing entries, rising within a row; indices int64. None for none.

    penalty : Penalty
        Of the factors of the rows.

    beta : float
        Of the divergence: 2 for half the squared error, 1 for Kullback-Leibler, 0 for
        Itakura-Saito.

    floor : float
        What an approximation by less counts as, where it would be divided by.

    n_threads : int
        The digits do not depend on it.
    """

    matrix: Any
    hidden: sparse.csr_array | None
    penalty: Penalty
    beta: float
    floor: float
    n_threads: int

    @cached_property
    def operator(self) -> MatrixOperator:
        """The matrix, for products."""
        return as_operator(self.matrix, n_threads=self.n_threads)

    @cached_property
    def squared_norm(self) -> float:
        """Sum of the squares of the entries."""
        if sparse.issparse(self.matrix):
            return self.operator.squared_norm()
        return float(np.einsum("ij,ij->", self.matrix, self.matrix, dtype=np.float64))

    def gram_of(self, factors: Array) -> Array:
        """Return ``factors.T @ factors`` in float64."""
        return square_gram(factors, n_threads=self.n_threads)

    def some_rows(self, rows: Any) -> "Side":
        """Return the side of some rows: indices or a slice."""
        hidden = None if self.hidden is None else hidden_places(self.hidden[rows])
        return replace(self, matrix=self.matrix[rows], hidden=hidden)

    def hidden_sums(self, factors: Array) -> Array:
        """Return the sums of the design rows that each row hides."""
        assert self.hidden is not None
        places = self.hidden.astype(factors.dtype)
        return as_operator(places, n_threads=self.n_threads).matmat(factors)


@dataclass(frozen=True)
class NonnegativeProblem:
    r"""A matrix to be factorized.

    .. math:: \min_{W \ge 0, V \ge 0} \sum_{(i,j) \notin M} d_\beta(x_{ij}, w_i' v_j)
              + \lambda_1 \|W\|_1 + \frac{\lambda_2}{2} \|W\|_F^2
              + \mu_1 \|V\|_1 + \frac{\mu_2}{2} \|V\|_F^2

    where M are the missing entries.

    Attributes
    ----------
    rows : Side
        The matrix with the factors W of its rows.

    columns : Side
        Its transpose with the factors V of its columns.
    """

    rows: Side
    columns: Side

    def with_threads(self, n_threads: int) -> "NonnegativeProblem":
        """Return the same problem for another number of threads."""
        return NonnegativeProblem(
            replace(self.rows, n_threads=n_threads), replace(self.columns, n_threads=n_threads)
        )

    @classmethod
    def of(
        cls,
        matrix: Any,
        hidden: sparse.csr_array | None = None,
        *,
        row_penalty: Penalty,
        column_penalty: Penalty,
        beta: float,
        n_threads: int,
        floor: float | None = None,
    ) -> "NonnegativeProblem":
        """Return the problem of a matrix, which is shared and not written to.

        Parameters
        ----------
        matrix : {ndarray, csr_array} of shape (n_rows, n_columns)
            Not negative, 0 where hidden. Of a sparse matrix the transpose is stored as well.

        hidden : csr_array of shape (n_rows, n_columns) or None, default=None
            Where entries are missing.

        row_penalty, column_penalty : Penalty
            Of the factors.

        beta : float
            Of the divergence.

        n_threads : int
            The digits do not depend on it.

        floor : float, default=None
            What an approximation by less counts as; None for that of this matrix.

        Returns
        -------
        NonnegativeProblem
        """
        floor = floor_of(matrix, beta) if floor is None else floor
        transpose = matrix.T.tocsr() if sparse.issparse(matrix) else matrix.T
        hidden_transpose = None if hidden is None else hidden_places(hidden.T.tocsr())
        if hidden is not None:
            hidden = hidden_places(hidden)
        return cls(
            Side(matrix, hidden, row_penalty, beta, floor, n_threads),
            Side(transpose, hidden_transpose, column_penalty, beta, floor, n_threads),
        )


def floor_of(matrix: Any, beta: float) -> float:
    """Return what an approximation by less counts as: little beside the mean entry.

    Parameters
    ----------
    matrix : {ndarray, csr_array}
        Not negative.

    beta : float
        Of the divergence. From 0 down, where no entry is 0 and all count alike, it is little beside
        the least entry.

    Returns
    -------
    float
        Positive.
    """
    if beta <= 0:
        stored = matrix.data if sparse.issparse(matrix) else matrix
        typical = float(stored.min(where=stored > 0, initial=np.inf))
    else:
        size = float(np.prod(matrix.shape, dtype=np.float64))
        typical = float(matrix.sum(dtype=np.float64)) / size
    eps = float(np.finfo(np.float32).eps)
    least = float(np.finfo(matrix.dtype).tiny) / eps
    return eps * max(typical if np.isfinite(typical) else 0.0, least)


def hidden_places(hidden: sparse.csr_array) -> sparse.csr_array:
    """Return places of missing entries as the kernels take them: 64-bit indices that rise."""
    hidden = sparse.csr_array(
        (hidden.data, hidden.indices.astype(np.int64), hidden.indptr.astype(np.int64)),
        shape=hidden.shape,
    )
    # SciPy narrows indices where they fit.
    hidden.indices = hidden.indices.astype(np.int64)
    hidden.indptr = hidden.indptr.astype(np.int64)
    hidden.sort_indices()
    return hidden
