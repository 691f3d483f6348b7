"""ImplicitMF: matrix factorization of implicit feedback."""

import warnings
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from lrfact._sklearn_compat import CallbackSupportMixin, Interval, StrOptions, fit_context
from lrfact._threads import effective_n_threads, single_threaded_blas
from lrfact._typing import Array
from lrfact.checks._entry_indices import entry_indices
from lrfact.checks._fitted_state import reset_on_error
from lrfact.checks._implicit_feedback import implicit_feedback
from lrfact.checks._rank import check_rank
from lrfact.estimators._progress import FitProgress
from lrfact.estimators.recommend._explanation import Explanation
from lrfact.estimators.recommend._factor_model import FactorModel
from lrfact.linalg.principal_directions import principal_directions
from lrfact.linalg.sparse_rows import some_entries
from lrfact.metrics import ndcg_at_k
from lrfact.solvers.implicit.bpr import PairwiseModel, bpr
from lrfact.solvers.implicit.bpr_columns import RankingColumns
from lrfact.solvers.implicit.bpr_fold_in import draw_negatives
from lrfact.solvers.implicit.confidence_columns import ConfidenceColumns, confidence_weights
from lrfact.solvers.implicit.implicit_als import implicit_als, implicit_init
from lrfact.solvers.implicit.implicit_problem import ImplicitProblem
from lrfact.solvers.implicit.spectral_filter import SpectralColumns, spectral_filter
from lrfact.solvers.observed.entry_sampling import sample_of_rows
from lrfact.solvers.observed.masked_problem import MaskedModel, predict_entries

_AUTO_COMPONENTS = 64
_RANKED = 10  # places that `score` judges
_HIDDEN_SHARE = 0.2  # of the entries of a row that `score` hides
_NEGATIVES = 1024  # columns that the fold-in of "bpr" compares those of a row with


