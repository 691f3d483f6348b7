"""Scores of all ranks in one fold, from one factorization or by warm starts."""

import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from numbers import Number
from traceback import format_exc
from typing import Any

import numpy as np
from sklearn import get_config
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils.metadata_routing import get_routing_for_object, process_routing

from lrfact._sklearn_compat import check_method_params, safe_split
from lrfact.model_selection.rank_search._rank_search_parameter import RankParameter


@dataclass(frozen=True)
class RankScore:
    """Scores and times of one rank in one fold.

    Attributes
    ----------
    test, train : float, dict of str to float, or None
        Scores, by name if there are several. None if the fit failed or the score was not requested.

    fit_time, score_time : float
        Seconds. The time of a fit that ranks share is divided equally.

    error : str or None
        Traceback of a fit that failed.
    """

    test: Any = None
    train: Any = None
    fit_time: float = 0.0
    score_time: float = 0.0
    error: str | None = None


@dataclass(frozen=True)
class FoldTask:
    """Data that all folds share.

    Attributes
    ----------
    estimator : estimator
        Unfitted estimator.

    parameter : RankParameter
        Parts of `estimator`; it has a `reducer`, or `is_continued`.

    ranks : tuple of int
        Ranks in ascending order.

    ranks_are_given : bool
        Whether the user passed `ranks`. If not, those that a fold does not allow are omitted.

    scorer : callable
        Function of a fitted estimator, `X`, and `y` if there is one.

    scorer_is_score : bool
        Whether `scorer` is the method `score` of the estimator.

    scorer_only_predicts : bool
        Whether `scorer` uses `X` only through methods of the estimator.

    fit_params, score_params : mapping of str to object
        Parameters of `fit` of the whole estimator and of `scorer`, for all rows.

    error_score : float or "raise"
        Score if a fit or its scoring fails.

    return_train_score : bool
        Whether to score the training rows too.
    """

    estimator: Any
    parameter: RankParameter
    ranks: tuple[int, ...]
    ranks_are_given: bool
    scorer: Any
    scorer_is_score: bool
    scorer_only_predicts: bool
    fit_params: Mapping[str, Any]
    score_params: Mapping[str, Any]
    error_score: Any
    return_train_score: bool


def score_fold(task: FoldTask, X: Any, y: Any, train: Any, test: Any) -> dict[int, RankScore]:
    """Factorize the training rows once, and score every rank on the test rows.

    Parameters
    ----------
    task : FoldTask
        Estimator, ranks and scorer.

    X : array-like, sparse matrix or DataFrame
        All rows.

    y : array-like or None
        All targets.

    train, test : ndarray
        Rows of the fold.

    Returns
    -------
    dict of int to RankScore
        Score of each rank. Ranks that the user did not pass and that the fold does not allow are
        missing, except the smallest.

    Raises
    ------
    ValueError
        If a rank passed by the user exceeds what the fold allows.
    """
    # As in scikit-learn, error_score stands for any exception: the steps and scorers are the
    # user's own, so that no list of exceptions covers what they raise. The traceback is kept.
    # This holds for each `except Exception` below.
    fold = _Fold(task, X, y, train, test)
    started = time.perf_counter()
    try:
        rows, targets = fold.prepare()
    except Exception:
        if task.error_score == "raise":
            raise
        return _all_failed(task.ranks, time.perf_counter() - started)
    return fold.scores(rows, targets, _allowed(task, np.shape(rows)), started)


def continue_in_fold(task: FoldTask, X: Any, y: Any, train: Any, test: Any) -> dict[int, RankScore]:
    """Fit the training rows for one rank after the other, from the highest, and score them.

    Each fit is initialized with the leading components of the previous one. In ascending order each
    fit would have to find a new component: on ratings that takes three times as many iterations.

    Parameters
    ----------
    task : FoldTask
        Estimator, ranks and scorer.

    X : array-like, sparse matrix or DataFrame
        All rows.

    y : array-like or None
        All targets.

    train, test : ndarray
        Rows of the fold.

    Returns
    -------
    dict of int to RankScore
        Score of each rank, in ascending order.
    """
    return _Fold(task, X, y, train, test).scores_downwards()


