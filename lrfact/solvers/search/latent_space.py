"""Latent space of a document-term matrix, and coordinates of documents and terms in it."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from lrfact.linalg.as_operator import as_operator
from lrfact.linalg.dense_operator import DenseOperator
from lrfact.linalg.matrix_operator import Array, MatrixOperator
from lrfact.linalg.residual_operator import ResidualOperator
from lrfact.linalg.stacked_operator import StackedOperator
from lrfact.solvers.svd.truncated_svd import truncated_svd

# Number of stored entries that take the time of computing the loadings of one term.
_FEW_ENTRIES = 4


@dataclass(frozen=True)
class TermMasses:
    """Column masses of correspondence analysis: relative frequencies of the terms.

    Attributes
    ----------
    of_terms : ndarray of shape (n_terms,)
        Relative frequencies in float64, with the sum 1.

    total : float
        Sum of the matrix.
    """

    of_terms: Array
    total: float

    @property
    def factors(self) -> Array:
        """Reciprocal square roots of the masses, and 0 for a term with mass 0."""
        root = np.sqrt(self.of_terms)
        return np.divide(1, root, out=np.zeros_like(root), where=root > 0)

    def sums_of_rows(self, A: csr_array) -> Array:
        """Return the sums of documents over the terms with a positive mass."""
        return np.asarray(A.astype(np.float64) @ (self.of_terms > 0).astype(np.float64))


def term_masses(A: csr_array) -> TermMasses:
    """Return the column masses of a nonnegative matrix."""
    sums = np.bincount(A.indices, weights=A.data.astype(np.float64), minlength=A.shape[1])
    total = float(sums.sum())
    return TermMasses(sums / (total or 1.0), total or 1.0)


@dataclass(frozen=True)
class LatentSpace:
    r"""Leading right singular vectors of a document-term matrix.

    A document a has the coordinates :math:`a V S^{p-1}`, so that those of the fit are the rows of
    :math:`U S^p`. In correspondence analysis a is divided by its sum and by the square roots of
    `masses` first.

    Attributes
    ----------
    s : ndarray of shape (k,)
        Singular values in descending order.

    Vt : ndarray of shape (k, n_terms)
        Right singular vectors in rows.

    sigma_power : float
        Exponent p of the singular values in coordinates.

    masses : TermMasses or None
        Column masses, or None without correspondence analysis.
    """

    s: Array
    Vt: Array
    sigma_power: float = 1.0
    masses: TermMasses | None = None

    def without(self, terms: NDArray[np.bool_]) -> "LatentSpace":
        """Return the same space with exact zeros for terms that no document has.

        A solver leaves rounding errors there, which would otherwise be the loadings of such terms.
        """
        return replace(self, Vt=np.where(terms, self.Vt.dtype.type(0), self.Vt))

    def leading(self, k: int) -> "LatentSpace":
        """Return the space of the first k components."""
        return replace(self, s=self.s[:k].copy(), Vt=self.Vt[:k].copy())

    @property
    def stretch(self) -> Array:
        """Factors ``s ** (sigma_power - 1)``, 0 for components beyond the rank of the matrix."""
        s = self.s.astype(np.float64)
        present = s > s.max(initial=0) * np.finfo(self.s.dtype).eps * max(self.Vt.shape)
        return np.power(s, self.sigma_power - 1, out=np.zeros_like(s), where=present)

    def loadings(self, terms: NDArray[np.integer] | slice = slice(None)) -> Array:
        """Return the matrix that maps documents to coordinates, of shape (n_terms, k).

        Parameters
        ----------
        terms : ndarray of int or slice, default=slice(None)
            Terms to select.

        Returns
        -------
        ndarray of shape (n_selected, k)
            Loadings of the selected terms.
        """
        loadings = self.Vt[:, terms].T * self.stretch
        if self.masses is not None:
            loadings *= self.masses.factors[terms, np.newaxis]
        return np.ascontiguousarray(loadings, dtype=self.Vt.dtype)

    @property
    def term_coordinates(self) -> Array:
        """Coordinates of the terms in the latent space, ndarray of shape (n_terms, k)."""
        coordinates = self.Vt.T * self.s
        if self.masses is not None:
            coordinates = coordinates * self.masses.factors[:, np.newaxis]
        return np.ascontiguousarray(coordinates, dtype=self.Vt.dtype)

    def coordinates(self, A: Any, *, n_threads: int = 1) -> Array:
        """Return the coordinates of documents (fold-in).

        Parameters
        ----------
        A : csr_array or ndarray of shape (n_documents, n_terms)
            Documents in float32 or float64; a csr_array in correspondence analysis.

        n_threads : int, default=1
            Number of threads. The result does not depend on it.

        Returns
        -------
        ndarray of shape (n_documents, k)
            Coordinates in the dtype of `A`. They are 0 for a document without a known term.
        """
        terms: Any = slice(None)
        sums = None if self.masses is None else self.masses.sums_of_rows(A)[:, np.newaxis]
        if isinstance(A, csr_array) and _FEW_ENTRIES * A.nnz < A.shape[1]:
            # A query has few words, so the loadings of all terms would be slower to compute.
            terms, places = np.unique(A.indices, return_inverse=True)
            places = places.astype(A.indices.dtype, copy=False)
            A = csr_array((A.data, places, A.indptr), shape=(A.shape[0], max(len(terms), 1)))
            terms = terms if len(terms) else slice(1)
        operator = as_operator(A, n_threads=n_threads)
        found = operator.matmat(self.loadings(terms).astype(operator.dtype, copy=False))
        if sums is not None:
            found = np.divide(found, sums, out=np.zeros_like(found), where=sums > 0)
        return found

    def moved_from(self, old: "LatentSpace") -> Array:
        """Return the matrix that maps coordinates in `old` to coordinates in this space."""
        back = np.divide(1, old.stretch, out=np.zeros(len(old.s)), where=old.stretch > 0)
        V_old, V_new = old.Vt.astype(np.float64), self.Vt.astype(np.float64)
        return back[:, np.newaxis] * (V_old @ V_new.T) * self.stretch


def decomposed(A: Any, masses: TermMasses | None, *, n_threads: int = 1) -> MatrixOperator:
    r"""Return the matrix whose singular vectors span the latent space.

    That is `A` itself, or in correspondence analysis the residuals of independence,

    .. math:: S_{ij} = \frac{a_{ij} / N - r_i c_j}{\sqrt{r_i c_j}}

    with r and c the row and column sums divided by the total N.

    Parameters
    ----------
    A : csr_array or ndarray of shape (n_documents, n_terms)
        Documents; a nonnegative csr_array in correspondence analysis.

    masses : TermMasses or None
        Column masses c and total N, or None without correspondence analysis.

    n_threads : int, default=1
        Number of threads for matrix products.

    Returns
    -------
    MatrixOperator
        The matrix to decompose.
    """
    if masses is None:
        return as_operator(A, n_threads=n_threads)
    row_masses = masses.sums_of_rows(A) / masses.total
    root = np.sqrt(row_masses)
    row_factors = np.divide(1, root, out=np.zeros_like(root), where=root > 0)
    values = A.data * masses.factors[A.indices] / masses.total
    values *= np.repeat(row_factors, np.diff(A.indptr))
    S = csr_array((values.astype(A.dtype), A.indices, A.indptr), shape=A.shape)
    return ResidualOperator(as_operator(S, n_threads=n_threads), root, np.sqrt(masses.of_terms))


def merged(
    space: LatentSpace, batch: MatrixOperator, *, tol: float, rng: np.random.RandomState
) -> LatentSpace:
    """Update the latent space with a batch of further documents (SVD updating).

    The old documents are represented by ``diag(s) Vt``, and the components are the leading right
    singular vectors of ``[batch; diag(s) Vt]``. They are those of all documents if the rank of the
    old documents is at most k (Zha and Simon, 1999, doi:10.1137/S1064827597329266).

    Parameters
    ----------
    space : LatentSpace
        Latent space of the old documents, whose masses are kept.

    batch : MatrixOperator of shape (n_documents, n_terms)
        Further documents, as returned by `decomposed`.

    tol : float
        Requested relative error of each singular value.

    rng : RandomState
        Generator for the random initialization of the solver.

    Returns
    -------
    LatentSpace
        The updated space, with the same number of components.
    """
    old = DenseOperator((space.s[:, np.newaxis] * space.Vt).astype(batch.dtype, copy=False))
    stacked = StackedOperator([batch, old])
    result = truncated_svd(stacked, len(space.s), tol=tol, rng=rng, want_left=False)
    return replace(space, s=result.s, Vt=result.Vt)
