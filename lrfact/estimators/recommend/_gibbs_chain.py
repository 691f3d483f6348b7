"""A chain of Gibbs sampling between two calls of `fit`, so that a warm start can go on with it."""

import copy
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from lrfact._typing import Array
from lrfact.solvers.gibbs.factor_draws import ColumnDraw
from lrfact.solvers.gibbs.gibbs_factorization import GibbsProblem, GibbsState


@dataclass(frozen=True)
class GibbsChain:
    """A chain that may go on: its draws so far, where it stands, and its random numbers."""

    seed: int
    rng: np.random.Generator
    state: GibbsState
    entries: sparse.csr_array
    column_features: Array
    weights: Array | None = None
    scatter: float = 0.0
    draws: tuple[ColumnDraw, ...] = ()
    residuals: tuple[float, ...] = ()

    def on(
        self,
        entries: sparse.csr_array,
        column_features: Array,
        weights: Array | None,
        scatter: float,
    ) -> "GibbsChain":
        """The chain to go on with: a fit that fails must not have moved this one."""
        rng = copy.deepcopy(self.rng)
        same = (
            np.array_equal(self.column_features, column_features)
            and (self.weights is None) == (weights is None)
            and (self.weights is None or weights is None or np.array_equal(self.weights, weights))
            and self.scatter == scatter
            and all(
                np.array_equal(getattr(self.entries, part), getattr(entries, part))
                for part in ("indptr", "indices", "data")
            )
        )
        if same:
            return replace(self, rng=rng)
        return GibbsChain(self.seed, rng, self.state, entries, column_features, weights, scatter)

    def fits(self, problem: GibbsProblem, k: int) -> bool:
        """Whether it can go on with these data."""
        n_rows, n_columns = problem.by_rows.shape
        rows, columns = self.state.rows, self.state.columns
        return (
            rows.vectors.shape == (n_rows, k + 1)
            and columns.vectors.shape == (n_columns, k + 1)
            and columns.vectors.dtype == problem.by_rows.dtype
            and rows.link.weights.shape[0] == problem.row_features.shape[1]
            and columns.link.weights.shape[0] == problem.column_features.shape[1]
        )
