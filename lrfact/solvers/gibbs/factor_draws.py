"""A Bayesian factorization as a set of draws: each folds rows in, predictions are averages."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from lrfact._memory import require_dense
from lrfact._typing import Array
from lrfact.solvers.gibbs.feature_link import FeatureLink
from lrfact.solvers.gibbs.normal_prior import NormalPrior
from lrfact.solvers.gibbs.pattern_features import PatternFeatures
from lrfact.solvers.gibbs.prior_regressions import PriorRegressions

_BLOCK = 1 << 22  # numbers held at a time


@dataclass(frozen=True)
class ColumnDraw:
    """One draw from the posterior, all but its rows.

    Attributes
    ----------
    columns : ndarray of shape (n_columns, k + 1)
        Factors, the bias last.

    prior : NormalPrior
        Prior of the rows.

    link : FeatureLink
        Link from the features of rows.

    noise : float
        Standard deviation of an entry.

    perturbation : ndarray of shape (k + 1,)
        Standard normal numbers. They turn the posterior mean of any row into a draw, the same
        whichever rows are asked for along with it.
    """

    columns: Array
    prior: NormalPrior
    link: FeatureLink
    noise: float
    perturbation: Array


@dataclass(frozen=True)
class FactorDraws:
    """Draws from the posterior of a factorization, and the units of the data.

    Attributes
    ----------
    draws : tuple of ColumnDraw
        At least one.

    pattern : PatternFeatures
        Features of rows.

    intercept, scale : float
        An entry is ``intercept + scale * y`` with y what the draws predict.
    """

    draws: tuple[ColumnDraw, ...]
    pattern: PatternFeatures
    intercept: float
    scale: float

    @property
    def noise(self) -> float:
        """Standard deviation of an entry given all parameters, in units of the draws."""
        return float(np.sqrt(np.mean([draw.noise**2 for draw in self.draws])))

    def standardize(self, entries: sparse.csr_array) -> sparse.csr_array:
        """Return entries in the units of the draws.

        Parameters
        ----------
        entries : csr_array of shape (n_rows, n_columns)
            In the units of the data.

        Returns
        -------
        csr_array of shape (n_rows, n_columns)
        """
        values = (entries.data - self.intercept) / self.scale
        return sparse.csr_array(
            (values.astype(entries.dtype), entries.indices, entries.indptr), entries.shape
        )

    def fold_in(
        self,
        entries: sparse.csr_array,
        weights: sparse.csr_array | None = None,
        *,
        n_threads: int,
        perturbed: bool = False,
    ) -> Iterator[tuple[ColumnDraw, Array]]:
        """Yield each draw with the vectors of some rows under it.

        Parameters
        ----------
        entries : csr_array of shape (n_rows, n_columns)
            Their observed entries, in the units of the data.

        weights : csr_array of shape (n_rows, n_columns) or None, default=None
            Weights of the entries, with the same sparsity pattern; None means ones.

        n_threads : int
            The digits do not depend on it.

        perturbed : bool, default=False
            Whether vectors are draws from their posterior, instead of its mean.

        Yields
        ------
        draw : ColumnDraw
            One of the draws.

        vectors : ndarray of shape (n_rows, k + 1)
            Factors, the bias last, in units of the draws.
        """
        for draw, regressions in self._regressions(entries, n_threads, weights):
            perturbation = None
            if perturbed:
                shape = regressions.expected.shape
                perturbation = np.broadcast_to(draw.perturbation.astype(entries.dtype), shape)
            yield draw, regressions.solve(perturbation).solution

    def leave_one_out(self, entries: sparse.csr_array, *, n_threads: int) -> Array:
        """Return each entry less its mean prediction from the other entries of its row.

        Parameters
        ----------
        entries : csr_array of shape (n_rows, n_columns)
            Observed entries of some rows. The features of rows are computed from all their entries.

        n_threads : int
            The digits do not depend on it.

        Returns
        -------
        ndarray of shape (nnz,)
            In the units of the data.
        """
        residuals = np.zeros(entries.nnz)
        for _, regressions in self._regressions(entries, n_threads):
            residuals += regressions.leave_one_out()
        return residuals * (self.scale / len(self.draws))

    def predict(self, entries: sparse.csr_array, *, n_threads: int) -> Array:
        """Return the mean prediction of all entries of rows.

        Parameters
        ----------
        entries : csr_array of shape (n_rows, n_columns)
            Observed entries of the rows.

        n_threads : int
            The digits do not depend on it.

        Returns
        -------
        ndarray of shape (n_rows, n_columns)
        """
        require_dense(entries.shape, entries.dtype, "pass fewer rows at a time", n_copies=2)
        total = np.zeros(entries.shape, entries.dtype)
        for draw, rows in self.fold_in(entries, n_threads=n_threads):
            total += _products(rows, draw.columns)
        total *= self.scale / len(self.draws)
        total += self.intercept
        return total

    def spread(self, entries: sparse.csr_array, mean: Array, *, n_threads: int) -> Array:
        """Return the standard deviation of entries about their mean prediction.

        Parameters
        ----------
        entries : csr_array of shape (n_rows, n_columns)
            Observed entries of the rows.

        mean : ndarray of shape (n_rows, n_columns)
            Predictions, as returned by `predict`.

        n_threads : int
            The digits do not depend on it.

        Returns
        -------
        ndarray of shape (n_rows, n_columns)
            Standard deviation of a new observation, due to the noise and the uncertainty of row and
            column.
        """
        total = np.full(entries.shape, self.noise**2, entries.dtype)
        center = (mean - self.intercept) / self.scale
        for draw, rows in self.fold_in(entries, n_threads=n_threads, perturbed=True):
            total += (_products(rows, draw.columns) - center) ** 2 / len(self.draws)
        return np.sqrt(total, out=total) * entries.dtype.type(self.scale)

    def predict_entries(
        self,
        entries: sparse.csr_array,
        rows: NDArray[np.integer],
        columns: NDArray[np.integer],
        weights: sparse.csr_array | None = None,
        *,
        n_threads: int,
        with_spread: bool = False,
    ) -> tuple[Array, Array | None]:
        """Return mean and standard deviation of single entries.

        Parameters
        ----------
        entries : csr_array of shape (n_rows, n_columns)
            Observed entries of the rows.

        rows, columns : ndarray of int, shape (n,)
            Row and column indices of the entries.

        weights : csr_array of shape (n_rows, n_columns) or None, default=None
            Weights of the entries, with the same sparsity pattern; None means ones.

        n_threads : int
            The digits do not depend on it.

        with_spread : bool, default=False
            Whether standard deviations are asked for.

        Returns
        -------
        mean : ndarray of shape (n,)
            Predicted values.

        spread : ndarray of shape (n,) or None
            Standard deviations, as returned by the method `spread`.
        """
        asked, places = np.unique(rows, return_inverse=True)
        known = entries[asked], None if weights is None else weights[asked]
        mean = np.zeros(len(rows), entries.dtype)
        for draw, vectors in self.fold_in(*known, n_threads=n_threads):
            mean += _entries_of(vectors, draw.columns, places, columns)
        mean /= len(self.draws)
        spread = None
        if with_spread:
            spread = np.full(len(rows), self.noise**2, entries.dtype)
            for draw, vectors in self.fold_in(*known, n_threads=n_threads, perturbed=True):
                told = _entries_of(vectors, draw.columns, places, columns)
                spread += (told - mean) ** 2 / len(self.draws)
            spread = np.sqrt(spread) * entries.dtype.type(self.scale)
        mean *= self.scale
        mean += self.intercept
        return mean, spread

    def contributions(self, entries: sparse.csr_array, column: int) -> tuple[float, Array]:
        """Return what the entries of a row add to the mean prediction of a column.

        Parameters
        ----------
        entries : csr_array of shape (1, n_columns)
            The observed entries of one row.

        column : int
            Index of the predicted column.

        Returns
        -------
        baseline : float
            The prediction if every entry was what is expected of it, in the units of the data.

        contributions : ndarray of shape (nnz,)
            Contribution of each entry.
        """
        baseline, total = 0.0, np.zeros(entries.nnz)
        observed = entries.indices
        for draw, regressions in self._regressions(entries.astype(np.float64), 1):
            center = draw.prior.mean + regressions.expected[0]
            design = regressions.columns.copy()
            bias, design[:, -1] = regressions.columns[:, -1], 1
            D = design[observed]
            precision = draw.prior.root @ draw.prior.root.T
            A = D.T @ D + draw.noise**2 * precision
            surprise = regressions.entries.data - bias[observed] - D @ center
            total += (D @ np.linalg.solve(A, design[column])) * surprise
            baseline += float(bias[column] + design[column] @ center)
        share = self.scale / len(self.draws)
        return self.intercept + share * baseline, share * total

    def _regressions(
        self, entries: sparse.csr_array, n_threads: int, weights: sparse.csr_array | None = None
    ) -> Iterator[tuple[ColumnDraw, PriorRegressions]]:
        of_draws = self.standardize(entries)
        features = self.pattern(entries)
        of_entries = None if weights is None else weights.data
        for draw in self.draws:
            columns = draw.columns.astype(entries.dtype, copy=False)
            expected = draw.link.expected(features)
            yield (
                draw,
                PriorRegressions(
                    of_draws, columns, expected, draw.prior, draw.noise, n_threads, of_entries
                ),
            )


def _products(rows: Array, columns: Array) -> Array:
    k = rows.shape[1] - 1
    told = rows[:, :k] @ columns[:, :k].T.astype(rows.dtype, copy=False)
    told += rows[:, k:]
    told += columns[:, k].astype(rows.dtype, copy=False)
    return told


def _entries_of(
    rows: Array, columns: Array, i: NDArray[np.integer], j: NDArray[np.integer]
) -> Array:
    k = rows.shape[1] - 1
    told = np.empty(len(i), rows.dtype)
    step = max(1, _BLOCK // (k + 1))
    for start in range(0, len(i), step):
        part = slice(start, start + step)
        of_rows, of_columns = rows[i[part]], columns[j[part]].astype(rows.dtype, copy=False)
        told[part] = np.einsum("nf,nf->n", of_rows[:, :k], of_columns[:, :k])
        told[part] += of_rows[:, k] + of_columns[:, k]
    return told
