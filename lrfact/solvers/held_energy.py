"""How much of documents a few directions hold, and how much less than they did."""

from dataclasses import dataclass, replace

import numpy as np

from lrfact.linalg.matrix_operator import Array


@dataclass(frozen=True)
class HeldEnergy:
    """How much of documents a space holds, now and when it was fitted.

    Attributes
    ----------
    of_directions : ndarray of shape (k,)
        Squared norm of the documents along each direction.

    total : float
        Squared norm of the documents.

    at_fit : float
        Share that was held of the documents of the fit.
    """

    of_directions: Array
    total: float
    at_fit: float

    @classmethod
    def of_fit(cls, s: Array, total: float) -> "HeldEnergy":
        """Return what singular values say of the documents that they come from."""
        squares = s.astype(np.float64) ** 2
        return cls(squares, total, _share(float(squares.sum()), total))

    def leading(self, k: int) -> "HeldEnergy":
        """Return the same of the first k directions."""
        first = self.of_directions[:k]
        lost = _share(float(self.of_directions[k:].sum()), self.total)
        return HeldEnergy(first, self.total, max(self.at_fit - lost, 0.0))

    def extended(self, of_directions: Array, total: float) -> "HeldEnergy":
        """Return the same with further documents."""
        return replace(
            self, of_directions=self.of_directions + of_directions, total=self.total + total
        )

    def turned(self, s: Array, total: float) -> "HeldEnergy":
        """Return the same with further documents, that the directions were turned towards."""
        return replace(self, of_directions=s.astype(np.float64) ** 2, total=self.total + total)

    @property
    def shares(self) -> Array:
        """Share of each direction in the squared norm of the documents."""
        return self.of_directions / self.total if self.total > 0 else 0 * self.of_directions

    @property
    def drift(self) -> float:
        """How much smaller the share held is than at the fit, 0 to 1."""
        if self.at_fit == 0:
            return 0.0
        return float(np.clip(1 - self.shares.sum() / self.at_fit, 0, 1))


def _share(part: float, total: float) -> float:
    return part / total if total > 0 else 0.0
