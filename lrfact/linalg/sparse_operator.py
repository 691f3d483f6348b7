"""A sparse matrix whose products run on all threads, centred by a rank-one correction."""

from collections.abc import Callable

import numpy as np
from scipy.sparse import csc_array, csr_array

from lrfact import kernels
from lrfact.checks._threads import threads_worth_waking
from lrfact.linalg.matrix_operator import Array, MatrixOperator

# Every thread of a transposed product reads all indices: that must be little beside the sums.
_WORTH_SHARING = 4

# Of one thread, for a stored entry and an entry of a block.
_MILLISECONDS_PER_PRODUCT = 5e-7

# Operations of BLAS in the time of one product of two stored entries of a row.
_SQUARE_FLOPS = 100.0

# Stored entries handled at a time where a pass needs a temporary array of them.
_CHUNK = 2**18


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
        self._all = np.array([0, X.shape[1]], dtype=np.int64)

    def squares_of_columns(self) -> Array | None:
        """Return ``X.T @ X`` in float64, where that is cheaper than by dense blocks; else None."""
        n_columns = self.shape[1]
        if self._squares_flops >= super().gram_flops:
            return None
        X, out = self._X, np.empty((n_columns, n_columns))
        kernels.csr_gram(X.data, X.indices, X.indptr, out, self.n_threads)
        return out

    @property
    def gram_flops(self) -> float:
        """Floating-point operations of BLAS that take the time of the smaller Gram matrix."""
        tall = self.shape[0] >= self.shape[1]
        return min(super().gram_flops, self._squares_flops) if tall else super().gram_flops

    @property
    def _squares_flops(self) -> float:
        lengths = np.diff(self._X.indptr).astype(np.float64)
        return _SQUARE_FLOPS * float(lengths @ lengths)

    def matmat(self, block: Array) -> Array:
        """Return ``A @ block``."""
        block = np.ascontiguousarray(block, dtype=self.dtype)
        out = np.empty((self.shape[0], block.shape[1]), dtype=self.dtype)
        X = self._X
        kernels.csr_matmat(X.data, X.indices, X.indptr, block, out, self._threads_for(block))
        if self.mean is not None:
            out -= self.mean @ block
        return out

    def rmatmat(self, block: Array) -> Array:
        """Return ``A.T @ block``."""
        block = np.ascontiguousarray(block, dtype=self.dtype)
        out = np.empty((self.shape[1], block.shape[1]), dtype=self.dtype)
        # As much memory as this product takes for its blocks is fair to take for its speed.
        self.prepare_products(sum(self.shape) * block.shape[1] * self.dtype.itemsize)
        n_threads = self._threads_for(block)
        if self._transpose is not None:
            Xt = self._transpose
            kernels.csr_matmat(Xt.data, Xt.indices, Xt.indptr, block, out, n_threads)
        else:
            X = self._X
            bounds = self._column_bounds() if block.shape[1] >= _WORTH_SHARING else self._all
            kernels.csr_rmatmat(X.data, X.indices, X.indptr, block, bounds, out, n_threads)
        if self.mean is not None:
            out -= np.outer(self.mean, block.sum(axis=0, dtype=np.float64).astype(self.dtype))
        return out

    def _threads_for(self, block: Array) -> int:
        return threads_worth_waking(
            self.n_threads, self._X.nnz * block.shape[1] * _MILLISECONDS_PER_PRODUCT
        )

    def prepare_products(self, memory: int) -> None:
        """Store the matrix by columns as well, if that takes no more than `memory` bytes.

        A transposed product then reads where it would write otherwise, several times faster.
        """
        X = self._X
        if X.nnz * (X.data.itemsize + X.indices.itemsize) <= memory:
            self._compressed_columns()

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
        return self._column_sums(lambda values, columns: values) / self.shape[0]

    def column_energies(self) -> Array:
        """Return the sum of squares of each column of ``A``."""
        if self.mean is None:
            return self._column_sums(lambda values, columns: values**2)
        # Stored entries and absent ones apart: subtracting two large sums would lose digits.
        mean = self.mean.astype(np.float64)
        stored = self._column_sums(lambda values, columns: (values - mean[columns]) ** 2)
        n_stored = self._column_sums(lambda values, columns: np.ones_like(values))
        return stored + (self.shape[0] - n_stored) * mean**2

    def row_energies(self) -> Array:
        """Return the sum of squares of each row of ``A``."""
        X = self._X
        n_rows = self.shape[0]
        mean = np.zeros(self.shape[1]) if self.mean is None else self.mean.astype(np.float64)
        energies = np.full(n_rows, mean @ mean)
        step = max(1, _CHUNK * n_rows // max(1, X.nnz))
        for start in range(0, n_rows, step):
            stop = min(start + step, n_rows)
            entries = slice(X.indptr[start], X.indptr[stop])
            rows = np.repeat(np.arange(stop - start), np.diff(X.indptr[start : stop + 1]))
            values, means = X.data[entries].astype(np.float64), mean[X.indices[entries]]
            # What the stored entries of a row change in the norm of an empty one.
            change = (values - means) ** 2 - means**2
            energies[start:stop] += np.bincount(rows, weights=change, minlength=stop - start)
        return energies

    def _column_sums(self, term: Callable[[Array, np.ndarray], Array]) -> Array:
        """Sum ``term(values, columns)`` of the stored entries by column, in float64."""
        X = self._X
        n_columns = self.shape[1]
        sums = np.zeros(n_columns)
        step = max(_CHUNK, n_columns)
        for start in range(0, X.nnz, step):
            columns = X.indices[start : start + step]
            values = X.data[start : start + step].astype(np.float64)
            sums += np.bincount(columns, weights=term(values, columns), minlength=n_columns)
        return sums

    def centered(self, mean: Array | None) -> "SparseOperator":
        """Return the same matrix with `mean` subtracted from every row."""
        return SparseOperator(self._X, mean, self.n_threads)

    @property
    def product_flops(self) -> float:
        """Floating-point operations of a product with one vector."""
        return 2.0 * self._X.nnz

    def _compressed_columns(self) -> csr_array:
        if self._transpose is None:
            self._transpose = csr_array(csc_array(self._X).T)
        return self._transpose

    def _column_bounds(self) -> np.ndarray:
        """Split the columns into parts with about equally many entries."""
        if self._bounds is None:
            n_parts = self.n_threads
            stored_before = np.bincount(self._X.indices, minlength=self.shape[1]).cumsum()
            targets = np.arange(1, n_parts) * (self._X.nnz / n_parts)
            inner = np.searchsorted(stored_before, targets)
            self._bounds = np.concatenate([[0], inner, [self.shape[1]]]).astype(np.int64)
        return self._bounds
