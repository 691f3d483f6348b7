"""A sparse matrix whose products run on all threads, centered without losing digits."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import csc_array, csr_array

from lrfact import kernels
from lrfact._threads import limit_threads
from lrfact.linalg.exact_differences import exactly_summable_parts
from lrfact.linalg.matrix_operator import Array, MatrixOperator
from lrfact.linalg.narrow_product import narrow_product, transposed_narrow_product
from lrfact.linalg.sparse_rows import some_entries

# Every thread of a transposed product reads all indices: that must be little beside the sums.
_WORTH_SHARING = 4

# Of one thread, for a stored entry and an entry of a block.
_MILLISECONDS_PER_PRODUCT = 5e-7

# Operations of BLAS in the time of one product of two stored entries of a row.
_SQUARE_FLOPS = 100.0

# Stored entries handled at a time where a pass needs a temporary array of them.
_CHUNK = 2**18

# A column whose squared mean exceeds its mean squared deviation by this factor is centered entry
# by entry. In all others the correction of a product costs a factor of two in rounding errors.
_LARGE_MEAN = 4.0

# Part of the stored entries in such columns from which a product is worth a matrix without them.
_WORTH_LEAVING_OUT = 0.25


@dataclass(frozen=True)
class _Deviations:
    """Columns of a matrix, centered entry by entry, and the matrix for products with the others.

    Attributes
    ----------
    columns : ndarray of shape (n_chosen,)
        Indices of the columns.

    values : ndarray of shape (n_rows, n_chosen)
        ``x - mean`` of all their entries, stored or absent.

    others : SparseOperator
        Not centered; may or may not hold the entries of these columns.
    """

    columns: np.ndarray
    values: Array
    others: "SparseOperator"


def _least_stored(n_rows: int) -> float:
    """Return how many entries a column stores at least if its mean is large, see above.

    Each absent one adds the square of the mean to the squared deviations.
    """
    return n_rows * (1 - 1 / _LARGE_MEAN)


class SparseOperator(MatrixOperator):
    """A matrix compressed by rows as a `MatrixOperator`.

    Products are corrected for the mean, ``(X - 1 mean') B = X B - 1 (mean' B)``. In a column whose
    mean is more than twice as large as its root mean square deviation from it, the difference of
    two large products would lose digits. The absent entries of such a column deviate by the mean
    itself, so there are few of them: less than a quarter. These columns, unless the mean is small
    beside the matrix as a whole, are held as an array of deviations ``x - mean``, which is hardly
    larger than their stored values, and absent entries are filled.

    Rounding errors of products and energies are then a small multiple of those of the same
    operations on the centered matrix, in float32 as in float64: the mean is subtracted in float64.

    Parameters
    ----------
    X : csr_array or csr_matrix of shape (n_rows, n_columns)
        float32 or float64, indices int32 or int64; never written to.

    mean : ndarray of shape (n_columns,) or None, default=None
        Mean that is subtracted from every row.

    n_threads : int, default=1
        Threads of the products. The result does not depend on it.
    """

    def __init__(self, X: csr_array, mean: Array | None = None, n_threads: int = 1) -> None:
        super().__init__(X.shape, X.dtype, mean, n_threads)
        self._X = X
        self._mean_rest = self.rest_of_mean()
        # Knows what does not depend on the mean.
        self._uncentered: SparseOperator = (
            self if mean is None else SparseOperator(X, n_threads=n_threads)
        )
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
        if self.mean is None:
            return self._product(block)
        deviations = self._deviations
        if deviations is None:
            out = self._uncentered._product(block)
            out -= self.mean @ block
            return out
        others = block.copy()
        others[deviations.columns] = 0
        out = narrow_product(deviations.values, block[deviations.columns], self.n_threads)
        out += deviations.others._product(others)
        out -= self.mean @ others
        return out

    def _product(self, block: Array) -> Array:
        X, out = self._X, np.empty((self.shape[0], block.shape[1]), dtype=self.dtype)
        kernels.csr_matmat(X.data, X.indices, X.indptr, block, out, self._threads_for(block))
        return out

    def rmatmat(self, block: Array) -> Array:
        """Return ``A.T @ block``."""
        block = np.ascontiguousarray(block, dtype=self.dtype)
        if self.mean is None:
            return self._transposed_product(block)
        deviations = self._deviations
        source = self._uncentered if deviations is None else deviations.others
        out = source._transposed_product(block)
        out -= np.outer(self.mean, block.sum(axis=0, dtype=np.float64).astype(self.dtype))
        if deviations is not None:
            out[deviations.columns] = transposed_narrow_product(
                deviations.values, block, self.n_threads
            )
        return out

    def _transposed_product(self, block: Array) -> Array:
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
        return out

    def _threads_for(self, block: Array) -> int:
        return limit_threads(
            self.n_threads, self._X.nnz * block.shape[1] * _MILLISECONDS_PER_PRODUCT
        )

    def prepare_products(self, memory: int) -> None:
        """Store the matrix by columns as well, if that takes no more than `memory` bytes.

        A transposed product then reads where it would write otherwise, several times faster.
        """
        if self.mean is not None:
            deviations = self._deviations
            source = self._uncentered if deviations is None else deviations.others
            source.prepare_products(memory)
            return
        X = self._X
        if X.nnz * (X.data.itemsize + X.indices.itemsize) <= memory:
            self._compressed_columns()

    def row_block(self, start: int, stop: int) -> Array:
        """Return rows `start` to `stop` as a dense array."""
        rows = self._X[start:stop].toarray()
        if self.mean is not None:
            rows -= self.mean
        if self._mean_rest is not None:
            rows -= self._mean_rest
        return rows

    def column_block(self, start: int, stop: int) -> Array:
        """Return columns `start` to `stop` as a dense array."""
        columns = self._uncentered._compressed_columns()[start:stop].toarray().T
        if self.mean is not None:
            columns -= self.mean[start:stop]
        if self._mean_rest is not None:
            columns -= self._mean_rest[start:stop]
        return columns

    def column_means(self) -> Array:
        """Return the means of the columns of ``X``."""
        n_rows, n_stored = self.shape[0], self._uncentered._n_stored
        means = self._column_sums(lambda values, columns: values) / n_rows
        crowded = (n_stored > _least_stored(n_rows)) & (means != 0)
        if crowded.any():
            # Where deviations may be much smaller than the values summed, their mean is added.
            rest = self._column_sums(lambda values, columns: values - means[columns])
            rest -= (n_rows - n_stored) * means
            means = means + np.where(crowded, rest / n_rows, 0.0)
        return means

    def column_energies(self) -> Array:
        """Return the sum of squares of each column of ``A``."""
        return self._column_energies.copy()

    @cached_property
    def _column_energies(self) -> Array:
        if self.full_mean is None:
            return self._column_sums(lambda values, columns: values**2)
        # Stored entries and absent ones apart: subtracting two large sums would lose digits.
        mean = self.full_mean
        stored = self._column_sums(lambda values, columns: (values - mean[columns]) ** 2)
        return stored + (self.shape[0] - self._uncentered._n_stored) * mean**2

    def row_energies(self) -> Array:
        """Return the sum of squares of each row of ``A``."""
        X = self._X
        n_rows = self.shape[0]
        mean = self.full_mean
        energies = np.zeros(n_rows)
        # The sum over absent entries is one over all columns less that over those stored. Two parts
        # of the terms are added without rounding, so that the difference keeps its digits.
        parts = (
            np.zeros((0, 0)) if mean is None else np.column_stack(exactly_summable_parts(mean**2))
        )
        totals = parts.sum(axis=0)
        step = max(1, _CHUNK * n_rows // max(1, X.nnz))
        for start in range(0, n_rows, step):
            stop = min(start + step, n_rows)
            entries = slice(X.indptr[start], X.indptr[stop])
            indptr = X.indptr[start : stop + 1] - X.indptr[start]
            rows = np.repeat(np.arange(stop - start), np.diff(indptr))
            values, columns = X.data[entries].astype(np.float64), X.indices[entries]
            if mean is not None:
                values -= mean[columns]
            sums = np.bincount(rows, weights=values**2, minlength=stop - start)
            if mean is not None:
                stored, ones = np.empty((stop - start, 2)), np.ones(len(values))
                kernels.csr_matmat(ones, columns, indptr, parts, stored, self.n_threads)
                sums = sums + (totals - stored).sum(axis=1)
            energies[start:stop] = np.maximum(sums, 0)
        return energies

    def squared_norm(self) -> float:
        """Return the squared Frobenius norm of ``A``."""
        return self._squared_norm

    @cached_property
    def _squared_norm(self) -> float:
        if self.mean is not None:
            return float(self._column_energies.sum())
        values = self._X.data
        chunks = (values[i : i + _CHUNK] for i in range(0, self._X.nnz, _CHUNK))
        # With `dot`, float32 would be summed in float32.
        return sum(float(np.einsum("i,i->", c, c, dtype=np.float64)) for c in chunks)

    def largest_entry(self) -> float:
        """Return the largest absolute value of an entry of ``A``."""
        if self.mean is not None:
            return super().largest_entry()
        return float(np.abs(self._X.data).max(initial=0.0))

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

    @cached_property
    def _n_stored(self) -> np.ndarray:
        """Number of stored entries of each column."""
        return np.bincount(self._X.indices, minlength=self.shape[1])

    @cached_property
    def _deviations(self) -> "_Deviations | None":
        """The columns that are centered entry by entry; None where there are none."""
        mean, n_rows = self.full_mean, self.shape[0]
        assert mean is not None
        # The norm of the centered matrix is at least a third of that of the stored entries then.
        if self._uncentered.squared_norm() >= 2.25 * n_rows * float(mean @ mean):
            return None
        crowded = (self._uncentered._n_stored > _least_stored(n_rows)) & (mean != 0)
        columns = np.flatnonzero(crowded)
        if not columns.size:
            return None
        chosen = self._X[:, columns]
        energies = SparseOperator(chosen, mean[columns])._column_energies
        large = n_rows * mean[columns] ** 2 > _LARGE_MEAN * energies
        columns, chosen = columns[large], chosen[:, np.flatnonzero(large)]
        if not columns.size:
            return None
        values = np.empty(chosen.shape, dtype=self.dtype)
        step = max(1, _CHUNK // columns.size)
        for start in range(0, n_rows, step):
            rows = chosen[start : start + step].toarray().astype(np.float64)
            values[start : start + step] = rows - mean[columns]
        others = self._uncentered
        if chosen.nnz > _WORTH_LEAVING_OUT * self._X.nnz:
            kept = np.ones(self.shape[1], dtype=bool)
            kept[columns] = False
            others = SparseOperator(
                some_entries(self._X, kept[self._X.indices]), n_threads=self.n_threads
            )
        return _Deviations(columns, values, others)

    def scaled(self, exponent: int) -> "SparseOperator":
        """Return ``2**exponent * A``, from a scaled copy of the stored entries."""
        X = self._X
        scaled = csr_array((np.ldexp(X.data, exponent), X.indices, X.indptr), shape=X.shape)
        mean = None if self.full_mean is None else np.ldexp(self.full_mean, exponent)
        return SparseOperator(scaled, mean, self.n_threads)

    def in_float64(self) -> "SparseOperator":
        """Return the same matrix in float64: itself, or with a copy of the stored entries."""
        X = self._X
        if self.dtype == np.float64:
            return self
        wide = csr_array((X.data.astype(np.float64), X.indices, X.indptr), shape=X.shape)
        return SparseOperator(wide, self.full_mean, self.n_threads)

    def centered(self, mean: Array | None) -> "SparseOperator":
        """Return the same matrix with `mean` subtracted from every row."""
        if mean is None:
            return self._uncentered
        operator = SparseOperator(self._X, mean, self.n_threads)
        operator._uncentered = self._uncentered
        return operator

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
            stored_before = self._n_stored.cumsum()
            targets = np.arange(1, n_parts) * (self._X.nnz / n_parts)
            inner = np.searchsorted(stored_before, targets)
            self._bounds = np.concatenate([[0], inner, [self.shape[1]]]).astype(np.int64)
        return self._bounds
