"""Strategies of the search: one factorization per fold, warm starts, or one fit per rank."""

import copy
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.model_selection import GridSearchCV
from sklearn.utils.parallel import Parallel, delayed

from lrfact._sklearn_compat import check_method_params, safe_split
from lrfact._threads import workers_that_start
from lrfact.model_selection.rank_search._rank_search_candidates import all_ranks, check_ranks
from lrfact.model_selection.rank_search._rank_search_fold import (
    FoldTask,
    RankScore,
    continue_in_fold,
    rank_limit,
    score_fold,
    shared_out,
)
from lrfact.model_selection.rank_search._rank_search_parameter import RankParameter
from lrfact.model_selection.rank_search._rank_search_results import results_table


@dataclass(frozen=True)
class RankProblem:
    """A search with validated parameters.

    Attributes
    ----------
    options : RankSearchCV
        The search, with its parameters.

    estimator : estimator
        Unfitted estimator.

    parameter : RankParameter
        Location of the rank in the estimator.

    cv : splitter
        Cross-validation splitter.

    scorer : callable
        Function of a fitted estimator, `X`, and `y` if there is one.

    params : dict of str to object
        Parameters passed to `fit` of the search.

    fit_params, split_params, score_params : mapping of str to object
        The part of `params` for the estimator, the splitter and the scorer.

    progress : callback context
        Callback context of the whole search.
    """

    options: Any
    estimator: Any
    parameter: RankParameter
    cv: Any
    scorer: Any
    params: dict[str, Any]
    fit_params: Mapping[str, Any]
    split_params: Mapping[str, Any]
    score_params: Mapping[str, Any]
    progress: Any

    def splits(self, X: Any, y: Any) -> list[tuple[Any, Any]]:
        """Return training and test rows of each fold."""
        splits = list(self.cv.split(X, y, **self.split_params))
        if not splits:
            raise ValueError(
                f"cv={self.options.cv!r} of RankSearchCV has no folds; give an integer of at "
                "least 2, a splitter or a list of pairs of row indices"
            )
        return splits


@dataclass(frozen=True)
class Outcome:
    """Result of a search.

    Attributes
    ----------
    table : dict of str to ndarray
        Results table, such as ``cv_results_`` of GridSearchCV.

    n_splits : int
        Number of folds.

    is_multimetric : bool
        Whether each rank has several scores.
    """

    table: dict[str, Any]
    n_splits: int
    is_multimetric: bool


def search_nested(problem: RankProblem, X: Any, y: Any) -> Outcome:
    """Score all ranks of a fold from one factorization."""
    if not problem.parameter.step:
        # Better one error at once than a warning from every fold.
        clone(problem.estimator)._validated(X, reset=True)
    return _search_fold_by_fold(problem, X, y, score_fold)


def search_continued(problem: RankProblem, X: Any, y: Any) -> Outcome:
    """Fit the ranks of a fold from the highest to the lowest, by warm starts."""
    return _search_fold_by_fold(problem, X, y, continue_in_fold)


@workers_that_start()
def _search_fold_by_fold(
    problem: RankProblem, X: Any, y: Any, score_ranks: Callable[..., dict[int, RankScore]]
) -> Outcome:
    """Run `score_ranks` in each fold and collect the scores."""
    options = problem.options
    splits = problem.splits(X, y)
    if options.ranks is None:
        ranks = all_ranks(_largest_rank(problem, splits, X, y))
    else:
        ranks = check_ranks(options.ranks)
    task = FoldTask(
        estimator=problem.estimator,
        parameter=problem.parameter,
        ranks=tuple(int(rank) for rank in ranks),
        ranks_are_given=options.ranks is not None,
        scorer=problem.scorer,
        scorer_is_score=options.scoring is None,
        scorer_only_predicts=_only_predicts(options.scoring),
        fit_params=problem.fit_params,
        score_params=problem.score_params,
        error_score=options.error_score,
        return_train_score=options.return_train_score,
    )
    progress = problem.progress.subcontext(
        task_name="search", max_subtasks=len(splits), sequential_subtasks=False
    ).call_on_fit_task_begin(estimator=options)
    names = [f"fold {number} of {len(splits)}" for number in range(1, len(splits) + 1)]
    # All of them before the first fold runs, as callbacks may be pickled with them.
    contexts = [progress.subcontext(task_name=name, task_id=i) for i, name in enumerate(names)]
    searching = copy.copy(options)
    searching.ranks = task.ranks  # an iterator cannot be sent to another process
    parallel = Parallel(n_jobs=options.n_jobs, pre_dispatch=options.pre_dispatch)
    folds = parallel(
        delayed(_run_fold)(searching, name, context, score_ranks, task, X, y, train, test)
        for name, context, (train, test) in zip(names, contexts, splits, strict=True)
    )
    progress.call_on_fit_task_end(estimator=options)
    table = results_table(
        problem.parameter.name,
        folds,
        error_score=options.error_score,
        return_train_score=options.return_train_score,
    )
    is_multimetric = any(isinstance(score.test, dict) for fold in folds for score in fold.values())
    return Outcome(table, len(splits), is_multimetric)


