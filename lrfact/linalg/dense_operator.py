"""A dense array, centred block by block so that no centred copy of it ever exists."""

import numpy as np

from lrfact.linalg.matrix_operator import Array, MatrixOperator


class DenseOperator(MatrixOperator):
    """A dense array as a `MatrixOperator`.

    Subtracting the mean from the entries, a block at a time, loses no digits. The usual
    correction of the product, ``X B - 1 (mean' B)``, does where means exceed spreads.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_columns)
        float32 or float64; never written to.

    mean : ndarray of shape (n_columns,) or None, default=None
        Subtracted from every row.

    n_threads : int, default=1
        Unused: BLAS has its own threads.
    """

    def __init__(self, X: Array, mean: Array | None = None, n_threads: int = 1) -> None:
        super().__init__(X.shape, X.dtype, mean, n_threads)
        self._X = X

    def matmat(self, block: Array) -> Array:
        """Return ``A @ block``."""
        if self.mean is None:
            return self._X @ block
        out = np.empty((self.shape[0], block.shape[1]), dtype=self.dtype)
        done = 0
        for rows in self.row_blocks():
            np.matmul(rows, block, out=out[done : done + len(rows)])
            done += len(rows)
        return out

    def rmatmat(self, block: Array) -> Array:
        """Return ``A.T @ block``."""
        if self.mean is None:
            return self._X.T @ block
        out = np.zeros((self.shape[1], block.shape[1]), dtype=self.dtype)
        done = 0
        for rows in self.row_blocks():
            out += rows.T @ block[done : done + len(rows)]
            done += len(rows)
        return out

    def row_block(self, start: int, stop: int) -> Array:
        """Return rows `start` to `stop` as a dense array."""
        rows = self._X[start:stop]
        return rows if self.mean is None else rows - self.mean

    def column_block(self, start: int, stop: int) -> Array:
        """Return columns `start` to `stop` as a dense array."""
        columns = self._X[:, start:stop]
        return columns if self.mean is None else columns - self.mean[start:stop]

    def column_means(self) -> Array:
        """Return the means of the columns of ``X``."""
        return self._X.mean(axis=0, dtype=np.float64)

    def column_energies(self) -> Array:
        """Return the sum of squares of each column of ``A``."""
        energies = np.zeros(self.shape[1])
        for rows in self.row_blocks():
            energies += np.einsum("ij,ij->j", rows, rows, dtype=np.float64)
        return energies

    def centered(self, mean: Array) -> "DenseOperator":
        """Return the same array with `mean` subtracted from every row."""
        return DenseOperator(self._X, mean, self.n_threads)

    @property
    def product_flops(self) -> float:
        """Floating-point operations of a product with one vector."""
        return 2.0 * self.shape[0] * self.shape[1]
