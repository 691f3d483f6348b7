"""What a non-negative factorization is asked for, and the same seen from either side."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from lrfact._typing import Array
from lrfact.linalg.as_operator import as_operator
from lrfact.linalg.gram_matrix import square_gram
from lrfact.linalg.matrix_operator import MatrixOperator

# What an approximation by less counts as, where it is divided by or its logarithm is taken: a share
# of its entry, so that small entries beside huge ones are seen. With Kullback-Leibler it only keeps
# numbers finite, as shares of 1e-20 are right where rows differ by as much; powers of other
# divergences leave the range of floating-point numbers sooner.
_POISSON_FLOOR = {np.dtype(np.float32): 2.0**-100, np.dtype(np.float64): 2.0**-400}
_FLOOR = 2.0**-23

# Stored entries summed at a time, as they are copied to float64.
_CHUNK = 2**18

# Of a sum from which hidden entries were subtracted: less of it has lost too many digits.
_LITTLE_LEFT = 1e-6


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

    def value(self, factors: Array) -> float:
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
        Regularization of the factors of the rows.

    beta : float
        Parameter of the beta-divergence: 2 for half the squared error, 1 for Kullback-Leibler, 0
        for Itakura-Saito.

    n_threads : int
        The digits do not depend on it.
    """

    matrix: Any
    hidden: sparse.csr_array | None
    penalty: Penalty
    beta: float
    n_threads: int

    @property
    def floor(self) -> float:
        """Share of its entry that an approximation counts as at least, where divided by."""
        return _POISSON_FLOOR[np.dtype(self.matrix.dtype)] if self.beta == 1 else _FLOOR

    @cached_property
    def n_nonzero(self) -> int:
        """Number of entries that are not 0."""
        return count_nonzero(self.matrix)

    @cached_property
    def largest(self) -> float:
        """Largest entry."""
        return float(
            (self.matrix.data if sparse.issparse(self.matrix) else self.matrix).max(initial=0)
        )

    @cached_property
    def row_sums(self) -> NDArray[np.float64]:
        """Sum of each row."""
        if not sparse.issparse(self.matrix):
            return self.matrix.sum(axis=1, dtype=np.float64)
        X, sums = self.matrix, np.empty(self.matrix.shape[0])
        step = max(1, _CHUNK * X.shape[0] // max(1, X.nnz))
        for start in range(0, X.shape[0], step):
            starts = X.indptr[start : start + step + 1]
            places = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
            values = X.data[starts[0] : starts[-1]]
            sums[start : start + step] = np.bincount(
                places, weights=values, minlength=len(starts) - 1
            )
        return sums

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

    def shown_sums(self, factors: Array) -> NDArray[np.float64]:
        """Return the sums of the design rows that each row shows; of all if none is hidden."""
        total = factors.sum(axis=0, dtype=np.float64)
        if self.hidden is None:
            return total
        places = as_operator(self.hidden.astype(np.float64), n_threads=self.n_threads)
        shown = total - places.matmat(factors.astype(np.float64))
        for i in np.flatnonzero((shown < _LITTLE_LEFT * total).any(axis=1)):
            is_shown = np.ones(len(factors), dtype=bool)
            is_shown[self.hidden.indices[slice(*self.hidden.indptr[i : i + 2])]] = False
            shown[i] = factors[is_shown].sum(axis=0, dtype=np.float64)
        return shown


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
        Transpose of the matrix, with the factors V of its columns.
    """

    rows: Side
    columns: Side

    def with_threads(self, n_threads: int) -> "NonnegativeProblem":
        """Return the same problem for another number of threads."""
        return NonnegativeProblem(
            replace(self.rows, n_threads=n_threads), replace(self.columns, n_threads=n_threads)
        )

    @classmethod
    def from_parts(
        cls,
        matrix: Any,
        hidden: sparse.csr_array | None = None,
        *,
        row_penalty: Penalty,
        column_penalty: Penalty,
        beta: float,
        n_threads: int,
    ) -> "NonnegativeProblem":
        """Return the problem of a matrix, which is shared and not written to.

        Parameters
        ----------
        matrix : {ndarray, csr_array} of shape (n_rows, n_columns)
            Not negative, 0 where hidden. Of a sparse matrix the transpose is stored as well.

        hidden : csr_array of shape (n_rows, n_columns) or None, default=None
            Mask of missing entries.

        row_penalty, column_penalty : Penalty
            Regularization of the factors.

        beta : float
            Parameter of the beta-divergence.

        n_threads : int
            The digits do not depend on it.

        Returns
        -------
        NonnegativeProblem
        """
        transpose = matrix.T.tocsr() if sparse.issparse(matrix) else matrix.T
        hidden_transpose = None if hidden is None else hidden_places(hidden.T.tocsr())
        if hidden is not None:
            hidden = hidden_places(hidden)
        return cls(
            Side(matrix, hidden, row_penalty, beta, n_threads),
            Side(transpose, hidden_transpose, column_penalty, beta, n_threads),
        )


def count_nonzero(matrix: Any) -> int:
    """Return how many entries are not 0, however a matrix is stored."""
    return int(np.count_nonzero(matrix.data if sparse.issparse(matrix) else matrix))


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
