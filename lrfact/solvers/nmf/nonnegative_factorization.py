"""The door to the solvers of a non-negative factorization: the best of several starts."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray

from lrfact._typing import Array
from lrfact.solvers.nmf.hals import hals
from lrfact.solvers.nmf.multiplicative_update import multiplicative_update
from lrfact.solvers.nmf.nonnegative_problem import NonnegativeProblem
from lrfact.solvers.nmf.nonnegative_result import NonnegativeFactors

Progress = Callable[[int, float], bool]
Start = Callable[[], tuple[Array, Array]]

# By their names in scikit-learn as well.
NMF_SOLVERS = {"hals": "hals", "cd": "hals", "mu": "mu"}


@dataclass(frozen=True)
class SolverOptions:
    """How a problem is to be solved.

    Attributes
    ----------
    solver : {"hals", "mu"}
        Name of the algorithm.

    tol : float
        When it stops.

    max_iter : int
        When it stops in any case.

    shuffle : bool
        Whether "hals" draws the order of the components.
    """

    solver: str
    tol: float
    max_iter: int
    shuffle: bool


@dataclass(frozen=True)
class Ends:
    """Where the starts have led.

    Attributes
    ----------
    best : NonnegativeFactors
        Result with the lowest objective, the first one in case of ties.

    components : list of ndarray of shape (n_columns, n_components)
        The columns of each, the best included.

    objectives : ndarray of shape (n_starts,)
        At the end of each.

    chosen : int
        Index of the best result.
    """

    best: NonnegativeFactors
    components: list[Array]
    objectives: NDArray[np.float64]
    chosen: int


def best_of_starts(
    problem: NonnegativeProblem,
    starts: list[Start],
    seeds: list[int],
    options: SolverOptions,
    progress: Progress | None = None,
) -> Ends:
    """Solve a problem from each start, side by side.

    Parameters
    ----------
    problem : NonnegativeProblem
        The matrix. Its threads are shared out among the starts.

    starts : list of callable
        Make the factors to start from.

    seeds : list of int
        Seeds of the order of the components.

    options : SolverOptions
        Algorithm and its parameters.

    progress : callable or None, default=None
        Called as ``progress(step, objective)`` where there is one start.

    Returns
    -------
    Ends
        The same whatever the number of threads.
    """
    n_workers = min(problem.rows.n_threads, len(starts))
    shared = problem.with_threads(problem.rows.n_threads // n_workers)
    told = progress if len(starts) == 1 else None
    ends: list[NonnegativeFactors] = Parallel(n_jobs=n_workers, backend="threading")(
        delayed(_solve)(shared, start, seed, options, told)
        for start, seed in zip(starts, seeds, strict=True)
    )
    objectives = np.array([end.objective[-1] for end in ends])
    chosen = int(np.argmin(objectives))
    return Ends(ends[chosen], [end.columns for end in ends], objectives, chosen)


def _solve(
    problem: NonnegativeProblem,
    start: Start,
    seed: int,
    options: SolverOptions,
    progress: Progress | None,
) -> NonnegativeFactors:
    rows, columns = start()
    if options.solver == "hals":
        return hals(
            problem,
            rows,
            columns,
            tol=options.tol,
            max_iter=options.max_iter,
            shuffle=np.random.RandomState(seed) if options.shuffle else None,
            progress=progress,
        )
    return multiplicative_update(
        problem, rows, columns, tol=options.tol, max_iter=options.max_iter, progress=progress
    )
