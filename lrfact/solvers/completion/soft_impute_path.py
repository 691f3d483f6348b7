"""The penalty of a nuclear-norm completion, chosen on held-out entries along a path."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from lrfact._typing import Array
from lrfact.solvers.completion.nuclear_norm_problem import (
    NuclearNormProblem,
    largest_singular_value,
)
from lrfact.solvers.completion.soft_impute import LowRankState, soft_impute, zero_state

# Smallest penalty of a path, as a share of the largest.
_SMALLEST = 1e-3

# Relative error of the largest useful penalty.
_NORM_TOL = 1e-5

# Penalties without a better error before the path ends.
_PATIENCE = 2

# Along the path: the error on other entries is then known well enough.
_PATH_TOL = 1e-3
_PATH_ITERATIONS = 30


@dataclass(frozen=True)
class PenaltyPath:
    """Errors on held-out entries along a path.

    Attributes
    ----------
    regs : ndarray of shape (n_tried,)
        Penalties, descending.

    rmse : ndarray of shape (n_tried,)
        Root mean square error on the entries held out.

    best : float
        The penalty of least error.

    state : LowRankState
        Solution for the entries that were not held out.
    """

    regs: Array
    rmse: Array
    best: float
    state: LowRankState


def largest_useful_penalty(
    problem: NuclearNormProblem, zero: LowRankState, *, n_threads: int
) -> float:
    """Return the penalty from which on the solution is zero.

    Parameters
    ----------
    problem : NuclearNormProblem
        Entries and the penalty of offsets.

    zero : LowRankState
        The matrix of zeros with its offsets.

    n_threads : int
        The digits do not depend on it.

    Returns
    -------
    float
        The largest singular value of what the offsets leave of the entries.
    """
    told = zero.offsets[problem.row_of_entry]
    return largest_singular_value(problem.residuals(told), tol=_NORM_TOL, n_threads=n_threads)


def penalty_path(
    problem: NuclearNormProblem,
    held_out: sparse.csr_array,
    *,
    n_regs: int,
    max_rank: int,
    rng: np.random.RandomState,
    n_threads: int,
    progress: Callable[[int, float], bool],
) -> PenaltyPath:
    """Lower the penalty step by step until held-out entries are no longer predicted better.

    Parameters
    ----------
    problem : NuclearNormProblem
        Without the entries held out.

    held_out : csr_array of shape (n_rows, n_columns)
        At least one entry, scaled as the others.

    n_regs : int
        Length of a path that goes down to a thousandth of the largest useful penalty.

    max_rank : int
        Maximum rank.

    rng : RandomState
        Random number generator of the initial vectors.

    n_threads : int
        The digits do not depend on it.

    progress : callable
        Function called with the index and error of each regularization strength, which returns True
        to stop.

    Returns
    -------
    PenaltyPath
        Each solution starts from that of the penalty before.
    """
    state = zero_state(problem, rng)
    largest = largest_useful_penalty(problem, state, n_threads=n_threads)
    rows_of = np.repeat(np.arange(held_out.shape[0]), np.diff(held_out.indptr))
    regs = largest * np.geomspace(1.0, _SMALLEST, n_regs) if largest > 0 else np.zeros(1)
    rmse: list[float] = []
    best, best_state = largest, state
    for step, reg in enumerate(regs):
        if step > 0:
            state = soft_impute(
                problem,
                float(reg),
                state,
                max_rank=max_rank,
                tol=_PATH_TOL,
                max_iter=_PATH_ITERATIONS,
                certify=False,
                rng=rng,
                n_threads=n_threads,
            ).state
        told = state.predict(rows_of, held_out.indices)
        rmse.append(float(np.sqrt(np.mean((held_out.data.astype(np.float64) - told) ** 2))))
        if rmse[-1] <= min(rmse):
            best, best_state = float(reg), state
        if progress(step + 1, rmse[-1]) or len(rmse) - 1 - int(np.argmin(rmse)) >= _PATIENCE:
            break
    return PenaltyPath(regs[: len(rmse)], np.asarray(rmse), best, best_state)
