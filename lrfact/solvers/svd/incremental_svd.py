"""A truncated SVD brought up to date with a batch of new rows."""

from dataclasses import dataclass, replace

import numpy as np

from lrfact.linalg.dense_operator import DenseOperator
from lrfact.linalg.matrix_operator import Array, MatrixOperator
from lrfact.linalg.stacked_operator import StackedOperator
from lrfact.solvers.svd.truncated_svd import truncated_svd

# A smaller sum of squares is made of numbers that may have lost all digits.
_LEAST_ENERGY = 1e-304


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

    score_scatter : ndarray of shape (r, r) or None
        Scatter matrix of the rows' coordinates on `Vt` about their means, float64; None where
        subtraction gives it to full precision, or where it is of no interest.
    """

    s: Array
    Vt: Array
    n_rows: int
    mean: Array
    energy: float
    centered_energy: float
    score_scatter: Array | None = None

    def leading(self, k: int) -> "RunningSVD":
        """Return the same rows with no more than `k` directions."""
        if k >= len(self.s):
            return self
        scatter = None if self.score_scatter is None else self.score_scatter[:k, :k].copy()
        return replace(self, s=self.s[:k].copy(), Vt=self.Vt[:k].copy(), score_scatter=scatter)

    def scatter_of_scores(self) -> Array:
        """Return the scatter matrix of the rows' coordinates, measured or else by subtraction."""
        if self.score_scatter is not None:
            return self.score_scatter
        means = self.Vt @ self.mean
        return np.diag(self.s.astype(np.float64) ** 2) - self.n_rows * np.outer(means, means)

    def variances_of_scores(self) -> Array:
        """Return the variances of the rows' coordinates, measured or else by subtraction."""
        if self.score_scatter is not None:
            return np.maximum(np.diagonal(self.score_scatter), 0) / self.n_rows
        squares = self.s.astype(np.float64) ** 2 / self.n_rows
        return np.maximum(squares - (self.Vt @ self.mean) ** 2, 0)

    def with_measured_scatter(self, centered: MatrixOperator) -> "RunningSVD":
        """Return the same with a scatter matrix that is no small difference of large numbers.

        `centered` holds the rows minus `mean`.
        """
        # One factor of two lost in each square; mostly the first direction, if any.
        squares = self.s.astype(np.float64) ** 2 / self.n_rows
        lost = np.flatnonzero(2 * self.variances_of_scores() < squares)
        if not lost.size:
            return self
        scatter = self.scatter_of_scores()
        scores = _centered_scores(centered, self.Vt[lost])
        back = centered.rmatmat(scores.astype(centered.dtype)).astype(np.float64)
        scatter[lost] = (self.Vt @ back).T
        scatter[:, lost] = scatter[lost].T
        scatter[np.ix_(lost, lost)] = scores.T @ scores
        return replace(self, score_scatter=scatter)


def _centered_scores(centered: MatrixOperator, Vt: Array) -> Array:
    """Return the coordinates of centered rows, float64, without what rounding left of a mean."""
    directions = np.ascontiguousarray(Vt.T, dtype=centered.dtype)
    scores = centered.matmat(directions).astype(np.float64)
    return scores - scores.mean(axis=0)


def centered_on_its_mean(X: MatrixOperator) -> tuple[MatrixOperator, Array, float]:
    """Center a matrix, and look at what is lost by it.

    Parameters
    ----------
    X : MatrixOperator of shape (n_rows, n_columns)
        Not centered.

    Returns
    -------
    centered : MatrixOperator
        The same without its mean.

    mean : ndarray of shape (n_columns,)
        Values in float64.

    energy : float
        Squared Frobenius norm before centering.

    Raises
    ------
    ValueError
        If the energy is more than a number of the dtype of `X` can be, or if it, or what centering
        leaves of it, is less than a number of float64 can be.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        mean, energy = X.column_means(), X.squared_norm()
    if not energy <= float(np.finfo(X.dtype).max):
        raise ValueError(
            f"entries of X are too large for their squares to be summed in {X.dtype}; divide X by "
            "its largest absolute value"
        )
    centered = X.centered(mean)
    if energy < _LEAST_ENERGY and X.largest_entry() > 0:
        raise ValueError(
            f"entries of X, at most {X.largest_entry():.3g}, are too small for their squares to be "
            "summed in float64; divide X by its largest absolute value"
        )
    if centered.squared_norm() < _LEAST_ENERGY and _differs_from(mean, centered):
        raise ValueError(
            "entries of X differ too little from the means of their columns for the squares to be "
            f"summed in float64, by at most {centered.largest_entry():.3g}; multiply X by "
            "a large number"
        )
    return centered, mean, energy


def _differs_from(mean: Array, centered: MatrixOperator) -> bool:
    """Return whether entries differ from the means of their columns by more than rounding does."""
    rounding = 8 * float(np.finfo(centered.dtype).eps) * np.abs(mean)
    return any(bool((np.abs(rows) > rounding).any()) for rows in centered.row_blocks())


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
    new rows are those of the stacked matrix ``[diag(s) Vt; X]``. When the rows are centered, both
    parts are centered on means of their own, and one row ``sqrt(n b / (n + b)) (mean_old -
    mean_new)`` accounts for the difference.

    Parameters
    ----------
    previous : RunningSVD or None
        None before the first batch.

    batch : MatrixOperator of shape (b, n_columns)
        New rows, not centered.

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
    centered_batch, mean, energy = centered_on_its_mean(batch)
    centered_energy = centered_batch.squared_norm()
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
    running = RunningSVD(result.s, result.Vt, n_old + n_new, mean, energy, centered_energy)
    if centered:
        return running
    scores = _centered_scores(centered_batch, result.Vt)
    scatter = scores.T @ scores
    if previous is not None:
        turn = result.Vt.astype(np.float64) @ previous.Vt.T
        moved = result.Vt @ step
        scatter += turn @ previous.scatter_of_scores() @ turn.T + np.outer(moved, moved)
    return replace(running, score_scatter=scatter)
