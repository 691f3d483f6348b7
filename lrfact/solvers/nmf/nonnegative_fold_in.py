"""Rows, known or new, on the components of a fitted non-negative factorization."""

import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from lrfact import kernels
from lrfact._threads import single_threaded_blas
from lrfact._typing import Array
from lrfact.kernels._thread_count import usable_threads
from lrfact.linalg.require_finite import require_finite
from lrfact.solvers.nmf.active_set import active_set_minimum
from lrfact.solvers.nmf.beta_divergence import divergence_sums, shown_sums
from lrfact.solvers.nmf.multiplicative_update import extrapolated, updated
from lrfact.solvers.nmf.nonnegative_least_squares import Stopping, fit_rows
from lrfact.solvers.nmf.nonnegative_problem import Side
from lrfact.solvers.nmf.projected_newton import projected_newton_step

Step = Callable[[Array, Array, Array], Array]

_TOL = {np.dtype(np.float64): 1e-9, np.dtype(np.float32): 1e-5}

# Coordinate descent between two steps of Newton's method, which cost more by far.
_PASSES_IN_TURN, _MOST_TURNS = 100, 10

# Numbers in the Gram matrices of rows that a thread handles at a time.
_GRAMS = 2**17

_POISSON_TOL = {np.dtype(np.float64): 1e-6, np.dtype(np.float32): 1e-4}
_MOST_POISSON_PASSES = 2000

# Entries of dense rows handled at a time: their places are written out.
_BLOCK = 2**20

# Multiplicative updates are slower than coordinate descent by far.
_UPDATE_TOL = {np.dtype(np.float64): 1e-5, np.dtype(np.float32): 1e-4}
_MOST_UPDATES = 2000
_UPDATES_BETWEEN_TESTS = 10


def fold_in(side: Side, columns: Array) -> Array:
    r"""Solve for the factors of each row by itself.

    .. math:: \min_{w_i \ge 0} \sum_j d_\beta(x_{ij}, w_i' v_j)
              + \lambda_1 \|w_i\|_1 + \frac{\lambda_2}{2} \|w_i\|^2

    Parameters
    ----------
    side : Side
        The rows.

    columns : ndarray of shape (n_columns, n_components)
        :math:`v_j`.

    Returns
    -------
    ndarray of shape (n_rows, n_components)
        A row does not depend on which others there are.

    Warns
    -----
    ConvergenceWarning
        If rows did not come to rest.
    """
    if side.beta == 2:
        rows, at_rest = _least_squares(side, columns)
    elif side.beta == 1:
        rows, at_rest = _poisson(side, columns)
    else:
        rows, at_rest = _divergence(side, columns)
    require_finite(rows)
    if not at_rest.all():
        warnings.warn(
            f"{int((~at_rest).sum())} of {len(at_rest)} rows did not come to rest on the "
            "components; these may be nearly dependent, or penalties help",
            ConvergenceWarning,
            stacklevel=3,
        )
    return rows


def _least_squares(side: Side, columns: Array) -> tuple[Array, NDArray[np.bool_]]:
    """Coordinate descent and Newton's method by turns; an active set for what is left."""
    rows = np.zeros((side.matrix.shape[0], columns.shape[1]), dtype=columns.dtype)
    at_rest = np.zeros(len(rows), dtype=bool)
    stopping = Stopping(tol=_TOL[columns.dtype], of_first=False, most_passes=_PASSES_IN_TURN)
    gram = side.gram_of(columns)
    late, left = np.arange(len(rows)), side
    for n_turns in range(1, _MOST_TURNS + 1):
        fit = fit_rows(left, columns, rows[late], stopping, gram=gram)
        rows[late], at_rest[late] = fit.rows, fit.at_rest
        late, targets = late[~fit.at_rest], fit.cross[~fit.at_rest].astype(np.float64)
        if not len(late) or n_turns == _MOST_TURNS:
            break
        left = side.some_rows(late)
        step = projected_newton_step if n_turns < _MOST_TURNS - 1 else _active_set_step
        rows[late] = _stepped(step, left, columns, gram, targets - side.penalty.l1, rows[late])
    return rows, at_rest


