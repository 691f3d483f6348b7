"""Several matrices one below the other, without copying any of them."""

from collections.abc import Sequence

import numpy as np

from lrfact.linalg.matrix_operator import Array, MatrixOperator


class StackedOperator(MatrixOperator):
    """The rows of several operators as one matrix.

    Parameters
    ----------
    parts : sequence of MatrixOperator
        Operators with the same columns and dtype; each may be centered separately.
    """

    def __init__(self, parts: Sequence[MatrixOperator]) -> None:
        n_rows = sum(part.shape[0] for part in parts)
        super().__init__((n_rows, parts[0].shape[1]), parts[0].dtype, None, parts[0].n_threads)
        self._parts = tuple(parts)
        self._starts = np.cumsum([0] + [part.shape[0] for part in parts])

    def matmat(self, block: Array) -> Array:
        """Return ``A @ block``."""
        return np.vstack([part.matmat(block) for part in self._parts])

    def rmatmat(self, block: Array) -> Array:
        """Return ``A.T @ block``."""
        out = np.zeros((self.shape[1], block.shape[1]), dtype=self.dtype)
        for part, start in zip(self._parts, self._starts, strict=False):
            out += part.rmatmat(np.ascontiguousarray(block[start : start + part.shape[0]]))
        return out

    def prepare_products(self, memory: int) -> None:
        """Announce many products to come."""
        for part in self._parts:
            part.prepare_products(memory // len(self._parts))

    def row_block(self, start: int, stop: int) -> Array:
        """Return rows `start` to `stop` as a dense array."""
        blocks = []
        for part, first in zip(self._parts, self._starts, strict=False):
            low, high = max(start - int(first), 0), min(stop - int(first), part.shape[0])
            if low < high:
                blocks.append(part.row_block(low, high))
        return np.vstack(blocks)

    def column_block(self, start: int, stop: int) -> Array:
        """Return columns `start` to `stop` as a dense array."""
        return np.vstack([part.column_block(start, stop) for part in self._parts])

    def column_means(self) -> Array:
        """Return the means of the columns."""
        sums = np.zeros(self.shape[1])
        for part in self._parts:
            left = part.column_means()
            if part.full_mean is not None:
                left = left - part.full_mean
            sums += part.shape[0] * left
        return sums / self.shape[0]

    def column_energies(self) -> Array:
        """Return the sum of squares of each column."""
        return np.sum([part.column_energies() for part in self._parts], axis=0)

    def row_energies(self) -> Array:
        """Return the sum of squares of each row."""
        return np.concatenate([part.row_energies() for part in self._parts])

    def squared_norm(self) -> float:
        """Return the squared Frobenius norm."""
        return sum(part.squared_norm() for part in self._parts)

    def scaled(self, exponent: int) -> "StackedOperator":
        """Return ``2**exponent * A``."""
        return StackedOperator([part.scaled(exponent) for part in self._parts])

    def largest_entry(self) -> float:
        """Return the largest absolute value of an entry."""
        return max(part.largest_entry() for part in self._parts)

    def centered(self, mean: Array | None) -> MatrixOperator:
        """Refuse: its parts are centered one by one."""
        raise NotImplementedError("center the parts before stacking them")

    @property
    def product_flops(self) -> float:
        """Floating-point operations of a product with one vector."""
        return sum(part.product_flops for part in self._parts)
