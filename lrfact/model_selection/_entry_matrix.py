"""An incomplete matrix as its observed entries, and subsets of these in the input format."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from scipy import sparse

from lrfact._typing import Array
from lrfact.checks._matrix_input import validated_matrix
from lrfact.checks._observed_entries import observed_entries
from lrfact.linalg.sparse_rows import some_entries


@dataclass(frozen=True, eq=False)
class EntryMatrix:
    """The observed entries of a matrix, and its original format.

    Attributes
    ----------
    entries : csr_array of shape (n_rows, n_columns)
        The observed entries, sorted within rows, without duplicates.

    source : {ndarray, DataFrame, sparse matrix}
        The original matrix.

    missing_values : float
        Placeholder for missing entries of dense input.
    """

    entries: sparse.csr_array
    source: Any
    missing_values: float

    @classmethod
    def from_input(
        cls, X: Any, *, missing_values: float, owner: str, zero_is_absent: bool = False
    ) -> Self:
        """Read the observed entries of an incomplete matrix.

        Parameters
        ----------
        X : {array-like, DataFrame, sparse matrix} of shape (n_rows, n_columns)
            Incomplete matrix, as accepted by `observed_entries`.

        missing_values : float
            Placeholder for missing entries of dense input.

        owner : str
            Name of the caller, for error messages.

        zero_is_absent : bool, default=False
            Whether stored zeros are not entries and the values of repeated entries are added, as
            for implicit feedback.

        Returns
        -------
        EntryMatrix
        """
        if zero_is_absent and sparse.issparse(X):
            X = _without_zeros(X, owner)
        entries = observed_entries(
            owner, X, missing_values=missing_values, reset=False, ensure_min_samples=1
        )
        return cls(entries, X, missing_values)

    @property
    def row_of_entry(self) -> npt.NDArray[np.intp]:
        """Row of each entry."""
        n_rows = self.entries.shape[0]
        return np.repeat(np.arange(n_rows, dtype=np.intp), np.diff(self.entries.indptr))

    def entries_where(self, chosen: npt.NDArray[np.bool_]) -> sparse.csr_array:
        """Return some of the entries.

        Parameters
        ----------
        chosen : ndarray of bool, shape (nnz,)
            Mask of the selected entries.

        Returns
        -------
        csr_array of shape (n_rows, n_columns)
        """
        return some_entries(self.entries, chosen)

    def part(self, chosen: npt.NDArray[np.bool_]) -> Any:
        """Return some of the entries in the format of the source; all others are missing.

        Parameters
        ----------
        chosen : ndarray of bool, shape (nnz,)
            Mask of the selected entries.

        Returns
        -------
        {ndarray, DataFrame, csr_array, csr_matrix} of shape (n_rows, n_columns)
            float32 or float64. A DataFrame keeps its index and columns, a sparse matrix its
            interface, array or matrix.
        """
        entries = self.entries_where(chosen)
        if sparse.issparse(self.source):
            is_array = isinstance(self.source, sparse.sparray)
            return entries if is_array else sparse.csr_matrix(entries)
        filled = np.full(entries.shape, self.missing_values, dtype=entries.dtype)
        filled[self.row_of_entry[chosen], entries.indices] = entries.data
        return self._labelled(filled)

    def _labelled(self, filled: Array) -> Any:
        source = self.source
        if hasattr(source, "iloc"):  # pandas
            return type(source)(filled, index=source.index, columns=source.columns)
        if hasattr(source, "column_names"):  # pyarrow
            return type(source).from_arrays(list(filled.T), names=source.column_names)
        if hasattr(source, "columns"):  # polars
            return type(source)(filled, schema=list(source.columns))
        return filled


def _without_zeros(X: Any, owner: str) -> Any:
    """Return a CSR matrix with repeated entries added and zeros removed."""
    options = {"accept_sparse": "csr", "dtype": [np.float64, np.float32]}
    rows = sparse.csr_array(validated_matrix(owner, X, reset=False, **options), copy=True)
    rows.sum_duplicates()
    rows.eliminate_zeros()
    return rows if isinstance(X, sparse.sparray) else sparse.csr_matrix(rows)
