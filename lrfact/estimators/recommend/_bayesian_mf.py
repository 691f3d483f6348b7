"""BayesianMF: Bayesian matrix factorization of ratings by Gibbs sampling."""

import warnings
from dataclasses import replace
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from lrfact._memory import require_dense
from lrfact._sklearn_compat import CallbackSupportMixin, Interval, StrOptions, fit_context
from lrfact._threads import effective_n_threads, single_threaded_blas
from lrfact._typing import Array
from lrfact.checks._column_features import column_features as checked_features
from lrfact.checks._entry_indices import entry_indices
from lrfact.checks._fitted_state import reset_on_error
from lrfact.checks._observed_entries import entry_weights, observed_entries, with_values
from lrfact.checks._rank import check_rank
from lrfact.estimators._progress import FitProgress
from lrfact.estimators.recommend._biased_factors import BiasedFactors
from lrfact.estimators.recommend._explanation import Explanation
from lrfact.estimators.recommend._gibbs_chain import GibbsChain
from lrfact.linalg.power_of_two import times_power_of_two, unit_exponent
from lrfact.linalg.root_mean_square import root_mean_square
from lrfact.solvers.gibbs.factor_draws import ColumnDraw, FactorDraws
from lrfact.solvers.gibbs.gibbs_factorization import (
    GibbsProblem,
    GibbsState,
    first_state,
    gibbs_factorization,
)
from lrfact.solvers.gibbs.pattern_features import PatternFeatures
from lrfact.solvers.gibbs.posterior_mean_factors import PosteriorMeanFactors
from lrfact.solvers.gibbs.side_features import with_side_features
from lrfact.solvers.gibbs.split_r_hat import relative_drift, split_r_hat

_AUTO_COMPONENTS = 16
_PATTERN_FEATURES = 50
_SIDE_FEATURES = 100
_MOST_R_HAT = 1.2
_MOST_DRIFT = 0.05  # less than that from half to half of a chain does not show in predictions


