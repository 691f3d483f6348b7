"""Drift of added documents: their explained energy compared with the expected one."""

from dataclasses import dataclass, replace

import numpy as np

from lrfact.linalg.matrix_operator import Array, MatrixOperator

_ROWS = 2**13  # at a time


@dataclass(frozen=True)
class DriftEstimate:
    r"""Mean fraction of the energy of documents in each component, :math:`(a' v_j)^2 / \|a\|^2`.

    Attributes
    ----------
    expected : ndarray of shape (k,)
        Expected fractions for unseen documents like those of the fit; see `expected_share`.

    of_added : ndarray of shape (k,)
        Sum of the fractions over the documents added after the fit.

    n_added : int
        Number of added documents, excluding those without a known word.
    """

    expected: Array
    of_added: Array
    n_added: int

    def leading(self, k: int) -> "DriftEstimate":
        """Return the estimate for the first k components."""
        return replace(self, expected=self.expected[:k], of_added=self.of_added[:k])

    def with_added(self, A: MatrixOperator, s: Array, Vt: Array) -> "DriftEstimate":
        """Return the estimate with added documents A, which components were not fitted on."""
        of_added, n_added = _summed(A, s, Vt, left_out=False)
        return replace(self, of_added=self.of_added + of_added, n_added=self.n_added + n_added)

    @property
    def drift(self) -> float:
        """Relative decrease of the explained fraction below the expected one, 0 to 1."""
        expected = float(self.expected.sum())
        if self.n_added == 0 or expected == 0:
            return 0.0
        return float(np.clip(1 - self.of_added.sum() / (self.n_added * expected), 0, 1))


def expected_share(A: MatrixOperator, s: Array, Vt: Array) -> DriftEstimate:
    r"""Estimate the fraction of energy that components explain of unseen documents.

    The fraction is larger for the documents of the fit. Component j is the sum
    :math:`v_j = \sum_i u_{ij} a_i / s_j`; if document i is left out of that sum, its
    coordinate is

    .. math:: a_i' v_j^{(-i)} = \frac{u_{ij} (s_j^2 - \|a_i\|^2)}
              {\|s_j v_j - u_{ij} a_i\|}

    or 0 if the sign would change. This neglects that the :math:`u_{ij}` of the other documents
    would change as well. On halves of three collections, with 30 to 200 components, the estimate
    was 0.7 to 0.9 of the fraction that the components of one half explained of the other half; the
    fraction that they explained of their own half was 1.4 to 2.8 times as much.

    Parameters
    ----------
    A : MatrixOperator of shape (n_documents, n_terms)
        Document-term matrix.

    s : ndarray of shape (k,)
        Leading singular values of the matrix.

    Vt : ndarray of shape (k, n_terms)
        Leading right singular vectors of the matrix.

    Returns
    -------
    DriftEstimate
        The estimate, without any added documents.

    Notes
    -----
    The cost is a product of `A` with k vectors, and O(k) operations for each document.
    """
    sums, n_documents = _summed(A, s, Vt, left_out=True)
    return DriftEstimate(sums / max(n_documents, 1), np.zeros(len(s)), 0)


def _summed(A: MatrixOperator, s: Array, Vt: Array, *, left_out: bool) -> tuple[Array, int]:
    """Return the sum over documents of the energy fraction of each component, and their number."""
    W = A.matmat(np.ascontiguousarray(Vt.T, dtype=A.dtype))
    energies = A.row_energies()
    sums: Array = np.zeros(len(s))
    n_documents = 0
    for start in range(0, len(W), _ROWS):
        of_block = energies[start : start + _ROWS]
        is_nonzero = of_block > 0
        e = of_block[is_nonzero, np.newaxis]
        along: Array = W[start : start + _ROWS][is_nonzero].astype(np.float64)
        if left_out:
            along = _left_out(along, e, s.astype(np.float64))
        sums += (along**2 / e).sum(axis=0)
        n_documents += len(e)
    return sums, n_documents


def _left_out(W: Array, energies: Array, s: Array) -> Array:
    """Return coordinates of documents, each left out of the components it is projected on."""
    present = s > 0
    u = np.divide(W, s, out=np.zeros_like(W), where=present)
    ratio = np.divide(energies, s**2, out=np.ones_like(W), where=present)
    # Squared length of a component without the document: 0 if it consisted of it alone.
    left = np.maximum(1 - 2 * u**2 + u**2 * ratio, 0)
    own = W * np.clip(1 - ratio, 0, None)
    few_digits = left < np.finfo(np.float32).eps
    return np.where(few_digits, 0, own / np.sqrt(np.where(few_digits, 1, left)))
