"""A sparse matrix whose products run on all threads, centred by a rank-one correction."""

import numpy as np
from scipy.sparse import csc_array, csr_array

from lrfact import kernels
from lrfact.linalg.matrix_operator import Array, MatrixOperator

# Parts of the columns per thread in a transposed product: more even out the work, but each
# part reads all indices again.
_PARTS_PER_THREAD = 1


class SparseOperator(MatrixOperator):
    """A matrix compressed by rows as a `MatrixOperator`.

    Parameters
    ----------
    X : csr_array or csr_matrix of shape (n_rows, n_columns)
        float32 or float64, indices int32 or int64; never written to.

    mean : ndarray of shape (n_columns,) or None, default=None
        Subtracted from every row, by operator: ``(X - 1 mean') B = X B - 1 (mean' B)``.

    n_threads : int, default=1
        Threads of the products. The result does not depend on it.
    """

    def __init__(self, X: csr_array, mean: Array | None = None, n_threads: int = 1) -> None:
        super().__init__(X.shape, X.dtype, mean, n_threads)
        self._X = X
        self._transpose: csr_array | None = None
        self._bounds: np.ndarray | None = None

    def matmat(self, block: Array) -> Array:
        """Return ``A @ block``."""
        block = np.ascontiguousarray(block, dtype=self.dtype)
        out = np.empty((self.shape[0], block.shape[1]), dtype=self.dtype)
        X = self._X
        kernels.csr_matmat(X.data, X.indices, X.indptr, block, out, self.n_threads)
        if self.mean is not None:
            out -= self.mean @ block
        return out

    def rmatmat(self, block: Array) -> Array:
        """Return ``A.T @ block``."""
        block = np.ascontiguousarray(block, dtype=self.dtype)
        out = np.empty((self.shape[1], block.shape[1]), dtype=self.dtype)
        if self._transpose_is_small(block.shape[1]):
            Xt = self._compressed_columns()
            kernels.csr_matmat(Xt.data, Xt.indices, Xt.indptr, block, out, self.n_threads)
        else:
            X = self._X
            kernels.csr_rmatmat(
                X.data, X.indices, X.indptr, block, self._column_bounds(), out, self.n_threads
            )
        if self.mean is not None:
            out -= np.outer(self.mean, block.sum(axis=0, dtype=np.float64).astype(self.dtype))
        return out

    def row_block(self, start: int, stop: int) -> Array:
        """Return rows `start` to `stop` as a dense array."""
        rows = self._X[start:stop].toarray()
        if self.mean is not None:
            rows -= self.mean
        return rows

    def column_block(self, start: int, stop: int) -> Array:
        """Return columns `start` to `stop` as a dense array."""
        columns = self._compressed_columns()[start:stop].toarray().T
        if self.mean is not None:
            columns -= self.mean[start:stop]
        return columns

    def column_means(self) -> Array:
        """Return the means of the columns of ``X``."""
        X = self._X
        totals = np.bincount(X.indices, weights=X.data, minlength=self.shape[1])
        return totals / self.shape[0]

    def column_energies(self) -> Array:
        """Return the sum of squares of each column of ``A``."""
        X = self._X
        n_rows, n_columns = self.shape
        if self.mean is None:
            return np.bincount(
                X.indices, weights=np.square(X.data, dtype=np.float64), minlength=n_columns
            )
        # Stored entries and absent ones apart: subtracting two large sums would lose digits.
        mean = self.mean.astype(np.float64)
        deviations = np.square(X.data - mean[X.indices])
        stored = np.bincount(X.indices, weights=deviations, minlength=n_columns)
        n_stored = np.bincount(X.indices, minlength=n_columns)
        return stored + (n_rows - n_stored) * mean**2

    def row_energies(self) -> Array:
        """Return the sum of squares of each row of ``A``."""
        X = self._X
        n_rows = self.shape[0]
        rows = np.repeat(np.arange(n_rows), np.diff(X.indptr))
        if self.mean is None:
            return np.bincount(rows, weights=np.square(X.data, dtype=np.float64), minlength=n_rows)
        mean = self.mean.astype(np.float64)
        # ||x - mean||^2 = ||mean||^2 + sum over stored entries of (x - mean)^2 - mean^2
        change = np.square(X.data - mean[X.indices]) - np.square(mean[X.indices])
        return mean @ mean + np.bincount(rows, weights=change, minlength=n_rows)

    def centered(self, mean: Array) -> "SparseOperator":
        """Return the same matrix with `mean` subtracted from every row."""
        return SparseOperator(self._X, mean, self.n_threads)

    @property
    def product_flops(self) -> float:
        """Floating-point operations of a product with one vector."""
        return 2.0 * self._X.nnz

    def _transpose_is_small(self, width: int) -> bool:
        """Whether a compressed transpose takes no more memory than the blocks of a product.

        It makes the product faster, since it reads where the other way writes; a matrix
        larger than its factors is not worth storing twice.
        """
        X = self._X
        stored = X.nnz * (X.data.itemsize + X.indices.itemsize)
        return stored <= sum(self.shape) * width * self.dtype.itemsize

    def _compressed_columns(self) -> csr_array:
        if self._transpose is None:
            self._transpose = csr_array(csc_array(self._X).T)
        return self._transpose

    def _column_bounds(self) -> np.ndarray:
        """Split the columns into parts with about equally many entries."""
        if self._bounds is None:
            n_parts = self.n_threads * _PARTS_PER_THREAD
            stored_before = np.bincount(self._X.indices, minlength=self.shape[1]).cumsum()
            targets = np.arange(1, n_parts) * (self._X.nnz / n_parts)
            inner = np.searchsorted(stored_before, targets)
            self._bounds = np.concatenate([[0], inner, [self.shape[1]]]).astype(np.int64)
        return self._bounds
