"""SoftImpute: imputation of missing values by nuclear norm regularization."""

import warnings
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import MissingIndicator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from lrfact._sklearn_compat import (
    CallbackSupportMixin,
    Interval,
    StrOptions,
    fit_context,
)
from lrfact._threads import effective_n_threads, single_threaded_blas
from lrfact._typing import Array
from lrfact.checks._fitted_state import reset_on_error
from lrfact.checks._observed_entries import observed_entries
from lrfact.estimators._progress import FitProgress
from lrfact.linalg.power_of_two import times_power_of_two, unit_exponent
from lrfact.linalg.require_finite import require_finite
from lrfact.linalg.root_mean_square import root_mean_square
from lrfact.linalg.sign_convention import fix_signs
from lrfact.solvers.completion.completion_model import CompletionModel
from lrfact.solvers.completion.entry_scaling import (
    EntryScaling,
    entry_scaling,
    row_offset_penalty,
    rows_of_entries,
)
from lrfact.solvers.completion.nuclear_norm_problem import NuclearNormProblem
from lrfact.solvers.completion.soft_impute import soft_impute, zero_state
from lrfact.solvers.completion.soft_impute_path import PenaltyPath, penalty_path
from lrfact.solvers.observed.early_stopping import hold_out_entries


class SoftImpute(CallbackSupportMixin, OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    r"""Imputation of missing values by nuclear norm regularization (convex matrix completion).

    .. math:: \min_{Z, a} \frac12 \sum_{(i,j) \in \Omega}
              \Big(\frac{x_{ij} - \mu_j}{\sigma_j \tau_i} - a_i - z_{ij}\Big)^2
              + reg\, \|Z\|_* + \frac{\rho}{2} \|a\|^2

    over matrices Z and row offsets a. :math:`\Omega` are the observed entries, :math:`\mu_j,
    \sigma_j, \tau_i` are means and scales that are estimated before, and the nuclear norm is the
    sum of the singular values of Z. Missing entries are not used in the fit, and only `transform`
    returns a completed matrix.

    Parameters
    ----------
    reg : float or "auto", default="auto"
        Regularization strength, positive, in scaled units: each singular value of a complete matrix
        shrinks by it. "auto" lowers it from the largest useful value, above which Z = 0, until
        predictions of held-out entries no longer improve, and then fits all entries with the best
        value.

    max_rank : int, default=None
        Maximum rank of Z. If it excludes components, the problem is no longer convex, and `tol` is
        the relative decrease of the objective. None means min(n_samples, n_features).

    center : {"both", "columns"} or None, default="both"
        "columns" subtracts the mean of each column. "both" also fits row offsets, with a
        regularization :math:`\rho` estimated from the variances within and between rows, and
        shrinks the means of columns with few entries in the same way. None subtracts nothing.

    scale : {"columns", "both"} or None, default="columns"
        "columns" divides each column by its standard deviation, so that columns may have different
        units; standard deviations of columns with few entries are shrunk towards a common one, as
        far as those of the others are similar. "both" also divides each row by its standard
        deviation, shrunk likewise. None keeps the units, for columns with the same units.

    n_regs : int, default=30
        Number of regularization strengths on the path from the largest useful one to a thousandth
        of it, for ``reg="auto"``, which seldom needs all of them.

    validation_fraction : float, default=0.1
        Fraction of the observed entries that ``reg="auto"`` holds out.

    max_iter : int, default=100
        Maximum number of iterations of the fit to all entries.

    tol : float, default=0.001
        Tolerance of the stopping criterion: the objective is proven to be within this fraction of
        its minimum.

    missing_values : float, default=nan
        Placeholder for missing entries. Entries that a sparse matrix does not store are also
        missing. A stored 0 is an observed 0, unless `missing_values` is 0.

    add_indicator : bool, default=False
        Whether `transform` appends a column of ones and zeros for each feature that had missing
        entries in `fit`, as `sklearn.impute.MissingIndicator` does: 1 where an entry was missing.

    keep_empty_features : bool, default=True
        Whether to keep features without observed entries in `fit`, imputed by an overall mean (see
        `mean_`). False drops them, with a warning, as the imputers of scikit-learn do by default;
        scorers that hold out entries need all of them.

    random_state : int, RandomState instance or None, default=None
        Controls the held-out entries and the initialization of the solver. Pass an int for
        reproducible results: they are bitwise identical on every run and for every `n_jobs`.

    n_jobs : int, default=None
        Number of threads. None means all available ones.

    verbose : int, default=0
        Whether to print the error on held-out entries for each regularization strength, and the
        objective after each iteration.

    Attributes
    ----------
    components_ : ndarray of shape (n_components_, n_features)
        Right singular vectors of Z in descending order of singular value, with signs such that the
        largest loading of each is positive.

    singular_values_ : ndarray of shape (n_components_,)
        Singular values of Z in descending order, in scaled units.

    n_components_ : int
        Rank of Z; 0 if means alone predict best.

    mean_ : ndarray of shape (n_features,)
        Means :math:`\mu`, in the units of `X`, by which a row without entries is completed. For a
        column without entries it is the mean of all entries; 0 with ``center=None``.

    scale_ : ndarray of shape (n_features,)
        Standard deviations :math:`\sigma` of the columns, positive; 1 unless columns are scaled.

    row_spread_ : float
        Common standard deviation of the rows, in scaled units; 0 unless rows are scaled.

    offset_reg_ : float
        Regularization :math:`\rho` of the row offsets; infinite unless ``center="both"``.

    reg_ : float
        Regularization strength that was used.

    reg_path_ : ndarray of shape (n_tried,)
        Regularization strengths that were tried, in descending order. Available if ``reg="auto"``.

    validation_rmse_ : ndarray of shape (n_tried,)
        Error on the held-out entries, in scaled units. Available if ``reg="auto"``.

    duality_gap_ : float
        Upper bound of the distance of the objective from its minimum, relative to the objective.
        NaN if it is not known, because `max_rank` excludes components or `max_iter` was reached.

    n_iter_ : int
        Number of iterations of the fit to all entries.

    indicator_ : MissingIndicator or None
        Indicator of the features with missing entries, if `add_indicator`.

    n_features_in_ : int
        Number of features seen in `fit`.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of features seen in `fit`, if `X` has feature names that are all strings.

    See Also
    --------
    MaskedMF : Ridge regularization and a given rank; more accurate for ratings.
    TruncatedSVDReducer : The best approximation of a complete matrix.
    sklearn.impute.KNNImputer : Imputation from similar rows.

    Notes
    -----
    There are three ways to regularize matrix completion. A *fixed rank* k (`MaskedMF` with a tiny
    `reg`) fits k components without shrinkage, and overfits if k exceeds what the entries support;
    it is the best choice if there is almost no noise. A *ridge* on the factors (`MaskedMF`) also
    shrinks them, optionally by their numbers of entries; with k large enough its plain form,
    reg (||A||^2 + ||B||^2) / 2, has the same minimum as the nuclear norm. The *nuclear norm* is the
    convex form of that problem: it needs neither an initialization nor a rank, and the distance to
    the minimum is bounded. Its disadvantage is that all singular values shrink by the same amount,
    even large ones.

    An iteration costs ``4 nnz k^2 + (n_samples + n_features) k^3`` multiplications and additions at
    rank k. Memory: the entries three times and the factors. On the first of the five folds of
    MovieLens-100K the defaults give an error of 0.924, with and without scaling of columns. On
    digits with half of the pixels missing it is 3.17 with scaling and 3.19 without; on the breast
    cancer data, with a fifth of the entries missing, 0.45 and 2.3 standard deviations of a column,
    as its units differ by five orders of magnitude. Scaling of rows helps little.

    `transform` completes each row by the ridge regression that is equivalent to the nuclear norm.

    References
    ----------
    Mazumder, Hastie and Tibshirani (2010), https://jmlr.org/papers/v11/mazumder10a.html. Hastie,
    Mazumder, Lee and Zadeh (2015), arXiv:1410.2596. Hsieh and Olsen (2014),
    https://proceedings.mlr.press/v32/hsiehb14.html, for the solver.

    Examples
    --------
    Images of digits with half of the pixels missing:

    >>> import numpy as np
    >>> from sklearn.datasets import load_digits
    >>> from lrfact import SoftImpute
    >>> X, _ = load_digits(return_X_y=True)
    >>> lost = np.random.default_rng(0).random(X.shape) < 0.5
    >>> holes = np.where(lost, np.nan, X)
    >>> imputer = SoftImpute(random_state=0)
    >>> filled = imputer.fit_transform(holes)
    >>> float(np.sqrt(np.mean((filled - X)[lost] ** 2)).round(1))
    3.2
    >>> means = np.broadcast_to(np.nanmean(holes, axis=0), X.shape)
    >>> float(np.sqrt(np.mean((means - X)[lost] ** 2)).round(1))
    4.3
    """

    indicator_: MissingIndicator | None
    reg_path_: Array
    validation_rmse_: Array
    _fitted_empty: NDArray[np.bool_]
    _fitted_exponent: int
    _fitted_missing_values: float

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "reg": [Interval(Real, 0, None, closed="neither"), StrOptions({"auto"})],
        "max_rank": [Interval(Integral, 1, None, closed="left"), None],
        "center": [StrOptions({"both", "columns"}), None],
        "scale": [StrOptions({"both", "columns"}), None],
        "n_regs": [Interval(Integral, 2, None, closed="left")],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "missing_values": [Real],
        "add_indicator": ["boolean"],
        "keep_empty_features": ["boolean"],
        "random_state": ["random_state"],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        *,
        reg: float | str = "auto",
        max_rank: int | None = None,
        center: str | None = "both",
        scale: str | None = "columns",
        n_regs: int = 30,
        validation_fraction: float = 0.1,
        max_iter: int = 100,
        tol: float = 1e-3,
        missing_values: float = np.nan,
        add_indicator: bool = False,
        keep_empty_features: bool = True,
        random_state: Any = None,
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> None:
        self.reg = reg
        self.max_rank = max_rank
        self.center = center
        self.scale = scale
        self.n_regs = n_regs
        self.validation_fraction = validation_fraction
        self.max_iter = max_iter
        self.tol = tol
        self.missing_values = missing_values
        self.add_indicator = add_indicator
        self.keep_empty_features = keep_empty_features
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> Self:
        """Fit the model with X.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Incomplete matrix: dense with `missing_values` as placeholder, or a sparse matrix that
            stores the observed entries.

        y : None
            Not used, present here for API consistency by convention.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If no entry is observed, an entry is stored twice, or values are infinite or so large
            that their squares overflow.

        TypeError
            If `X` is a sparse matrix in a block or diagonal format, whose stored entries are not
            all observed.

        Warns
        -----
        ConvergenceWarning
            If `tol` is not reached within `max_iter` iterations.
        """
        self._fit(X)
        return self

    @fit_context(prefer_skip_nested_validation=True)
    def fit_transform(self, X: Any, y: Any = None) -> Array:
        """Fit the model with X, and impute its missing values.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            See `fit`.

        y : None
            Not used, present here for API consistency by convention.

        Returns
        -------
        ndarray of shape (n_samples, n_features_out)
            Completed matrix, the result of ``fit(X).transform(X)``.
        """
        return self._complete(self._fit(X))

    def transform(self, X: Any) -> Array:
        """Impute the missing values of training rows or unseen rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows with missing values.

        Returns
        -------
        ndarray of shape (n_samples, n_features_out)
            Dense matrix of the observed entries, unchanged, and of predictions of the missing ones,
            of dtype float32 if `X` is. It has the columns of `X`, apart from `add_indicator` and
            `keep_empty_features`.
        """
        check_is_fitted(self, "components_")
        return self._complete(self._observed(X))

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return the names of the output features of `transform`.

        Parameters
        ----------
        input_features : array-like of str or None, default=None
            Names of the columns of `X`. If None, `feature_names_in_`, or "x0", "x1" and so on if
            there are none.

        Returns
        -------
        ndarray of str objects, shape (n_features_out,)
            Names of the kept columns of `X`, then, with `add_indicator`, those of the indicators,
            which start with "missingindicator_".
        """
        check_is_fitted(self, "components_")
        names = super().get_feature_names_out(input_features)
        kept = names[~self._fitted_empty]
        if self.indicator_ is None:
            return kept
        return np.concatenate([kept, self.indicator_.get_feature_names_out(names)])

    def score(self, X: Any, y: Any = None) -> float:
        r"""Return the negated leave-one-out error of predictions from the rest of each row.

        .. math:: -\sqrt{\frac{1}{|\Omega|} \sum_{ij \in \Omega}
                  \Big(\frac{e_{ij}}{1 - h_{ij}}\Big)^2}, \qquad h_{ij} = b_j' A_i^{-1} b_j

        is the negated root mean square of the leave-one-entry-out residuals, in closed form: e are
        the residuals of the completion, A is the matrix of its normal equations and b are the
        factors of a column (and 1, with offsets). Regularization and the scale of the row are
        fixed. For unseen rows no entry is used in its own prediction, so that GridSearchCV over
        rows finds a good `reg`.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows with missing values.

        y : None
            Not used, present here for API consistency by convention.

        Returns
        -------
        float
            Score, at most 0, in the units of `X`; higher is better.

        Raises
        ------
        ValueError
            If no entry is observed.
        """
        check_is_fitted(self, "components_")
        entries = self._observed(X)
        if not entries.nnz:
            raise ValueError("X has no observed entry, and the score is a mean over these")
        with single_threaded_blas():
            residuals = self._model().leave_one_out(
                entries, n_threads=effective_n_threads(self.n_jobs)
            )
        return -root_mean_square(residuals)

    def _fit(self, X: Any) -> sparse.csr_array:
        """Fit, and return the observed entries."""
        with reset_on_error(self), single_threaded_blas():
            self._fitted_missing_values = self.missing_values
            entries = observed_entries(self, X, missing_values=self.missing_values, reset=True)
            if not entries.nnz:
                raise ValueError(
                    f"X has no observed entry: {type(self).__name__} needs one at least; check "
                    f"missing_values={self.missing_values}"
                )
            max_rank = min(entries.shape)
            if self.max_rank is not None:
                max_rank = min(int(self.max_rank), max_rank)
            rng = check_random_state(self.random_state)
            n_threads = effective_n_threads(self.n_jobs)
            progress = FitProgress(self, X, self.verbose, measure="error on entries held out")
            # Without scaling the regularization has the units of X, a power of two here.
            exponent = unit_exponent(entries.data) if self.scale is None else 0
            start = None
            if self.reg == "auto":
                path = self._choose_penalty(entries, max_rank, rng, n_threads, progress)
                chosen = path.best
                start = path.state
                self.reg_path_ = np.ldexp(path.regs, exponent)
                self.validation_rmse_ = np.ldexp(path.rmse, exponent)
            else:
                chosen = float(np.ldexp(self.reg, -exponent))
            scaling, problem, _ = self._problem(entries)
            start = zero_state(problem, rng) if start is None else start
            progress.measure = "objective"
            # Without residual variance, the chosen regularization may be 0.
            reg = chosen or 1.0
            result = soft_impute(
                problem,
                reg,
                start,
                max_rank=max_rank,
                tol=self.tol,
                max_iter=self.max_iter,
                certify=True,
                rng=rng,
                n_threads=n_threads,
                progress=progress,
            )
            state = result.state
            _, self.components_ = fix_signs(None, np.ascontiguousarray(state.V.T))
            self.reg_ = float(np.ldexp(chosen, exponent))
            self.singular_values_ = times_power_of_two(state.s, exponent)
            self.n_components_ = state.rank
            self.mean_, self.scale_ = scaling.mean, times_power_of_two(scaling.scale, -exponent)
            self._fitted_exponent = exponent
            self.row_spread_ = scaling.row_spread
            rho = problem.offset_penalty
            self.offset_reg_ = np.inf if rho is None else rho
            self.duality_gap_ = result.gap
            self.n_iter_ = len(result.objective)
            self._set_columns_out(entries)
            progress.finish()
        if not result.converged:
            warnings.warn(
                f"{self.max_iter} iterations did not prove the objective to be within "
                f"tol={self.tol} of its minimum; increase max_iter or tol, or lower max_rank",
                ConvergenceWarning,
                stacklevel=3,
            )
        return entries

    def _choose_penalty(
        self,
        entries: sparse.csr_array,
        max_rank: int,
        rng: np.random.RandomState,
        n_threads: int,
        progress: FitProgress,
    ) -> PenaltyPath:
        """The path of penalties on most entries, and their errors on the others."""
        if entries.nnz == 1:
            state = zero_state(self._problem(entries)[1], rng)
            return PenaltyPath(np.array([0.0]), np.array([np.nan]), 0.0, state)
        kept, _, held_out, _ = hold_out_entries(entries, None, self.validation_fraction, rng)
        scaling, problem, row_scale = self._problem(kept)
        return penalty_path(
            problem,
            scaling.apply_to_others(held_out, row_scale),
            n_regs=self.n_regs,
            max_rank=max_rank,
            rng=rng,
            n_threads=n_threads,
            progress=progress,
        )

    def _set_columns_out(self, entries: sparse.csr_array) -> None:
        """Which columns `transform` returns."""
        n_rows, n_columns = entries.shape
        counts = np.bincount(entries.indices, minlength=n_columns)
        self._fitted_empty = np.zeros(n_columns, dtype=bool)
        if not self.keep_empty_features and not counts.all():
            self._fitted_empty = counts == 0
            (empty,) = np.nonzero(self._fitted_empty)
            shown = getattr(self, "feature_names_in_", np.arange(n_columns))[empty].tolist()
            warnings.warn(
                f"{len(empty)} features of X have no entry and are dropped, the first is "
                f"{shown[0]!r}; set keep_empty_features=True to keep them",
                UserWarning,
                stacklevel=5,  # past what validates the parameters
            )
        self.indicator_ = None
        if self.add_indicator:
            observed = 1.0 if self.missing_values == 0 else 0.0
            pattern = np.where(counts < n_rows, self.missing_values, observed)
            indicator = MissingIndicator(missing_values=self.missing_values, error_on_new=False)
            self.indicator_ = indicator.fit(pattern[np.newaxis])

    def _problem(self, entries: sparse.csr_array) -> tuple[EntryScaling, NuclearNormProblem, Array]:
        """The units of entries, what is to be solved in them, and the scales of the rows."""
        scaling = entry_scaling(entries, center=self.center, scale=self.scale)
        with np.errstate(over="ignore", invalid="ignore"):
            scaled, row_scale = scaling.apply(entries)
            rho = row_offset_penalty(scaled) if self.center == "both" else None
        require_finite(scaling.mean, scaling.scale, np.array(scaling.row_spread), scaled.data)
        return scaling, NuclearNormProblem(scaled, rho), row_scale

    def _observed(self, X: Any) -> sparse.csr_array:
        return observed_entries(self, X, missing_values=self._fitted_missing_values, reset=False)

    def _complete(self, entries: sparse.csr_array) -> Array:
        with single_threaded_blas():
            filled = self._model().complete(entries, n_threads=effective_n_threads(self.n_jobs))
        parts = [filled[:, ~self._fitted_empty] if self._fitted_empty.any() else filled]
        if self.indicator_ is not None:
            missing = np.ones(entries.shape, dtype=bool)
            missing[rows_of_entries(entries), entries.indices] = False
            parts.append(missing[:, self.indicator_.features_].astype(filled.dtype))
        return parts[0] if len(parts) == 1 else np.hstack(parts)

    def _model(self) -> CompletionModel:
        exponent = self._fitted_exponent
        scales = times_power_of_two(self.scale_, exponent)
        return CompletionModel(
            singular_values=times_power_of_two(self.singular_values_, -exponent),
            components=self.components_,
            reg=float(np.ldexp(self.reg_, -exponent)),
            offset_penalty=None if np.isinf(self.offset_reg_) else self.offset_reg_,
            scaling=EntryScaling(self.mean_, scales, self.row_spread_),
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = bool(np.isnan(self.missing_values))
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
