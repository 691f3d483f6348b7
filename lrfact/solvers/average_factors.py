"""One low-rank model for the average of many: its leading directions, and rows along them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from lrfact.linalg.leading_eigenpairs import leading_eigenpairs
from lrfact.linalg.sign_convention import fix_signs
from lrfact.solvers.factor_draws import FactorDraws

Array = NDArray[np.floating]

_BLOCK = 1 << 24  # numbers held at a time


@dataclass(frozen=True)
class AverageFactors:
    r"""The average of the factor parts of draws, cut to its leading singular directions.

    .. math:: \frac{1}{D} \sum_d W_d V_d' \approx W C

    Attributes
    ----------
    components : ndarray of shape (k, n_columns)
        :math:`C`, orthonormal rows, those of the largest singular values first.

    column_bias : ndarray of shape (n_columns,)
        Average of the biases of columns.
    """

    components: Array
    column_bias: Array

    @classmethod
    def of(
        cls, model: FactorDraws, entries: sparse.csr_array, *, n_threads: int
    ) -> "AverageFactors":
        """Find the directions for some rows.

        Parameters
        ----------
        model : FactorDraws
            Draws.

        entries : csr_array of shape (n_rows, n_columns)
            What is observed of the rows.

        n_threads : int
            The digits do not depend on it.

        Returns
        -------
        AverageFactors

        Notes
        -----
        With V the columns of all D draws side by side, ``V = Q R``, and G the Gram matrix of their
        rows, side by side, the directions are Q times the leading eigenvectors of ``R G R'``.
        ``n_rows (D k)^2 + n_columns (D k)^2`` multiplications and additions, on top of a fold-in
        under each draw. Rows are taken in blocks.
        """
        n_rows = entries.shape[0]
        k = model.draws[0].columns.shape[1] - 1
        side_by_side = np.concatenate([draw.columns[:, :k] for draw in model.draws], axis=1)
        width = side_by_side.shape[1]
        gram = np.zeros((width, width))
        step = max(1, _BLOCK // width)
        for start in range(0, n_rows, step):
            rows = np.concatenate(
                [
                    vectors[:, :k]
                    for _, vectors in model.fold_in(
                        entries[start : start + step], n_threads=n_threads
                    )
                ],
                axis=1,
            )
            gram += rows.T @ rows
        Q, R = np.linalg.qr(side_by_side)
        _, vectors = leading_eigenpairs((R @ gram @ R.T).astype(np.float64), k)
        components = np.ascontiguousarray((Q @ vectors.astype(Q.dtype)).T)
        fix_signs(None, components)
        bias = np.mean([draw.columns[:, k] for draw in model.draws], axis=0)
        return cls(components, bias * model.scale)

    def rows(
        self, model: FactorDraws, entries: sparse.csr_array, *, n_threads: int
    ) -> tuple[Array, Array]:
        """Return rows along the directions, and their biases.

        Parameters
        ----------
        model : FactorDraws
            Draws.

        entries : csr_array of shape (n_rows, n_columns)
            What is observed of the rows, known or new.

        n_threads : int
            The digits do not depend on it.

        Returns
        -------
        factors : ndarray of shape (n_rows, k)
            :math:`W`, in the units of the data.

        bias : ndarray of shape (n_rows,)
            Likewise.
        """
        k = len(self.components)
        dtype = entries.dtype
        factors = np.zeros((entries.shape[0], k), dtype)
        bias = np.zeros(entries.shape[0], dtype)
        for draw, vectors in model.fold_in(entries, n_threads=n_threads):
            turn = draw.columns[:, :k].T @ self.components.T
            factors += vectors[:, :k] @ turn.astype(dtype)
            bias += vectors[:, k]
        share = dtype.type(model.scale / len(model.draws))
        return factors * share, bias * share
