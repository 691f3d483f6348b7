"""Features of rows from which of their columns are observed, whatever the values."""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from lrfact._typing import Array
from lrfact.linalg.as_operator import as_operator
from lrfact.linalg.sign_convention import fix_signs
from lrfact.solvers.gibbs.orthogonal_features import orthogonal_turn
from lrfact.solvers.svd.truncated_svd import truncated_svd

_ACCURACY = 1e-2  # of the singular values: features are read, not reported


@dataclass(frozen=True)
class PatternFeatures:
    r"""Principal components of the pattern of a matrix with holes.

    .. math:: f_i = V' (n_i^{-1/2} o_i - m)

    where :math:`o_i` is 1 where row i is observed, else 0, and :math:`n_i` its number of entries. A
    regression on them is what SVD++ adds to a row: the sum of a vector for each column that it
    has, over the root of their number; here the vectors lie in few dimensions.

    Attributes
    ----------
    loadings : ndarray of shape (n_columns, r)
        :math:`V`, orthonormal; features of the rows that they were learnt from are orthogonal.

    offset : ndarray of shape (r,)
        :math:`V' m`.
    """

    loadings: Array
    offset: Array

    @classmethod
    def none(cls, n_columns: int, dtype: np.dtype) -> "PatternFeatures":
        """Return no features at all."""
        return cls(np.zeros((n_columns, 0), dtype), np.zeros(0, dtype))

    @classmethod
    def from_entries(
        cls, entries: sparse.csr_array, n_features: int, *, n_threads: int
    ) -> "PatternFeatures":
        """Learn the components.

        Parameters
        ----------
        entries : csr_array of shape (n_rows, n_columns)
            The observed entries; their values do not matter.

        n_features : int
            Maximum number.

        n_threads : int
            Threads of the products.

        Returns
        -------
        PatternFeatures
            None for a matrix without holes.

        References
        ----------
        Koren (2008), doi:10.1145/1401890.1401944, for SVD++.
        """
        pattern = _normalized(entries)
        k = min(n_features, *(n - 1 for n in entries.shape))
        if k < 1:
            return cls.none(entries.shape[1], entries.dtype)
        A = as_operator(pattern, n_threads=n_threads)
        mean = A.column_means()
        found = truncated_svd(
            A.centered(mean),
            k,
            tol=_ACCURACY,
            rng=np.random.RandomState(0),
            n_threads=n_threads,
            want_left=False,
        )
        loadings = found.Vt.T
        features = cls(loadings, mean.astype(loadings.dtype) @ loadings)(entries)
        # Turned, as the components are not exact, so that features of these rows are orthogonal.
        loadings = np.ascontiguousarray(loadings @ orthogonal_turn(features))
        # One sign each, whatever rounding led to, or a chain would go another way.
        fix_signs(None, loadings.T)
        return cls(loadings, mean.astype(loadings.dtype) @ loadings)

    def __call__(self, entries: sparse.csr_array) -> Array:
        """Return the features of rows, known or new.

        Parameters
        ----------
        entries : csr_array of shape (n_rows, n_columns)
            The observed entries.

        Returns
        -------
        ndarray of shape (n_rows, r)
            Features of the rows; those of the mean pattern, zeros, for rows without entries.
        """
        features = _normalized(entries) @ self.loadings.astype(entries.dtype)
        features -= self.offset.astype(features.dtype)
        features[np.diff(entries.indptr) == 0] = 0
        return features


def _normalized(entries: sparse.csr_array) -> sparse.csr_array:
    lengths = np.diff(entries.indptr)
    values = np.repeat(1 / np.sqrt(np.maximum(lengths, 1)), lengths).astype(entries.dtype)
    return sparse.csr_array((values, entries.indices, entries.indptr), entries.shape)