@workers_that_start()
def search_one_by_one(problem: RankProblem, X: Any, y: Any) -> Outcome:
    """Fit every rank in every fold."""
    options = problem.options
    if options.ranks is None:
        ranks = all_ranks(_largest_rank(problem, problem.splits(X, y), X, y))
    else:
        ranks = check_ranks(options.ranks)
    grid = GridSearchCV(
        problem.estimator,
        {problem.parameter.name: [int(rank) for rank in ranks]},
        scoring=options.scoring,
        n_jobs=options.n_jobs,
        refit=False,
        cv=problem.cv,
        verbose=options.verbose,
        pre_dispatch=options.pre_dispatch,
        error_score=options.error_score,
        return_train_score=options.return_train_score,
    )
    progress = problem.progress.subcontext(task_name="search")
    with progress.propagate_callback_context(grid):
        progress.call_on_fit_task_begin(estimator=options, X=X, y=y)
        grid.fit(X, y, **problem.params)
        progress.call_on_fit_task_end(estimator=options, X=X, y=y)
    return Outcome(grid.cv_results_, grid.n_splits_, grid.multimetric_)


# To add a strategy, add a function here and a case to `RankParameter.strategy`.
STRATEGIES: dict[str, Callable[[RankProblem, Any, Any], Outcome]] = {
    "nested": search_nested,
    "continued": search_continued,
    "one by one": search_one_by_one,
}


def _run_fold(
    search: Any,
    name: str,
    context: Any,
    score_ranks: Callable[..., dict[int, RankScore]],
    task: FoldTask,
    X: Any,
    y: Any,
    train: Any,
    test: Any,
) -> dict[int, RankScore]:
    started = time.perf_counter()
    context.call_on_fit_task_begin(estimator=search, X=X, y=y)
    try:
        scores = score_ranks(task, X, y, train, test)
    finally:
        context.call_on_fit_task_end(estimator=search, X=X, y=y)
    if search.verbose:
        seconds = time.perf_counter() - started
        print(f"[RankSearchCV] {name}: {len(scores)} ranks in {seconds:.2f} s")
    return scores


def _largest_rank(problem: RankProblem, splits: list[tuple[Any, Any]], X: Any, y: Any) -> int:
    """Return the largest rank that the smallest training fold allows."""
    train = min((np.asarray(train) for train, _ in splits), key=_n_rows)
    before = problem.parameter.before
    if before is None:
        shape = (_n_rows(train), *np.shape(X)[1:2])
    else:
        # The number of columns that these steps make is known only after their fit.
        params = check_method_params(X, params=problem.fit_params, indices=train)
        rows, targets = safe_split(problem.estimator, X, y, train)
        rows = clone(before).fit_transform(
            rows, targets, **shared_out(problem.estimator, problem.parameter, params)["before"]
        )
        shape = np.shape(rows)[:2]
    return rank_limit(problem.parameter, shape)


def _n_rows(indices: Any) -> int:
    return int(indices.sum()) if indices.dtype == bool else len(indices)


def _only_predicts(scoring: Any) -> bool:
    """Whether a scoring uses `X` only through methods of the estimator."""
    if isinstance(scoring, dict):
        return all(_only_predicts(single) for single in scoring.values())
    if callable(scoring):
        return type(scoring) is type(make_scorer(accuracy_score))
    return True  # None and the names that scikit-learn knows
