"""One low-rank model for the average of many: its leading directions, and rows along them."""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from lrfact._typing import Array
from lrfact.linalg.leading_eigenpairs import leading_eigenpairs
from lrfact.linalg.sign_convention import fix_signs
from lrfact.solvers.gibbs.factor_draws import ColumnDraw, FactorDraws

_BLOCK = 1 << 24  # numbers held at a time


@dataclass(frozen=True)
class PosteriorMeanFactors:
    r"""The average of the factor parts of draws, cut to its leading singular directions.

    .. math:: \frac{1}{D} \sum_d (W_d - 1 m_d') (V_d - 1 \bar{v}_d')' \approx W C

    with :math:`m_d` what is expected of a row and :math:`\bar{v}_d` the mean over the columns. What
    this leaves out of :math:`W_d V_d'` is the same for all columns, or for all rows, and goes to
    the biases: a row of which nothing is known has no factors and no bias.

    Attributes
    ----------
    components : ndarray of shape (k, n_columns)
        :math:`C`, orthonormal rows, those of the largest singular values first.

    column_bias : ndarray of shape (n_columns,)
        Biases of the columns relative to their mean, in the units of the data.

    intercept : float
        Expected value of an entry of an unseen row and an unseen column.
    """

    components: Array
    column_bias: Array
    intercept: float

    @classmethod
    def from_draws(
        cls,
        model: FactorDraws,
        entries: sparse.csr_array,
        weights: sparse.csr_array | None = None,
        *,
        n_threads: int,
    ) -> "PosteriorMeanFactors":
        """Find the directions for some rows.

        Parameters
        ----------
        model : FactorDraws
            Draws from the posterior distribution.

        entries : csr_array of shape (n_rows, n_columns)
            Observed entries of the rows.

        weights : csr_array of shape (n_rows, n_columns) or None, default=None
            Weights of the entries, with the same sparsity pattern; None means ones.

        n_threads : int
            The digits do not depend on it.

        Returns
        -------
        PosteriorMeanFactors

        Notes
        -----
        With V the columns of all D draws side by side, ``V = Q R``, and G the Gram matrix of their
        rows, side by side, the directions are Q times the leading eigenvectors of ``R G R'``.
        ``n_rows (D k)^2 + n_columns (D k)^2`` multiplications and additions, on top of a fold-in
        under each draw. Rows are taken in blocks.
        """
        n_rows = entries.shape[0]
        k = model.draws[0].columns.shape[1] - 1
        side_by_side = np.concatenate([_spread_of(draw)[:, :k] for draw in model.draws], axis=1)
        width = side_by_side.shape[1]
        gram = np.zeros((width, width))
        step = max(1, _BLOCK // width)
        for start in range(0, n_rows, step):
            block = slice(start, start + step)
            rows = np.concatenate(
                [
                    vectors[:, :k] - draw.prior.mean[:k].astype(vectors.dtype)
                    for draw, vectors in model.fold_in(
                        entries[block],
                        None if weights is None else weights[block],
                        n_threads=n_threads,
                    )
                ],
                axis=1,
            )
            gram += rows.T @ rows
        Q, R = np.linalg.qr(side_by_side)
        _, vectors = leading_eigenpairs((R @ gram @ R.T).astype(np.float64), k)
        components = np.ascontiguousarray((Q @ vectors.astype(Q.dtype)).T)
        fix_signs(None, components)
        biases, intercepts = [], []
        for draw in model.draws:
            mean, middle = draw.prior.mean, draw.columns.mean(axis=0, dtype=np.float64)
            spread = _spread_of(draw)
            biases.append(spread[:, k] + spread[:, :k] @ mean[:k].astype(spread.dtype))
            intercepts.append(mean[k] + middle[k] + mean[:k] @ middle[:k])
        return cls(
            components,
            np.mean(biases, axis=0) * components.dtype.type(model.scale),
            model.intercept + model.scale * float(np.mean(intercepts)),
        )

    def rows(
        self,
        model: FactorDraws,
        entries: sparse.csr_array,
        weights: sparse.csr_array | None = None,
        *,
        n_threads: int,
    ) -> tuple[Array, Array]:
        """Return rows along the directions, and their biases.

        Parameters
        ----------
        model : FactorDraws
            Draws from the posterior distribution.

        entries : csr_array of shape (n_rows, n_columns)
            Observed entries of training rows or unseen rows.

        weights : csr_array of shape (n_rows, n_columns) or None, default=None
            Weights of the entries, with the same sparsity pattern; None means ones.

        n_threads : int
            The digits do not depend on it.

        Returns
        -------
        factors : ndarray of shape (n_rows, k)
            :math:`W`, in the units of the data.

        bias : ndarray of shape (n_rows,)
            Biases of the rows.
        """
        k = len(self.components)
        dtype = entries.dtype
        factors = np.zeros((entries.shape[0], k), dtype)
        bias = np.zeros(entries.shape[0], dtype)
        for draw, vectors in model.fold_in(entries, weights, n_threads=n_threads):
            told = vectors - draw.prior.mean.astype(dtype)
            turn = _spread_of(draw)[:, :k].T @ self.components.T
            factors += told[:, :k] @ turn.astype(dtype)
            bias += told[:, k]
            bias += told[:, :k] @ draw.columns[:, :k].mean(axis=0).astype(dtype)
        share = dtype.type(model.scale / len(model.draws))
        return factors * share, bias * share


def _spread_of(draw: ColumnDraw) -> Array:
    """Columns less their mean."""
    return draw.columns - draw.columns.mean(axis=0)
