"""Any SciPy LinearOperator: a matrix known by its products only."""

import numpy as np
from scipy.sparse.linalg import LinearOperator

from lrfact.linalg.matrix_operator import Array, MatrixOperator


class ForeignOperator(MatrixOperator):
    """A SciPy `LinearOperator` as a `MatrixOperator`.

    Blocks are products with columns of the identity, so a pass over all rows costs
    n_rows products with a vector.

    Parameters
    ----------
    operator : LinearOperator of shape (n_rows, n_columns)
        Must know its adjoint.

    mean : ndarray of shape (n_columns,) or None, default=None
        Mean that is subtracted from every row, inside the products.

    n_threads : int, default=1
        Unused: the operator has its own way of computing.
    """

    def __init__(
        self, operator: LinearOperator, mean: Array | None = None, n_threads: int = 1
    ) -> None:
        dtype = np.float32 if operator.dtype == np.float32 else np.float64
        super().__init__(operator.shape, dtype, mean, n_threads)
        self._operator = operator

    def matmat(self, block: Array) -> Array:
        """Return ``A @ block``."""
        out = np.asarray(self._operator.matmat(block), dtype=self.dtype)
        return out if self.mean is None else out - self.mean @ block

    def rmatmat(self, block: Array) -> Array:
        """Return ``A.T @ block``."""
        out = np.asarray(self._operator.rmatmat(block), dtype=self.dtype)
        if self.mean is None:
            return out
        sums = block.sum(axis=0, dtype=np.float64).astype(self.dtype)
        return out - np.outer(self.mean, sums)

    def row_block(self, start: int, stop: int) -> Array:
        """Return rows `start` to `stop` as a dense array."""
        return self.rmatmat(self._unit_vectors(self.shape[0], start, stop)).T

    def column_block(self, start: int, stop: int) -> Array:
        """Return columns `start` to `stop` as a dense array."""
        return self.matmat(self._unit_vectors(self.shape[1], start, stop))

    def column_means(self) -> Array:
        """Return the means of the columns of ``X``."""
        n_rows = self.shape[0]
        weights = np.full((n_rows, 1), 1 / n_rows, dtype=self.dtype)
        return np.asarray(self._operator.rmatmat(weights), dtype=np.float64)[:, 0]

    def column_energies(self) -> Array:
        """Return the sum of squares of each column of ``A``."""
        if self.shape[0] < self.shape[1]:
            energies = np.zeros(self.shape[1])
            for rows in self.row_blocks():
                energies += np.einsum("ij,ij->j", rows, rows, dtype=np.float64)
            return energies
        return np.concatenate(
            [np.einsum("ij,ij->j", b, b, dtype=np.float64) for b in self.column_blocks()]
        )

    def centered(self, mean: Array | None) -> "ForeignOperator":
        """Return the same operator with `mean` subtracted from every row."""
        return ForeignOperator(self._operator, mean, self.n_threads)

    def scaled(self, exponent: int) -> "ForeignOperator":
        """Return ``2**exponent * A``: products are scaled, after they were computed as ever."""
        mean = None if self.full_mean is None else np.ldexp(self.full_mean, exponent)
        return ForeignOperator(2.0**exponent * self._operator, mean, self.n_threads)

    @property
    def product_flops(self) -> float:
        """Floating-point operations of a product with one vector, at most."""
        return 2.0 * self.shape[0] * self.shape[1]

    def _unit_vectors(self, size: int, start: int, stop: int) -> Array:
        units = np.zeros((size, stop - start), dtype=self.dtype)
        units[np.arange(start, stop), np.arange(stop - start)] = 1
        return units