def _stepped(
    step: Step, side: Side, columns: Array, gram: Array, targets: Array, rows: Array
) -> Array:
    """Take a step from each row, some at a time, as each needs a Gram matrix."""
    n_rows, width = rows.shape
    n_at_a_time = max(1, _GRAMS // max(1, width * width))
    stepped = np.empty_like(rows)

    def step_from(start: int) -> None:
        part = slice(start, start + n_at_a_time)
        stepped[part] = step(_grams_of(side, columns, gram, part), targets[part], rows[part])

    n_threads = usable_threads(side.n_threads, calls_blas=True)
    with single_threaded_blas(), ThreadPoolExecutor(n_threads) as pool:
        list(pool.map(step_from, range(0, n_rows, n_at_a_time)))
    return stepped


def _active_set_step(grams: Array, targets: Array, rows: Array) -> Array:
    """Move each row to the minimum, of nearly dependent components too."""
    minima = rows.astype(np.float64)
    for i, target in enumerate(targets):
        minimum = active_set_minimum(grams if grams.ndim == 2 else grams[i], target)
        if minimum is not None:
            minima[i] = minimum
    return minima


def _grams_of(side: Side, columns: Array, gram: Array, part: slice) -> Array:
    """Gram matrix of what all rows show, or of what each of some shows, with the ridge."""
    ridge = side.penalty.l2 * np.eye(len(gram))
    if side.hidden is None:
        return gram + ridge
    indptr = side.hidden.indptr[part.start : part.stop + 1]
    grams = np.empty((len(indptr) - 1, *gram.shape))
    for i, (start, stop) in enumerate(pairwise(indptr)):
        shown = np.ones(len(columns), dtype=bool)
        shown[side.hidden.indices[start:stop]] = False
        of_row = columns[shown].astype(np.float64)
        grams[i] = of_row.T @ of_row + ridge
    return grams


def _poisson(side: Side, columns: Array) -> tuple[Array, NDArray[np.bool_]]:
    """Newton's method on one coordinate after the other, and now and then on all at once."""
    n_rows, n_columns = side.matrix.shape
    rows = _even_init(side, columns)
    reach = np.broadcast_to(shown_sums(side, columns), rows.shape)
    at_rest = np.empty(n_rows, dtype=np.uint8)
    step = n_rows if sparse.issparse(side.matrix) else max(1, _BLOCK // max(1, n_columns))
    for start in range(0, n_rows, step):
        part = slice(start, min(start + step, n_rows))
        block = sparse.csr_array(side.matrix[part])
        kernels.fit_poisson_rows(
            block.data,
            block.indices,
            block.indptr,
            np.ascontiguousarray(columns),
            np.ascontiguousarray(reach[part]),
            rows[part],
            at_rest[part],
            side.penalty.l1,
            side.penalty.l2,
            side.floor,
            _POISSON_TOL[columns.dtype],
            _MOST_POISSON_PASSES,
            side.n_threads,
        )
    return rows, at_rest.astype(bool)


@np.errstate(over="ignore", invalid="ignore")  # an overflow is raised in the end
def _divergence(side: Side, columns: Array) -> tuple[Array, NDArray[np.bool_]]:
    """Multiplicative updates with a momentum for each row, until all have come to rest."""
    n_rows = side.matrix.shape[0]
    tol = _UPDATE_TOL[columns.dtype]
    rows = _even_init(side, columns)
    at_rest = np.zeros(n_rows, dtype=bool)
    active = np.arange(n_rows)
    part, now = side, rows
    before, settled = now, now
    step, best = np.ones((n_rows, 1)), np.full(n_rows, np.inf)
    for n_updates in range(1, _MOST_UPDATES + 1):
        following = 0.5 * (1 + np.sqrt(1 + 4 * step**2))
        ahead = extrapolated(now, before, (step - 1) / following)
        sums = divergence_sums(part, ahead, columns)
        value = sums.loss + _penalties(part, ahead)
        # A row that has gone too far goes on without momentum.
        worse = value > best
        step = np.where(worse[:, np.newaxis], 1.0, following)
        best = np.where(worse, np.inf, value)
        before, now = now, updated(part, ahead, sums)
        if n_updates % _UPDATES_BETWEEN_TESTS:
            continue
        change = np.abs(now - settled).max(axis=1, initial=0)
        rests = change <= tol * now.max(axis=1, initial=0)
        settled = now
        if rests.any():
            rows[active[rests]] = now[rests]
            at_rest[active[rests]] = True
            on = ~rests
            active, now, before = active[on], now[on], before[on]
            settled, step, best = now, step[on], best[on]
            if not len(active):
                break
            part = side.some_rows(active)
    rows[active] = now
    return rows, at_rest


def _even_init(side: Side, columns: Array) -> Array:
    """Start each row with all components alike, and the sum of the row."""
    width = columns.shape[1]
    reach = np.broadcast_to(side.shown_sums(columns).sum(axis=-1), len(side.row_sums))
    level = np.divide(side.row_sums, reach, out=np.zeros(len(reach)), where=reach > 0)
    return np.repeat(level[:, np.newaxis], width, axis=1).astype(columns.dtype)


def _penalties(side: Side, rows: Array) -> Array:
    penalty = side.penalty
    return penalty.l1 * rows.sum(axis=1, dtype=np.float64) + 0.5 * penalty.l2 * np.einsum(
        "ij,ij->i", rows, rows, dtype=np.float64
    )
