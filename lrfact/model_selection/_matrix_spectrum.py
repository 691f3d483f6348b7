"""Singular values of a matrix, as many as a rank rule needs."""

from __future__ import annotations

import numpy as np

from lrfact.linalg.matrix_operator import MatrixOperator
from lrfact.rank_rules import Spectrum
from lrfact.solvers.svd.truncated_svd import truncated_svd

# Multiply-adds of a full decomposition that takes seconds on one core.
_AFFORDABLE = 2e10


class MatrixSpectrum:
    """The spectrum of one matrix: complete if that is cheap, else extended on demand.

    Parameters
    ----------
    A : MatrixOperator of shape (n_samples, n_features)
        The matrix, centered or not.

    rng : RandomState instance
        Random number generator of the iterative solver.
    """

    def __init__(self, A: MatrixOperator, rng: np.random.RandomState) -> None:
        self._A = A
        self._rng = rng
        self._centered = A.mean is not None
        self._total = A.squared_norm()
        n_samples, n_features = A.shape
        self.max_rank = min(n_samples - int(self._centered), n_features)
        self.is_cheap = n_samples * n_features * min(A.shape) <= _AFFORDABLE
        self._known: Spectrum | None = None

    def leading(self, n_values: int) -> Spectrum:
        """Return the spectrum with at least `n_values` values, or with all if that is cheap."""
        if self._known is None or self._known.singular_values.size < n_values:
            A = self._A
            if self.is_cheap:
                s = truncated_svd(A, self.max_rank, solver="exact", want_left=False).s
            else:
                s = truncated_svd(A, n_values, rng=self._rng, want_left=False).s
            rtol = max(A.shape) * float(np.finfo(A.dtype).eps)
            self._known = Spectrum(np.sort(s)[::-1], A.shape, self._total, self._centered, rtol)
        return self._known