def rank_limit(parameter: RankParameter, shape: Sequence[int]) -> int:
    """Return the largest rank for training rows of this shape, as passed to the reducer."""
    limit = min(shape)
    # ARPACK cannot find the last triplet.
    if parameter.reducer is not None and parameter.reducer._solver_and_iterations()[0] == "lanczos":
        limit -= 1
    return max(1, limit)


def _allowed(task: FoldTask, shape: Sequence[int]) -> tuple[int, ...]:
    if len(shape) != 2:
        return task.ranks  # not a matrix: the reducer raises the error
    limit = rank_limit(task.parameter, shape)
    if task.ranks_are_given and task.ranks[-1] > limit:
        raise ValueError(
            f"ranks of RankSearchCV go up to {task.ranks[-1]}, but a training fold with "
            f"n_samples={shape[0]} and n_features={shape[1]} allows {limit} at most; lower them, "
            "or pass ranks=None for all that every fold allows"
        )
    return tuple(rank for rank in task.ranks if rank <= limit)


def _all_failed(ranks: Sequence[int], seconds: float) -> dict[int, RankScore]:
    """Return a record of the exception being handled for each rank."""
    return dict.fromkeys(ranks, RankScore(fit_time=seconds / len(ranks), error=format_exc()))


class _Fold:
    """One fold: fits and scores of its rows."""

    def __init__(self, task: FoldTask, X: Any, y: Any, train: Any, test: Any) -> None:
        self._task = task
        self._X = X
        self._y = y
        self._train = train
        self._test = test
        self._before: Any = None
        self._parts: dict[str, tuple[Any, Any]] = {}
        self._coordinates: dict[str, tuple[Any, Any]] = {}  # and their targets
        fit_params = check_method_params(X, params=task.fit_params, indices=train)
        self._fit_params = shared_out(task.estimator, task.parameter, fit_params)

    def prepare(self) -> tuple[Any, Any]:
        """Fit the steps before the reducer; return the input of the reducer."""
        X, y = self._part("train")
        if self._task.parameter.before is not None:
            self._before = clone(self._task.parameter.before)
            X = self._before.fit_transform(X, y, **self._fit_params["before"])
        return X, y

    def scores(
        self, rows: Any, y: Any, ranks: tuple[int, ...], started: float
    ) -> dict[int, RankScore]:
        """Factorize prepared training rows and score the ranks; times count from `started`."""
        task = self._task
        reducer = clone(task.parameter.reducer).set_params(n_components=max(ranks))
        coordinates = None
        try:
            if task.parameter.after is None:
                reducer.fit(rows, y, **self._fit_params["reducer"])
            else:
                coordinates = reducer.fit_transform(rows, y, **self._fit_params["reducer"])
        except Exception:
            if task.error_score == "raise":
                raise
            if len(ranks) == 1:
                return _all_failed(ranks, time.perf_counter() - started)
            # A rank that is too large for the solver must not affect smaller ranks.
            half = len(ranks) // 2
            lower = self.scores(rows, y, ranks[:half], started)
            return {**lower, **self.scores(rows, y, ranks[half:], time.perf_counter())}
        self._coordinates.clear()
        fit_time = (time.perf_counter() - started) / len(ranks)
        if coordinates is not None:
            return self._by_steps_behind(reducer, coordinates, y, ranks, fit_time)
        # LSASearch has to rank its documents again for every rank.
        scores_ranks_at_once = hasattr(reducer, "_scores_by_rank")
        if task.scorer_is_score and not task.score_params and scores_ranks_at_once:
            return self._by_own_score(reducer, ranks, fit_time)
        return {k: self._judge(fit_time, self._score_whole, self._whole(reducer, k)) for k in ranks}

    def scores_downwards(self) -> dict[int, RankScore]:
        """Fit the whole estimator for each rank, initialized with the previous, higher rank."""
        task = self._task
        model = clone(task.estimator)
        scores = {}
        for k in reversed(task.ranks):
            started = time.perf_counter()
            model.set_params(**{task.parameter.name: k}, warm_start=True)
            try:
                X, y = self._part("train")
                model.fit(X, *(() if y is None else (y,)), **self._fit_params["reducer"])
            except Exception:
                if task.error_score == "raise":
                    raise
                scores[k] = RankScore(fit_time=time.perf_counter() - started, error=format_exc())
                model = clone(task.estimator)
                continue
            scores[k] = self._judge(time.perf_counter() - started, self._score_whole, model)
        return {k: scores[k] for k in task.ranks}

    def _by_own_score(
        self, reducer: Any, ranks: Sequence[int], fit_time: float
    ) -> dict[int, RankScore]:
        started = time.perf_counter()
        test = self._own_scores(reducer, ranks, "test")
        score_time = (time.perf_counter() - started) / len(ranks)
        train = {}
        if self._task.return_train_score:
            train = self._own_scores(reducer, tuple(test), "train")
        return {k: RankScore(test[k], train.get(k), fit_time, score_time) for k in test}

    def _own_scores(self, reducer: Any, ranks: Sequence[int], part: str) -> dict[int, Any]:
        """Return what `score` of the reducer would for each rank, in one pass over the rows."""
        task = self._task
        scores = self._attempt(self._score_by_rank, reducer, ranks, part)
        if not isinstance(scores, dict):
            return dict.fromkeys(ranks, scores)
        for k in [k for k in ranks if np.isnan(scores[k])]:
            if task.ranks_are_given or k == task.ranks[0]:
                # Its own `score` raises the error.
                scores[k] = self._attempt(self._score_whole, self._whole(reducer, k), part)
            else:
                del scores[k]
        return scores

    def _score_by_rank(self, reducer: Any, ranks: Sequence[int], part: str) -> dict[int, float]:
        rows = self._transformed_before(self._part(part)[0])
        return dict(zip(ranks, reducer._scores_by_rank(rows, ranks), strict=True))

    def _by_steps_behind(
        self, reducer: Any, coordinates: Any, y: Any, ranks: Sequence[int], fit_time: float
    ) -> dict[int, RankScore]:
        """Fit the steps behind the reducer for each rank, and score them."""
        task = self._task
        scores = {}
        for k in ranks:
            started = time.perf_counter()
            steps = clone(task.parameter.after)
            try:
                steps.fit(leading_columns(coordinates, k), y, **self._fit_params["after"])
            except Exception:
                if task.error_score == "raise":
                    raise
                seconds = fit_time + time.perf_counter() - started
                scores[k] = RankScore(fit_time=seconds, error=format_exc())
                continue
            seconds = fit_time + time.perf_counter() - started
            if task.scorer_only_predicts and not task.score_params:
                scores[k] = self._judge(seconds, self._score_steps, steps, reducer, k)
            else:
                whole = self._whole(reducer, k, steps)
                scores[k] = self._judge(seconds, self._score_whole, whole)
        return scores

    def _judge(self, fit_time: float, score: Callable[..., Any], *model: Any) -> RankScore:
        started = time.perf_counter()
        test = self._attempt(score, *model, "test")
        score_time = time.perf_counter() - started
        train = None
        if self._task.return_train_score:
            train = self._attempt(score, *model, "train")
        return RankScore(test, train, fit_time, score_time)

    def _score_whole(self, model: Any, part: str) -> Any:
        """Score a model of the whole estimator on raw rows."""
        X, y = self._part(part)
        params = check_method_params(
            self._X, params=self._task.score_params, indices=self._indices(part)
        )
        return self._task.scorer(model, X, *(() if y is None else (y,)), **params)

    def _score_steps(self, steps: Any, reducer: Any, k: int, part: str) -> Any:
        """Score the steps behind the reducer on rows transformed once for all ranks."""
        if part not in self._coordinates:
            X, y = self._part(part)
            self._coordinates[part] = reducer.transform(self._transformed_before(X)), y
        coordinates, y = self._coordinates[part]
        return self._task.scorer(
            steps, leading_columns(coordinates, k), *(() if y is None else (y,))
        )

    def _whole(self, reducer: Any, k: int, steps_behind: Any = None) -> Any:
        """Assemble the result of a fit of the whole estimator with rank k."""
        leading = reducer.truncate(k)
        step = self._task.parameter.step
        if not step:
            return leading
        before = [] if self._before is None else self._before.steps
        behind = [] if steps_behind is None else steps_behind.steps
        return Pipeline([*before, (step, leading), *behind])

    def _transformed_before(self, rows: Any) -> Any:
        # Not by their Pipeline: it may regard a last step without fitted attributes as unfitted.
        for _, step in [] if self._before is None else self._before.steps:
            if step is not None and step != "passthrough":
                rows = step.transform(rows)
        return rows

    def _indices(self, part: str) -> Any:
        return self._train if part == "train" else self._test

    def _part(self, part: str) -> tuple[Any, Any]:
        if part in self._parts:
            return self._parts[part]
        rows = safe_split(self._task.estimator, self._X, self._y, self._indices(part), self._train)
        if self._task.parameter.before is None:
            # Otherwise a new copy each time, as some transformers write into their input.
            self._parts[part] = rows
        return rows

    def _attempt(self, score: Callable[..., Any], *args: Any) -> Any:
        """Return one or several scores, or `error_score` if that fails."""
        error_score = self._task.error_score
        try:
            scores = score(*args)
        except Exception:
            if error_score == "raise":
                raise
            _warn_of_failed_score(error_score, format_exc())
            return error_score
        if not isinstance(scores, dict):
            return _number(scores)
        for name, value in scores.items():
            if isinstance(value, str):  # the traceback of one scorer of several
                _warn_of_failed_score(error_score, value)
                value = error_score
            scores[name] = _number(value)
        return scores


