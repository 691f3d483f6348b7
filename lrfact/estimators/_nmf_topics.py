"""NMFTopics: a matrix as a sum of non-negative parts, documents as mixtures of topics."""

import warnings
from functools import partial
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_array, check_random_state
from sklearn.utils.validation import check_is_fitted

from lrfact._memory import require_dense
from lrfact._sklearn_compat import CallbackSupportMixin, Interval, StrOptions, fit_context
from lrfact._threads import effective_n_threads
from lrfact._typing import Array
from lrfact.checks._entry_indices import entry_indices
from lrfact.checks._fitted_state import reset_on_error
from lrfact.checks._nonnegative_entries import NonnegativeEntries, nonnegative_entries
from lrfact.estimators._progress import FitProgress
from lrfact.estimators._topic_words import TopicWords
from lrfact.linalg.require_finite import require_finite
from lrfact.solvers.nmf.beta_divergence import loss_of
from lrfact.solvers.nmf.heldout_columns import heldout_column_loss, typical_entry
from lrfact.solvers.nmf.nonnegative_factorization import (
    NMF_SOLVERS,
    SolverOptions,
    Start,
    best_of_starts,
)
from lrfact.solvers.nmf.nonnegative_fold_in import fold_in
from lrfact.solvers.nmf.nonnegative_init import STARTS, nonnegative_init
from lrfact.solvers.nmf.nonnegative_problem import NonnegativeProblem, Penalty, Side
from lrfact.solvers.nmf.nonnegative_units import (
    exponent_of,
    in_unit,
    penalty_in_units,
    power_of_two,
    times_power,
)
from lrfact.solvers.nmf.online_nonnegative import (
    PastRows,
    SufficientStatistics,
    learn_batch,
    no_evidence,
)
from lrfact.solvers.nmf.topic_agreement import stability

_BETA = {"frobenius": 2.0, "kullback-leibler": 1.0, "itakura-saito": 0.0}

# Maximum number of components with n_components=None, one for each feature.
_MOST_AUTOMATIC = 5000

# Default number of components: sufficient to explore texts, with a fit that takes seconds.
_AUTOMATIC = 10

# With dependent components, or rounded equal fractions, an order may not be stable.
_MOST_ORDERINGS = 5

# Number of entries whose factors are gathered at a time.
_ENTRIES_AT_A_TIME = 2**15


