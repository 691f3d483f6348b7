"""A dense array, centered block by block so that no centered copy of it ever exists."""

from collections.abc import Iterator
from functools import cached_property

import numpy as np

from lrfact._threads import single_threaded_blas
from lrfact.linalg.matrix_operator import Array, MatrixOperator
from lrfact.linalg.narrow_product import (
    add_narrow_product,
    narrow_product,
    transposed_narrow_product,
)

# Sums of squares in float32 that lose digits below this are taken again in float64 ...
_LEAST_SQUARES = 1e-30

# ... so many rows at a time.
_ROWS = 256


class DenseOperator(MatrixOperator):
    """A dense array as a `MatrixOperator`.

    The usual correction of a product, ``X B - 1 (mean' B)``, loses digits where means exceed
    spreads. The mean is then subtracted from the entries instead, a block at a time.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_columns)
        float32 or float64; never written to.

    mean : ndarray of shape (n_columns,) or None, default=None
        Mean that is subtracted from every row.

    n_threads : int, default=1
        Threads of the products.
    """

    def __init__(self, X: Array, mean: Array | None = None, n_threads: int = 1) -> None:
        super().__init__(X.shape, X.dtype, mean, n_threads)
        self._X = X
        self._mean_rest = self.rest_of_mean()
        self._uncentered: DenseOperator = (
            self if mean is None else DenseOperator(X, n_threads=n_threads)
        )

    def matmat(self, block: Array) -> Array:
        """Return ``A @ block``."""
        if self.mean_is_small:
            out = narrow_product(self._X, block, self.n_threads)
            if self.mean is not None:
                out -= self.mean @ block
            return out
        out = np.zeros((self.shape[0], block.shape[1]), dtype=self.dtype)
        done = 0
        for rows in self.row_blocks():
            add_narrow_product(out[done : done + len(rows)], rows, block, self.n_threads)
            done += len(rows)
        return out

    def rmatmat(self, block: Array) -> Array:
        """Return ``A.T @ block``."""
        if self.mean_is_small:
            out = transposed_narrow_product(self._X, block, self.n_threads)
            if self.mean is not None:
                out -= np.outer(self.mean, block.sum(axis=0))
            return out
        out = np.zeros((self.shape[1], block.shape[1]), dtype=self.dtype)
        done = 0
        for rows in self.row_blocks():
            out += transposed_narrow_product(rows, block[done : done + len(rows)], self.n_threads)
            done += len(rows)
        return out

    def row_block(self, start: int, stop: int) -> Array:
        """Return rows `start` to `stop` as a dense array."""
        rows = self._X[start:stop]
        if self.mean is None:
            return rows
        rows = rows - self.mean
        if self._mean_rest is not None:
            rows -= self._mean_rest
        return rows

    def column_block(self, start: int, stop: int) -> Array:
        """Return columns `start` to `stop` as a dense array."""
        columns = self._X[:, start:stop]
        if self.mean is None:
            return columns
        columns = columns - self.mean[start:stop]
        if self._mean_rest is not None:
            columns -= self._mean_rest[start:stop]
        return columns

    def column_means(self) -> Array:
        """Return the means of the columns of ``X``."""
        if self.dtype == np.float64:
            # As `mean` does, but several times faster where columns are few.
            mean = np.einsum("ij->j", self._X) / self.shape[0]
        else:
            # NumPy's reduction of float32 in float64 is slow; sums of blocks keep the digits too.
            mean = self.centered(None)._mean_of_blocks()
        # Unless the mean exceeds the spread: its error is then the mean of what is left.
        rest = self.centered(mean)
        return mean if rest.mean_is_small else mean + rest._mean_of_blocks()

    def _mean_of_blocks(self) -> Array:
        sums = np.zeros(self.shape[1])
        # BLAS sums with fewer rounding errors than NumPy does along columns.
        with single_threaded_blas():
            for rows in self.row_blocks():
                sums += np.ones(len(rows), dtype=self.dtype) @ rows
        return sums / self.shape[0]

    def column_energies(self) -> Array:
        """Return the sum of squares of each column of ``A``."""
        energies = np.zeros(self.shape[1])
        for rows in self.row_blocks():
            energies += np.einsum("ij,ij->j", rows, rows, dtype=np.float64)
        return energies

    def row_energies(self) -> Array:
        """Return the sum of squares of each row of ``A``."""
        if self.mean is not None:
            return super().row_energies()
        X = self._X
        energies = np.einsum("ij,ij->i", X, X).astype(np.float64)
        if self.dtype == np.float32:
            # The sum in float32 takes half the time, where squares stay in its range.
            extreme = np.flatnonzero(~((energies >= _LEAST_SQUARES) & (energies < np.inf)))
            for start in range(0, len(extreme), _ROWS):
                rows = extreme[start : start + _ROWS]
                energies[rows] = np.einsum("ij,ij->i", X[rows], X[rows], dtype=np.float64)
        return energies

    def squared_norm(self) -> float:
        """Return the squared Frobenius norm of ``A``."""
        return self._squared_norm

    @cached_property
    def _squared_norm(self) -> float:
        if self.full_mean is None:
            return super().squared_norm()
        # Without a pass over centered entries, where that is accurate.
        mean = self.full_mean
        of_mean = self.shape[0] * float(mean @ mean)
        difference = self.centered(None).squared_norm() - of_mean
        return difference if of_mean <= 100 * difference else super().squared_norm()

    @cached_property
    def mean_is_small(self) -> bool:
        """Whether the mean may be accounted for after a product."""
        return super().mean_is_small

    def scaled(self, exponent: int) -> "DenseOperator":
        """Return ``2**exponent * A``, from a scaled copy of the array."""
        mean = None if self.full_mean is None else np.ldexp(self.full_mean, exponent)
        return DenseOperator(np.ldexp(self._X, exponent), mean, self.n_threads)

    def centered(self, mean: Array | None) -> "DenseOperator":
        """Return the same array with `mean` subtracted from every row."""
        if mean is None:
            return self._uncentered
        operator = DenseOperator(self._X, mean, self.n_threads)
        operator._uncentered = self._uncentered  # knows its norm already
        return operator

    @property
    def stored_array(self) -> Array | None:
        """The array itself, where it is not centered."""
        return self._X if self.mean is None else None

    def row_blocks(self, n_bytes: int | None = None) -> Iterator[Array]:
        """Yield all rows as dense blocks, a single one where they can be had as they are."""
        # In float32 the sums over blocks are what keeps the digits.
        if self.mean is None and self.dtype == np.float64:
            return iter([self._X])
        return super().row_blocks(n_bytes)

    @property
    def product_flops(self) -> float:
        """Floating-point operations of a product with one vector."""
        return 2.0 * self.shape[0] * self.shape[1]
