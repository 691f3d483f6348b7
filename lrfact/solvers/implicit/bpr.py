"""Bayesian personalized ranking: rows rank what they have above what they have not."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from lrfact._typing import Array
from lrfact.kernels import descend_bpr_triples, draw_bpr_triples
from lrfact.solvers.observed.entry_grid import random_cut, random_rounds

# Columns of the state that the kernel keeps of a column; the others are sums of squares.
_BIAS, _N_STATES = 0, 3

# Of the first factors' inner products, about: small against 1, and not all alike.
_FIRST_SPREAD = 0.1

# Vectors of the kernel; fewer factors than that are not worth padding.
_LANES = 8

# Parameters of a range of columns stay in the cache while a block is visited.
_CACHE_BYTES = 1 << 18
# Enough ranges for the threads of large machines, and few enough for a byte.
_FEWEST, _MOST = 16, 64
# Triples of an average block, and columns of a range to draw from.
_SHORTEST, _NARROWEST = 2000, 32

# Times the loss of scores that are all alike, after so many epochs: steps that lead there are too
# long.
_DIVERGED = 2.0
_PATIENCE = 5
_SMALLER = 0.25
_MOST_TRIALS = 7


@dataclass(frozen=True)
class PairwiseModel:
    """Scores ``w_i' v_j + c_j``, of which only differences within a row have a meaning.

    Attributes
    ----------
    row_factors : ndarray of shape (n_rows, n_components)

    column_factors : ndarray of shape (n_columns, n_components)

    column_bias : ndarray of shape (n_columns,)
        Zeros where there is none.
    """

    row_factors: Array
    column_factors: Array
    column_bias: Array


@dataclass(frozen=True)
class PairwiseFit:
    """What `bpr` found.

    Attributes
    ----------
    row_factors : ndarray of shape (n_rows, n_components)

    column_factors : ndarray of shape (n_columns, n_components)

    column_bias : ndarray of shape (n_columns,)
        Zeros without biases.

    loss : ndarray of float64, shape (n_epochs,)
        Mean of ``-ln sigma`` over the triples of each epoch, each just before its step.

    converged : bool
        Whether the loss came to rest, or the monitor said to stop.
    """

    row_factors: Array
    column_factors: Array
    column_bias: Array
    loss: NDArray[np.float64]
    converged: bool


class PairwiseMonitor(Protocol):
    """Watches the solver: called after each epoch, returns whether to stop."""

    def __call__(self, epoch: int, loss: float, model: PairwiseModel) -> bool:
        """Look at a copy of the model as it is."""
        ...


def bpr(
    interactions: sparse.csr_array,
    *,
    n_components: int,
    reg: float,
    learning_rate: float,
    max_iter: int,
    tol: float | None,
    rng: np.random.RandomState,
    n_threads: int,
    bias: bool,
    monitor: PairwiseMonitor | None = None,
) -> PairwiseFit:
    r"""Rank the columns that a row has above those that it has not.

    .. math::
        \min_{W, V, c} \sum_{(i, j)} \frac{1}{|N_i|} \sum_{l \in N_i} \left[
        -\ln \sigma(s_{ij} - s_{il}) + \tfrac{\lambda}{2} (|w_i|^2 + |v_j|^2 + |v_l|^2
        + c_j^2 + c_l^2) \right], \quad s_{ij} = w_i' v_j + c_j

    over the stored pairs (i, j), where :math:`N_i` are the columns that row i has not. Each epoch
    visits each pair once, with one :math:`l` that is as likely any of :math:`N_i`.

    Parameters
    ----------
    interactions : csr_array of shape (n_rows, n_columns)
        Interactions: the stored entries, whose values are not used. float32 or float64, which is
        the dtype of the result; indices ascend in each row, without duplicates. Fewer than 2**31
        rows and columns.

    n_components : int
        k, at least 1.

    reg : float
        :math:`\lambda`, not negative.

    learning_rate : float
        Length of the first steps.

    max_iter : int
        Maximum number of epochs.

    tol : float or None
        Stop when two epochs in succession change the loss by less than this share of it; never for
        None.

    rng : RandomState
        Random number generator of the initialization, the order and the samples.

    n_threads : int
        The digits do not depend on it.

    bias : bool
        Whether columns have biases.

    monitor : PairwiseMonitor or None, default=None
        Function called after each epoch, which returns True to stop.

    Returns
    -------
    PairwiseFit
        Rows without entries have factors of zero.

    Raises
    ------
    ValueError
        If parameters overflow, or the loss grows beyond that of scores that are all alike, after
        the learning rate was lowered six times, to a quarter each time.

    Notes
    -----
    An epoch takes about ``25 nnz k`` multiplications and additions. Memory: 12 bytes for each
    stored entry, beside the factors.

    Rows and columns are cut into ranges, anew in each epoch. Both columns of a triple are of one
    range: blocks of the grid without a range in common then share no parameter, and run at the same
    time without a conflict. Over the epochs every :math:`l` remains as likely as every other,
    ranges being equally wide and drawn at random. Only a row that has nearly all columns is visited
    less often, since it may have all of a range.

    Steps are those of `masked_sgd`: divided by the root of the summed mean squares of the gradients
    of a row or column. On MovieLens-1M as clicks, they come about as far in 20 epochs as steps of
    one length in 40, and need no schedule.

    Mistakes at all ranks weigh alike, and counts are ignored. Row factors are noisy from the last
    steps: `bpr_fold_in` finds better ones, for these columns and any row.

    References
    ----------
    Rendle, Freudenthaler, Gantner and Schmidt-Thieme (2009), UAI, arXiv:1205.2618. Blocks: Gemulla,
    Nijkamp, Haas and Sismanis (2011), doi:10.1145/2020408.2020426. Steps: Chin, Zhuang, Juan and
    Lin (2015), doi:10.1007/978-3-319-18038-0_35.
    """
    start = _random_model(interactions, n_components, rng)
    for _ in range(_MOST_TRIALS):
        fit = _descend(
            interactions,
            start,
            reg=reg,
            learning_rate=learning_rate,
            max_iter=max_iter,
            tol=tol,
            rng=rng,
            n_threads=n_threads,
            bias=bias,
            monitor=monitor,
        )
        if fit is not None:
            return fit
        learning_rate *= _SMALLER
    raise ValueError(
        f"the loss grows beyond bounds even at learning_rate={learning_rate / _SMALLER:.3g}; "
        "lower learning_rate or reg"
    )


def _descend(
    interactions: sparse.csr_array,
    start: PairwiseModel,
    *,
    reg: float,
    learning_rate: float,
    max_iter: int,
    tol: float | None,
    rng: np.random.RandomState,
    n_threads: int,
    bias: bool,
    monitor: PairwiseMonitor | None,
) -> PairwiseFit | None:
    """Run epochs until they come to rest; None where they lead astray."""
    n_rows, n_columns = interactions.shape
    dtype = start.row_factors.dtype
    k = start.row_factors.shape[1]
    rows, columns = _padded(start.row_factors), _padded(start.column_factors)
    row_squares = np.ones(n_rows, dtype=dtype)
    column_state = np.ones((n_columns, _N_STATES), dtype=dtype)
    column_state[:, _BIAS] = 0
    n_ranges = _number_of_ranges(interactions, columns[:1].nbytes)
    triples = np.empty((3, interactions.nnz), dtype=np.int32)
    block_start = np.empty(n_ranges**2 + 1, dtype=np.int64)
    sums = np.empty((n_ranges**2, 2))
    counts = np.diff(interactions.indptr)
    losses: list[float] = []
    model, converged = start, False
    while len(losses) < max_iter and not converged:
        row_order, row_bounds = random_cut(counts, n_ranges, rng)
        column_order = rng.permutation(n_columns)
        column_bounds = np.arange(n_ranges + 1, dtype=np.int64) * n_columns // n_ranges
        draw_bpr_triples(
            interactions.indices, interactions.indptr,
            row_order.astype(np.int32), row_bounds, column_order.astype(np.int32), column_bounds,
            triples, block_start, int(rng.randint(2**31)) << 31 | int(rng.randint(2**31)),
            n_threads,
        )  # fmt: skip
        descend_bpr_triples(
            triples, block_start,
            _range_of(row_order, row_bounds), _range_of(column_order, column_bounds),
            random_rounds(n_ranges, rng),
            rows, row_squares, columns, column_state,
            sums, learning_rate, reg, bias, n_threads,
        )  # fmt: skip
        total, n_triples = sums.sum(axis=0)
        # Rows that have everything, or nothing, leave nothing to learn.
        losses.append(float(total / n_triples) if n_triples else 0.0)
        # The first epochs may start anywhere; after them, no model should be as bad as none.
        astray = len(losses) >= _PATIENCE and losses[-1] > _DIVERGED * np.log(2)
        if astray or not _is_finite(losses[-1], rows, columns, column_state):
            return None
        converged = n_triples == 0 or (tol is not None and _at_rest(losses, tol))
        if monitor is not None:
            model = _model_of(rows, columns, column_state, k)
            converged = monitor(len(losses), losses[-1], model) or converged
    model = _model_of(rows, columns, column_state, k)
    model.row_factors[counts == 0] = 0
    return PairwiseFit(
        model.row_factors, model.column_factors, model.column_bias, np.asarray(losses), converged
    )


def _random_model(
    interactions: sparse.csr_array, n_components: int, rng: np.random.RandomState
) -> PairwiseModel:
    n_rows, n_columns = interactions.shape
    scale = _FIRST_SPREAD / n_components**0.5
    rows, columns = (
        (scale * rng.standard_normal((n, n_components))).astype(interactions.dtype)
        for n in (n_rows, n_columns)
    )
    return PairwiseModel(rows, columns, np.zeros(n_columns, dtype=interactions.dtype))


def _padded(factors: Array) -> Array:
    """Copy to a width that vectors fill; the zeros added stay zero."""
    n, k = factors.shape
    width = k if k <= _LANES else -(-k // _LANES) * _LANES
    padded = np.zeros((n, width), dtype=factors.dtype)
    padded[:, :k] = factors
    return padded


def _model_of(rows: Array, columns: Array, column_state: Array, k: int) -> PairwiseModel:
    return PairwiseModel(rows[:, :k].copy(), columns[:, :k].copy(), column_state[:, _BIAS].copy())


def _range_of(order: NDArray[np.integer], bounds: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return the number of the range that each row, or column, is in."""
    ranges = np.empty(len(order), dtype=np.uint8)
    ranges[order] = np.repeat(np.arange(len(bounds) - 1, dtype=np.uint8), np.diff(bounds))
    return ranges


def _number_of_ranges(interactions: sparse.csr_array, column_bytes: int) -> int:
    n_rows, n_columns = interactions.shape
    wanted = min(max(n_columns * column_bytes // _CACHE_BYTES, _FEWEST), _MOST)
    by_entries = int((interactions.nnz / _SHORTEST) ** 0.5)
    return max(1, min(wanted, by_entries, n_rows, n_columns // _NARROWEST))


def _at_rest(losses: list[float], tol: float) -> bool:
    """Two small changes in succession, after larger ones: the first epochs, too, change little."""
    changes = -np.diff(losses)
    if len(changes) < 3:
        return False
    small = np.abs(changes[-2:]) <= tol * np.array(losses[-3:-1])
    return bool(small.all() and np.abs(changes[-2:]).max() < changes.max() / 2)


def _is_finite(loss: float, *parameters: Array) -> bool:
    """Squares of parameters too: their sums are what steps are divided by."""
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(
            np.isfinite(loss) and all(np.isfinite(np.vdot(each, each)) for each in parameters)
        )