def leading_columns(coordinates: Any, k: int) -> Any:
    """Return a copy of the first k columns, of the same type as `coordinates`."""
    if isinstance(coordinates, np.ndarray):
        return np.array(coordinates[:, :k], order="C")
    if hasattr(coordinates, "iloc"):
        return coordinates.iloc[:, :k].copy()
    return coordinates[:, :k]


def shared_out(
    estimator: Any, parameter: RankParameter, params: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """Divide the parameters of `fit` among the parts of an estimator."""
    shares: dict[str, dict[str, Any]] = {"before": {}, "reducer": {}, "after": {}}
    if not parameter.step:
        shares["reducer"] = dict(params)
    elif get_config()["enable_metadata_routing"]:
        process_routing(estimator, "fit", **params)  # refuses what no step has requested
        # Several steps may have requested the same; our reducers request nothing.
        for part, method in (("before", "fit_transform"), ("after", "fit")):
            steps = getattr(parameter, part)
            if steps is not None:
                requested = get_routing_for_object(steps).consumes(method, params.keys())
                shares[part] = {name: params[name] for name in requested}
    else:
        before = dict(parameter.before.steps) if parameter.before is not None else {}
        for name, value in params.items():
            step, _, own = name.partition("__")
            if step == parameter.step:
                shares["reducer"][own] = value
            elif parameter.after is None or step in before:
                shares["before"][name] = value
            else:  # including unknown ones: the Pipeline raises the error
                shares["after"][name] = value
    return shares


def _number(score: Any) -> Any:
    if hasattr(score, "item"):
        with suppress(ValueError):
            score = score.item()
    if not isinstance(score, Number):
        raise ValueError(f"scoring must return a number, got {score!r} ({type(score)}) instead")
    return score


def _warn_of_failed_score(error_score: Any, details: str) -> None:
    warnings.warn(
        "Scoring failed. The score on this train-test partition for these parameters will be set "
        f"to {error_score}. Details: \n{details}",
        UserWarning,
        stacklevel=2,
    )
