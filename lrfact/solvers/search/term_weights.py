"""Term weighting: local weights of counts, and global weights of terms."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from lrfact._typing import Array

SCHEMES = ("bm25", "log-entropy", "tf-idf")


@dataclass(frozen=True)
class TermWeights:
    """Global term weights of a collection, and the formula of the local weights.

    Attributes
    ----------
    scheme : {"bm25", "log-entropy", "tf-idf"}
        Weighting formula; see `fit_term_weights`.

    of_terms : ndarray of shape (n_terms,)
        Global weights of the terms in float64.

    mean_length : float
        Mean sum of counts of a document; 1 for a collection without any word.

    k1, b : float
        Saturation constant and degree of document length normalization of "bm25".
    """

    scheme: str
    of_terms: Array
    mean_length: float
    k1: float
    b: float

    def weigh(self, counts: csr_array) -> csr_array:
        """Return the term weights of documents, with the dtype and sparsity pattern of `counts`.

        Raises
        ------
        ValueError
            If a weight is too large for the dtype.
        """
        values = counts.data.astype(np.float64)
        with np.errstate(over="ignore", invalid="ignore"):
            if self.scheme == "log-entropy":
                values = np.log1p(values)
            elif self.scheme == "bm25":
                lengths = _row_sums(counts) / self.mean_length
                damping = np.repeat(
                    self.k1 * (1 - self.b + self.b * lengths), np.diff(counts.indptr)
                )
                total = values + damping
                # The total is 0 for a stored zero in an empty document, or with k1 = 0.
                values = np.divide(
                    values * (self.k1 + 1), total, out=np.zeros_like(values), where=total > 0
                )
            values *= self.of_terms[counts.indices]
            weights = values.astype(counts.dtype)
        if not np.isfinite(weights).all():
            advice = f"lower k1={self.k1:g}" if self.scheme == "bm25" else "divide X by its maximum"
            raise ValueError(f"weights of terms are too large for {counts.dtype}; {advice}")
        return csr_array((weights, counts.indices, counts.indptr), shape=counts.shape)


def fit_term_weights(counts: csr_array, scheme: str, *, k1: float, b: float) -> TermWeights:
    r"""Fit the global term weights of a collection.

    With :math:`f_{ij}` the count of term j in document i of n, :math:`n_j` the number of documents
    that contain it and :math:`l_i` the length of a document divided by the mean length, the weights
    are

    - "bm25": :math:`\frac{(k_1 + 1) f_{ij}}{f_{ij} + k_1 (1 - b + b\, l_i)}
      \log\Big(1 + \frac{n - n_j + 1/2}{n_j + 1/2}\Big)`,
    - "log-entropy": :math:`\log(1 + f_{ij}) \Big(1 + \frac{1}{\log n} \sum_i p_{ij} \log p_{ij}
      \Big)`, :math:`p_{ij} = f_{ij} / \sum_i f_{ij}`,
    - "tf-idf": :math:`f_{ij} \Big(1 + \log \frac{1 + n}{1 + n_j}\Big)`.

    Parameters
    ----------
    counts : csr_array or csr_matrix of shape (n_documents, n_terms)
        Nonnegative counts without duplicate entries.

    scheme : {"bm25", "log-entropy", "tf-idf"}
        Weighting formula.

    k1, b : float
        Constants of "bm25"; not used by the other formulas.

    Returns
    -------
    TermWeights
        The fitted weights.
    """
    n, n_terms = counts.shape
    values = counts.data.astype(np.float64)
    n_with = np.bincount(counts.indices[values > 0], minlength=n_terms)
    if scheme == "bm25":
        of_terms = np.log1p((n - n_with + 0.5) / (n_with + 0.5))
    elif scheme == "tf-idf":
        of_terms = 1 + np.log((1 + n) / (1 + n_with))
    else:
        total = np.bincount(counts.indices, weights=values, minlength=n_terms)
        # Divided first, as the product of two tiny numbers may underflow.
        p = values / np.where(total > 0, total, 1)[counts.indices]
        p_log_p = p * np.log(np.where(p > 0, p, 1))
        entropy = -np.bincount(counts.indices, weights=p_log_p, minlength=n_terms)
        # The entropy of a term is not informative with a single document.
        of_terms = np.clip(1 - entropy / np.log(n), 0, 1) if n > 1 else np.ones(n_terms)
    mean_length = float(values.sum() / n)
    return TermWeights(scheme, of_terms, mean_length if mean_length > 0 else 1.0, k1, b)


def _row_sums(counts: csr_array) -> Array:
    rows = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    values = counts.data.astype(np.float64)
    return np.bincount(rows, weights=values, minlength=counts.shape[0]).astype(np.float64)
