"""Implicit feedback smoothed by the leading singular vectors of its normalized matrix."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from lrfact._typing import Array
from lrfact.linalg.as_operator import as_operator
from lrfact.linalg.require_finite import require_finite
from lrfact.linalg.sign_convention import fix_signs
from lrfact.linalg.sparse_rows import column_sums, row_sums
from lrfact.solvers.svd.truncated_svd import truncated_svd

# Of the singular values: rankings do not change with a smaller one.
_ACCURACY = 1e-3


@dataclass(frozen=True)
class SpectralColumns:
    r"""Scores of all columns as a linear filter of a row.

    .. math:: x' D^{-1/2} V F V' D^{1/2}

    Attributes
    ----------
    factors : ndarray of shape (n_columns, k)
        :math:`D^{1/2} V F^{1/2}`.

    degree : ndarray of shape (n_columns,)
        Diagonal of D: sums of columns, float64.
    """

    factors: Array
    degree: NDArray[np.float64]

    def fold_in(self, entries: sparse.csr_array, *, n_threads: int) -> Array:
        """Return rows along the directions.

        Parameters
        ----------
        entries : csr_array of shape (n_rows, n_columns)
            Their positive entries.

        n_threads : int
            The digits do not depend on it.

        Returns
        -------
        ndarray of shape (n_rows, k)
            :math:`X D^{-1/2} V F^{1/2}`.
        """
        return as_operator(entries, n_threads=n_threads).matmat(
            self._projection().astype(entries.dtype, copy=False)
        )

    def contributions(self, entries: sparse.csr_array, column: int) -> Array:
        """Return what the entries of a row add to its score of a column.

        Parameters
        ----------
        entries : csr_array of shape (1, n_columns)
            The positive entries of one row.

        column : int
            Whose score.

        Returns
        -------
        ndarray of shape (nnz,)
            Contributions, which add up to the score.
        """
        of_column = self.factors[column].astype(np.float64)
        return entries.data * (self._projection()[entries.indices] @ of_column)

    def _projection(self) -> Array:
        # Of the smallest sums, inverses overflow where quotients do not.
        degree = self.degree[:, np.newaxis]
        return np.divide(self.factors, degree, out=np.zeros(self.factors.shape), where=degree > 0)


def spectral_filter(
    entries: sparse.csr_array,
    k: int,
    *,
    reg: float,
    rng: np.random.RandomState,
    n_threads: int,
) -> SpectralColumns:
    r"""Find the filter of a matrix of implicit feedback.

    .. math:: \tilde X = D_r^{-1/2} X D^{-1/2} \approx U S V', \qquad
              \min_P \|\tilde X - \tilde X P\|_F^2 + reg \, \|P\|_F^2
              \quad \text{at} \quad P = V F V', \quad F = S^2 (S^2 + reg)^{-1}

    Parameters
    ----------
    entries : csr_array of shape (n_rows, n_columns)
        Positive entries.

    k : int
        Number of singular vectors.

    reg : float
        Strength of the penalty, from 0, on the scale of the squared singular values, the first of
        which is 1.

    rng : RandomState
        Random number generator of the singular value decomposition.

    n_threads : int
        The digits do not depend on it.

    Returns
    -------
    SpectralColumns

    Notes
    -----
    The minimizer over matrices P of rank k, in closed form; its scores are turned back into the
    units of the columns. Costs a truncated singular value decomposition. Shen, Wu, Zhang et al.
    (2021), How powerful is graph convolution for recommendation?, doi:10.1145/3459637.3482264,
    where it is, without the penalty, the ideal low-pass filter of a graph.
    """
    row_degree, degree = row_sums(entries), column_sums(entries)
    require_finite(row_degree, degree)
    rows = np.repeat(np.arange(entries.shape[0]), np.diff(entries.indptr))
    values = entries.data / np.sqrt(row_degree)[rows] / np.sqrt(degree)[entries.indices]
    normalized = sparse.csr_array(
        (values.astype(entries.dtype), entries.indices, entries.indptr), entries.shape
    )
    found = truncated_svd(
        as_operator(normalized, n_threads=n_threads),
        k,
        tol=_ACCURACY,
        rng=rng,
        n_threads=n_threads,
        want_left=False,
    )
    kept = found.s.astype(np.float64) ** 2
    kept = np.divide(kept, kept + reg, out=np.zeros_like(kept), where=kept > 0)
    factors = found.Vt.T * np.sqrt(kept) * np.sqrt(degree)[:, np.newaxis]
    fix_signs(None, factors.T)
    return SpectralColumns(factors.astype(entries.dtype), degree)
