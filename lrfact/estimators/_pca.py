"""PCAFromSVD: principal component analysis of dense or sparse data, with implicit centering."""

from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from sklearn.utils.validation import check_is_fitted

from lrfact._memory import require_dense
from lrfact._sklearn_compat import Interval, RealNotInt, StrOptions
from lrfact._threads import effective_n_threads
from lrfact.estimators._gaussian_density import GaussianDensity, log_density_by_rank
from lrfact.estimators._svd_transformer import Array, SVDTransformer
from lrfact.linalg.as_operator import as_operator
from lrfact.rank_rules import RANK_RULES
from lrfact.solvers.svd.incremental_svd import RunningSVD
from lrfact.solvers.svd.truncated_svd import SVD_SOLVERS


class PCAFromSVD(SVDTransformer):
    r"""Principal component analysis (PCA) of dense or sparse data, by truncated SVD.

    .. math:: \min_{W, V} \|X - 1 \mu' - W V\|_F^2 \quad \text{with } W \in R^{n \times k},
              V \in R^{k \times m}

    where :math:`\mu` are the column means. The solution is the truncated SVD of the centered
    matrix, which is never formed, so that sparse data stays sparse. ``V = components_`` has
    orthonormal rows, ``W = transform(X)``.

    Parameters
    ----------
    n_components : int, float in (0, 1) or str, default=None
        Number of components; None means min(n_samples, n_features). A float is the fraction of the
        variance to exceed. A string is the name of a rule: "mle" (Minka), "gavish-donoho" (optimal
        hard threshold for white noise), "gap", "parallel" (comparison with permuted data) or
        "energy" (0.95); see `select_rank`.

    copy : bool, default=True
        Not used, present for compatibility with scikit-learn: `X` is neither modified nor copied
        as a whole.

    whiten : bool, default=False
        Whether `transform` divides each coordinate by its standard deviation. Coordinates of
        components whose variance consists of rounding errors are not amplified, but divided by the
        largest standard deviation. These are components with a singular value below ``64 eps``
        times the largest, or with deviations below the last digits of the entries.

    solver : {"auto", "exact", "gram", "randomized", "lanczos"}, default="auto"
        Algorithm for the components. "auto" selects the cheapest one that reaches `tol`: the
        eigendecomposition of a Gram (covariance) matrix if one dimension is small and its accuracy
        is sufficient, a randomized block Krylov method for few components of a large matrix,
        LAPACK otherwise. If "gram" would not reach `tol` (for example for all components of a
        rank-deficient matrix), "exact" is used instead, or "randomized" for few components of a
        matrix with more than 8192 rows and columns. If "lanczos" fails, or has missed a copy of a
        repeated singular value, "randomized" is used. `solver_` is the one that was used.

    tol : float, default=0.0001
        Requested relative error of each singular value; 0 requests machine precision. Used by all
        solvers except "exact".

    max_iter : int, default=None
        Maximum number of steps of "randomized" and of restarts of "lanczos". None means 1000, and
        ten times the smaller dimension, respectively.

    iterated_power : int or "auto", default="auto"
        Number of power iterations of "randomized". "auto" iterates until `tol` is reached.

    n_oversamples : int, default=10
        Number of additional random vectors of "randomized", if `iterated_power` is an int.

    power_iteration_normalizer : {"auto", "QR", "LU", "none"}, default="auto"
        Normalization between power iterations of "randomized", as in scikit-learn, if
        `iterated_power` is an int.

    random_state : int, RandomState instance or None, default=None
        Controls the random initialization of "randomized" and "lanczos". Pass an int for
        reproducible results: they are bitwise identical on every run and for every `n_jobs`.

    n_jobs : int, default=None
        Number of threads for products with the matrix; None means all. Decompositions of large
        square matrices use the threads of BLAS.

    verbose : int, default=0
        Whether to print the error after each error estimate of "randomized".

    svd_solver : {"auto", "full", "covariance_eigh", "arpack", "randomized"}, default=None
        Name of the solver in scikit-learn's `PCA`, for compatibility: "full" is "exact",
        "covariance_eigh" is "gram", "arpack" is "lanczos". If None, `solver` is used.

    Attributes
    ----------
    components_ : ndarray of shape (n_components_, n_features)
        Principal axes in descending order of variance, with signs such that the largest loading of
        each is positive. Rows are orthonormal to about `tol` or better.

    explained_variance_ : ndarray of shape (n_components_,)
        Variance along each axis, in squared units of `X`, with divisor n_samples - 1, descending.
        Zero if it is below the smallest number of the dtype.

    explained_variance_ratio_ : ndarray of shape (n_components_,)
        Explained variance divided by the total variance of `X`, which equals the fraction of the
        energy of the centered matrix.

    singular_values_ : ndarray of shape (n_components_,)
        Singular values of the centered matrix, in the units of `X`.

    mean_ : ndarray of shape (n_features,)
        Means of the columns.

    n_components_ : int
        Number of components.

    n_samples_ : int
        Number of training rows.

    noise_variance_ : float
        Mean variance of the min(n_samples, n_features) - n_components_ omitted components; 0 if
        there are none. It is the noise variance of probabilistic PCA (Tipping and Bishop).

    singular_value_error_ : ndarray of shape (n_components_,)
        Estimated relative error of each singular value. Not set by `partial_fit`.

    solver_ : str
        Solver that was used, or "incremental" after `partial_fit`.

    n_iter_ : int
        Number of iterations, products or batches of the solver; 1 if it does not iterate.

    n_features_in_ : int
        Number of features seen in `fit`.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of features seen in `fit`, if `X` has feature names that are all strings.

    See Also
    --------
    TruncatedSVDReducer : Truncated SVD without centering.
    RankSearchCV : Search for `n_components` by cross-validation.
    select_rank : Estimate the number of components of a matrix by one of several rules.
    sklearn.decomposition.PCA : Sparse input with two solvers only, without an error estimate.
    sklearn.decomposition.IncrementalPCA : `partial_fit` with batches of at least n_components rows.

    Notes
    -----
    Centering: blocks of a dense `X` are centered when they are read. Products with a sparse `X` are
    corrected by ``1 (mean' B)``, except for columns whose mean is more than twice their standard
    deviation. Those have few zeros, and are stored as an array of deviations from the mean. A large
    mean therefore does not reduce the accuracy of the singular values, in float32 and in float64,
    and that of `transform` only by the rounding error of the mean in float64.

    For q rows, p columns (or the reverse), ``k = n_components``: "gram" costs ``q p^2 + 11 p^3``
    flops, "exact" ``2 q p^2 + 20 p^3``, "randomized" 3 k to 5 k products with the matrix and its
    transpose. "exact" and "gram" need memory for ``p^2`` numbers, "randomized" for up to
    ``6 k p``. A sparse `X` that needs less memory than the products with it is stored a second
    time, in CSC format.

    References
    ----------
    Tipping and Bishop (1999), doi:10.1111/1467-9868.00196. Musco and Musco (2015),
    arXiv:1504.05477. Ross, Lim, Lin and Yang (2008), doi:10.1007/s11263-007-0075-7, for
    `partial_fit`.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from lrfact import PCAFromSVD
    >>> X, _ = load_digits(return_X_y=True)
    >>> pca = PCAFromSVD(n_components=0.95).fit(X)
    >>> pca.n_components_
    29
    >>> pca.explained_variance_ratio_[:3].round(3)
    array([0.149, 0.136, 0.118])
    >>> PCAFromSVD(n_components=2).fit_transform(X).shape
    (1797, 2)
    """

    _centered = True
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_components": [
            Interval(Integral, 1, None, closed="left"),
            Interval(RealNotInt, 0, 1, closed="neither"),
            StrOptions(set(RANK_RULES)),
            None,
        ],
        "copy": ["boolean"],
        "whiten": ["boolean"],
        "solver": [StrOptions({"auto", *SVD_SOLVERS})],
        "tol": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left"), None],
        "iterated_power": [StrOptions({"auto"}), Interval(Integral, 0, None, closed="left")],
        "n_oversamples": [Interval(Integral, 1, None, closed="left")],
        "power_iteration_normalizer": [StrOptions({"auto", "QR", "LU", "none"})],
        "random_state": ["random_state"],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
        "svd_solver": [
            StrOptions({"auto", "full", "covariance_eigh", "arpack", "randomized"}),
            None,
        ],
    }

    def __init__(
        self,
        n_components: int | float | str | None = None,
        *,
        copy: bool = True,
        whiten: bool = False,
        solver: str = "auto",
        tol: float = 1e-4,
        max_iter: int | None = None,
        iterated_power: int | str = "auto",
        n_oversamples: int = 10,
        power_iteration_normalizer: str = "auto",
        random_state: Any = None,
        n_jobs: int | None = None,
        verbose: int = 0,
        svd_solver: str | None = None,
    ) -> None:
        self.n_components = n_components
        self.copy = copy
        self.whiten = whiten
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.iterated_power = iterated_power
        self.n_oversamples = n_oversamples
        self.power_iteration_normalizer = power_iteration_normalizer
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.svd_solver = svd_solver

    def inverse_transform(self, X: Any) -> Array:
        """Transform data back to the original space.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_components)
            Transformed data, as returned by `transform`.

        Returns
        -------
        ndarray of shape (n_samples, n_features)
            ``X @ components_ + mean_``; whitened coordinates are scaled back first.
        """
        check_is_fitted(self, "components_")
        W = self._check_coordinates(X)
        if self._fitted_whiten:
            W = (W * self._standard_deviations()).astype(W.dtype)
        require_dense(
            (len(W), self.components_.shape[1]), W.dtype, "pass fewer rows at a time", n_copies=2
        )
        return W @ self.components_ + self.mean_

    def score(self, X: Any, y: Any = None) -> float:
        """Return the mean log-likelihood of rows under probabilistic PCA.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training rows or unseen rows.

        y : None
            Not used, present here for API consistency by convention.

        Returns
        -------
        float
            Mean of `score_samples`, in nats per row; higher is better.

        Raises
        ------
        ValueError
            If the training rows have no variance.
        """
        return float(self.score_samples(X).mean())

    def score_samples(self, X: Any) -> Array:
        r"""Return the log-likelihood of each row under probabilistic PCA.

        .. math:: -\frac12 \Big(m \log 2\pi + \sum_{c \le k} \log \lambda_c + (m - k) \log \sigma^2
                  + \sum_{c \le k} \frac{w_c^2}{\lambda_c}
                  + \frac{\|x - \mu\|^2 - \|w\|^2}{\sigma^2}\Big)

        where :math:`w` are the coordinates of the row, :math:`\lambda` the explained variances and
        :math:`\sigma^2` the noise variance. No matrix of n_features x n_features is formed. A
        variance within the rounding error of the largest one (due to constant or redundant columns,
        or a full rank) is replaced by the smallest variance above it: the density is then very
        high, but finite.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training rows or unseen rows.

        Returns
        -------
        ndarray of shape (n_samples,)
            Log-likelihood of each row, in nats.

        Raises
        ------
        ValueError
            If the training rows have no variance.

        References
        ----------
        Tipping and Bishop (1999), doi:10.1111/1467-9868.00196.
        """
        check_is_fitted(self, "components_")
        squares, energies = self._squared_coordinates(X)
        return self._density().log_density(squares, energies)

    def get_covariance(self) -> Array:
        """Return the covariance matrix of the features in the fitted model.

        Returns
        -------
        ndarray of shape (n_features, n_features)
            ``V' diag(explained_variance_ - noise_variance_) V + noise_variance_ I``, in squared
            units of `X`, whether or not coordinates are whitened.
        """
        check_is_fitted(self, "components_")
        return self._density().covariance(self.components_)

    def get_precision(self) -> Array:
        """Return the inverse covariance matrix of the features in the fitted model.

        Returns
        -------
        ndarray of shape (n_features, n_features)
            Precision matrix, in closed form: components are orthonormal, so that no matrix is
            inverted. A singular covariance is regularized by the smallest variance that
            `score_samples` uses.

        Raises
        ------
        ValueError
            If the training rows have no variance.
        """
        check_is_fitted(self, "components_")
        return self._density().precision(self.components_)

    def _transform(self, X: Any) -> Array:
        W = super()._transform(X)
        return (W / self._standard_deviations()).astype(W.dtype) if self._fitted_whiten else W

    def _standard_deviations(self) -> Array:
        """Return the scale of each coordinate, float64; see `whiten`."""
        s = self.singular_values_.astype(np.float64)
        n_rows, mean = self.n_samples_, np.abs(self._fitted_running.mean)
        eps = float(np.finfo(self.components_.dtype).eps)
        # Rounding errors of the decomposition, and of the entries themselves.
        of_entries = np.sqrt(n_rows) * (np.abs(self.components_) @ mean)
        hidden = s <= eps * (64 * s[0] + 4 * of_entries)
        s = np.where(hidden, s[0] if s[0] > 0 else 1.0, s)
        return s / np.sqrt(max(1, n_rows - 1))

    def _density(self) -> GaussianDensity:
        # In float64: squares of small numbers vanish in float32.
        variances, _ = _variances(self._fitted_running)
        return GaussianDensity(
            variances[: len(self.components_)],
            self.noise_variance_,
            self.components_.shape[1],
            float(np.finfo(self.components_.dtype).eps),
        )

    def _squared_coordinates(self, X: Any) -> tuple[Array, Array]:
        """Return squared coordinates of rows, and the squared norms of the centered rows."""
        X = self._validated(X, reset=False)
        operator = as_operator(X, n_threads=effective_n_threads(self.n_jobs))
        centered = operator.centered(self._fitted_running.mean)
        W = super()._transform(X).astype(np.float64)
        return W**2, centered.row_energies()

    def _scores_by_rank(self, X: Any, ranks: Any) -> Array:
        """Return `score` with the leading components only, for several ranks.

        NaN if the training rows have no variance.
        """
        squares, energies = self._squared_coordinates(X)
        ranks = np.asarray(ranks)
        # After partial_fit more components are kept than are public.
        variances, noise = _variances(self._fitted_running.leading(squares.shape[1]))
        return log_density_by_rank(
            variances,
            noise[ranks - 1],
            ranks,
            self.components_.shape[1],
            squares.mean(axis=0),
            float(energies.mean()),
            float(np.finfo(self.components_.dtype).eps),
        )

    def _solver_and_iterations(self) -> tuple[str, int | None]:
        n_iter = None if self.iterated_power == "auto" else int(self.iterated_power)
        if self.svd_solver is None:
            return self.solver, n_iter
        if self.solver != "auto":
            raise ValueError(
                f"svd_solver={self.svd_solver!r} and solver={self.solver!r} are two names of one "
                "parameter; set one of them"
            )
        return self._solver_aliases[self.svd_solver], n_iter

    def _store(self, running: RunningSVD) -> None:
        variances, noise = _variances(running)
        total = running.centered_energy / max(1, running.n_rows - 1)
        dtype = running.Vt.dtype
        self.components_ = running.Vt
        self._fitted_whiten = bool(self.whiten)
        self.singular_values_ = running.s
        self.mean_ = running.mean.astype(dtype)
        self.explained_variance_ = variances.astype(dtype)
        ratio = variances / total if total > 0 else np.zeros_like(variances)
        self.explained_variance_ratio_ = ratio.astype(dtype)
        self.noise_variance_ = float(noise[-1])
        self.n_components_ = len(running.s)
        self.n_samples_ = running.n_rows
        self._fitted_running = running


def _variances(running: RunningSVD) -> tuple[Array, Array]:
    """Return variances of the components, and the mean variance of the omitted ones, in float64.

    The k-th mean is that of all components except the first k, for k = 1, 2, ...
    """
    degrees = max(1, running.n_rows - 1)
    variances = running.s.astype(np.float64) ** 2 / degrees
    total = running.centered_energy / degrees
    n_left = min(running.n_rows, running.Vt.shape[1]) - np.arange(1, len(variances) + 1)
    noise = np.maximum(0.0, total - np.cumsum(variances)) / np.maximum(n_left, 1)
    # A difference that consists of rounding errors is not noise.
    regular = (n_left > 0) & (noise * n_left > 10 * np.finfo(running.s.dtype).eps * total)
    return variances, np.where(regular, noise, 0.0)