class BayesianMF(CallbackSupportMixin, BiasedFactors):
    r"""Bayesian matrix factorization of ratings with missing entries, by Gibbs sampling.

    .. math:: x_{ij} \sim N(\mu + b_i + c_j + w_i' v_j,\; \sigma^2), \qquad
              (w_i, b_i) \sim N(m + B' f_i, \Lambda^{-1}), \qquad
              (v_j, c_j) \sim N(m' + {B'}' g_j, {\Lambda'}^{-1})

    with weak priors on the means, the precisions :math:`\Lambda`, the links B and the noise
    :math:`\sigma`, which depend only on the variance of the values. Instead of one set of factors,
    many are drawn from the posterior distribution by Gibbs sampling, and their predictions are
    averaged: there is no regularization hyperparameter, superfluous factors do little harm, and the
    draws give a standard deviation for each prediction. f and g are features of rows and columns:
    their missingness patterns (see `pattern`), and `column_features` of `fit`. If X is multiplied
    by a number, or a number is added, only the units of the results change.

    Parameters
    ----------
    n_components : int or "auto", default="auto"
        Number of latent factors. "auto" means 16, or as many as the shape allows if that is less.

    n_draws : int, default=40
        Number of draws from the posterior that are kept. The cost of predictions and memory are
        proportional to it; fewer than ten draws are noticeably less accurate.

    n_burn_in : int, default=40
        Number of Gibbs iterations before the first draw.

    thinning : int, default=3
        Number of Gibbs iterations from one draw to the next.

    pattern : bool, default=True
        Whether to use the missingness pattern of rows and columns as side information, as SVD++
        does: which movies a user has rated indicates preferences. Set it to False if entries are
        missing by design or completely at random; the fit is then slightly faster, and the
        predictions differ only by sampling noise.

    missing_values : float, default=nan
        Placeholder for missing entries, such as 0 in ratings matrices where 0 means not rated.
        Entries that a sparse matrix does not store are also missing. A stored 0 is an observed 0,
        unless `missing_values` is 0.

    warm_start : bool, default=False
        Whether `fit` continues the Markov chain of the previous fit. With the same data it adds the
        missing draws if `n_draws` was increased, and the result is that of a single fit. With other
        data of the same shape and dtype all draws are replaced, after another burn-in, which may be
        short if the data are similar.

    random_state : int, RandomState instance or None, default=None
        Controls the Gibbs sampler. Pass an int for reproducible results: they are bitwise identical
        on every run and for every `n_jobs`.

    n_jobs : int, default=None
        Number of threads. None means all available ones.

    verbose : int, default=0
        Whether to print the error on the training entries after each iteration.

    Attributes
    ----------
    components_ : ndarray of shape (n_components_, n_features)
        Column factors, orthonormal: the right singular vectors of the average of ``w_i' v_j`` over
        the draws, without its row and column means, which are part of the biases. They are in
        descending order of singular value, with signs such that the largest loading of each is
        positive.

    intercept_ : float
        Expected value of an entry of an unseen row and an unseen column.

    column_bias_ : ndarray of shape (n_features,)
        Biases of the columns for unseen rows, in the units of `X`.

    row_factors_ : ndarray of shape (n_samples, n_components_)
        Factors of the training rows.

    row_bias_ : ndarray of shape (n_samples,)
        Biases of the training rows relative to an unseen row, averaged over all columns.

    noise_std_ : float
        Standard deviation of the noise :math:`\sigma`, in the units of `X`.

    n_components_ : int
        Number of latent factors.

    residual_curve_ : list of float
        Root mean square of the residuals of the training entries after each iteration, in the units
        of `X`.

    r_hat_ : float
        Convergence statistic (split R-hat) of `residual_curve_` after the burn-in: 1 if the Markov
        chain has converged, see `Notes`.

    n_iter_ : int
        Number of Gibbs iterations.

    n_features_in_ : int
        Number of features seen in `fit`.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of features seen in `fit`, if `X` has feature names that are all strings.

    See Also
    --------
    MaskedMF : Regularized point estimate: faster, with `partial_fit` and nonnegative factors.
    EntryRegressor : The same for a long table of (row, column, value), with labels of any kind.
    SoftImpute : Convex matrix completion.

    Notes
    -----
    An iteration costs ``2 nnz p^2 + (n_samples + n_features) p^3 / 3`` multiplications and
    additions for p = n_components + 1, as one of `MaskedMF`; there are ``n_burn_in + thinning
    n_draws`` iterations. A prediction folds its row in for each draw: ``n_draws (n p^2 + p^3 / 3)``
    for n entries. Memory: the observed entries, which are stored, twice; ``n_features p`` numbers
    for each draw, three times as many during the fit. Draws of rows are not stored: rows are folded
    in when they are needed.

    **Rows**, both training rows and unseen ones, are folded in in closed form: for each draw they
    have their posterior mean, a ridge regression; a row without entries has factors and a bias of
    zero. `predict` and `predict_entries` average the predictions of the draws. `transform`,
    `recommend`, `similar_columns` and `inverse_transform` use the average truncated to
    `n_components_` singular vectors, which is nearly as accurate.

    **Standard deviations** are those of a new observation: they include the noise and the
    uncertainty of the row given the columns and of the columns.

    **Convergence**: `r_hat_` compares the two halves of the Markov chain. A warning is issued if it
    is above 1.2 and the residuals of the halves differ by more than 5 % (more with less than 3200
    entries); increase `n_burn_in`.

    **The missingness pattern** of a row is represented by principal components of its indicators
    of observed entries, each divided by the square root of their number. A row is then expected to
    be similar to others with similar patterns, as in SVD++ (Koren 2008), with fewer dimensions. The
    pattern of unseen rows is used as well.

    **Features of columns** are standardized; if there are more than 100, their first 100 principal
    components are used. They influence the priors of the columns during the fit and are not needed
    for predictions. For features of rows, fit the transpose.

    References
    ----------
    Salakhutdinov and Mnih (2008), doi:10.1145/1390156.1390267. Simm et al. (2017),
    doi:10.1109/MLSP.2017.8168143, for links to features. Koren (2008),
    doi:10.1145/1401890.1401944, for the pattern. Vehtari et al. (2021), doi:10.1214/20-BA1221,
    for `r_hat_`.

    Examples
    --------
    >>> import numpy as np
    >>> from lrfact import BayesianMF
    >>> from lrfact.datasets import make_ratings
    >>> X = make_ratings(60, 40, n_components=2, n_ratings=0.5, random_state=0).ratings
    >>> model = BayesianMF(n_components=4, random_state=0).fit(X)
    >>> mean, std = model.predict_entries([0, 0, 0], [0, 1, 2], return_std=True)
    >>> mean.shape, bool((std > model.noise_std_).all())
    ((3,), True)
    >>> 0.4 < model.noise_std_ < 0.6  # the true value is 0.5
    True
    """

    components_: Array
    column_bias_: Array
    row_factors_: Array
    row_bias_: Array
    n_components_: int
    _fitted_draws: FactorDraws
    _fitted_entries: sparse.csr_array  # divided by a power of two
    _fitted_weights: sparse.csr_array | None
    _fitted_exponent: int

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_components": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "n_draws": [Interval(Integral, 1, None, closed="left")],
        "n_burn_in": [Interval(Integral, 0, None, closed="left")],
        "thinning": [Interval(Integral, 1, None, closed="left")],
        "pattern": ["boolean"],
        "missing_values": [Real],
        "warm_start": ["boolean"],
        "random_state": ["random_state"],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        n_components: int | str = "auto",
        *,
        n_draws: int = 40,
        n_burn_in: int = 40,
        thinning: int = 3,
        pattern: bool = True,
        missing_values: float = np.nan,
        warm_start: bool = False,
        random_state: Any = None,
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> None:
        self.n_components = n_components
        self.n_draws = n_draws
        self.n_burn_in = n_burn_in
        self.thinning = thinning
        self.pattern = pattern
        self.missing_values = missing_values
        self.warm_start = warm_start
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose

    @fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: Any,
        y: Any = None,
        column_features: Any = None,
        entry_weight: Any = None,
        repeat_scatter: float = 0.0,
    ) -> Self:
        """Fit the model with X, by drawing from the posterior distribution.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Incomplete matrix: dense with `missing_values` as placeholder, or a sparse matrix that
            stores the observed entries.

        y : None
            Not used, present here for API consistency by convention.

        column_features : {array-like, sparse matrix} of shape (n_features, n), default=None
            Side information on the columns, such as genres of movies: a row of numbers for each
            column, in any units. It improves predictions mostly for columns with few or no entries.

        entry_weight : {array-like, sparse matrix} of shape (n_samples, n_features), default=None
            Positive weights of the observed entries: an entry of weight k counts as k observations
            of the same value, or as the mean of k observations if `repeat_scatter` is given. If
            None, all weights are 1.

        repeat_scatter : float, default=0.0
            Sum of the squared deviations of repeated observations from their means, if entries are
            such means and `entry_weight` has the numbers of observations. It is used to estimate
            the noise of a single observation. `EntryRegressor` passes it.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If no entry is observed, `n_components` exceeds min(n_samples, n_features), an entry is
            stored twice, values are infinite or so large that their squares overflow,
            `column_features` does not have a row of finite numbers for each column, a weight is not
            positive, or `repeat_scatter` is negative.

        TypeError
            If `X` is a sparse matrix in a block or diagonal format, whose stored entries are not
            all observed.

        Warns
        -----
        ConvergenceWarning
            If the Gibbs sampler has not converged.
        """
        chain = getattr(self, "_fitted_chain", None) if self.warm_start else None
        with reset_on_error(self), single_threaded_blas():
            self._fitted_missing_values = self.missing_values
            entries = observed_entries(self, X, missing_values=self.missing_values, reset=True)
            if not entries.nnz:
                raise ValueError(
                    f"X has no observed entry: {type(self).__name__} needs one at least; check "
                    f"missing_values={self.missing_values}"
                )
            weights = None if entry_weight is None else entry_weights(entry_weight, entries)
            if not 0 <= repeat_scatter < np.inf:
                raise ValueError(
                    f"repeat_scatter={repeat_scatter!r} is a sum of squares; it must be finite and "
                    "not negative"
                )
            exponent = unit_exponent(entries.data)
            if exponent:
                scaled = times_power_of_two(entries.data, -exponent)
                entries = with_values(entries, scaled)
                repeat_scatter = float(np.ldexp(repeat_scatter, -2 * exponent))
            elif sparse.issparse(X):
                entries = entries.copy()  # they are kept, and may be the caller's
            if column_features is not None:
                column_features = checked_features(
                    column_features,
                    entries.shape[1],
                    getattr(self, "feature_names_in_", None),
                    entries.dtype,
                )
            self._fitted_exponent = exponent
            self._sample(X, entries, weights, float(repeat_scatter), column_features, chain)
        drift = relative_drift(self.residual_curve_[self.n_burn_in :])
        # The error of n entries is not known to better than a share of 1 / sqrt(2 n) either.
        most_drift = max(_MOST_DRIFT, 4 / np.sqrt(2 * entries.nnz))
        if self.r_hat_ > _MOST_R_HAT and drift > most_drift:
            warnings.warn(
                f"the chain has not come to rest (r_hat_={self.r_hat_:.2f}, and its residuals have "
                f"changed by {drift:.0%}); raise n_burn_in={self.n_burn_in} or "
                f"thinning={self.thinning}",
                ConvergenceWarning,
                stacklevel=3,  # past what validates the parameters
            )
        return self

    @fit_context(prefer_skip_nested_validation=True)
    def fit_transform(
        self,
        X: Any,
        y: Any = None,
        column_features: Any = None,
        entry_weight: Any = None,
        repeat_scatter: float = 0.0,
    ) -> Array:
        """Fit the model with X, and return the factors of its rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            See `fit`.

        y : None
            Not used, present here for API consistency by convention.

        column_features : {array-like, sparse matrix} of shape (n_features, n), default=None
            See `fit`.

        entry_weight : {array-like, sparse matrix} of shape (n_samples, n_features), default=None
            See `fit`.

        repeat_scatter : float, default=0.0
            See `fit`.

        Returns
        -------
        ndarray of shape (n_samples, n_components_)
            Row factors, the result of ``fit(X).transform(X)``, with the entry weights if given.
        """
        self.fit(
            X,
            column_features=column_features,
            entry_weight=entry_weight,
            repeat_scatter=repeat_scatter,
        )
        return self.row_factors_.copy()

    def predict(self, X: Any, return_std: bool = False) -> Any:
        """Predict all entries of training rows or unseen rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Incomplete rows, from the training data or unseen.

        return_std : bool, default=False
            Whether to also return standard deviations.

        Returns
        -------
        mean : ndarray of shape (n_samples, n_features)
            Predictions, including those of observed entries. The result is dense: use
            `predict_entries` for single entries of a large matrix.

        std : ndarray of shape (n_samples, n_features)
            Standard deviations of new observations. Only returned if `return_std`.
        """
        check_is_fitted(self, "components_")
        entries = self._in_units(self._observed(X))
        n_threads = effective_n_threads(self.n_jobs)
        with single_threaded_blas():
            mean = self._fitted_draws.predict(entries, n_threads=n_threads)
            if not return_std:
                return self._in_units_of_X(mean)
            std = self._fitted_draws.spread(entries, mean, n_threads=n_threads)
        return self._in_units_of_X(mean), self._in_units_of_X(std)

    def predict_entries(
        self, rows: Any, columns: Any, X: Any = None, return_std: bool = False
    ) -> Any:
        """Predict single entries.

        Parameters
        ----------
        rows, columns : array-like of int, shape (n_entries,)
            Row and column indices of the entries.

        X : {array-like, sparse matrix} of shape (n_samples, n_features), default=None
            Rows to which `rows` refers. If None, the training rows.

        return_std : bool, default=False
            Whether to also return standard deviations.

        Returns
        -------
        mean : ndarray of shape (n_entries,)
            Predictions. Memory is needed for these and for the factors of the requested rows, not
            for the matrix.

        std : ndarray of shape (n_entries,)
            Standard deviations of new observations. Only returned if `return_std`.

        Raises
        ------
        ValueError
            If an index is out of range, or `rows` and `columns` have different lengths.
        """
        check_is_fitted(self, "components_")
        if X is None:
            entries, weights = self._fitted_entries, self._fitted_weights
        else:
            entries, weights = self._in_units(self._observed(X)), None
        rows, columns = entry_indices(rows, columns, entries.shape)
        with single_threaded_blas():
            mean, std = self._fitted_draws.predict_entries(
                entries,
                rows,
                columns,
                weights,
                n_threads=effective_n_threads(self.n_jobs),
                with_spread=return_std,
            )
        mean = self._in_units_of_X(mean)
        return mean if std is None else (mean, self._in_units_of_X(std))

    def explain(self, x: Any, column: Any) -> Explanation:
        """Explain a prediction by the contributions of the observed entries of its row.

        For each draw the fold-in is linear in the deviations of the values of a row from their
        expectation; contributions are averages over the draws, and add up to `predict`.

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
            it as a list. With `pattern` the baseline is that of rows with the same missingness
            pattern.

        Raises
        ------
        ValueError
            If `x` is not one row, or there is no such column.
        """
        check_is_fitted(self, "components_")
        at = self._column_index(column)
        entries = self._in_units(self._single_row(x))
        baseline, contributions = self._fitted_draws.contributions(entries, at)
        contributions = self._in_units_of_X(contributions)
        baseline = float(self._in_units_of_X(baseline))
        order = np.argsort(-np.abs(contributions), kind="stable")
        return Explanation(
            column=at,
            prediction=float(baseline + contributions.sum()),
            baseline=baseline,
            columns=entries.indices[order],
            contributions=contributions[order],
            names=self._column_names(),
        )

    def score(self, X: Any, y: Any = None) -> float:
        """Return the negated leave-one-out error of predictions from the rest of each row.

        It is the root mean square of the leave-one-entry-out residuals, in closed form for each
        draw and averaged over the draws. The priors of a row, including its missingness pattern,
        are fixed.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Incomplete rows, from the training data or unseen.

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
            residuals = self._fitted_draws.leave_one_out(
                self._in_units(entries), n_threads=effective_n_threads(self.n_jobs)
            )
        return -float(self._in_units_of_X(root_mean_square(residuals)))

    def _sample(
        self,
        X: Any,
        entries: sparse.csr_array,
        weights: Array | None,
        scatter: float,
        column_features: Array | sparse.csr_array | None,
        chain: GibbsChain | None,
    ) -> None:
        n_threads = effective_n_threads(self.n_jobs)
        k = self._rank(entries.shape)
        advice = "lower n_draws or n_components"
        require_dense((self.n_draws, entries.shape[1], k + 1), entries.dtype, advice)
        pattern, problem, intercept, scale = self._standardized(
            entries, weights, scatter, n_threads
        )
        if column_features is not None:
            joined = with_side_features(
                problem.column_features, column_features, _SIDE_FEATURES, n_threads=n_threads
            )
            problem = replace(problem, column_features=joined)
        if chain is None or not chain.fits(problem, k):
            seed = int(check_random_state(self.random_state).randint(2**31 - 1))
            rng = np.random.default_rng(seed)
            state = first_state(problem, k, rng)
            chain = GibbsChain(seed, rng, state, entries, problem.column_features, weights, scatter)
        chain = chain.on(entries, problem.column_features, weights, scatter)
        first = len(chain.residuals)
        n_burn_in = max(0, self.n_burn_in - first)
        n_missing = max(0, self.n_draws - len(chain.draws))
        progress = FitProgress(self, X, self.verbose, measure="training RMSE")

        def draw(number: int, state: GibbsState) -> ColumnDraw:
            perturbation = np.random.default_rng([chain.seed, number]).standard_normal(k + 1)
            rows, columns = state.rows, state.columns.vectors
            return ColumnDraw(columns, rows.prior, rows.link, state.noise, perturbation)

        def keep(sweep: int, state: GibbsState) -> ColumnDraw | None:
            number, left = divmod(sweep + 1 - n_burn_in, self.thinning)
            return draw(len(chain.draws) + number, state) if number > 0 and not left else None

        run = gibbs_factorization(
            problem,
            chain.state,
            chain.rng,
            n_sweeps=n_burn_in + self.thinning * n_missing,
            keep=keep,
            n_threads=n_threads,
            monitor=lambda sweep, error: progress(
                first + sweep, float(np.ldexp(scale * error, self._fitted_exponent))
            ),
        )
        draws = (*chain.draws, *run.draws)
        residuals = (*chain.residuals, *run.residuals.tolist())
        self._fitted_chain = replace(
            chain, state=run.last, entries=entries, draws=draws, residuals=residuals
        )
        # A callback may have ended the fit before the first draw.
        used = draws[: self.n_draws] or (draw(0, run.last),)
        self._fitted_draws = FactorDraws(used, pattern, intercept, scale)
        self._fitted_entries = entries
        self._fitted_weights = None if weights is None else with_values(entries, weights)
        self._store(residuals, n_threads)
        progress.finish()

    def _standardized(
        self,
        entries: sparse.csr_array,
        weights: Array | None,
        scatter: float,
        n_threads: int,
    ) -> tuple[PatternFeatures, GibbsProblem, float, float]:
        """Return row features, the problem of standardized entries, their mean and scale."""
        if weights is None:
            intercept = float(entries.data.mean(dtype=np.float64))
            scale = float(entries.data.std(dtype=np.float64))
        else:
            wide = entries.data.astype(np.float64)
            intercept = float(np.average(wide, weights=weights))
            scale = float(np.average((wide - intercept) ** 2, weights=weights)) ** 0.5
        if scatter:
            n = float(entries.nnz if weights is None else weights.sum(dtype=np.float64))
            scale = float(np.hypot(scale, (scatter / n) ** 0.5))
        # What rounding leaves of equal values is no spread.
        if not scale > 10 * np.finfo(entries.dtype).eps * abs(intercept):
            scale = 1.0
        values = ((entries.data - intercept) / scale).astype(entries.dtype)
        by_rows = sparse.csr_array((values, entries.indices, entries.indptr), entries.shape)
        by_columns = by_rows.T.tocsr()
        of_columns = None
        if weights is not None:
            of_columns = with_values(entries, weights).T.tocsr().data
        features = [
            PatternFeatures.from_entries(side, _PATTERN_FEATURES, n_threads=n_threads)
            if self.pattern
            else PatternFeatures.none(side.shape[1], side.dtype)
            for side in (by_rows, by_columns)
        ]
        problem = GibbsProblem(
            by_rows,
            by_columns,
            features[0](by_rows),
            features[1](by_columns),
            weights,
            of_columns,
            scatter / scale**2,
        )
        return features[0], problem, intercept, scale

    def _store(self, residuals: tuple[float, ...], n_threads: int) -> None:
        draws, entries, weights = self._fitted_draws, self._fitted_entries, self._fitted_weights
        average = PosteriorMeanFactors.from_draws(draws, entries, weights, n_threads=n_threads)
        self.components_ = average.components
        self.column_bias_ = self._in_units_of_X(average.column_bias)
        self.intercept_ = float(self._in_units_of_X(average.intercept))
        self.n_components_ = len(average.components)
        rows, row_bias = average.rows(draws, entries, weights, n_threads=n_threads)
        self.row_factors_, self.row_bias_ = map(self._in_units_of_X, (rows, row_bias))
        self.noise_std_ = float(self._in_units_of_X(draws.noise * draws.scale))
        curve = np.asarray(residuals, dtype=np.float64) * draws.scale
        self.residual_curve_ = self._in_units_of_X(curve).tolist()
        self.r_hat_ = split_r_hat(residuals[self.n_burn_in :])
        self.n_iter_ = len(residuals)

    def _in_units(self, entries: sparse.csr_array) -> sparse.csr_array:
        """Return observed entries, divided by the same power of two as in `fit`."""
        values = times_power_of_two(entries.data, -self._fitted_exponent)
        return with_values(entries, values)

    def _in_units_of_X(self, values: Any) -> Any:
        return times_power_of_two(values, self._fitted_exponent)

    def _rank(self, shape: tuple[int, int]) -> int:
        if self.n_components == "auto":
            return min(_AUTO_COMPONENTS, *shape)
        return check_rank(self.n_components, shape)

    def _rows(
        self,
        entries: sparse.csr_array,
        n_threads: int,
        weights: sparse.csr_array | None = None,
    ) -> tuple[Array, Array]:
        average = PosteriorMeanFactors(self.components_, self.column_bias_, self.intercept_)
        with single_threaded_blas():
            rows, row_bias = average.rows(
                self._fitted_draws, self._in_units(entries), weights, n_threads=n_threads
            )
        return self._in_units_of_X(rows), self._in_units_of_X(row_bias)
