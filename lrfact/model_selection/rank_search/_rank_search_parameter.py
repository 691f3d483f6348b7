"""The parameter of an estimator or Pipeline that sets its number of components."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sklearn.pipeline import Pipeline

from lrfact.estimators import LSASearch, PCAFromSVD, TruncatedSVDReducer

# Reducers whose fit with k components is the leading part of a fit with more. Subclasses are
# excluded: methods that they override need not be nested.
NESTED_REDUCERS = (LSASearch, PCAFromSVD, TruncatedSVDReducer)


@dataclass(frozen=True)
class RankParameter:
    """The parameter that a rank search sets, and the parts of the estimator around it.

    Attributes
    ----------
    name : str
        Name of the parameter, as accepted by `set_params` of the whole estimator.

    step : str
        Name of the step in the Pipeline; "" if the estimator is not a Pipeline.

    before : Pipeline or None
        Steps before the reducer.

    reducer : estimator or None
        Step with the rank, if fits of different ranks are nested.

    after : Pipeline or None
        Steps after the reducer.

    is_continued : bool
        Whether the estimator itself has the rank, and can be warm started from another rank.
    """

    name: str
    step: str = ""
    before: Pipeline | None = None
    reducer: Any = None
    after: Pipeline | None = None
    is_continued: bool = False

    @property
    def strategy(self) -> str:
        """Key of `STRATEGIES` for this estimator."""
        if self.reducer is not None:
            return "nested"
        return "continued" if self.is_continued else "one by one"


def find_rank_parameter(estimator: Any) -> RankParameter:
    """Find the parameter `n_components` of an estimator.

    Parameters
    ----------
    estimator : estimator
        Estimator with a parameter `n_components`, of its own or of one nested estimator.

    Returns
    -------
    RankParameter

    Raises
    ------
    ValueError
        If there is none, or more than one.
    """
    if "n_components" in estimator.get_params(deep=False):
        return RankParameter(
            "n_components",
            reducer=estimator if type(estimator) in NESTED_REDUCERS else None,
            is_continued=_can_continue(estimator),
        )
    if isinstance(estimator, Pipeline):
        found = _rank_step(estimator)
        if found is not None:
            return _split(estimator, found)
    deep = [name for name in estimator.get_params() if name.endswith("__n_components")]
    return RankParameter(_only_one(deep, estimator))


def _can_continue(estimator: Any) -> bool:
    # The parameter alone is not sufficient: a warm started mixture keeps its number of components.
    declared = getattr(estimator, "_warm_start_takes_any_rank", False)
    return declared and "warm_start" in estimator.get_params(deep=False)


def _rank_step(pipeline: Pipeline) -> int | None:
    """Return the position of the step to search; None if no step itself has a rank."""
    last = len(pipeline.steps) - 1
    with_rank = [
        position
        for position, (_, step) in enumerate(pipeline.steps)
        if hasattr(step, "get_params") and "n_components" in step.get_params(deep=False)
    ]
    nested = [p for p in with_rank if type(pipeline.steps[p][1]) in NESTED_REDUCERS]
    # Some classifiers (linear discriminant analysis) have n_components too.
    reducing = [p for p in with_rank if p != last]
    chosen = nested or reducing or with_rank
    if not chosen:
        return None
    _only_one([f"{pipeline.steps[p][0]}__n_components" for p in chosen], pipeline)
    return chosen[0]


def _split(pipeline: Pipeline, position: int) -> RankParameter:
    step, reducer = pipeline.steps[position]
    # A subclass may fit its steps in its own way, and with transform_input later steps need the
    # earlier ones.
    simple = type(pipeline) is Pipeline and getattr(pipeline, "transform_input", None) is None
    return RankParameter(
        f"{step}__n_components",
        step,
        before=pipeline[:position] if position else None,
        reducer=reducer if simple and type(reducer) in NESTED_REDUCERS else None,
        after=pipeline[position + 1 :] if position + 1 < len(pipeline.steps) else None,
    )


def _only_one(names: Iterable[str], estimator: Any) -> str:
    found = list(names)
    if not found:
        raise ValueError(
            "estimator of RankSearchCV must have a parameter n_components, itself or in a step, "
            f"got {estimator!r}; add a reducer, such as PCAFromSVD in a Pipeline"
        )
    if len(found) > 1:
        raise ValueError(
            f"estimator of RankSearchCV must have exactly one n_components to search, "
            f"got {found}; use GridSearchCV, which takes the name of the parameter"
        )
    return found[0]
