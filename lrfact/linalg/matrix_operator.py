"""What a solver may ask of a matrix, whatever its storage: products, blocks, norm, means.

A solver sees the matrix ``A = X - 1 mean'`` (`mean` zero where nothing is centered). It is
never formed: products correct for the mean, blocks are centered one at a time.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator

import numpy as np
from numpy.typing import DTypeLike
from scipy.sparse.linalg import LinearOperator

from lrfact._typing import Array

# Enough rows for BLAS to run at full speed, few enough to stay in the cache of a core.
_BLOCK_BYTES = 2**21


class MatrixOperator(ABC):
    """A matrix of shape (n_rows, n_columns), float32 or float64, centered or not.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns.

    dtype : dtype
        float32 or float64: of blocks and products.

    mean : ndarray of shape (n_columns,) or None
        Mean that is subtracted from every row; None means no centering.

    n_threads : int
        Threads of the products.
    """

    def __init__(
        self, shape: tuple[int, int], dtype: DTypeLike, mean: Array | None, n_threads: int
    ) -> None:
        self.shape = shape
        self.dtype = np.dtype(dtype)
        # In float64, whatever the dtype: rounding to float32 may take as much as the spread.
        full_mean = None if mean is None else np.asarray(mean, dtype=np.float64)
        self.full_mean = full_mean
        self.mean = None if full_mean is None else np.asarray(full_mean, dtype=self.dtype)
        self.n_threads = n_threads

    @property
    def ndim(self) -> int:
        """Always 2."""
        return 2

    @property
    def T(self) -> "MatrixOperator":
        """The transpose, sharing all memory."""
        return TransposedOperator(self)

    def __matmul__(self, block: Array) -> Array:
        """Return ``A @ block``."""
        return self.matmat(block)

    @abstractmethod
    def matmat(self, block: Array) -> Array:
        """Return ``A @ block``, of shape (n_rows, width)."""

    @abstractmethod
    def rmatmat(self, block: Array) -> Array:
        """Return ``A.T @ block``, of shape (n_columns, width)."""

    def prepare_products(self, memory: int) -> None:  # noqa: B027  (most storages need nothing)
        """Announce many products to come, which may use up to `memory` bytes to be faster."""

    @abstractmethod
    def row_block(self, start: int, stop: int) -> Array:
        """Return rows `start` to `stop` of ``A`` as a dense array."""

    @abstractmethod
    def column_block(self, start: int, stop: int) -> Array:
        """Return columns `start` to `stop` of ``A`` as a dense array."""

    @abstractmethod
    def column_means(self) -> Array:
        """Return the means of the columns of ``X``, float64, whatever `mean` is."""

    @abstractmethod
    def column_energies(self) -> Array:
        """Return the sum of squares of each column of ``A``, float64."""

    @abstractmethod
    def centered(self, mean: Array | None) -> "MatrixOperator":
        """Return the same matrix with `mean`, or nothing, subtracted from every row."""

    @abstractmethod
    def scaled(self, exponent: int) -> "MatrixOperator":
        """Return ``2**exponent * A``, exact unless entries become subnormal; a copy if need be."""

    @property
    @abstractmethod
    def product_flops(self) -> float:
        """Floating-point operations of a product with one vector."""

    @property
    def stored_array(self) -> Array | None:
        """The matrix itself, where it is a dense array and not centered."""
        return None

    def squares_of_columns(self) -> Array | None:
        """Return ``X.T @ X`` in float64, where that is cheaper than by dense blocks; else None."""
        return None

    @property
    def gram_flops(self) -> float:
        """Floating-point operations of BLAS that take the time of the smaller Gram matrix."""
        return float(self.shape[0]) * self.shape[1] * min(self.shape)

    def row_blocks(self, n_bytes: int | None = None) -> Iterator[Array]:
        """Yield all rows as dense blocks, of a few megabytes unless told otherwise."""
        n_rows, n_columns = self.shape
        n_bytes = _BLOCK_BYTES if n_bytes is None else n_bytes
        step = max(1, n_bytes // max(1, n_columns * self.dtype.itemsize))
        step = max(step, min(n_rows, 256))
        for start in range(0, n_rows, step):
            yield self.row_block(start, min(start + step, n_rows))

    def column_blocks(self, n_bytes: int | None = None) -> Iterator[Array]:
        """Yield all columns as dense blocks, of a few megabytes unless told otherwise."""
        n_rows, n_columns = self.shape
        n_bytes = _BLOCK_BYTES if n_bytes is None else n_bytes
        step = max(1, n_bytes // max(1, n_rows * self.dtype.itemsize))
        step = max(step, min(n_columns, 256))
        for start in range(0, n_columns, step):
            yield self.column_block(start, min(start + step, n_columns))

    def row_energies(self) -> Array:
        """Return the sum of squares of each row of ``A``, float64."""
        return np.concatenate(
            [np.einsum("ij,ij->i", b, b, dtype=np.float64) for b in self.row_blocks()]
        )

    def squared_norm(self) -> float:
        """Return the squared Frobenius norm of ``A``."""
        return float(self.row_energies().sum())

    def rest_of_mean(self) -> Array | None:
        """Return what rounding to the dtype took from the mean; None where that is nothing."""
        if self.full_mean is None or self.mean is None or self.dtype == np.float64:
            return None
        rest = (self.full_mean - self.mean.astype(np.float64)).astype(self.dtype)
        return rest if rest.any() else None

    def largest_entry(self) -> float:
        """Return the largest absolute value of an entry of ``A``, whatever its square would be."""
        largest = (float(np.abs(block).max(initial=0.0)) for block in self.row_blocks())
        return max(largest, default=0.0)

    @property
    def mean_is_small(self) -> bool:
        """Whether subtracting the mean's share from sums over ``X`` loses no more than two digits.

        The share of a product or a Gram matrix is subtracted afterwards, at no cost, instead of
        from every entry of the matrix beforehand.
        """
        mean = self.full_mean
        if mean is None:
            return True
        return self.shape[0] * float(mean @ mean) <= 100 * self.squared_norm()

    def as_linear_operator(self) -> LinearOperator:
        """Return the matrix in the form that SciPy's iterative solvers take."""
        n_rows, n_columns = self.shape
        return LinearOperator(
            shape=self.shape,
            dtype=self.dtype,
            matvec=lambda x: self.matmat(x.reshape(n_columns, 1))[:, 0],
            rmatvec=lambda x: self.rmatmat(x.reshape(n_rows, 1))[:, 0],
            matmat=self.matmat,
            rmatmat=self.rmatmat,
        )


