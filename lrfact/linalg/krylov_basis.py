"""An orthonormal basis grown by the products of a symmetric operator with its own newest block."""

from dataclasses import dataclass

import numpy as np

from lrfact._memory import require_dense
from lrfact.linalg.leading_eigenpairs import leading_eigenpairs
from lrfact.linalg.matrix_operator import Array, MatrixOperator
from lrfact.linalg.narrow_product import narrow_product
from lrfact.linalg.orthonormal_block import orthonormal_block, project_out
from lrfact.linalg.require_finite import require_finite


@dataclass(frozen=True)
class _OpenEnd:
    """A part ``image @ coupling`` of ``B B' Q[:, columns]`` that the basis does not hold."""

    image: Array
    coupling: Array
    columns: slice


class KrylovBasis:
    """A basis Q together with ``Q' B B' Q``, and what of ``B B' Q`` lies outside of Q.

    Parameters
    ----------
    B : MatrixOperator of shape (p, q)
        The basis lives on its first side.

    capacity : int
        Largest number of columns, at most p.

    rng : RandomState
        Source of new directions where the matrix has no more.
    """

    def __init__(self, B: MatrixOperator, capacity: int, rng: np.random.RandomState) -> None:
        self.capacity = capacity
        self.size = 0
        self._B = B
        self._rng = rng
        require_dense((B.shape[0], capacity), B.dtype, "lower n_components")
        self._columns = np.empty((B.shape[0], capacity), dtype=B.dtype, order="F")
        self._projected = np.zeros((capacity, capacity))
        self._open_ends: list[_OpenEnd] = []
        self._coupled_from = 0

    @property
    def nbytes(self) -> int:
        """Memory of the basis in bytes."""
        return self._columns.nbytes

    @property
    def is_complete(self) -> bool:
        """Whether the basis spans the whole space."""
        return self.size == len(self._columns)

    @property
    def open_width(self) -> int:
        """Columns of the next block."""
        return sum(end.image.shape[1] for end in self._open_ends)

    def has_room_for(self, width: int) -> bool:
        """Whether that many columns can be added, or as many as the space has left."""
        return self.size + min(width, len(self._columns) - self.size) <= self.capacity

    def extend(self, block: Array) -> None:
        """Add orthonormal columns that are orthogonal to the basis, and multiply with them."""
        start, stop = self.size, self.size + block.shape[1]
        self._columns[:, start:stop] = block
        self.size = stop
        image = self._B.matmat(self._B.rmatmat(block))
        # In a single chain, an image has no part along the blocks before the last.
        image, coefficients = project_out(
            np.ascontiguousarray(image),
            self._basis,
            expected=self._coupled_from,
            n_threads=self._B.n_threads,
        )
        require_finite(coefficients)
        self._projected[:stop, start:stop] = coefficients
        self._projected[start:stop, :stop] = coefficients.T
        for end in self._open_ends:  # of what they miss, the basis now holds more
            end.image[...] -= block @ (block.T @ end.image)
        self._open_ends.append(_OpenEnd(image, np.eye(stop - start), slice(start, stop)))

    def next_block(self, *, newest_only: bool = False) -> Array:
        """Return the directions in which the products with the basis leave it.

        Parameters
        ----------
        newest_only : bool, default=False
            Leave the open ends before the last for later.

        Returns
        -------
        ndarray of shape (p, width)
            Orthonormal; to be added by `extend`.
        """
        used = self._open_ends[-1:] if newest_only else self._open_ends
        images = np.hstack([end.image for end in used])
        if len(used) > 1:
            # The older ones have been kept orthogonal to the columns added since only roughly.
            images, _ = project_out(images, self._basis, n_threads=self._B.n_threads)
        self._open_ends = self._open_ends[: -len(used)]
        self._coupled_from = 0 if self._open_ends or len(used) > 1 else used[0].columns.start
        width = min(images.shape[1], len(self._columns) - self.size)
        floor = 10 * float(np.finfo(images.dtype).eps) * float(self._projected.diagonal().max())
        return self._orthonormal(images, width, floor)

    def random_block(self, width: int) -> Array:
        """Return random directions orthogonal to the basis, to be added by `extend`."""
        width = min(width, len(self._columns) - self.size)
        self._coupled_from = 0
        nothing = np.zeros((len(self._columns), width), dtype=self._columns.dtype)
        return self._orthonormal(nothing, width, 0.0)

    def leading_eigenpairs(self, k: int) -> tuple[Array, Array]:
        """Return the k largest eigenvalues of ``Q' B B' Q``, descending, and their vectors."""
        return leading_eigenpairs(self._projected[: self.size, : self.size], k)

    def leading_eigenvalue_from(self, start: int) -> tuple[float, float]:
        """Return the largest eigenvalue of the part that columns `start` onwards span.

        They are a chain of their own. The second number is the norm of the residual, leaving out
        what lies along the columns before.
        """
        eigenvalues, vectors = leading_eigenpairs(
            self._projected[start : self.size, start : self.size], 1
        )
        end = self._open_ends[-1]
        newest = vectors[end.columns.start - start : end.columns.stop - start]
        outside = end.image @ (end.coupling @ newest).astype(end.image.dtype)
        return float(eigenvalues[0]), float(np.linalg.norm(outside))

    def residual_norms(self, vectors: Array) -> Array:
        """Return ``||B B' u - lambda u||`` for eigenpairs ``u = Q v``, float64."""
        outside = np.zeros((len(self._columns), vectors.shape[1]), dtype=self._columns.dtype)
        for end in self._open_ends:
            outside += end.image @ (end.coupling @ vectors[end.columns]).astype(outside.dtype)
        return np.linalg.norm(outside.astype(np.float64), axis=0)

    def combine(self, vectors: Array) -> Array:
        """Return ``Q @ vectors``."""
        vectors = vectors.astype(self._columns.dtype)
        return narrow_product(self._basis, vectors, self._B.n_threads)

    def restart(self, kept: int) -> None:
        """Replace the basis by its `kept` leading eigenvectors."""
        eigenvalues, vectors = self.leading_eigenpairs(kept)
        self._columns[:, :kept] = self.combine(vectors)
        self._projected[:] = 0
        np.fill_diagonal(self._projected[:kept, :kept], eigenvalues)
        self.size = kept
        self._open_ends = [
            _OpenEnd(end.image, end.coupling @ vectors[end.columns], slice(0, kept))
            for end in self._open_ends
        ]

    def _orthonormal(self, block: Array, width: int, floor: float) -> Array:
        return orthonormal_block(
            block, self._basis, width, floor, self._rng, n_threads=self._B.n_threads
        )

    @property
    def _basis(self) -> Array:
        return self._columns[:, : self.size]
