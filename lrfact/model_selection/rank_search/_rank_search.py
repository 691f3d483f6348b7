"""RankSearchCV: the rank of an estimator by cross-validation, with work shared by the ranks."""

import time
from collections.abc import Callable, Iterable
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from scipy import sparse
from sklearn import get_config
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone, is_classifier
from sklearn.metrics import check_scoring, get_scorer_names
from sklearn.model_selection import check_cv
from sklearn.utils import get_tags, indexable
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing
from sklearn.utils.validation import check_is_fitted

from lrfact._sklearn_compat import (
    CallbackSupportMixin,
    HasMethods,
    StrOptions,
    check_method_params,
    fit_context,
)
from lrfact.checks._fitted_state import reset_on_error
from lrfact.checks._matrix_input import with_wide_dtype
from lrfact.checks._observed_entries import require_stored_entries
from lrfact.estimators import BayesianMF, MaskedMF, PCAFromSVD, SoftImpute
from lrfact.model_selection.rank_search._rank_search_delegation import BestEstimatorMethods
from lrfact.model_selection.rank_search._rank_search_parameter import find_rank_parameter
from lrfact.model_selection.rank_search._rank_search_strategies import (
    STRATEGIES,
    Outcome,
    RankProblem,
)


class RankSearchCV(BestEstimatorMethods, CallbackSupportMixin, MetaEstimatorMixin, BaseEstimator):
    r"""Choice of the rank by cross-validation, in which all ranks share their work.

    .. math:: \hat k = \arg\max_{k \in \text{ranks}} \frac1F \sum_{f=1}^F
              \operatorname{score}\big(\text{estimator of rank } k \text{ fitted without fold } f,
              \text{ fold } f\big)

    What `GridSearchCV` over `n_components` finds, in a fraction of its time: the best approximation
    of rank k is the leading part of that of any higher rank, so each fold factorizes its training
    rows once, at the largest rank, and reads all others off.

    Parameters
    ----------
    estimator : estimator, default=None
        What has the rank; None means ``PCAFromSVD()``. One factorization per fold is enough for

        - `PCAFromSVD` and `TruncatedSVDReducer`,
        - a `Pipeline` with one of these as a step: the steps before it are fitted once per
          fold too, the steps behind it once per rank and fold, on the leading columns.

        `MaskedMF` is fitted to the training rows of a fold for one rank after the other, from the
        highest down, each time starting from the leading factors of the rank above. Any other
        estimator with one `n_components`, itself or somewhere in it (scikit-learn's `PCA` or
        `NMF`, for example), is fitted once per rank and fold by `GridSearchCV`. The value of
        `n_components` in `estimator` is not used.

    ranks : iterable of int, default=None
        Ranks to try, in any order; they are sorted, and duplicates dropped. None takes all that
        the smallest training fold allows, thinned to at most 50 in a geometric progression, so
        give ranks for a large matrix, where the largest would be expensive.

    cv : int, splitter or iterable, default=None
        Folds, as in `GridSearchCV`: None is 5, stratified for a classifier, of neighboring rows.

    scoring : str, callable, list, tuple or dict, default=None
        What to maximize, as in `GridSearchCV`; None is the method `score` of `estimator`. That of
        our reducers scores all ranks in one pass over the test rows.

    refit : bool, str or callable, default=True
        Whether to fit `estimator` with the best rank on all rows. With several scores the name
        of the one that decides. A callable takes `cv_results_` and returns `best_index_`.

    n_jobs : int, default=None
        Number of folds at a time; None means 1, or what a `joblib.parallel_backend` context says,
        -1 all processors.

    pre_dispatch : int or str, default='2*n_jobs'
        Number of folds handed out at once, in `joblib` terms.

    verbose : int, default=0
        Whether to print a line per fold; for estimators left to `GridSearchCV` as it does.

    error_score : "raise" or float, default=nan
        Score where a fit or its scoring fails, with a warning; "raise" raises the error.

    return_train_score : bool, default=False
        Whether `cv_results_` has scores of the training rows too.

    Attributes
    ----------
    cv_results_ : dict of str to ndarray
        One entry per rank, under the keys that `GridSearchCV` uses, such as
        ``mean_test_score``. Times: a factorization counts in equal parts for all ranks.

    ranks_ : ndarray of shape (n_ranks,)
        Ranks tried, ascending.

    best_rank_ : int
        Rank of the greatest mean score, the smallest of equals. Like the next three it is missing
        if there are several scores and ``refit=False``.

    best_index_ : int
        Where it is in `ranks_` and `cv_results_`.

    best_params_ : dict
        It, by the name that `set_params` of `estimator` takes.

    best_score_ : float
        Its mean score. Missing if `refit` is a callable.

    best_estimator_ : estimator
        Fitted on all rows with the best rank. Only there if `refit` is not False.

    refit_time_ : float
        Seconds this took. Only there if `refit` is not False.

    scorer_ : callable or dict of str to callable
        What was maximized; a dict if several scores were given.

    n_splits_ : int
        Number of folds.

    multimetric_ : bool
        Whether there were several scores.

    classes_ : ndarray of shape (n_classes,)
        Labels. Only there if `estimator` is a classifier and `refit` is not False.

    n_features_in_ : int
        Number of columns. Only there if `refit` is not False.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where `X` has names that are all strings.

    See Also
    --------
    select_rank : Rules for the rank of one matrix, most of which need no folds.
    RankSearchDisplay : Draws the scores over the ranks.
    sklearn.model_selection.GridSearchCV : Searches any parameter; takes our estimators as well.

    Notes
    -----
    Cost, for F folds and R ranks up to K: F factorizations of rank K instead of F R of ranks up
    to K. The scores of our reducers add a product of the test rows with K components. Behind a
    reducer, F R fits of the later steps remain, and are usually all that counts; test rows are
    transformed once per fold. Only a `scoring` that is a function of your own, not made by
    `make_scorer`, may look at anything, so it is shown the whole estimator and the raw test rows,
    which are then transformed once per rank. With ``ranks=None`` the steps before the reducer are
    fitted once more, to see how many columns they make.

    Results are those of `GridSearchCV` up to the accuracy of the solver: with "exact" or "gram"
    to rounding, else to `tol`, as each rank takes part in a factorization of rank K. A fixed number
    of power iterations gives each rank better directions than a fit of that rank alone. Fits that
    start from a higher rank end at the `tol` of the estimator too, but may find another of
    several minima; the refit starts afresh, as a fit with the best rank alone would.

    A Pipeline with `transform_input`, a subclass of Pipeline, and a reducer deeper inside are
    left to `GridSearchCV`. Where more than one step has `n_components`, ours is searched, else
    the one that is not last.

    References
    ----------
    Eckart and Young (1936), doi:10.1007/BF02288367, for best approximations that are nested.
    Stone (1974), doi:10.1111/j.2517-6161.1974.tb00994.x, for cross-validatory choice.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from lrfact import PCAFromSVD, RankSearchCV, TruncatedSVDReducer
    >>> X, y = load_digits(return_X_y=True)
    >>> search = RankSearchCV(TruncatedSVDReducer(), ranks=range(1, 51)).fit(X)
    >>> search.best_rank_
    18
    >>> X, y = X[:300] / 16, y[:300]
    >>> model = make_pipeline(PCAFromSVD(), LogisticRegression())
    >>> search = RankSearchCV(model, ranks=[2, 5, 10, 20], cv=3).fit(X, y)
    >>> search.best_params_
    {'pcafromsvd__n_components': 20}
    >>> search.cv_results_["mean_test_score"].round(2)
    array([0.7 , 0.88, 0.92, 0.96])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "estimator": [HasMethods(["fit"]), None],
        "ranks": [Iterable, None],
        "cv": ["cv_object"],
        "scoring": [StrOptions(set(get_scorer_names())), callable, list, tuple, dict, None],
        "refit": ["boolean", str, callable],
        "n_jobs": [Integral, None],
        "pre_dispatch": [Integral, str],
        "verbose": ["verbose"],
        "error_score": [StrOptions({"raise"}), Real],
        "return_train_score": ["boolean"],
    }

    def __init__(
        self,
        estimator: Any = None,
        ranks: Iterable[int] | None = None,
        *,
        cv: Any = None,
        scoring: Any = None,
        refit: bool | str | Callable[[dict[str, Any]], int] = True,
        n_jobs: int | None = None,
        pre_dispatch: int | str = "2*n_jobs",
        verbose: int = 0,
        error_score: float | str = np.nan,
        return_train_score: bool = False,
    ) -> None:
        self.estimator = estimator
        self.ranks = ranks
        self.cv = cv
        self.scoring = scoring
        self.refit = refit
        self.n_jobs = n_jobs
        self.pre_dispatch = pre_dispatch
        self.verbose = verbose
        self.error_score = error_score
        self.return_train_score = return_train_score

    @fit_context(prefer_skip_nested_validation=False)  # `estimator` is not validated yet
    def fit(self, X: Any, y: Any = None, **params: Any) -> Self:
        """Find the best rank, and fit with it.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Whatever `estimator` takes, if its rows can be indexed.

        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            Targets, for estimators that have any.

        **params : dict of str to object
            `groups` for `cv`, and parameters for `fit` of the estimator, such as
            ``logisticregression__sample_weight``; those with an entry per row are split
            like `X`. With metadata routing enabled: whatever was requested.

        Returns
        -------
        self : object
            The fitted search.

        Raises
        ------
        ValueError
            If `ranks` is empty, has something else than positive integers, or exceeds what a
            training fold allows; if `estimator` has no `n_components`, or more than one to choose
            from; if all fits fail.

        TypeError
            If the estimator takes stored entries for the observed ones, and `X` is sparse by blocks
            or by diagonals.

        Warns
        -----
        FitFailedWarning
            If some fits fail.

        UserWarning
            If some scores fail, or are not finite.
        """
        with reset_on_error(self):
            if isinstance(self.scoring, list | tuple | dict):
                self._require_name_to_refit(self.scoring)
            _require_stored_entries(X, self._searched())
            X, y = indexable(with_wide_dtype(X), y)
            params = check_method_params(X, params=params)
            routed = self._routed("fit", params)
            estimator = clone(self._searched())
            if hasattr(self, "_sklearn_output_config"):
                estimator.set_output(**self._sklearn_output_config)
            progress = self._init_callback_context(
                max_subtasks=1 + (self.refit is not False)
            ).call_on_fit_task_begin(estimator=self, X=X, y=y)
            problem = RankProblem(
                options=self,
                estimator=estimator,
                parameter=find_rank_parameter(estimator),
                cv=check_cv(self.cv, y, classifier=is_classifier(estimator)),
                scorer=self._scorer(),
                params=params,
                fit_params=routed["estimator"]["fit"],
                split_params=routed["splitter"]["split"],
                score_params=routed["scorer"]["score"],
                progress=progress,
            )
            outcome = STRATEGIES[problem.parameter.strategy](problem, X, y)
            self._choose(outcome, problem.parameter.name)
            if self.refit:
                self._fit_best(problem, X, y)
            progress.call_on_fit_task_end(estimator=self, X=X, y=y)
        return self

    def score(self, X: Any, y: Any = None, **params: Any) -> float:
        """Return the score of the best estimator: what the search maximized.

        Parameters
        ----------
        X : indexable, length n_samples
            As the estimator takes it.

        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            Targets, for estimators that have any.

        **params : dict of str to object
            For the scorer, with metadata routing enabled.

        Returns
        -------
        float
            Greater is better.

        Raises
        ------
        AttributeError
            If ``refit=False``.

        ValueError
            If there are several scores and `refit` is a callable.
        """
        self._require_refit("score")
        check_is_fitted(self, "best_estimator_")
        if params and not get_config()["enable_metadata_routing"]:
            raise ValueError(
                f"score of RankSearchCV takes {sorted(params)} only with metadata routing, see "
                "sklearn.set_config(enable_metadata_routing=True)"
            )
        score_params = process_routing(self, "score", **params)["scorer"]["score"]
        scorer = self.scorer_
        if self.multimetric_ and not isinstance(self.refit, str):
            raise ValueError(
                f"score of RankSearchCV cannot tell which of several scores is meant, as "
                f"refit={self.refit!r} names none; call one from `scorer_` instead"
            )
        if isinstance(scorer, dict):
            scorer = scorer[self.refit]
        score = scorer(self.best_estimator_, X, *(() if y is None else (y,)), **score_params)
        return score[self.refit] if isinstance(score, dict) else score

    def get_metadata_routing(self) -> MetadataRouter:
        """Return who gets which metadata.

        Returns
        -------
        MetadataRouter
            Of scikit-learn, for the estimator, the scorer and the splitter.
        """

        def of_fit(callee: str) -> MethodMapping:
            mapping = MethodMapping().add(caller="fit", callee=callee)
            return mapping.add(caller="fit_transform", callee=callee)

        return (
            MetadataRouter(owner=type(self).__name__)
            .add(estimator=self._searched(), method_mapping=of_fit("fit"))
            .add(
                scorer=self._scorer(),
                method_mapping=of_fit("score").add(caller="score", callee="score"),
            )
            .add(splitter=self.cv, method_mapping=of_fit("split"))
        )

    def __sklearn_tags__(self) -> Any:
        return get_tags(self._searched())

    def _searched(self) -> Any:
        return PCAFromSVD() if self.estimator is None else self.estimator

    def _scorer(self) -> Any:
        return check_scoring(self._searched(), self.scoring, raise_exc=self.error_score == "raise")

    def _routed(self, method: str, params: dict[str, Any]) -> Any:
        if get_config()["enable_metadata_routing"]:
            return process_routing(self, method, **params)
        for_fit = {name: value for name, value in params.items() if name != "groups"}
        return {
            "estimator": {"fit": for_fit},
            "splitter": {"split": {"groups": params.get("groups")}},
            "scorer": {"score": {}},
        }

    def _require_name_to_refit(self, names: Iterable[str]) -> None:
        names = list(names)
        if self.refit is False or callable(self.refit) or self.refit in names:
            return
        raise ValueError(
            f"refit={self.refit!r} of RankSearchCV must name the one of several scores that "
            f"decides; give one of {names}, a callable, or False"
        )

    def _choose(self, outcome: Outcome, parameter: str) -> None:
        table = outcome.table
        self.cv_results_ = table
        self.n_splits_ = outcome.n_splits
        self.multimetric_ = outcome.is_multimetric
        self.ranks_ = np.asarray(table[f"param_{parameter}"], dtype=np.intp)
        self.scorer_ = self._scorer()
        if isinstance(self.scoring, list | tuple):
            self.scorer_ = {name: check_scoring(scoring=name) for name in self.scoring}
        elif isinstance(self.scoring, dict):
            self.scorer_ = {name: check_scoring(scoring=s) for name, s in self.scoring.items()}
        metric = "score"
        if self.multimetric_:
            prefix = "mean_test_"
            self._require_name_to_refit(
                key.removeprefix(prefix) for key in table if key.startswith(prefix)
            )
            if self.refit is False:
                return
            metric = str(self.refit)
        if callable(self.refit):
            self.best_index_ = self._checked_index(self.refit(table))
        else:
            self.best_index_ = int(table[f"rank_test_{metric}"].argmin())
            self.best_score_ = float(table[f"mean_test_{metric}"][self.best_index_])
        self.best_rank_ = int(self.ranks_[self.best_index_])
        self.best_params_ = table["params"][self.best_index_]

    def _checked_index(self, index: Any) -> int:
        if not isinstance(index, int | np.integer):
            raise TypeError(
                f"refit of RankSearchCV must return the position of a rank in cv_results_, an "
                f"integer, got {index!r}"
            )
        if not 0 <= index < len(self.ranks_):
            raise IndexError(
                f"refit of RankSearchCV returned {index}, but there are {len(self.ranks_)} ranks"
            )
        return int(index)

    def _fit_best(self, problem: RankProblem, X: Any, y: Any) -> None:
        best = clone(problem.estimator).set_params(**self.best_params_)
        progress = problem.progress.subcontext(task_name="refit-with-best-rank")
        started = time.perf_counter()
        with progress.propagate_callback_context(best):
            progress.call_on_fit_task_begin(estimator=self, X=X, y=y)
            best.fit(X, *(() if y is None else (y,)), **problem.fit_params)
            progress.call_on_fit_task_end(estimator=self, X=X, y=y)
        self.refit_time_ = time.perf_counter() - started
        self.best_estimator_ = best
        if hasattr(best, "feature_names_in_"):
            self.feature_names_in_ = best.feature_names_in_


def _require_stored_entries(X: Any, estimator: Any) -> None:
    """Let an estimator of observed entries see a format that folds of rows would change to CSR."""
    if not sparse.issparse(X):
        return
    first = estimator
    while hasattr(first, "estimator") or hasattr(first, "steps"):
        steps = getattr(first, "steps", None)
        first = steps[0][1] if steps else first.estimator
    if isinstance(first, MaskedMF | BayesianMF | SoftImpute):
        require_stored_entries(X, type(first).__name__)
