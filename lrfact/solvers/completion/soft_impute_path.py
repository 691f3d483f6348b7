"""Regularization path of matrix completion by the nuclear norm, validated on held-out entries."""

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

# Smallest regularization strength of a path, as a fraction of the largest one.
_SMALLEST = 1e-3

# Relative error of the largest useful regularization strength.
_NORM_TOL = 1e-5

# Number of steps without a lower validation error after which the path ends.
_PATIENCE = 2

# Tolerance and maximum number of iterations along the path, sufficient for validation errors.
_PATH_TOL = 1e-3
_PATH_ITERATIONS = 30


@dataclass(frozen=True)
class PenaltyPath:
    """Validation errors along a regularization path.

    Attributes
    ----------
    regs : ndarray of shape (n_tried,)
        Regularization strengths, descending.

    rmse : ndarray of shape (n_tried,)
        Root mean square errors on the held-out entries.

    best : float
        Regularization strength with the lowest error.

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
    """Return the smallest regularization strength for which the solution is zero.

    Parameters
    ----------
    problem : NuclearNormProblem
        Observed entries and the regularization of the row offsets.

    zero : LowRankState
        Matrix of zeros with the corresponding row offsets.

    n_threads : int
        Number of threads. Results are bitwise identical for any number of threads.

    Returns
    -------
    float
        Largest singular value of the entries minus the row offsets.
    """
    residuals = problem.residuals(zero.offsets[problem.row_of_entry])
    return largest_singular_value(residuals, tol=_NORM_TOL, n_threads=n_threads)


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
    """Decrease the regularization strength until the validation error no longer decreases.

    Parameters
    ----------
    problem : NuclearNormProblem
        Problem without the held-out entries.

    held_out : csr_array of shape (n_rows, n_columns)
        Held-out entries, at least one, scaled like the others.

    n_regs : int
        Length of a path from the largest useful regularization strength to a thousandth of it.

    max_rank : int
        Maximum rank.

    rng : RandomState
        Random number generator of the initial vectors.

    n_threads : int
        Number of threads. Results are bitwise identical for any number of threads.

    progress : callable
        Function called with the index and error of each regularization strength, which returns True
        to stop.

    Returns
    -------
    PenaltyPath
        Each solution is initialized with the previous one (warm start).
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
        predicted = state.predict(rows_of, held_out.indices)
        rmse.append(float(np.sqrt(np.mean((held_out.data.astype(np.float64) - predicted) ** 2))))
        if rmse[-1] <= min(rmse):
            best, best_state = float(reg), state
        if progress(step + 1, rmse[-1]) or len(rmse) - 1 - int(np.argmin(rmse)) >= _PATIENCE:
            break
    return PenaltyPath(regs[: len(rmse)], np.asarray(rmse), best, best_state)