class NMFTopics(
    TopicWords,
    CallbackSupportMixin,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    BaseEstimator,
):
    r"""Nonnegative matrix factorization (NMF) for topics of documents and parts of images.

    .. math:: \min_{W \ge 0, H \ge 0} \sum_{(i,j) \in \Omega} d_\beta(x_{ij}, (W H)_{ij})
              + \alpha_W \, m \, p(W) + \alpha_H \, n \, p(H), \quad
              p(A) = r \|A\|_1 + \frac{1 - r}{2} \|A\|_F^2

    for a matrix of n rows and m columns, where :math:`\Omega` are the entries that are not missing
    and r is `l1_ratio`. :math:`d_\beta` is half the squared error for
    ``beta_loss="frobenius"``, the Kullback-Leibler divergence :math:`x \log (x/y) - x + y`, or that
    of Itakura-Saito, :math:`x/y - \log (x/y) - 1`. Parameters have the same meaning as in
    `sklearn.decomposition.NMF`.

    Parameters
    ----------
    n_components : int, "auto" or None, default="auto"
        Number of components. "auto" means that of `W` and `H` if ``init="custom"``, else 10, or
        the number of rows or features if that is smaller. This suits exploration; use `score` and
        `stability_` to choose the number. None means the number of features.

    init : {"random", "nndsvd", "nndsvda", "nndsvdar", "custom"}, default=None
        Initialization. "nndsvd" is computed from singular vectors and has zeros, which
        ``solver="mu"`` cannot change; "nndsvda" replaces them in proportion to the sums of rows and
        columns, "nndsvdar" by small random numbers. "custom" uses `W` and `H` of `fit`. None means
        "nndsvda" for the first initialization, if there are as many singular vectors as
        components, and "random" for all others.

    solver : {"auto", "hals", "cd", "mu"}, default="auto"
        "hals", also known as "cd": coordinate descent with extrapolation, for
        ``beta_loss="frobenius"``. "mu": multiplicative updates, also with extrapolation, for all
        losses. "auto" selects "hals" if the loss allows it.

    beta_loss : float or {"frobenius", "kullback-leibler", "itakura-saito"}, default="frobenius"
        Loss function. A float is the :math:`\beta` of the beta-divergence; the names correspond to
        2, 1 and 0. With 0 or less, all entries have to be positive.

    tol : float, default=0.0001
        Tolerance of the stopping criterion, which does not depend on the initialization. "hals"
        stops once an iteration lowers the objective by at most this fraction of it and the
        projected gradient is at most this fraction of the two sums whose difference it is; "mu"
        once ten iterations lower the square root of twice the loss by less than this fraction of
        its value for the independence model (the product of row and column sums).

    max_iter : int, default=200
        Maximum number of iterations.

    random_state : int, RandomState instance or None, default=None
        Controls the random initialization, the computation of singular vectors and `shuffle`. Pass
        an int for reproducible results: they are bitwise identical on every run and for every
        `n_jobs`.

    alpha_W : float, default=0.0
        Regularization strength for `W`, multiplied by the number of features. Regularize both
        factors or neither: if only one is, it shrinks while the other grows, and there is no
        minimum.

    alpha_H : float or "same", default="same"
        Regularization strength for `H`, multiplied by the number of rows. "same" means `alpha_W`.

    l1_ratio : float, default=0.0
        Fraction of l1 regularization for both factors; the rest is l2.

    verbose : int, default=0
        Whether to print the objective during the iterations, if there is one initialization.

    shuffle : bool, default=False
        Whether "hals" updates the components in random order.

    n_init : int, default=1
        Number of initializations, which run in parallel. The result with the lowest objective is
        kept; `stability_` measures its agreement with the others.

    missing_values : float, default=nan
        Placeholder for missing entries, also among the stored entries of a sparse matrix. Entries
        that are not stored are 0 and not missing, so that 0 is refused for a sparse matrix without
        stored zeros.

    n_jobs : int, default=None
        Number of threads. None means all available ones.

    Attributes
    ----------
    components_ : ndarray of shape (n_components_, n_features)
        Factor `H`, in descending order of `topic_share_` unless ``init="custom"``. Zero for
        features whose entries are all missing.

    n_components_ : int
        Number of components.

    topic_share_ : ndarray of shape (n_components_,)
        Fraction of each component in the sum of all entries of `W H`.

    reconstruction_err_ : float
        Square root of twice the loss; for ``beta_loss="frobenius"`` the Frobenius norm of the
        residuals. Not set by `partial_fit`.

    n_iter_ : int
        Number of iterations of the best initialization, or of batches after `partial_fit`.

    objective_ : ndarray
        Regularized loss during the iterations of the best initialization: after each one of "hals",
        after every ten of "mu". Not set by `partial_fit`.

    stability_ : float
        Mean of `topic_stability_`. Available if ``n_init > 1``.

    topic_stability_ : ndarray of shape (n_components_,)
        Cosine similarity of each component with the matching one of another initialization,
        averaged over the other initializations; components are matched for the largest sum.
        Available if ``n_init > 1``.

    start_objectives_ : ndarray of shape (n_init,)
        Final objective of each initialization. Available if ``n_init > 1``.

    n_features_in_ : int
        Number of features seen in `fit`.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of features seen in `fit`, if `X` has feature names that are all strings.

    See Also
    --------
    sklearn.decomposition.NMF : NMF without missing entries or several initializations.
    MaskedMF : Matrix factorization of ratings, with biases and ``nonnegative=True``.
    TopicsDisplay : Plot of the terms with the largest weights.
    ComponentsDisplay : Components as images.
    lrfact.metrics.topic_coherence : Co-occurrence of the terms of topics.

    Notes
    -----
    An iteration of "hals" costs two products with the matrix, ``4 nnz k`` flops, and up to 20
    passes of ``2 (n_samples + n_features) k^2``; of "mu" with Kullback-Leibler ``8 nnz k``, and
    ``8 n_samples n_features k`` with other losses, sparse or not. Memory: `X`, its transpose if it
    is sparse, and a few copies of the factors. A sparse matrix is never densified, except for
    blocks of a megabyte with losses other than the first two.

    `fit_transform` and `transform` return the same for the same rows: `W` is computed once more,
    to its minimum, for the final `H`. With :math:`\beta < 1` that problem is not convex, and both
    find the same local minimum.

    Results do not depend on the units of `X`: entries of 1e-30 or 1e30 are scaled internally. With
    a loss other than Frobenius, rows of small entries beside huge ones are fitted as well as alone.
    An approximation of 0 to a positive entry, whose loss would be infinite, is replaced by 2^-400
    of the entry for Kullback-Leibler (2^-100 in float32), by 2^-23 for other losses.

    If topics differ between initializations, there are probably too many; see `stability_`, and
    `coherence_scorer` and `score` for other ways to choose their number.

    References
    ----------
    Lee and Seung (1999), doi:10.1038/44565. Cichocki and Phan (2009),
    doi:10.1587/transfun.E92.A.708, Gillis and Glineur (2012), arXiv:1107.5194, and Ang and Gillis
    (2019), arXiv:1805.06604, for "hals". Fevotte and Idier (2011), arXiv:1010.1763, for "mu".

    Examples
    --------
    >>> from sklearn.feature_extraction.text import TfidfVectorizer
    >>> from lrfact import NMFTopics
    >>> documents = [
    ...     "cats and dogs",
    ...     "a dog chased cats",
    ...     "dogs bark",
    ...     "stocks fell",
    ...     "the market and its stocks",
    ...     "bonds, stocks and the market",
    ... ]
    >>> tfidf = TfidfVectorizer(stop_words="english")
    >>> X = tfidf.fit_transform(documents)
    >>> topics = NMFTopics(n_components=2, random_state=0)
    >>> W = topics.fit_transform(X)
    >>> topics.top_terms(tfidf.get_feature_names_out(), n_terms=2)
    array([['stocks', 'market'],
           ['dogs', 'cats']], dtype=object)
    >>> int(topics.transform(tfidf.transform(["market of bonds"])).argmax())
    0
    """

    # Entries cannot be held out by not storing them.
    _absent_is_zero = True

    reconstruction_err_: float
    objective_: Array
    stability_: float
    topic_stability_: Array
    start_objectives_: Array
    _fitted_exponent: int

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_components": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"}), None],
        "init": [StrOptions({*STARTS, "custom"}), None],
        "solver": [StrOptions({"auto", *NMF_SOLVERS})],
        "beta_loss": [StrOptions(set(_BETA)), Real],
        "tol": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
        "alpha_W": [Interval(Real, 0, None, closed="left")],
        "alpha_H": [Interval(Real, 0, None, closed="left"), StrOptions({"same"})],
        "l1_ratio": [Interval(Real, 0, 1, closed="both")],
        "verbose": ["verbose"],
        "shuffle": ["boolean"],
        "n_init": [Interval(Integral, 1, None, closed="left")],
        "missing_values": [Real],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        n_components: int | str | None = "auto",
        *,
        init: str | None = None,
        solver: str = "auto",
        beta_loss: float | str = "frobenius",
        tol: float = 1e-4,
        max_iter: int = 200,
        random_state: Any = None,
        alpha_W: float = 0.0,
        alpha_H: float | str = "same",
        l1_ratio: float = 0.0,
        verbose: int = 0,
        shuffle: bool = False,
        n_init: int = 1,
        missing_values: float = np.nan,
        n_jobs: int | None = None,
    ) -> None:
        self.n_components = n_components
        self.init = init
        self.solver = solver
        self.beta_loss = beta_loss
        self.tol = tol
        self.max_iter = max_iter
        self.random_state = random_state
        self.alpha_W = alpha_W
        self.alpha_H = alpha_H
        self.l1_ratio = l1_ratio
        self.verbose = verbose
        self.shuffle = shuffle
        self.n_init = n_init
        self.missing_values = missing_values
        self.n_jobs = n_jobs

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None, W: Any = None, H: Any = None, mask: Any = None) -> Self:
        """Fit the model with X.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Nonnegative training data. float32 is kept, any other dtype is converted to float64.

        y : None
            Not used, present here for API consistency by convention.

        W : array-like of shape (n_samples, n_components), default=None
            Initial factor, used if ``init="custom"``.

        H : array-like of shape (n_components, n_features), default=None
            Initial factor, used if ``init="custom"``.

        mask : {array-like, sparse matrix} of bool, shape (n_samples, n_features), default=None
            Mask of missing entries, in addition to those equal to `missing_values`.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If an entry is negative or infinite, or 0 if the loss does not allow it; if
            `n_components` exceeds what `init` allows; if `solver` does not support the loss.

        Warns
        -----
        ConvergenceWarning
            If `tol` is not reached within `max_iter` iterations.
        """
        self._fit(X, W, H, mask)
        return self

    @fit_context(prefer_skip_nested_validation=True)
    def fit_transform(
        self, X: Any, y: Any = None, W: Any = None, H: Any = None, mask: Any = None
    ) -> Array:
        """Fit the model with X, and return the factors of its rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            See `fit`.

        y : None
            Not used, present here for API consistency by convention.

        W : array-like of shape (n_samples, n_components), default=None
            See `fit`.

        H : array-like of shape (n_components, n_features), default=None
            See `fit`.

        mask : {array-like, sparse matrix} of bool, shape (n_samples, n_features), default=None
            See `fit`.

        Returns
        -------
        ndarray of shape (n_samples, n_components)
            Factor `W`, the result of ``fit(X).transform(X)``.
        """
        return self._fit(X, W, H, mask)

    def _fit(self, X: Any, W: Any, H: Any, mask: Any) -> Array:
        with reset_on_error(self):
            entries = self._entries(X, mask, reset=True)
            self._keep_objective()
            options = self._solver_options()
            self._refuse_zeros(entries)
            rng = check_random_state(self.random_state)
            custom = self._custom_init(entries, W, H)
            n_components = self._rank(entries, custom)
            self._keep_units(entries)
            exponent = self._fitted_exponent
            if custom is not None:
                custom = tuple(in_unit(factors, exponent // 2) for factors in custom)
            problem = self._problem(entries, entries.values.shape[0], exponent)
            unit_of_objective = self._fitted_beta * exponent
            report = FitProgress(self, X, self.verbose, measure="objective")

            def progress(step: int, objective: float) -> bool:
                return report(step, float(times_power(objective, unit_of_objective)))

            seeds = [0]  # not drawn where it is not read, so that scikit-learn's start is ours
            if self.n_init > 1 or self.shuffle:
                # Before the starts run, as these may run in any order.
                drawn = rng.randint(np.iinfo(np.int32).max, size=self.n_init)
                seeds = [int(seed) for seed in drawn]
            ends = best_of_starts(
                problem,
                self._starts(problem, custom, n_components, rng, seeds),
                seeds,
                options,
                progress,
            )
            best = ends.best
            if not best.converged and self.tol > 0:
                warnings.warn(
                    f"{options.solver!r} stopped at max_iter={self.max_iter} iterations before "
                    f"tol={self.tol} was reached; raise either",
                    ConvergenceWarning,
                    stacklevel=4,
                )
            columns, rows = best.columns, best.rows
            for _ in range(_MOST_ORDERINGS):
                # Ordered first, so that `transform` later takes the same steps.
                if custom is None:
                    order = np.argsort(-_shares(rows, columns), kind="stable")
                    columns = np.ascontiguousarray(columns[:, order])
                rows = fold_in(problem.rows, columns)
                share = _shares(rows, columns)
                if custom is not None or not (np.diff(share) > 0).any():
                    break
            objectives = times_power(ends.objectives, unit_of_objective)
            self.objective_ = times_power(best.objective, unit_of_objective)
            require_finite(self.objective_)
            self._store(in_unit(columns, -exponent // 2), share)
            self.n_iter_ = best.n_iter
            root = np.sqrt(2 * loss_of(problem.rows, rows, columns))
            self.reconstruction_err_ = float(times_power(root, unit_of_objective / 2))
            if self.n_init > 1:
                others = [c.T for i, c in enumerate(ends.components) if i != ends.chosen]
                self.topic_stability_ = stability(self.components_, others)
                self.stability_ = float(self.topic_stability_.mean())
                self.start_objectives_ = objectives
            self._fitted_past = PastRows.from_rows(rows)
            report.finish()
        return in_unit(rows, -exponent // 2)

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any = None, mask: Any = None) -> Self:
        """Update the model with a batch of rows, which need not be kept (online NMF).

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Batch of any number of rows. The first batch initializes the components and should have
            more rows than there are components.

        y : None
            Not used, present here for API consistency by convention.

        mask : {array-like, sparse matrix} of bool, shape (n_samples, n_features), default=None
            Mask of missing entries.

        Returns
        -------
        self : object
            The estimator, fitted on all rows since and including the last `fit`.

        Raises
        ------
        ValueError
            If the input is invalid, see `fit`, or ``init="custom"``.
        """
        first = not hasattr(self, "components_")
        if first:
            with reset_on_error(self):
                self._learn(X, mask)
        else:
            self._learn(X, mask)
        return self

    def _learn(self, X: Any, mask: Any) -> None:
        first = not hasattr(self, "components_")
        entries = self._entries(X, mask, reset=first)
        if self.init == "custom":
            raise ValueError("init='custom' belongs to fit; give partial_fit another")
        self._keep_objective()
        self._solver_options()
        self._refuse_zeros(entries)
        # Components of zeros, as of a batch of zeros, would never change.
        starts = first or not self.components_.any()
        before = 0 if starts else self._fitted_exponent
        if starts:
            self._keep_units(entries)
        else:
            self._fitted_exponent = exponent_of(entries.values, before)
        exponent = self._fitted_exponent
        problem = self._problem(entries, 1, exponent)
        evidence: SufficientStatistics | None = getattr(self, "_fitted_evidence", None)
        if starts:
            rng = check_random_state(self.random_state)
            n_components = self._rank(entries, None)
            [start] = self._starts(problem, None, n_components, rng, [0])
            columns = start()[1]
            evidence = no_evidence(columns, problem.rows.beta)
        else:
            columns = self._columns(entries)
            if evidence is None:
                evidence = self._fitted_past.as_evidence(
                    in_unit(columns, (before - exponent) // 2), problem.rows.beta
                )
            if exponent != before:
                ratio = power_of_two(before - exponent)
                evidence = evidence.in_unit(ratio, problem.rows.beta)
        columns, evidence = learn_batch(problem, columns, evidence)
        for name in ("reconstruction_err_", "objective_", "_fitted_past"):
            if hasattr(self, name):
                delattr(self, name)
        n_batches = 1 if first else self.n_iter_ + 1
        share = _shares(evidence.mass[np.newaxis], columns)
        self._store(in_unit(columns, -exponent // 2), share)
        self.n_iter_ = n_batches
        self._fitted_evidence = evidence

    def transform(self, X: Any, mask: Any = None) -> Array:
        """Compute the factors of rows for the fitted components (fold-in), each row to its minimum.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training rows or unseen rows.

        mask : {array-like, sparse matrix} of bool, shape (n_samples, n_features), default=None
            Mask of missing entries.

        Returns
        -------
        ndarray of shape (n_samples, n_components)
            Factors of the rows; zeros for rows of zeros, and for rows without observed entries.
        """
        check_is_fitted(self, "components_")
        side, columns, exponent = self._side_and_columns(X, mask)
        return in_unit(fold_in(side, columns), self._fitted_exponent // 2 - exponent)

    def inverse_transform(self, X: Any) -> Array:
        """Transform data back to the original space.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_components)
            Factors, as returned by `transform`.

        Returns
        -------
        ndarray of shape (n_samples, n_features)
            ``X @ components_``.

        Raises
        ------
        ValueError
            If the number of columns of `X` is not that of the components.
        """
        check_is_fitted(self, "components_")
        W = check_array(X, accept_sparse="csr", dtype=[np.float64, np.float32])
        if W.shape[1] != len(self.components_):
            raise ValueError(
                f"X has {W.shape[1]} columns, but inverse_transform needs factors of the "
                f"{len(self.components_)} components, as returned by transform"
            )
        require_dense((W.shape[0], self.components_.shape[1]), W.dtype, "pass fewer rows at a time")
        return W @ self.components_

    def predict(self, X: Any, mask: Any = None) -> NDArray[np.intp]:
        """Return the topic of each row: the component with the largest part of its approximation.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training rows or unseen rows.

        mask : {array-like, sparse matrix} of bool, shape (n_samples, n_features), default=None
            Mask of missing entries.

        Returns
        -------
        ndarray of int, shape (n_samples,)
            Index of the component; -1 for rows with an approximation of zero, such as empty
            documents.
        """
        W = self.transform(X, mask)
        parts = W * self.components_.sum(axis=1, dtype=np.float64)
        return np.where(parts.max(axis=1) > 0, parts.argmax(axis=1), -1)

    def predict_entries(self, rows: Any, columns: Any, X: Any) -> Array:
        """Predict single entries from the other entries of their rows.

        Parameters
        ----------
        rows, columns : array-like of int, shape (n_entries,)
            Row and column indices of the entries.

        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows to which `rows` refers, with these entries missing.

        Returns
        -------
        ndarray of shape (n_entries,)
            Predictions. Memory is needed for these and for the factors of the rows.

        Raises
        ------
        ValueError
            If an index is out of range, or `rows` and `columns` are not one-dimensional integer
            arrays of the same length.
        """
        W = self.transform(X)
        rows, columns = entry_indices(rows, columns, (len(W), self.components_.shape[1]))
        predicted = np.empty(len(rows), dtype=W.dtype)
        for start in range(0, len(rows), _ENTRIES_AT_A_TIME):
            part = slice(start, start + _ENTRIES_AT_A_TIME)
            predicted[part] = np.einsum(
                "pf,fp->p", W[rows[part]], self.components_[:, columns[part]]
            )
        return predicted

    def score(self, X: Any, y: Any = None, mask: Any = None) -> float:
        r"""Return the negated loss of held-out entries, predicted from the rest of their rows.

        .. math:: -\frac1n \sum_{(i,j) \in \Omega}
                  d_\beta(x_{ij}, \hat w_i^{(-j)\prime} h_j + \epsilon)

        Every fifth column is held out at a time, and its entries are predicted by factors computed
        from the other columns. More components therefore do not improve the score by fitting the
        noise, and searches over `n_components` with this score, the default of GridSearchCV and
        RankSearchCV, find a number that the data supports.

        :math:`\epsilon` is 0 for ``beta_loss="frobenius"``, else 1/128 of the mean training entry
        (of the smallest one for Itakura-Saito), since the loss of a positive count with a
        prediction of 0 would be infinite.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Data, preferably unseen rows.

        y : None
            Not used, present here for API consistency by convention.

        mask : {array-like, sparse matrix} of bool, shape (n_samples, n_features), default=None
            Mask of missing entries.

        Returns
        -------
        float
            Score, at most 0, the mean over rows; higher is better.

        References
        ----------
        Owen and Perry (2009), arXiv:0908.2062.
        """
        check_is_fitted(self, "components_")
        side, columns, exponent = self._side_and_columns(X, mask)
        typical = float(np.ldexp(self._fitted_typical_entry, -exponent))
        loss = heldout_column_loss(side, columns, typical) / side.matrix.shape[0]
        return -float(times_power(loss, self._fitted_beta * exponent))

    def _side_and_columns(self, X: Any, mask: Any) -> tuple[Side, Array, int]:
        """Return scaled rows and components, and the exponent of the scale of the rows."""
        entries = self._entries(X, mask, reset=False)
        self._refuse_zeros(entries)
        exponent = exponent_of(entries.values)
        return self._problem(entries, 1, exponent).rows, self._columns(entries), exponent

    def _columns(self, entries: NonnegativeEntries) -> Array:
        """Return the transposed components, in the units of the solver."""
        columns = in_unit(self.components_.T, self._fitted_exponent // 2)
        return np.ascontiguousarray(columns, dtype=entries.values.dtype)

    def _keep_objective(self) -> None:
        """Store the parameters of the objective, which are also used for unseen rows."""
        loss = self.beta_loss
        self._fitted_beta = _BETA[loss] if isinstance(loss, str) else float(loss)
        alpha_H = self.alpha_W if self.alpha_H == "same" else float(self.alpha_H)
        self._fitted_penalties = (float(self.alpha_W), alpha_H, float(self.l1_ratio))

    def _keep_units(self, entries: NonnegativeEntries) -> None:
        self._fitted_exponent = exponent_of(entries.values)
        self._fitted_typical_entry = typical_entry(
            entries.values, entries.n_shown, self._fitted_beta
        )

    def _entries(self, X: Any, mask: Any, *, reset: bool) -> NonnegativeEntries:
        return nonnegative_entries(
            self, X, mask=mask, missing_values=self.missing_values, reset=reset
        )

    def _solver_options(self) -> SolverOptions:
        solver = self.solver
        if solver == "auto":
            solver = "hals" if self._fitted_beta == 2 else "mu"
        if NMF_SOLVERS[solver] == "hals" and self._fitted_beta != 2:
            raise ValueError(
                f"Invalid beta_loss parameter: solver={solver!r} does not handle beta_loss="
                f"{self.beta_loss!r}; use solver='mu' or 'auto'"
            )
        if NMF_SOLVERS[solver] == "mu" and self.init == "nndsvd":
            warnings.warn(
                "init='nndsvd' has zeros, which solver='mu' cannot change; use 'nndsvda' or "
                "'nndsvdar'",
                UserWarning,
                stacklevel=5,
            )
        return SolverOptions(NMF_SOLVERS[solver], self.tol, self.max_iter, self.shuffle)

    def _refuse_zeros(self, entries: NonnegativeEntries) -> None:
        if self._fitted_beta <= 0 and entries.has_zeros:
            raise ValueError(
                "When beta_loss <= 0 and X contains zeros, the loss is infinite; add a small "
                "number to X, or use a positive beta_loss"
            )

    def _rank(self, entries: NonnegativeEntries, custom: tuple[Array, Array] | None) -> int:
        shape = entries.values.shape
        if custom is not None:
            return custom[0].shape[1]
        if self.n_components == "auto":
            n_components = min(_AUTOMATIC, *shape)
        elif self.n_components is None:
            n_components = shape[1]
            if n_components > _MOST_AUTOMATIC:
                raise ValueError(
                    f"n_components=None is a component for each of the {n_components} features; "
                    "give a number, such as 20"
                )
        else:
            n_components = int(self.n_components)
        if self.init not in (None, "random") and n_components > min(shape):
            raise ValueError(
                f"init = {self.init!r} can only be used when n_components <= "
                f"min(n_samples={shape[0]}, n_features={shape[1]}), but n_components="
                f"{n_components}; lower it or use init='random'"
            )
        return n_components

    def _custom_init(
        self, entries: NonnegativeEntries, W: Any, H: Any
    ) -> tuple[Array, Array] | None:
        if self.init != "custom":
            if W is not None or H is not None:
                warnings.warn(
                    "W and H are read only if init='custom'", RuntimeWarning, stacklevel=5
                )
            return None
        if self.n_init > 1:
            raise ValueError(
                f"n_init={self.n_init} starts from the same W and H would end alike; set n_init=1"
            )
        n_samples, n_features = entries.values.shape
        dtype = entries.values.dtype
        if W is None or H is None:
            raise ValueError("init='custom' needs W and H, the factors to start from")
        W, H = (
            check_array(start, dtype=dtype, order="C", input_name=name)
            for name, start in (("W", W), ("H", H))
        )
        k = H.shape[0] if self.n_components in (None, "auto") else self.n_components
        for name, start, wanted in (("W", W, (n_samples, k)), ("H", H, (k, n_features))):
            if start.shape != wanted:
                raise ValueError(f"{name} has shape {start.shape}; it must have {wanted}")
            if start.min() < 0 or start.max() == 0:
                raise ValueError(f"{name} must have no negative entry, and a positive one")
        return W, np.ascontiguousarray(H.T)

    def _starts(
        self,
        problem: NonnegativeProblem,
        custom: tuple[Array, Array] | None,
        n_components: int,
        rng: np.random.RandomState,
        seeds: list[int],
    ) -> list[Start]:
        """Make the starts when their turn comes, as each takes the memory of the factors."""
        if custom is not None:
            return [lambda: custom]
        if self.init in ("nndsvd", "nndsvda") and len(seeds) > 1:
            raise ValueError(
                f"n_init={self.n_init} starts by init={self.init!r} would end alike; use init=None "
                "(random ones beside it), 'random' or 'nndsvdar', or n_init=1"
            )
        names = [self.init or "random"] * len(seeds)
        if self.init is None:
            possible = n_components <= min(problem.rows.matrix.shape)
            names = ["nndsvda" if possible else "random", *["random"] * (len(seeds) - 1)]
        n_threads = max(1, effective_n_threads(self.n_jobs) // len(seeds))

        # A single start draws from the generator that was given, as scikit-learn does.
        rngs = [rng] if len(seeds) == 1 else [np.random.RandomState(seed) for seed in seeds]
        return [
            partial(
                nonnegative_init,
                problem.rows.matrix,
                n_components,
                name,
                hidden=problem.rows.hidden,
                beta=self._fitted_beta,
                rng=own,
                n_threads=n_threads,
            )
            for name, own in zip(names, rngs, strict=True)
        ]

    def _problem(
        self, entries: NonnegativeEntries, scale_of_rows: int, exponent: int
    ) -> NonnegativeProblem:
        """Return the problem of entries in a unit with this exponent, and components in theirs."""
        n_features = entries.values.shape[1]
        components = self._fitted_exponent // 2
        alpha_W, alpha_H, ratio = self._fitted_penalties
        of_rows, of_columns = n_features * alpha_W, scale_of_rows * alpha_H
        return NonnegativeProblem.from_parts(
            in_unit(entries.values, exponent),
            entries.hidden,
            row_penalty=penalty_in_units(
                Penalty(of_rows * ratio, of_rows * (1 - ratio)),
                self._fitted_beta,
                exponent,
                exponent - components,
            ),
            column_penalty=penalty_in_units(
                Penalty(of_columns * ratio, of_columns * (1 - ratio)),
                self._fitted_beta,
                exponent,
                components,
            ),
            beta=self._fitted_beta,
            n_threads=effective_n_threads(self.n_jobs),
        )

    def _store(self, columns: Array, share: NDArray[np.float64]) -> None:
        self.components_ = np.ascontiguousarray(columns.T)
        self.n_components_ = len(self.components_)
        self.topic_share_ = share

    @property
    def _n_features_out(self) -> int:
        return len(self.components_)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = True
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = bool(np.isnan(self.missing_values))
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _shares(rows: Array, columns: Array) -> NDArray[np.float64]:
    """Share of each component in the sum of all entries of the approximation."""
    sums = rows.sum(axis=0, dtype=np.float64) * columns.sum(axis=0, dtype=np.float64)
    total = sums.sum()
    return sums / total if total > 0 else np.full(len(sums), 1 / max(len(sums), 1))
