"""Singular values and directions of a matrix, as many as a rank rule asks for."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import linalg
from scipy.sparse.linalg import svds

from lrfact.linalg.as_operator import as_operator
from lrfact.linalg.matrix_operator import MatrixOperator
from lrfact.rank_rules import Spectrum

FloatArray = npt.NDArray[np.float64]

# Multiply-adds of a full decomposition that are taken without asking: seconds on one core.
_AFFORDABLE = 2e10


class MatrixSpectrum:
    """The spectrum of one matrix: complete where that is cheap, else grown on demand.

    Parameters
    ----------
    X : {ndarray, csr_array} of shape (n_samples, n_features)
        Validated.

    center : bool
        Whether to subtract the column means, by operator.

    random_state : RandomState instance
        For the iterative solver.
    """

    def __init__(self, X: Any, center: bool, random_state: np.random.RandomState) -> None:
        self._operator = centered_operator(X, center)
        self._center = center
        self._random_state = random_state
        self._total = self._operator.squared_norm()
        n_samples, n_features = X.shape
        self.max_rank = min(n_samples - int(center), n_features)
        self.is_cheap = n_samples * n_features * min(n_samples, n_features) <= _AFFORDABLE
        self._known: Spectrum | None = None

    def leading(self, n_values: int) -> Spectrum:
        """The spectrum with at least `n_values` values, all of them where that is cheap."""
        n_values = max(1, min(n_values, self.max_rank))
        if self._known is None or self._known.singular_values.size < n_values:
            A = self._operator
            if self.is_cheap or 4 * n_values >= min(A.shape):
                values = linalg.svdvals(_triangle(A))
            else:
                values, _ = leading_svd(A, n_values, self._random_state)
            rtol = max(A.shape) * float(np.finfo(A.dtype).eps)
            self._known = Spectrum(values, A.shape, self._total, self._center, rtol)
        return self._known


def centered_operator(X: Any, center: bool) -> MatrixOperator:
    """`X` as an operator, less its column means if `center`."""
    A = as_operator(X)
    return A.centered(A.column_means()) if center else A


def leading_svd(
    A: MatrixOperator, k: int, random_state: np.random.RandomState
) -> tuple[FloatArray, FloatArray]:
    """The `k` largest singular values, descending, and the right directions as rows."""
    shorter = min(A.shape)
    if 4 * k >= shorter or shorter <= 200:
        return _svd_through_shorter_side(A, k)
    start = random_state.standard_normal(shorter).astype(A.dtype)
    _, s, Vt = svds(A.as_linear_operator(), k=k, v0=start, return_singular_vectors="vh")
    order = np.argsort(s)[::-1]
    return s[order], Vt[order]


def _svd_through_shorter_side(A: MatrixOperator, k: int) -> tuple[FloatArray, FloatArray]:
    """The same from the dense decomposition of a triangle as large as the shorter side."""
    _, s, Vt = linalg.svd(_triangle(A), full_matrices=False)
    s, Vt = s[:k], Vt[:k]
    if A.shape[0] >= A.shape[1]:
        return s, Vt
    # The other side's directions follow from these where the singular value is not zero;
    # orthonormalising them again restores what division by a small one would lose.
    positive = s > max(A.shape) * np.finfo(A.dtype).eps * s[0]
    directions, _ = np.linalg.qr(A.rmatmat(np.ascontiguousarray(Vt[positive].T)))
    return s[positive], directions.T


def _triangle(A: MatrixOperator) -> npt.NDArray[Any]:
    """Triangular R with ``R' R`` the Gram matrix of the shorter side, by QR block after block."""
    n_rows, n_columns = A.shape
    shorter, longer = min(A.shape), max(A.shape)
    # Blocks a few times as long as the triangle keep the work near that of one factorization.
    step = max(4 * shorter, 1000)
    triangle: npt.NDArray[Any] = np.empty((0, shorter), dtype=A.dtype)
    for start in range(0, longer, step):
        stop = min(start + step, longer)
        block = A.row_block(start, stop) if n_rows >= n_columns else A.column_block(start, stop).T
        triangle = np.asarray(np.linalg.qr(np.vstack([triangle, block]), mode="r"))
    return triangle