class TransposedOperator(MatrixOperator):
    """The transpose of an operator.

    Parameters
    ----------
    base : MatrixOperator
        Operator to transpose. If it is centered, the columns of the transpose are.
    """

    def __init__(self, base: MatrixOperator) -> None:
        super().__init__(base.shape[::-1], base.dtype, None, base.n_threads)
        self._base = base

    @property
    def T(self) -> MatrixOperator:
        """The operator that this one is the transpose of."""
        return self._base

    def matmat(self, block: Array) -> Array:
        """Return ``A @ block``."""
        return self._base.rmatmat(block)

    def rmatmat(self, block: Array) -> Array:
        """Return ``A.T @ block``."""
        return self._base.matmat(block)

    def prepare_products(self, memory: int) -> None:
        """Announce many products to come."""
        self._base.prepare_products(memory)

    def row_block(self, start: int, stop: int) -> Array:
        """Return rows `start` to `stop` as a dense array."""
        return self._base.column_block(start, stop).T

    def column_block(self, start: int, stop: int) -> Array:
        """Return columns `start` to `stop` as a dense array."""
        return self._base.row_block(start, stop).T

    def column_means(self) -> Array:
        """Return the means of the columns."""
        ones = np.full((self._base.shape[1], 1), 1 / self._base.shape[1], dtype=self.dtype)
        return self._base.matmat(ones)[:, 0].astype(np.float64)

    def column_energies(self) -> Array:
        """Return the sum of squares of each column."""
        return self._base.row_energies()

    def squared_norm(self) -> float:
        """Return the squared Frobenius norm."""
        return self._base.squared_norm()

    def centered(self, mean: Array | None) -> MatrixOperator:
        """Refuse: only the rows of a matrix as it was given can be centered."""
        raise NotImplementedError("center the matrix before transposing it")

    def scaled(self, exponent: int) -> MatrixOperator:
        """Return ``2**exponent * A``."""
        return self._base.scaled(exponent).T

    def largest_entry(self) -> float:
        """Return the largest absolute value of an entry."""
        return self._base.largest_entry()

    @property
    def product_flops(self) -> float:
        """Floating-point operations of a product with one vector."""
        return self._base.product_flops
