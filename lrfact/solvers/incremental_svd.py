"""A truncated SVD brought up to date with a batch of new rows."""

from dataclasses import dataclass, replace

import numpy as np

from lrfact.linalg.dense_operator import DenseOperator
from lrfact.linalg.matrix_operator import Array, MatrixOperator
from lrfact.linalg.stacked_operator import StackedOperator
from lrfact.solvers.truncated_svd import truncated_svd


@dataclass(frozen=True)
class RunningSVD:
    """What is kept of all rows seen so far.

    Attributes
    ----------
    s : ndarray of shape (r,)
        Leading singular values, of the rows or of the rows minus `mean`.

    Vt : ndarray of shape (r, n_columns)
        Right singular vectors.

    n_rows : int
        Rows seen.

    mean : ndarray of shape (n_columns,)
        Exact mean of the rows seen, float64.

    energy : float
        Exact squared Frobenius norm of the rows.

    centered_energy : float
        The same of the rows minus `mean`.
    """

    s: Array
    Vt: Array
    n_rows: int
    mean: Array
    energy: float
    centered_energy: float

    def leading(self, k: int) -> "RunningSVD":
        """Return the same rows with no more than `k` directions."""
        if k >= len(self.s):
            return self
        return replace(self, s=self.s[:k].copy(), Vt=self.Vt[:k].copy())


def update_svd(
    previous: RunningSVD | None,
    batch: MatrixOperator,
    *,
    n_retained: int,
    centered: bool,
    rng: np.random.RandomState,
) -> RunningSVD:
    """Merge a batch of any number of rows into a truncated SVD.

    With the old rows standing in as ``diag(s) Vt``, the leading right singular vectors of old and
    new rows are those of the stacked matrix ``[diag(s) Vt; X]``. When the rows are centred, both
    parts are centred on means of their own, and one row ``sqrt(n b / (n + b)) (mean_old -
    mean_new)`` accounts for the difference.

    Parameters
    ----------
    previous : RunningSVD or None
        None before the first batch.

    batch : MatrixOperator of shape (b, n_columns)
        New rows, not centred.

    n_retained : int
        Directions to keep. Means and energies are exact; the directions are, as long as the rows
        seen have no higher rank than this.

    centered : bool
        Whether to factorize the rows minus their mean.

    rng : RandomState
        Source of random starts.

    Returns
    -------
    RunningSVD

    Notes
    -----
    Ross, Lim, Lin and Yang (2008), doi:10.1007/s11263-007-0075-7. Costs a truncated SVD of a matrix
    of r + b rows; the batch is never made dense.
    """
    n_new = batch.shape[0]
    mean = batch.column_means()
    centered_batch = batch.centered(mean)
    energy, centered_energy = batch.squared_norm(), centered_batch.squared_norm()
    n_old = 0 if previous is None else previous.n_rows
    parts = [centered_batch if centered else batch]
    if previous is not None:
        n_total = n_old + n_new
        parts.append(DenseOperator(previous.s[:, np.newaxis] * previous.Vt))
        difference = previous.mean - mean
        step = np.sqrt(n_old * n_new / n_total) * difference
        if centered:
            parts.append(DenseOperator(step[np.newaxis].astype(batch.dtype)))
        energy += previous.energy
        centered_energy += previous.centered_energy + float(step @ step)
        mean = mean + difference * (n_old / n_total)
    stacked = StackedOperator(parts)
    k = min(n_retained, *stacked.shape, n_old + n_new)
    # Tight: what is lost in one batch is never found again in a later one.
    result = truncated_svd(stacked, k, tol=1e-10, rng=rng, want_left=False)
    return RunningSVD(result.s, result.Vt, n_old + n_new, mean, energy, centered_energy)
