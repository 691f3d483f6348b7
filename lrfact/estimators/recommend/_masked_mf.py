"""MaskedMF: low-rank factorization of the observed entries of a table with holes."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from lrfact._sklearn_compat import CallbackSupportMixin, Interval, StrOptions, fit_context
from lrfact._threads import effective_n_threads, single_threaded_blas
from lrfact._typing import Array
from lrfact.checks._entry_indices import entry_indices
from lrfact.checks._fitted_state import reset_on_error
from lrfact.checks._observed_entries import entry_weights, observed_entries, with_values
from lrfact.checks._rank import check_rank
from lrfact.estimators._progress import FitProgress
from lrfact.estimators.recommend._biased_factors import BiasedFactors
from lrfact.estimators.recommend._explanation import Explanation
from lrfact.linalg.power_of_two import times_power_of_two, unit_exponent
from lrfact.linalg.principal_directions import principal_directions
from lrfact.linalg.root_mean_square import root_mean_square
from lrfact.solvers.observed.early_stopping import HeldOutMonitor, hold_out_entries
from lrfact.solvers.observed.masked_als import masked_als
from lrfact.solvers.observed.masked_fold_in import ColumnModel
from lrfact.solvers.observed.masked_init import masked_init
from lrfact.solvers.observed.masked_problem import (
    MaskedFit,
    MaskedModel,
    MaskedProblem,
    predict_entries,
)
from lrfact.solvers.observed.masked_sgd import masked_sgd
from lrfact.solvers.observed.masked_update import SufficientStatistics, update_columns

_AUTO_COMPONENTS = 10
_PATIENCE = 3  # sweeps without a better error on the entries held out


@dataclass(frozen=True)
class _FittedForm:
    """Parameters of a fitted model, which do not change with `set_params` after the fit.

    Attributes
    ----------
    reg, bias, nonnegative :
        Parameters at the time of the fit.

    exponent : int
        Exponent of the power of two by which values are divided, see `unit_exponent`.
    """

    reg: float
    bias: bool
    nonnegative: bool
    exponent: int


class MaskedMF(CallbackSupportMixin, BiasedFactors):
    r"""Matrix factorization of ratings with missing entries (collaborative filtering).

    .. math:: \min \sum_{(i,j) \in \Omega} \omega_{ij} (x_{ij} - \mu - b_i - c_j - w_i' v_j)^2
              + reg \Big[ \sum_i \sqrt{n_i}\, (\|w_i\|^2 + b_i^2)
              + \sum_j \sqrt{n_j}\, (\sigma^2 \|v_j\|^2 + c_j^2) \Big]

    over the intercept :math:`\mu`, biases of rows and columns, and factors, by alternating least
    squares (ALS) or stochastic gradient descent (SGD). :math:`\Omega` are the observed entries,
    :math:`n_i` and :math:`n_j` their numbers in a row or column (the sums of their weights) and
    :math:`\sigma^2` their variance. Missing entries are not used. Since the variance is part of the
    regularization, `reg` has no units: results for 10 X are 10 times those for X.

    Parameters
    ----------
    n_components : int or "auto", default="auto"
        Number of latent factors. "auto" means 10, or as many as the shape allows if that is less;
        regularization keeps unneeded factors small.

    reg : float, default=1.0
        Regularization strength, at least 0. A value of 1 suits ratings by users, whose noise is
        about as large as the variation that factors explain; measurements with little noise need
        0.1 or less. Near 0, the normal equations of rows and columns with few entries may be nearly
        singular: see `added_diagonal_`.

    bias : bool, default=True
        Whether to fit an intercept and biases of rows and columns; without them :math:`\sigma^2` is
        the mean square.

    nonnegative : bool, default=False
        Whether to constrain factors to be nonnegative, so that they can be interpreted as parts.
        Usually combined with ``bias=False``.

    solver : {"als", "sgd"}, default="als"
        "als" alternates between exact solutions for rows and for columns. "sgd" makes stochastic
        gradient steps for single entries: with many factors an epoch is cheaper than an iteration
        of "als", but about ten epochs are needed for the progress of one iteration, and they
        converge only near the minimum. Use it with `early_stopping`, as intermediate models may be
        more accurate than the one at the minimum.

    learning_rate : float, default=0.05
        Initial step size of "sgd", for residuals with the standard deviation of the values; later
        steps are adaptive. Not used by other solvers.

    max_iter : int, default=100
        Maximum number of ALS iterations, or of epochs with ``solver="sgd"``.

    tol : float, default=0.0001
        Tolerance of the stopping criterion: stop if an iteration lowers the objective by a smaller
        fraction.

    missing_values : float, default=nan
        Placeholder for missing entries, such as 0 in ratings matrices where 0 means not rated.
        Entries that a sparse matrix does not store are also missing. A stored 0 is an observed 0,
        unless `missing_values` is 0.

    early_stopping : bool, default=False
        Whether to hold out a random tenth of the entries as validation set, stop if their error has
        not improved for three iterations, and keep the best factors.

    warm_start : bool, default=False
        Whether to initialize `fit` with the factors of the previous fit, if the number of columns
        is the same. Additional factors are initialized by the residuals of the previous ones.

    random_state : int, RandomState instance or None, default=None
        Controls the random initialization and the validation split. Pass an int for reproducible
        results: they are bitwise identical on every run and for every `n_jobs`.

    n_jobs : int, default=None
        Number of threads. None means all available ones.

    verbose : int, default=0
        Whether to print the objective after each iteration.

    Attributes
    ----------
    components_ : ndarray of shape (n_components_, n_features)
        Column factors, one per row: orthogonal, in descending order of norm, with signs
        such that the largest loading of each is positive. They have no units. With `nonnegative`
        they are as computed, sorted by norm.

    intercept_ : float
        Intercept, in the units of `X`; 0 without `bias`.

    column_bias_ : ndarray of shape (n_features,)
        Biases of the columns, in the units of `X`; 0 for columns without entries.

    row_factors_ : ndarray of shape (n_samples, n_components_)
        Factors of the training rows, followed by those of later calls of `partial_fit`.

    row_bias_ : ndarray of shape (n_samples,)
        Biases of the training rows, in the units of `X`; 0 for rows without entries.

    n_components_ : int
        Number of factors.

    loss_curve_ : list of float
        Objective after each iteration, in squared units of `X`. For "sgd" its loss is that during
        the epoch, slightly higher than after it.

    validation_rmse_ : list of float
        Error on the validation entries after each iteration. Available if `early_stopping`.

    added_diagonal_ : float
        Maximum value that was added to the diagonal of normal equations to solve them; 0 if all
        were well conditioned. If it is positive, the solution is one of several that fit equally
        well.

    n_iter_ : int
        Number of iterations, or of epochs with ``solver="sgd"``.

    n_samples_seen_ : int
        Number of training rows.

    n_features_in_ : int
        Number of features seen in `fit`.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of features seen in `fit`, if `X` has feature names that are all strings.

    See Also
    --------
    BayesianMF : Bayesian matrix factorization, with standard deviations of predictions.
    SoftImpute : Convex matrix completion, whose rank is determined by the regularization.
    TruncatedSVDReducer : Truncated SVD of complete matrices.
    EntryRegressor : The same for a long table of (row, column, value), with labels of any kind.
    RankSearchCV : Search for `n_components` by cross-validation.
    holdout_scorer : Scorer by held-out entries of each test row, with any metric.

    Notes
    -----
    An iteration of "als" costs ``2 nnz p^2 + (n_samples + n_features) p^3 / 3`` multiplications and
    additions for p = n_components + 1, divided among the threads; an epoch of "sgd" costs
    ``16 nnz n_components``. Memory: the observed entries twice (by rows and by columns) and the
    factors. The factors are initialized by the singular vectors of the residuals of the biases;
    "als" then usually needs about ten iterations.

    The square root of the counts in the regularization is a compromise between one that is the same
    for all rows (Gaussian priors of equal width; Salakhutdinov and Mnih 2008) and one in proportion
    to the counts (Zhou et al. 2008). On MovieLens-100K it predicts better than both, on
    MovieLens-1M as well as the former, and one value of `reg` suits both.

    Each row is folded in by the same equations as in the fit, so that ``fit_transform(X)`` equals
    ``fit(X).transform(X)``.

    References
    ----------
    Zhou, Wilkinson, Schreiber and Pan (2008), doi:10.1007/978-3-540-68880-8_32. Koren, Bell and
    Volinsky (2009), doi:10.1109/MC.2009.263. Zhuang, Chin, Juan and Lin (2013),
    doi:10.1145/2507157.2507164, for "sgd". Salakhutdinov and Mnih (2008),
    doi:10.1145/1390156.1390267.

    Examples
    --------
    Ratings of six kinds of food by five users, with 0 for missing ratings:

    >>> import numpy as np
    >>> from lrfact import MaskedMF
    >>> X = np.array(
    ...     [
    ...         [5, 4, 0, 2, 0, 0],
    ...         [5, 0, 5, 1, 4, 0],
    ...         [1, 5, 1, 5, 2, 5],
    ...         [0, 4, 0, 5, 0, 5],
    ...         [4, 0, 5, 0, 5, 0],
    ...     ]
    ... )
    >>> model = MaskedMF(n_components=2, reg=0.1, missing_values=0, random_state=0).fit(X)
    >>> model.predict(X).round(1)[0]
    array([4.9, 4. , 4.9, 2.1, 4.3, 4.2])
    >>> columns, scores = model.recommend([[5, 0, 0, 2, 0, 0]], n_items=2)
    >>> columns
    array([[2, 4]])
    """

    components_: Array
    column_bias_: Array
    row_factors_: Array
    row_bias_: Array
    n_components_: int
    n_samples_seen_: int
    _fitted_evidence: SufficientStatistics
    _fitted_form: _FittedForm

    # A fit can be warm started from another rank, which RankSearchCV uses.
    _warm_start_takes_any_rank = True
    _solvers: ClassVar[dict[str, Callable[..., MaskedFit]]] = {
        "als": masked_als,
        "sgd": masked_sgd,
    }
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_components": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "reg": [Interval(Real, 0, None, closed="left")],
        "bias": ["boolean"],
        "nonnegative": ["boolean"],
        "solver": [StrOptions(set(_solvers))],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "missing_values": [Real],
        "early_stopping": ["boolean"],
        "warm_start": ["boolean"],
        "random_state": ["random_state"],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        n_components: int | str = "auto",
        *,
        reg: float = 1.0,
        bias: bool = True,
        nonnegative: bool = False,
        solver: str = "als",
        learning_rate: float = 0.05,
        max_iter: int = 100,
        tol: float = 1e-4,
        missing_values: float = np.nan,
        early_stopping: bool = False,
        warm_start: bool = False,
        random_state: Any = None,
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> None:
        self.n_components = n_components
        self.reg = reg
        self.bias = bias
        self.nonnegative = nonnegative
        self.solver = solver
        self.learning_rate = learning_rate
        self.max_iter = max_iter
        self.tol = tol
        self.missing_values = missing_values
        self.early_stopping = early_stopping
        self.warm_start = warm_start
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None, entry_weight: Any = None) -> Self:
        """Fit the model with X.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Incomplete matrix: dense with `missing_values` as placeholder, or a sparse matrix that
            stores the observed entries.

        y : None
            Not used, present here for API consistency by convention.

        entry_weight : {array-like, sparse matrix} of shape (n_samples, n_features), default=None
            Positive weights of the observed entries: an entry of weight 2 counts as two. If None,
            all weights are 1.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If no entry is observed, `n_components` exceeds min(n_samples, n_features), an entry is
            stored twice, or values are infinite or so large that their squares overflow.

        TypeError
            If `X` is a sparse matrix in a block or diagonal format, whose stored entries are not
            all observed.

        Warns
        -----
        ConvergenceWarning
            If `tol` is not reached within `max_iter` iterations.
        """
        self._fit(X, entry_weight)
        return self

    @fit_context(prefer_skip_nested_validation=True)
    def fit_transform(self, X: Any, y: Any = None, entry_weight: Any = None) -> Array:
        """Fit the model with X, and return the factors of its rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            See `fit`.

        y : None
            Not used, present here for API consistency by convention.

        entry_weight : {array-like, sparse matrix} of shape (n_samples, n_features), default=None
            See `fit`.

        Returns
        -------
        ndarray of shape (n_samples, n_components_)
            Row factors, the result of ``fit(X).transform(X)``, with the entry weights if given.
        """
        self._fit(X, entry_weight)
        return self.row_factors_.copy()

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any = None) -> Self:
        """Update the model with unseen rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows that no earlier call has seen. The first call is equivalent to `fit`.

        y : None
            Not used, present here for API consistency by convention.

        Returns
        -------
        self : object
            The updated estimator. Column factors are updated by the new entries, each weighted
            against the entries from which it was learned before; the number of factors, the
            intercept and the factors of earlier rows do not change.

        Raises
        ------
        ValueError
            See `fit`.
        """
        if not hasattr(self, "components_"):
            return self.fit(X)
        entries = self._in_units(self._observed(X))
        n_threads = effective_n_threads(self.n_jobs)
        with single_threaded_blas():
            model = update_columns(
                self._column_model(), self._fitted_evidence, entries, n_threads=n_threads
            )
            rows = model.fold_in(entries.astype(model.factors.dtype), n_threads=n_threads).solution
        k = self.n_components_
        evidence = self._fitted_evidence
        if entries.nnz:
            new = SufficientStatistics.from_entries(entries, rows[:, :k], evidence.variance)
            evidence = evidence.and_also(new)
        rows = self._in_units_of_X(rows)
        new_bias = rows[:, k] if model.bias else np.zeros(len(rows), dtype=rows.dtype)
        row_factors = np.concatenate([self.row_factors_, rows[:, :k]])
        row_bias = np.concatenate([self.row_bias_, new_bias])
        # All at once: what fails before leaves the model as it was.
        self.components_ = model.factors.T
        if model.column_bias is not None:
            self.column_bias_ = self._in_units_of_X(model.column_bias)
        self.row_factors_, self.row_bias_ = row_factors, row_bias
        self._fitted_evidence = evidence
        self.n_samples_seen_ += entries.shape[0]
        return self

    def predict(self, X: Any) -> Array:
        """Predict all entries of training rows or unseen rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Incomplete rows, from the training data or unseen.

        Returns
        -------
        ndarray of shape (n_samples, n_features)
            Predictions, including those of observed entries;
            ``np.where(np.isnan(X), model.predict(X), X)`` imputes the missing entries only. The
            result is dense: use `predict_entries` for single entries of a large matrix.
        """
        check_is_fitted(self, "components_")
        W, row_bias = self._fold_in(X)
        return self._rebuilt(W, row_bias)

    def predict_entries(self, rows: Any, columns: Any, X: Any = None) -> Array:
        """Predict single entries.

        Parameters
        ----------
        rows, columns : array-like of int, shape (n_entries,)
            Row and column indices of the entries.

        X : {array-like, sparse matrix} of shape (n_samples, n_features), default=None
            Rows to which `rows` refers. If None, the training rows.

        Returns
        -------
        ndarray of shape (n_entries,)
            Predictions. Memory is needed for these, not for the matrix.

        Raises
        ------
        ValueError
            If an index is out of range, or `rows` and `columns` have different lengths.
        """
        check_is_fitted(self, "components_")
        W, row_bias = (self.row_factors_, self.row_bias_) if X is None else self._fold_in(X)
        rows, columns = entry_indices(rows, columns, (len(W), self.components_.shape[1]))
        of_rows = np.column_stack([W, row_bias])
        of_columns = np.column_stack([self.components_.T, self.column_bias_])
        model = MaskedModel(of_rows, of_columns, self.intercept_)
        return predict_entries(model, rows, columns, bias=True)

    def explain(self, x: Any, column: Any) -> Explanation:
        r"""Explain a prediction by the contributions of the observed entries of its row.

        The fold-in is linear in the values of a row, so that the prediction for column j is

        .. math:: \mu + c_j + \sum_{l \in o} \big[\omega_l\, d_j' A^{-1} d_l\big]\,
                  (x_l - \mu - c_l), \quad A = \sum_{l \in o} d_l d_l' + reg \sqrt{n}\, I

        where :math:`d` are the factors of a column (and 1, with biases); the terms of the sum are
        the contributions.

        Parameters
        ----------
        x : {array-like, sparse matrix} of shape (n_features,) or (1, n_features)
            A training row or an unseen row.

        column : int or str
            Index or name of the predicted column.

        Returns
        -------
        Explanation
            Object with `baseline`, `columns`, `contributions` and `prediction`; ``print`` shows
            it as a list.

        Raises
        ------
        ValueError
            If `x` is not one row, or there is no such column.

        Notes
        -----
        With nonnegative factors the solution is linear in the values as long as the same factors
        are zero; the contributions are those of the positive factors, and also add up.
        """
        check_is_fitted(self, "components_")
        at = self._column_index(column)
        entries = self._in_units(self._single_row(x))
        model = self._column_model()
        w = model.fold_in(entries, n_threads=1).solution[0].astype(np.float64)
        design = model.factors.astype(np.float64)
        offset = np.full(len(design), model.intercept)
        if model.column_bias is not None:
            offset += model.column_bias
            design = np.column_stack([design, np.ones(len(design))])
        observed = entries.indices
        free = np.ones(len(w), dtype=bool)
        if model.nonnegative:
            k = model.factors.shape[1]
            free[:k] = w[:k] > 0
        D = design[observed][:, free]
        A = D.T @ D + model.reg * np.sqrt(len(observed)) * np.eye(D.shape[1])
        weight, *_ = np.linalg.lstsq(A, design[at, free], rcond=None)
        contributions = (D @ weight) * (entries.data.astype(np.float64) - offset[observed])
        contributions = self._in_units_of_X(contributions)
        baseline = float(self._in_units_of_X(offset[at]))
        order = np.argsort(-np.abs(contributions), kind="stable")
        return Explanation(
            column=at,
            prediction=baseline + float(contributions.sum()),
            baseline=baseline,
            columns=observed[order],
            contributions=contributions[order],
            names=self._column_names(),
        )

    def score(self, X: Any, y: Any = None) -> float:
        r"""Return the negated leave-one-out error of predictions from the rest of each row.

        .. math:: -\sqrt{\frac{1}{|\Omega|} \sum_{ij \in \Omega}
                  \Big(\frac{e_{ij}}{1 - h_{ij}}\Big)^2}, \qquad h_{ij} = d_j' A_i^{-1} d_j

        is the negated root mean square of the leave-one-entry-out residuals, in closed form: e are
        the residuals of the fold-in, A is its matrix and d are the factors of a column (and 1, with
        biases). The regularization of the row is kept at its full value. For unseen rows no
        entry is used in its own prediction, so that GridSearchCV over rows finds a finite rank.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Incomplete rows, from the training data or unseen.

        y : None
            Not used, present here for API consistency by convention.

        Returns
        -------
        float
            Score, at most 0, in the units of `X`; higher is better. The only entry of a row is
            predicted by the intercept and the bias of its column. With `nonnegative`, factors that
            are zero are kept at zero.

        Raises
        ------
        ValueError
            If no entry is observed.
        """
        check_is_fitted(self, "components_")
        entries = self._observed(X)
        if not entries.nnz:
            raise ValueError("X has no observed entry, and the score is a mean over these")
        residuals = self._column_model().leave_one_out(
            self._in_units(entries), n_threads=effective_n_threads(self.n_jobs)
        )
        return -float(self._in_units_of_X(root_mean_square(residuals)))

    def _fit(self, X: Any, entry_weight: Any) -> None:
        known = self._known_model() if self.warm_start else None
        with reset_on_error(self), single_threaded_blas():
            self._fitted_missing_values = self.missing_values
            entries = observed_entries(self, X, missing_values=self.missing_values, reset=True)
            if not entries.nnz:
                raise ValueError(
                    f"X has no observed entry: {type(self).__name__} needs one at least; check "
                    f"missing_values={self.missing_values}"
                )
            weights = None if entry_weight is None else entry_weights(entry_weight, entries)
            exponent = unit_exponent(entries.data)
            form = _FittedForm(float(self.reg), bool(self.bias), bool(self.nonnegative), exponent)
            entries = with_values(entries, times_power_of_two(entries.data, -exponent))
            n_components = self._rank(entries.shape)
            if known is not None and len(known.columns) != entries.shape[1]:
                known = None
            if known is not None:
                known = self._known_in_units(known, exponent)
            random_state = check_random_state(self.random_state)
            monitor = None
            learnt_from, their_weights = entries, weights
            if self.early_stopping:
                learnt_from, their_weights, held_out, held_out_weights = hold_out_entries(
                    entries, weights, 0.1, random_state
                )
                monitor = HeldOutMonitor(held_out, held_out_weights, self.bias, _PATIENCE)
            problem = MaskedProblem.with_count_scaled_penalty(
                learnt_from,
                their_weights,
                n_components=n_components,
                reg=self.reg,
                bias=self.bias,
                nonnegative=self.nonnegative,
            )
            n_threads = effective_n_threads(self.n_jobs)
            progress = FitProgress(self, X, self.verbose, measure="objective")

            def watch(sweep: int, objective: float, model: MaskedModel) -> bool:
                asked = progress(sweep, float(np.ldexp(objective, 2 * exponent)))
                return (monitor is not None and monitor(sweep, objective, model)) or asked

            result = self._solvers[self.solver](
                problem,
                masked_init(problem, random_state, n_threads=n_threads, known=known),
                tol=self.tol,
                max_iter=self.max_iter,
                n_threads=n_threads,
                monitor=watch,
                **self._of_solver(random_state),
            )
            model = result.model
            if monitor is not None:
                model = monitor.best or model
                self.validation_rmse_ = np.ldexp(monitor.errors, exponent).tolist()
            self._fitted_form = form
            rows = self._store(model, entries, weights, n_threads)
            self.loss_curve_ = np.ldexp(result.objective, 2 * exponent).tolist()
            self.n_iter_ = len(result.objective)
            self.added_diagonal_ = result.added_diagonal
            variance = float(problem.column_penalty[0] / self.reg) if self.reg else 1.0
            self._fitted_evidence = SufficientStatistics.from_entries(
                entries, rows[:, : self.n_components_], variance, weights
            )
            progress.finish()
        if not result.converged:
            warnings.warn(
                f"{self.max_iter} sweeps did not bring the change of the objective below "
                f"tol={self.tol}; increase max_iter or tol",
                ConvergenceWarning,
                stacklevel=4,  # past fit and what validates its parameters
            )

    def _of_solver(self, random_state: np.random.RandomState) -> dict[str, Any]:
        """Return the parameters specific to the solver."""
        if self.solver == "sgd":
            return {"learning_rate": self.learning_rate, "rng": random_state}
        return {}

    def _rank(self, shape: tuple[int, int]) -> int:
        if self.n_components == "auto":
            return min(_AUTO_COMPONENTS, *shape)
        return check_rank(self.n_components, shape)

    def _known_model(self) -> MaskedModel | None:
        """Return the columns of an earlier fit."""
        if not hasattr(self, "components_"):
            return None
        columns = self.components_.T
        if self.bias:
            columns = np.column_stack([columns, self.column_bias_])
        return MaskedModel(columns[:0], columns, self.intercept_)

    def _known_in_units(self, known: MaskedModel, exponent: int) -> MaskedModel:
        """Return them for values that are divided by a power of two."""
        columns = known.columns
        if self.bias and exponent:
            columns = columns.copy()
            columns[:, -1] = times_power_of_two(columns[:, -1], -exponent)
        return MaskedModel(known.rows, columns, float(np.ldexp(known.intercept, -exponent)))

    def _store(
        self,
        model: MaskedModel,
        entries: sparse.csr_array,
        weights: Array | None,
        n_threads: int,
    ) -> Array:
        """Set the fitted attributes; return the rows in the units of the solver."""
        bias = self._fitted_form.bias
        k = model.columns.shape[1] - bias
        factors = model.columns[:, :k]
        if self._fitted_form.nonnegative:
            lengths = np.linalg.norm(factors, axis=0)
            factors = np.ascontiguousarray(factors[:, np.argsort(-lengths, kind="stable")])
        else:
            factors = principal_directions(factors)
        # Contiguous the other way round: all that is asked of it goes by columns of X.
        self.components_ = factors.T
        n_features, dtype = entries.shape[1], entries.dtype
        column_bias = model.columns[:, k].copy() if bias else np.zeros(n_features, dtype=dtype)
        self.column_bias_ = self._in_units_of_X(column_bias)
        self.intercept_ = float(self._in_units_of_X(model.intercept))
        self.n_components_ = k
        self.n_samples_seen_ = entries.shape[0]
        rows = self._column_model().fold_in(entries, weights, n_threads=n_threads).solution
        self.row_factors_, self.row_bias_ = self._split(rows)
        return rows

    def _column_model(self) -> ColumnModel:
        """Return the model without its rows, in the units of the solver."""
        form = self._fitted_form
        column_bias = times_power_of_two(self.column_bias_, -form.exponent) if form.bias else None
        return ColumnModel(
            factors=self.components_.T,
            column_bias=column_bias,
            intercept=float(np.ldexp(self.intercept_, -form.exponent)),
            reg=form.reg,
            nonnegative=form.nonnegative,
        )

    def _in_units(self, entries: sparse.csr_array) -> sparse.csr_array:
        """Return observed entries in the units of the solver."""
        values = times_power_of_two(entries.data, -self._fitted_form.exponent)
        return with_values(entries, values)

    def _in_units_of_X(self, values: Any) -> Any:
        return times_power_of_two(values, self._fitted_form.exponent)

    def _rows(
        self,
        entries: sparse.csr_array,
        n_threads: int,
        weights: sparse.csr_array | None = None,
    ) -> tuple[Array, Array]:
        """Return factors and biases of rows."""
        entries, of_entries = self._in_units(entries), None if weights is None else weights.data
        found = self._column_model().fold_in(entries, of_entries, n_threads=n_threads)
        return self._split(found.solution)

    def _split(self, rows: Array) -> tuple[Array, Array]:
        """Return factors and biases in the units of X, of rows in the units of the solver."""
        rows, k = self._in_units_of_X(rows), len(self.components_)
        bias = rows[:, k].copy() if self._fitted_form.bias else np.zeros(len(rows), rows.dtype)
        return np.ascontiguousarray(rows[:, :k]), bias