class ImplicitMF(CallbackSupportMixin, FactorModel):
    r"""Matrix factorization of implicit feedback (clicks, plays, purchases).

    Observed interactions indicate preference, with a confidence that grows with their count;
    unobserved ones are weak negatives, as the user may not know the item. All entries are fitted,
    with different confidence:

    .. math:: \min_{W, V} \sum_{i,j} c_{ij} (p_{ij} - w_i' v_j)^2
              + reg \Big[ \sum_i C_i^\nu \|w_i\|^2 + \sum_j C_j^\nu \|v_j\|^2 \Big]

    where :math:`p_{ij}` is 1 if :math:`x_{ij} > 0`, else 0, :math:`c_{ij} = 1 + \alpha x_{ij}` is
    the confidence, :math:`C_i = \sum_j c_{ij}` and :math:`C_j = \sum_i c_{ij}`.

    Parameters
    ----------
    n_components : int or "auto", default="auto"
        Number of latent factors. "auto" means 64, or as many as the shape allows if that is less.

    loss : {"squared", "bpr"}, default="squared"
        "squared" is the objective above. "bpr" is Bayesian personalized ranking, a pairwise loss
        for which interactions of a row should score higher than other columns, see `Notes`; it does
        not use the magnitudes of entries.

    solver : {"auto", "als", "svd", "sgd"}, default="auto"
        Algorithm. For "squared", "als" (the choice of "auto") alternates between rows and columns;
        "svd" uses the singular vectors of the matrix whose rows and columns are divided by the
        square roots of their sums as a spectral filter, see `Notes`. It needs no iterations, but
        columns with very few interactions use up components and should be removed before. For
        "bpr", "sgd".

    alpha : float, default=10.0
        Confidence added per unit of `X`, positive. For large counts pass ``np.log1p(X)``, or the
        largest ones would dominate. The best `reg` depends on it. Not used by "svd" and "sgd".

    reg : float, default=0.005
        Regularization strength, at least 0. For "svd" it is on the scale of squared singular
        values, the first of which is 1; the best value is one or two times the last one that is
        kept, for example 0.1 to 0.5, and matters more for higher ranks.

    reg_exponent : float, default=1.0
        Exponent :math:`\nu`. With 1 the best `reg` does not depend on the amount of data, and the
        regularization per entry is the same for long and short rows; with 0 it is the same for all
        rows, in other units. Used by "als" only.

    learning_rate : float, default=0.1
        Initial step size of "sgd"; later steps are adaptive. Not used by other solvers.

    max_iter : int, default=100
        Maximum number of iterations of "als", or of epochs of "sgd".

    tol : float, default=0.001
        Tolerance of the stopping criterion: stop if an iteration, or two successive epochs of
        "sgd", lower the objective by a smaller fraction.

    random_state : int, RandomState instance or None, default=None
        Controls the random initialization. Pass an int for reproducible results: they are bitwise
        identical on every run and for every `n_jobs`.

    n_jobs : int, default=None
        Number of threads. None means all available ones.

    verbose : int, default=0
        Whether to print the objective after each iteration.

    Attributes
    ----------
    components_ : ndarray of shape (n_components_, n_features)
        Column factors, one per row. With "als" and "sgd" orthogonal, in descending order of norm;
        with "svd" in descending order of singular value. The largest loading of each is positive.

    column_bias_ : ndarray of shape (n_features,)
        Biases of the columns: zeros for "squared", their popularity for "bpr".

    intercept_ : float
        Intercept, always 0.

    row_factors_ : ndarray of shape (n_samples, n_components_)
        Factors of the training rows.

    n_components_ : int
        Number of latent factors.

    loss_curve_ : list of float
        Objective after each iteration; for "sgd" the mean loss of the pairs of an epoch, without
        regularization; empty for "svd".

    n_iter_ : int
        Number of iterations or epochs; 1 for "svd".

    n_features_in_ : int
        Number of features seen in `fit`.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of features seen in `fit`, if `X` has feature names that are all strings.

    See Also
    --------
    MaskedMF : Ratings (explicit feedback), where low values are informative too.
    TruncatedSVDReducer : Truncated SVD, with equal weights of all entries.

    Notes
    -----
    **Cost** of an iteration of "als" for nnz entries: ``4 (n_samples + n_features) k^2``
    multiplications and additions, and for each row and column with n entries the least of ``n k^2 /
    2 + k^3 / 6``, ``n^2 k / 2 + n^3 / 6``, and ``8 n k`` for three steps of conjugate gradients.
    Memory: the stored entries twice, and the factors twice. No dense matrix of all entries is
    formed.

    **"svd"** minimizes, with :math:`\tilde X` as :math:`X` after that division, over matrices P of
    rank `n_components`, in closed form,

    .. math:: \|\tilde X - \tilde X P\|_F^2 + reg \, \|P\|_F^2

    and scores are :math:`\tilde X P` in the units of the columns: a truncated singular value
    decomposition without iterations over the entries.

    **"bpr"** minimizes, over the interactions of a row i with a column j,

    .. math:: \sum_{(i, j)} \frac{1}{|N_i|} \sum_{l \in N_i} \Big[-\ln \sigma(s_{ij} - s_{il})
              + \frac{reg}{2} (\|w_i\|^2 + \|v_j\|^2 + \|v_l\|^2 + c_j^2 + c_l^2) \Big],
              \qquad s_{ij} = w_i' v_j + c_j

    where negatives are sampled from the columns :math:`N_i` without an interaction of row i, so
    that an interaction is never used as a negative. An epoch costs about ``25 nnz k``.

    **Rows**, both training rows and unseen ones, are folded in by the minimum given the columns:
    exactly with "squared"; with "bpr" by a convex problem, in which 1024 columns represent all
    negatives. A row without entries has zero factors.

    **Scores** are neither probabilities nor in the units of `X`: they rank the columns of a row.

    References
    ----------
    Hu, Koren and Volinsky (2008), doi:10.1109/ICDM.2008.22. Rendle, Krichene, Zhang and Koren
    (2022), doi:10.1145/3523227.3548486, for the regularization and the importance of its tuning.
    Shen, Wu, Zhang et al. (2021), doi:10.1145/3459637.3482264, for "svd". Rendle, Freudenthaler,
    Gantner and Schmidt-Thieme (2009), arXiv:1205.2618, for "bpr".

    Examples
    --------
    >>> import numpy as np
    >>> from lrfact import ImplicitMF
    >>> plays = np.array(
    ...     [[9, 4, 7, 0, 0, 0], [3, 5, 0, 0, 1, 0], [0, 0, 0, 8, 2, 6], [0, 0, 1, 3, 0, 5]]
    ... )
    >>> model = ImplicitMF(n_components=2, random_state=0).fit(plays)
    >>> columns, _ = model.recommend([[2, 3, 0, 0, 0, 0], [0, 0, 0, 0, 0, 4]], n_items=1)
    >>> columns
    array([[2],
           [3]])
    """

    components_: Array
    column_bias_: Array
    row_factors_: Array
    intercept_: float
    n_components_: int
    loss_curve_: list[float]
    _fitted_solver: str
    _fitted_confidence: tuple[float, float, float]
    _fitted_degree: NDArray[np.float64]
    _fitted_negatives: NDArray[np.int32]

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_components": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "loss": [StrOptions({"squared", "bpr"})],
        "solver": [StrOptions({"auto", "als", "svd", "sgd"})],
        "alpha": [Interval(Real, 0, None, closed="neither")],
        "reg": [Interval(Real, 0, None, closed="left")],
        "reg_exponent": [Interval(Real, 0, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "random_state": ["random_state"],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
    }
    # Entries are hidden from it by zeros.
    _zero_is_absent = True
    # "auto" is the first of each.
    _solvers_of_loss: ClassVar[dict[str, tuple[str, ...]]] = {
        "squared": ("als", "svd"),
        "bpr": ("sgd",),
    }

    def __init__(
        self,
        n_components: int | str = "auto",
        *,
        loss: str = "squared",
        solver: str = "auto",
        alpha: float = 10.0,
        reg: float = 0.005,
        reg_exponent: float = 1.0,
        learning_rate: float = 0.1,
        max_iter: int = 100,
        tol: float = 0.001,
        random_state: Any = None,
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> None:
        self.n_components = n_components
        self.loss = loss
        self.solver = solver
        self.alpha = alpha
        self.reg = reg
        self.reg_exponent = reg_exponent
        self.learning_rate = learning_rate
        self.max_iter = max_iter
        self.tol = tol
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> Self:
        """Fit the model with X.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Nonnegative interactions: counts, durations or booleans. Duplicate entries are added.

        y : None
            Not used, present here for API consistency by convention.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If an entry is negative, NaN or infinite, none is positive, `n_components` exceeds
            min(n_samples, n_features), `solver` is not one of `loss`, or numbers overflow.

        Warns
        -----
        ConvergenceWarning
            If `tol` is not reached within `max_iter` iterations.
        """
        fits = {"als": self._fit_als, "svd": self._fit_svd, "sgd": self._fit_sgd}
        solver = self._chosen_solver()
        with reset_on_error(self), single_threaded_blas():
            entries = implicit_feedback(self, X, reset=True)
            if not entries.nnz:
                raise ValueError(
                    f"X has no positive entry: {type(self).__name__} learns from what rows have "
                    "chosen, and needs one at least"
                )
            n_threads = effective_n_threads(self.n_jobs)
            k = self._rank(entries.shape)
            self.intercept_ = 0.0
            self.column_bias_ = np.zeros(entries.shape[1], entries.dtype)
            progress = FitProgress(self, X, self.verbose, measure="objective")
            fits[solver](entries, k, check_random_state(self.random_state), n_threads, progress)
            self.n_components_ = k
            # Rows are folded in as in the fit, whatever `set_params` changes after it.
            self._fitted_solver = solver
            self._fitted_confidence = (self.alpha, self.reg, self.reg_exponent)
            self.row_factors_ = self._column_model().fold_in(entries, n_threads=n_threads)
            progress.finish()
        return self

    @fit_context(prefer_skip_nested_validation=True)
    def fit_transform(self, X: Any, y: Any = None) -> Array:
        """Fit the model with X, and return the factors of its rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            See `fit`.

        y : None
            Not used, present here for API consistency by convention.

        Returns
        -------
        ndarray of shape (n_samples, n_components_)
            Row factors, the result of ``fit(X).transform(X)``.
        """
        return self.fit(X).row_factors_.copy()

    def predict(self, X: Any) -> Array:
        """Return the scores of all columns for training rows or unseen rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training rows or unseen rows.

        Returns
        -------
        ndarray of shape (n_samples, n_features)
            Scores, higher for more likely interactions. The result is dense: use `recommend` for
            the best of many columns, and `predict_entries` for single entries.
        """
        check_is_fitted(self, "components_")
        return self._rebuilt(*self._fold_in(X))

    def predict_entries(self, rows: Any, columns: Any, X: Any = None) -> Array:
        """Return the scores of single entries.

        Parameters
        ----------
        rows, columns : array-like of int, shape (n_entries,)
            Row and column indices of the entries.

        X : {array-like, sparse matrix} of shape (n_samples, n_features), default=None
            Rows to which `rows` refers. If None, the training rows.

        Returns
        -------
        ndarray of shape (n_entries,)
            Scores. Memory is needed for these and for the row factors, not for the matrix.

        Raises
        ------
        ValueError
            If an index is out of range, or `rows` and `columns` have different lengths.
        """
        check_is_fitted(self, "components_")
        W = self.row_factors_ if X is None else self._fold_in(X)[0]
        rows, columns = entry_indices(rows, columns, (len(W), self.components_.shape[1]))
        of_rows = np.column_stack([W, np.zeros(len(W), W.dtype)])
        of_columns = np.column_stack([self.components_.T, self.column_bias_])
        return predict_entries(MaskedModel(of_rows, of_columns, 0.0), rows, columns, bias=True)

    def explain(self, x: Any, column: Any) -> Explanation:
        """Explain the score of a column by the contributions of the interactions of a row.

        Parameters
        ----------
        x : {array-like, sparse matrix} of shape (n_features,) or (1, n_features)
            A training row or an unseen row.

        column : int, str or other label
            Name or index of the column. An integer is a name if `X` was a DataFrame with integer
            column names in `fit`, else an index.

        Returns
        -------
        Explanation
            Object with `baseline`, `columns`, `contributions` and `prediction`; ``print`` shows
            it as a list.

        Raises
        ------
        ValueError
            If `x` is not one row, there is no such column, or `reg` is 0 with "bpr".

        Notes
        -----
        With "als" the fold-in is linear in the preferences, given their confidences (Hu, Koren and
        Volinsky 2008, section 5); with "svd" it is linear. With "bpr" contributions are the
        gradients of the loss, which balance that of the regularization at the minimum, and add up
        to `predict` to about three digits.
        """
        check_is_fitted(self, "components_")
        at = self._column_index(column)
        entries = self._single_row(x)
        baseline = float(self.column_bias_[at])
        contributions = np.asarray(self._column_model().contributions(entries, at), np.float64)
        order = np.argsort(-np.abs(contributions), kind="stable")
        return Explanation(
            column=at,
            prediction=baseline + float(contributions.sum()),
            baseline=baseline,
            columns=entries.indices[order],
            contributions=contributions[order],
            names=self._column_names(),
        )

    def score(self, X: Any, y: Any = None) -> float:
        """Return the mean NDCG@10 of held-out entries.

        A fifth of the entries of each row is held out, the row is folded in from the rest, and all
        columns except the rest are ranked: the normalized discounted cumulative gain of the first
        ten, with gain 1 for held-out entries, is averaged over the rows with held-out entries. For
        unseen rows the held-out entries were not used in the fit, so that GridSearchCV finds a
        finite rank, a regularization strength and a confidence.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Data, preferably unseen rows. The held-out entries depend only on their positions.

        y : None
            Not used, present here for API consistency by convention.

        Returns
        -------
        float
            Score from 0 to 1; higher is better.

        Raises
        ------
        ValueError
            If no row has two positive entries.

        See Also
        --------
        holdout_scorer : Other ranking metrics and fractions.
        """
        check_is_fitted(self, "components_")
        entries = self._observed(X)
        hidden = sample_of_rows(entries.indptr, _HIDDEN_SHARE, np.random.RandomState(0))
        shown, truth = some_entries(entries, ~hidden), some_entries(entries, hidden)
        judged = np.flatnonzero(np.diff(truth.indptr))
        ranking, _ = self._best_columns(shown[judged], _RANKED)
        return float(ndcg_at_k(ranking, truth[judged].astype(bool), k=_RANKED))

    def _fit_als(
        self,
        entries: sparse.csr_array,
        k: int,
        random_state: np.random.RandomState,
        n_threads: int,
        progress: FitProgress,
    ) -> None:
        problem = ImplicitProblem.with_confidence_scaled_penalty(
            confidence_weights(entries, self.alpha), self.reg, self.reg_exponent
        )
        found = implicit_als(
            problem,
            implicit_init(entries.shape[1], k, random_state, entries.dtype),
            tol=self.tol,
            max_iter=self.max_iter,
            n_threads=n_threads,
            monitor=progress,
        )
        # Contiguous the other way round: all that is asked of it goes by columns of X.
        self.components_ = principal_directions(found.columns).T
        self._report(found.objective, found.converged)

    def _fit_svd(
        self,
        entries: sparse.csr_array,
        k: int,
        random_state: np.random.RandomState,
        n_threads: int,
        progress: FitProgress,
    ) -> None:
        found = spectral_filter(entries, k, reg=self.reg, rng=random_state, n_threads=n_threads)
        self.components_ = found.factors.T
        self._fitted_degree = found.degree
        self.loss_curve_ = []
        self.n_iter_ = 1

    def _fit_sgd(
        self,
        entries: sparse.csr_array,
        k: int,
        random_state: np.random.RandomState,
        n_threads: int,
        progress: FitProgress,
    ) -> None:
        def watch(epoch: int, loss: float, model: PairwiseModel) -> bool:
            return progress(epoch, loss)

        progress.measure = "mean loss of pairs"
        found = bpr(
            entries,
            n_components=k,
            reg=self.reg,
            learning_rate=self.learning_rate,
            max_iter=self.max_iter,
            tol=self.tol,
            rng=random_state,
            n_threads=n_threads,
            bias=True,
            monitor=watch,
        )
        self.components_ = principal_directions(found.column_factors).T
        self.column_bias_ = found.column_bias
        self._fitted_negatives = draw_negatives(entries.shape[1], _NEGATIVES, random_state)
        self._report(found.loss, found.converged)

    def _report(self, objective: NDArray[np.float64], converged: bool) -> None:
        self.loss_curve_ = objective.tolist()
        self.n_iter_ = len(objective)
        if not converged:
            warnings.warn(
                f"{self.max_iter} sweeps did not bring the change of the objective below "
                f"tol={self.tol}; increase max_iter or tol",
                ConvergenceWarning,
                stacklevel=5,  # past fit and what validates its parameters
            )

    def _chosen_solver(self) -> str:
        possible = self._solvers_of_loss[self.loss]
        solver = possible[0] if self.solver == "auto" else self.solver
        if solver not in possible:
            raise ValueError(
                f"solver={self.solver!r} does not minimize loss={self.loss!r}; take one of "
                f"{', '.join(map(repr, possible))}, or 'auto'"
            )
        return solver

    def _column_model(self) -> ConfidenceColumns | SpectralColumns | RankingColumns:
        alpha, reg, reg_exponent = self._fitted_confidence
        if self._fitted_solver == "svd":
            return SpectralColumns(self.components_.T, self._fitted_degree)
        if self._fitted_solver == "sgd":
            return RankingColumns(
                self.components_.T, self.column_bias_, self._fitted_negatives, reg
            )
        return ConfidenceColumns(self.components_.T, alpha, reg, reg_exponent)

    def _rank(self, shape: tuple[int, int]) -> int:
        if self.n_components == "auto":
            return min(_AUTO_COMPONENTS, *shape)
        return check_rank(self.n_components, shape)

    def _observed(self, X: Any) -> sparse.csr_array:
        return implicit_feedback(self, X, reset=False)

    def _rows(self, entries: sparse.csr_array, n_threads: int) -> tuple[Array, Array]:
        """Return factors of rows, without biases."""
        with single_threaded_blas():
            factors = self._column_model().fold_in(entries, n_threads=n_threads)
        return factors, np.zeros(len(factors), factors.dtype)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = True
        return tags
