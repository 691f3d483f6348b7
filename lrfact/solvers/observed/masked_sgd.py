"""Stochastic gradient descent on observed entries, in parallel without conflicts."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from lrfact._typing import Array
from lrfact.kernels import descend_blocks
from lrfact.solvers.observed.entry_grid import EntryGrid, entry_grid, random_rounds
from lrfact.solvers.observed.masked_problem import (
    MaskedFit,
    MaskedModel,
    MaskedProblem,
    SweepMonitor,
)

# Columns of the state that the kernel keeps of a row or column; two sums of squares between them.
_BIAS, _RATE, _N_STATES = 0, 3, 4

# Vectors of the kernel; fewer factors than that are not worth padding.
_LANES = 8

# Of the root mean square: values that hardly differ have larger units than they differ by.
_LEAST_SPREAD = 0.1

# Times the loss without any parameters, after so many epochs: steps that lead there are too long.
_DIVERGED = 2.0
_PATIENCE = 5
_SMALLER = 0.25
_MOST_TRIALS = 7

# Squared at a time: no copy of all parameters, or all entries.
_BLOCK_ROWS = 4096
_BLOCK_ENTRIES = 1 << 16


def masked_sgd(
    problem: MaskedProblem,
    start: MaskedModel,
    *,
    learning_rate: float,
    tol: float,
    max_iter: int,
    rng: np.random.RandomState,
    n_threads: int,
    monitor: SweepMonitor,
) -> MaskedFit:
    """Approach the minimum of the objective of a `MaskedProblem` entry by entry.

    Parameters
    ----------
    problem : MaskedProblem
        Data and penalties; fewer than 2**31 rows and columns.

    start : MaskedModel
        Initialization, with nonzero rows or columns.

    learning_rate : float
        Length of the first steps, in units in which residuals are about 1.

    tol : float
        Stop when two epochs in succession change the objective by less than this share of it.

    max_iter : int
        Maximum number of epochs.

    rng : RandomState
        Random number generator of the order of rows, columns and blocks.

    n_threads : int
        The digits do not depend on it.

    monitor : SweepMonitor
        Function called after each epoch, which returns True to stop.

    Returns
    -------
    MaskedFit
        The loss in its objective is the one seen during an epoch, each entry's just before its
        step: a little more than the loss after it. The penalties are those after it.

    Raises
    ------
    ValueError
        If values overflow, or the loss still grows beyond that of no model after the learning rate
        was lowered six times, to a quarter each time.

    Notes
    -----
    An epoch takes ``16 nnz k`` multiplications and additions, a sweep of alternating least squares
    k / 8 times as many; it takes some ten epochs to do what one such sweep does. Prefer it for
    many factors, or to stop early: on MovieLens the models on its way predict better than the one
    at the minimum. Memory: the entries a second time, with their rows and columns.

    Blocks: Gemulla, Nijkamp, Haas and Sismanis (2011), doi:10.1145/2020408.2020426; Zhuang, Chin,
    Juan and Lin (2013), doi:10.1145/2507157.2507164. Steps: Chin, Zhuang, Juan and Lin (2015),
    doi:10.1007/978-3-319-18038-0_35.
    """
    unit, mean_weight = _units(problem, start)
    grid = entry_grid(
        problem.ratings,
        problem.weights,
        rng,
        column_bytes=start.columns.shape[1] * start.columns.itemsize,
    )
    np.divide(grid.values, unit, out=grid.values)
    np.divide(grid.weights, mean_weight, out=grid.weights)
    for _ in range(_MOST_TRIALS):
        fit = _descend(
            problem,
            start,
            grid,
            unit=unit,
            mean_weight=mean_weight,
            learning_rate=learning_rate,
            tol=tol,
            max_iter=max_iter,
            rng=rng,
            n_threads=n_threads,
            monitor=monitor,
        )
        if fit is not None:
            return fit
        learning_rate *= _SMALLER
    raise ValueError(
        f"the loss does not stay finite even at learning_rate={learning_rate / _SMALLER:.3g}; "
        "lower learning_rate, or scale the values or the weights down"
    )


def _descend(
    problem: MaskedProblem,
    start: MaskedModel,
    grid: EntryGrid,
    *,
    unit: float,
    mean_weight: float,
    learning_rate: float,
    tol: float,
    max_iter: int,
    rng: np.random.RandomState,
    n_threads: int,
    monitor: SweepMonitor,
) -> MaskedFit | None:
    """Run epochs until they come to rest; None where they lead astray."""
    bias = problem.bias
    n_entries = problem.ratings.nnz
    unexplained = _loss_without_parameters(grid, intercept=start.intercept / unit)
    of_rows, of_columns = _factor_units(problem, unit)
    rows = _Side.from_problem(
        start.rows, grid.row_order, np.bincount(grid.rows, minlength=len(grid.row_order)),
        problem.row_scale / mean_weight, problem.row_penalty,
        bias=bias, unit=unit, factor_unit=of_rows,
    )  # fmt: skip
    columns = _Side.from_problem(
        start.columns, grid.column_order,
        np.bincount(grid.columns, minlength=len(grid.column_order)),
        problem.column_scale / mean_weight, problem.column_penalty,
        bias=bias, unit=unit, factor_unit=of_columns,
    )  # fmt: skip
    intercept = start.intercept / unit
    sums = np.empty((grid.n_ranges**2, 2))
    objective: list[float] = []
    model, converged, stopped = start, False, False
    while len(objective) < max_iter and not (converged or stopped):
        descend_blocks(
            grid.rows, grid.columns, grid.values, grid.weights,
            grid.block_start, grid.row_bounds, grid.column_bounds,
            random_rounds(grid.n_ranges, rng),
            intercept, learning_rate, bias, problem.nonnegative,
            rows.penalty, columns.penalty,
            rows.factors, rows.state, columns.factors, columns.state,
            sums, n_threads,
        )  # fmt: skip
        loss, residual = sums.sum(axis=0)
        if bias:
            intercept += residual / n_entries
        scaled = loss + rows.penalty_term() + columns.penalty_term()
        objective.append(float(scaled) * unit * unit * mean_weight)
        # The first epochs may start anywhere; after them, no model should be as bad as none.
        astray = len(objective) >= _PATIENCE and loss > _DIVERGED * unexplained
        if astray or not np.isfinite(objective[-1]):
            return None
        converged = _at_rest(objective, tol)
        model = MaskedModel(
            rows.parameters(problem.n_components, bias=bias),
            columns.parameters(problem.n_components, bias=bias),
            intercept * unit,
        )
        stopped = monitor(len(objective), objective[-1], model)
    return MaskedFit(model, np.asarray(objective), converged or stopped)


def _at_rest(objective: list[float], tol: float) -> bool:
    """Two small changes in succession: a single one may be noise, or a change of direction."""
    last = objective[-3:]
    return len(last) == 3 and all(
        abs(before - after) <= tol * before for before, after in pairwise(last)
    )


def _loss_without_parameters(grid: EntryGrid, intercept: float) -> float:
    total = 0.0
    for first in range(0, len(grid.values), _BLOCK_ENTRIES):
        part = slice(first, first + _BLOCK_ENTRIES)
        squares = np.square(grid.values[part] - intercept, dtype=np.float64)
        total += float(squares @ grid.weights[part] if len(grid.weights) else squares.sum())
    return total


def _units(problem: MaskedProblem, start: MaskedModel) -> tuple[float, float]:
    """Standard deviation of the values, or enough of their root mean square, and mean weight.

    1 for 0. Without an intercept the mean is soon explained by one factor, and what the others
    are to explain spreads by the standard deviation.
    """
    weights = problem.weights
    centered = problem.ratings.data.astype(np.float64) - start.intercept
    largest = float(np.abs(centered).max(initial=0)) or 1.0
    centered /= largest
    mean = float(np.average(centered, weights=weights))
    centered *= centered
    mean_square = float(np.average(centered, weights=weights))
    spread = max(mean_square - mean**2, _LEAST_SPREAD**2 * mean_square)
    unit = largest * spread**0.5 or 1.0
    return unit, 1.0 if weights is None else float(weights.mean(dtype=np.float64))


def _factor_units(problem: MaskedProblem, unit: float) -> tuple[float, float]:
    """Units of row factors and of column factors, in which the penalties of both are the same.

    Penalties decide how the units of the values are split between the two sides: where that of
    the columns has the square of the unit, rows have the unit and columns none. So it is without
    penalties too, as columns start without units.
    """
    k = problem.n_components
    of_rows = float(problem.row_penalty[:k].sum(dtype=np.float64))
    of_columns = float(problem.column_penalty[:k].sum(dtype=np.float64))
    if not (of_rows > 0 and of_columns > 0):
        return unit, 1.0
    ratio = (of_columns / of_rows) ** 0.5
    return (unit * ratio) ** 0.5, (unit / ratio) ** 0.5


@dataclass(frozen=True)
class _Side:
    """Rows or columns, in the order of the grid and in its units.

    Values are divided by their unit and weights by their mean, so that residuals are about 1 and
    one learning rate serves all data; factors are divided by units whose product is that of the
    values, see `_factor_units`.
    """

    order: NDArray[np.integer]
    counts: NDArray[np.integer]
    factors: Array
    state: Array
    penalty: Array
    unit: float
    factor_unit: float

    @classmethod
    def from_problem(
        cls,
        parameters: Array,
        order: NDArray[np.integer],
        counts: NDArray[np.integer],
        scale: Array,
        penalty: Array,
        *,
        bias: bool,
        unit: float,
        factor_unit: float,
    ) -> "_Side":
        dtype = parameters.dtype
        n_factors = parameters.shape[1] - bias
        width = n_factors
        if n_factors > _LANES:
            width = -(-n_factors // _LANES) * _LANES
        weight = np.zeros(width + 1)
        weight[:n_factors] = penalty[:n_factors] * (factor_unit / unit) ** 2
        if bias:
            weight[-1] = penalty[-1]
        # The largest goes to the rates: products of numbers near 1 do not overflow.
        largest = float(weight.max()) or 1.0
        state = np.ones((len(order), _N_STATES), dtype=dtype)
        state[:, _BIAS] = parameters[order, -1] / unit if bias else 0
        rate = scale[order].astype(np.float64) * (largest / np.maximum(counts, 1))
        state[:, _RATE] = np.minimum(rate, np.finfo(dtype).max ** 0.5)
        factors = np.zeros((len(order), width), dtype=dtype)
        factors[:, :n_factors] = parameters[order, :n_factors] / factor_unit
        # No entry moves these, and nothing but their penalty depends on them.
        state[counts == 0, _BIAS] = 0
        factors[counts == 0] = 0
        penalties = (weight / largest).astype(dtype)
        return cls(order, counts, factors, state, penalties, unit, factor_unit)

    def parameters(self, n_factors: int, *, bias: bool) -> Array:
        """Return factors and bias in the order and the units of the matrix."""
        dtype = self.factors.dtype
        parameters = np.empty((len(self.order), n_factors + bias), dtype=dtype)
        factor_unit, unit = dtype.type(self.factor_unit), dtype.type(self.unit)
        parameters[self.order, :n_factors] = self.factors[:, :n_factors] * factor_unit
        if bias:
            parameters[self.order, -1] = self.state[:, _BIAS] * unit
        return parameters

    def penalty_term(self) -> float:
        """Return the penalty of all parameters, summed in float64."""
        total = 0.0
        for first in range(0, len(self.order), _BLOCK_ROWS):
            part = slice(first, first + _BLOCK_ROWS)
            squares = np.square(self.factors[part], dtype=np.float64) @ self.penalty[:-1]
            squares += np.square(self.state[part, _BIAS], dtype=np.float64) * self.penalty[-1]
            total += float(squares @ (self.state[part, _RATE] * self.counts[part]))
        return total
