"""A matrix less a product of two vectors, never formed."""

import numpy as np

from lrfact.linalg.matrix_operator import Array, MatrixOperator


class ResidualOperator(MatrixOperator):
    """The matrix ``X - u v'`` as a `MatrixOperator`.

    Parameters
    ----------
    X : MatrixOperator of shape (n_rows, n_columns)
        Not centered.

    u : ndarray of shape (n_rows,)
        Factor of each row.

    v : ndarray of shape (n_columns,)
        Vector that is subtracted from the rows, multiplied by their factor.
    """

    def __init__(self, X: MatrixOperator, u: Array, v: Array) -> None:
        super().__init__(X.shape, X.dtype, None, X.n_threads)
        self._X = X
        self._u = np.asarray(u, dtype=self.dtype)
        self._v = np.asarray(v, dtype=self.dtype)

    def matmat(self, block: Array) -> Array:
        """Return ``A @ block``."""
        block = np.ascontiguousarray(block, dtype=self.dtype)
        return self._X.matmat(block) - np.outer(self._u, self._v @ block)

    def rmatmat(self, block: Array) -> Array:
        """Return ``A.T @ block``."""
        block = np.ascontiguousarray(block, dtype=self.dtype)
        return self._X.rmatmat(block) - np.outer(self._v, self._u @ block)

    def prepare_products(self, memory: int) -> None:
        """Announce many products to come."""
        self._X.prepare_products(memory)

    def row_block(self, start: int, stop: int) -> Array:
        """Return rows `start` to `stop` as a dense array."""
        return self._X.row_block(start, stop) - np.outer(self._u[start:stop], self._v)

    def column_block(self, start: int, stop: int) -> Array:
        """Return columns `start` to `stop` as a dense array."""
        return self._X.column_block(start, stop) - np.outer(self._u, self._v[start:stop])

    def column_means(self) -> Array:
        """Return the means of the columns."""
        return self._X.column_means() - float(self._u.mean(dtype=np.float64)) * self._v

    def column_energies(self) -> Array:
        """Return the sum of squares of each column."""
        return np.concatenate(
            [np.einsum("ij,ij->j", b, b, dtype=np.float64) for b in self.column_blocks()]
        )

    def row_energies(self) -> Array:
        """Return the sum of squares of each row, by parts that cancel to their rounding errors."""
        u, v = self._u.astype(np.float64), self._v.astype(np.float64)
        products = self._X.matmat(self._v[:, np.newaxis])[:, 0].astype(np.float64)
        return np.maximum(self._X.row_energies() - 2 * u * products + u**2 * (v @ v), 0)

    def centered(self, mean: Array | None) -> MatrixOperator:
        """Refuse: a residual is centered already, by its two vectors."""
        if mean is None:
            return self
        raise NotImplementedError("center the matrix before taking a product from it")

    def scaled(self, exponent: int) -> "ResidualOperator":
        """Return ``2**exponent * A``."""
        # Half of the exponent each: both vectors then stay numbers of the dtype.
        half = exponent // 2
        u, v = np.ldexp(self._u, half), np.ldexp(self._v, exponent - half)
        return ResidualOperator(self._X.scaled(exponent), u, v)

    @property
    def product_flops(self) -> float:
        """Floating-point operations of a product with one vector."""
        return self._X.product_flops + 2.0 * sum(self.shape)
