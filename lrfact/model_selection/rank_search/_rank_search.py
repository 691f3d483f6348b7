"""RankSearchCV: search for the number of components by cross-validation."""

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
    r"""Cross-validated search over the number of components, with one factorization per fold.

    .. math:: \hat k = \arg\max_{k \in \text{ranks}} \frac1F \sum_{f=1}^F
              \operatorname{score}\big(\text{estimator of rank } k \text{ fitted without fold } f,
              \text{ fold } f\big)

    The result is that of `GridSearchCV` over `n_components`, in a fraction of the time: the best
    approximation of rank k consists of the leading components of that of any higher rank, so that
    each fold factorizes its training rows once, with the largest rank, and truncates the result.

    Parameters
    ----------
    estimator : estimator, default=None
        Estimator with a parameter `n_components`; None means ``PCAFromSVD()``. One factorization
        per fold is sufficient for

        - `PCAFromSVD` and `TruncatedSVDReducer`,
        - a `Pipeline` with one of these as a step: the preceding steps are also fitted once per
          fold, the following steps once per rank and fold, on the leading columns.

        `MaskedMF` is fitted to the training rows of a fold for one rank after the other, from the
        highest to the lowest, with the leading factors of the previous rank as initialization (a
        warm start). Any other estimator with exactly one `n_components`, of its own or of a nested
        estimator (such as scikit-learn's `PCA` or `NMF`), is fitted once per rank and fold by
        `GridSearchCV`. The value of
        `n_components` in `estimator` is not used.

    ranks : iterable of int, default=None
        Ranks to try, in any order; they are sorted and duplicates are removed. None tries all that
        the smallest training fold allows, or 50 of them in a geometric progression if there are
        more. Pass explicit ranks for a large matrix, where the largest would be expensive.

    cv : int, splitter or iterable, default=None
        Cross-validation splits, as in `GridSearchCV`: None means 5 folds of consecutive rows,
        stratified for a classifier.

    scoring : str, callable, list, tuple or dict, default=None
        Score to maximize, as in `GridSearchCV`; None means the method `score` of `estimator`. The
        `score` of `PCAFromSVD` and `TruncatedSVDReducer` is computed for all ranks in one pass over
        the test rows.

    refit : bool, str or callable, default=True
        Whether to refit `estimator` with the best rank on all rows. With several scores, the name
        of the one by which the best rank is chosen. A callable takes `cv_results_` and returns
        `best_index_`.

    n_jobs : int, default=None
        Number of folds processed in parallel. None means 1, unless in a
        `joblib.parallel_backend` context; -1 means all processors.

    pre_dispatch : int or str, default='2*n_jobs'
        Number of folds dispatched at once; see `joblib.Parallel`.

    verbose : int, default=0
        Whether to print a line per fold. Estimators that are passed on to `GridSearchCV` print what
        that prints.

    error_score : "raise" or float, default=nan
        Score if fitting or scoring fails, with a warning; "raise" raises the error.

    return_train_score : bool, default=False
        Whether `cv_results_` includes scores of the training rows.

    Attributes
    ----------
    cv_results_ : dict of str to ndarray
        Table with one entry per rank, with the keys of `GridSearchCV`, such as
        ``mean_test_score``. The time of a factorization is divided equally among the ranks.

    ranks_ : ndarray of shape (n_ranks,)
        Ranks that were tried, in ascending order.

    best_rank_ : int
        Rank with the highest mean score, the smallest one in case of ties. Like the next three
        attributes it is missing if there are several scores and ``refit=False``.

    best_index_ : int
        Index of the best rank in `ranks_` and `cv_results_`.

    best_params_ : dict
        Parameters of the best candidate, as accepted by `set_params` of `estimator`.

    best_score_ : float
        Mean score of the best rank. Not available if `refit` is a callable.

    best_estimator_ : estimator
        Estimator refitted on all rows with the best rank. Available if `refit` is not False.

    refit_time_ : float
        Seconds used for the refit. Available if `refit` is not False.

    scorer_ : callable or dict of str to callable
        Scorer that was used; a dict of scorers if there are several scores.

    n_splits_ : int
        Number of folds.

    multimetric_ : bool
        Whether there were several scores.

    classes_ : ndarray of shape (n_classes,)
        Class labels. Available if `estimator` is a classifier and `refit` is not False.

    n_features_in_ : int
        Number of features seen in `fit`. Available if `refit` is not False.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of features seen in `fit`, if `X` has feature names that are all strings.

    See Also
    --------
    select_rank : Rules for the number of components of one matrix, mostly without folds.
    RankSearchDisplay : Plot of the scores by rank.
    sklearn.model_selection.GridSearchCV : Search over any parameters; also accepts our estimators.

    Notes
    -----
    Cost, for F folds and R ranks up to K: F factorizations of rank K instead of F R of ranks up
    to K. The scores of our reducers add a product of the test rows with K components. The F R fits
    of the steps after a reducer remain and usually dominate; test rows are transformed once per
    fold. A `scoring` that is a function of your own, not made by `make_scorer`, is called with the
    whole estimator and the raw test rows, as it may use anything; the test rows are then
    transformed once per rank. With ``ranks=None`` the steps before the reducer are fitted once
    more, to determine their number of columns.

    Results are those of `GridSearchCV` up to the accuracy of the solver: up to rounding errors with
    "exact" or "gram", else up to `tol`, as each rank is part of a factorization of rank K. With a
    fixed number of power iterations the components of each rank are more accurate than those of a
    fit with that rank alone. Warm starts from a higher rank also converge to the `tol` of the
    estimator, but may find another local minimum; the refit is not warm started.

    A Pipeline with `transform_input`, a subclass of Pipeline, and a reducer in a nested estimator
    are passed on to `GridSearchCV`. If several steps have `n_components`, that of the reducer of
    this package is searched, else that of the step that is not the last.

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
        """Search for the best rank, and refit with it.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training data, as accepted by `estimator`, with rows that can be indexed.

        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            Targets, for supervised estimators.

        **params : dict of str to object
            `groups` for `cv`, and parameters for `fit` of the estimator, such as
            ``logisticregression__sample_weight``; those with one entry per row are split
            like `X`. With metadata routing enabled, all requested metadata.

        Returns
        -------
        self : object
            The fitted search.

        Raises
        ------
        ValueError
            If `ranks` is empty, is not made of positive integers, or exceeds what a training fold
            allows; if `estimator` has no `n_components`, or several; if all fits fail.

        TypeError
            If the estimator treats stored entries as the observed ones, and `X` is a sparse matrix
            in a block or diagonal format.

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
        """Return the score of the best estimator, by the scorer of the search.

        Parameters
        ----------
        X : indexable, length n_samples
            Data, as accepted by the estimator.

        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            Targets, for supervised estimators.

        **params : dict of str to object
            Metadata for the scorer, with metadata routing enabled.

        Returns
        -------
        float
            Score; higher is better.

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
                f"score of RankSearchCV is ambiguous for several scores, as refit={self.refit!r} "
                f"names none of them; call one of `scorer_` instead"
            )
        if isinstance(scorer, dict):
            scorer = scorer[self.refit]
        score = scorer(self.best_estimator_, X, *(() if y is None else (y,)), **score_params)
        return score[self.refit] if isinstance(score, dict) else score

    def get_metadata_routing(self) -> MetadataRouter:
        """Return the metadata routing of this search.

        Returns
        -------
        MetadataRouter
            Routing of metadata to the estimator, the scorer and the splitter.
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
            f"refit={self.refit!r} of RankSearchCV must be the name of the score by which "
            f"the best rank is chosen; set it to one of {names}, a callable, or False"
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
    """Refuse sparse formats with unobserved stored entries, which indexing would turn into CSR."""
    if not sparse.issparse(X):
        return
    first = estimator
    while hasattr(first, "estimator") or hasattr(first, "steps"):
        steps = getattr(first, "steps", None)
        first = steps[0][1] if steps else first.estimator
    if isinstance(first, MaskedMF | BayesianMF | SoftImpute):
        require_stored_entries(X, type(first).__name__)
