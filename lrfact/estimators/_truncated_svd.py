"""TruncatedSVDReducer: truncated singular value decomposition, without centering."""

from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from sklearn.utils.validation import check_is_fitted

from lrfact._memory import require_dense
from lrfact._sklearn_compat import Interval, RealNotInt, StrOptions
from lrfact._threads import effective_n_threads
from lrfact.estimators._svd_transformer import Array, SVDTransformer
from lrfact.linalg.as_operator import as_operator
from lrfact.rank_rules import RANK_RULES
from lrfact.solvers.svd.incremental_svd import RunningSVD
from lrfact.solvers.svd.leave_one_entry_out import leave_one_entry_out_rmse
from lrfact.solvers.svd.truncated_svd import SVD_SOLVERS


class TruncatedSVDReducer(SVDTransformer):
    r"""Dimensionality reduction by truncated SVD, for dense and sparse matrices.

    .. math:: \min_{W, V} \|X - W V\|_F^2 \quad \text{with } W \in R^{n \times k},
              V \in R^{k \times m}

    The solution is the best rank-k approximation of `X`, given by its leading k singular triplets:
    ``V = components_`` has orthonormal rows and ``W = transform(X) = X V'``. Columns are not
    centered, so that a sparse matrix of counts or tf-idf weights is used as it is (latent semantic
    analysis).

    Parameters
    ----------
    n_components : int, float in (0, 1) or str, default=2
        Number of components, the rank of the approximation. A float is the fraction of the energy
        ``||X||_F^2`` to exceed. A string is the name of a rule: "gavish-donoho" (optimal hard
        threshold for white noise), "gap", "parallel" (comparison with permuted data), "mle" or
        "energy" (0.95); see `select_rank`.

    solver : {"auto", "exact", "gram", "randomized", "lanczos"}, default="auto"
        Algorithm for the singular triplets. "auto" selects the cheapest one that reaches `tol`:
        the eigendecomposition of a Gram matrix if one dimension is small and its accuracy is
        sufficient, a randomized block Krylov method for few components of a large matrix, LAPACK
        otherwise. If "gram" would not reach `tol` (for example for all components of a
        rank-deficient matrix), "exact" is used instead, or "randomized" for few components of a
        matrix with more than 8192 rows and columns. If "lanczos" fails, or has missed a copy of a
        repeated singular value, "randomized" is used. `solver_` is the one that was used.

    tol : float, default=0.0001
        Requested relative error of each singular value; 0 requests machine precision. Used by all
        solvers except "exact".

    max_iter : int, default=None
        Maximum number of steps of "randomized" and of restarts of "lanczos". None means 1000, and
        ten times the smaller dimension, respectively.

    n_iter : int, default=None
        Number of power iterations of "randomized". If None, it iterates until `tol` is reached.

    n_oversamples : int, default=10
        Number of additional random vectors of "randomized", if `n_iter` is given.

    power_iteration_normalizer : {"auto", "QR", "LU", "none"}, default="auto"
        Normalization between power iterations of "randomized", as in scikit-learn, if `n_iter` is
        given.

    random_state : int, RandomState instance or None, default=None
        Controls the random initialization of "randomized" and "lanczos". Pass an int for
        reproducible results: they are bitwise identical on every run and for every `n_jobs`.

    n_jobs : int, default=None
        Number of threads for products with the matrix; None means all. Decompositions of large
        square matrices use the threads of BLAS.

    verbose : int, default=0
        Whether to print the error after each error estimate of "randomized".

    algorithm : {"randomized", "arpack"}, default=None
        Name of the solver in scikit-learn's `TruncatedSVD`, for compatibility: "arpack" is
        "lanczos". If None, `solver` is used.

    Attributes
    ----------
    components_ : ndarray of shape (n_components, n_features)
        Right singular vectors in descending order of singular value, with signs such that the
        largest loading of each is positive. Rows are orthonormal to about `tol` or better.

    singular_values_ : ndarray of shape (n_components,)
        Singular values in descending order, in the units of `X`.

    explained_energy_ratio_ : ndarray of shape (n_components,)
        Fraction of the energy ``||X||_F^2`` of each component, in descending order.

    explained_variance_ : ndarray of shape (n_components,)
        Variance of each column of ``transform(X)``, in squared units of `X`, with divisor
        n_samples. The order is not always descending, as the first component is often close to
        the mean.

    explained_variance_ratio_ : ndarray of shape (n_components,)
        Explained variance divided by the sum of the variances of the columns of `X`.

    singular_value_error_ : ndarray of shape (n_components,)
        Estimated relative error of each singular value. Not set by `partial_fit`.

    solver_ : str
        Solver that was used, or "incremental" after `partial_fit`.

    n_iter_ : int
        Number of iterations, products or batches of the solver; 1 if it does not iterate.

    n_samples_seen_ : int
        Number of training rows.

    n_features_in_ : int
        Number of features seen in `fit`.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of features seen in `fit`, if `X` has feature names that are all strings.

    See Also
    --------
    PCAFromSVD : Principal component analysis: truncated SVD of the centered matrix.
    RankSearchCV : Search for `n_components` by cross-validation.
    select_rank : Estimate the number of components of a matrix by one of several rules.
    sklearn.decomposition.TruncatedSVD : Two of the solvers, without an error estimate.

    Notes
    -----
    For q rows, p columns (or the reverse), ``k = n_components``: "gram" costs ``q p^2 + 11 p^3``
    flops, "exact" ``2 q p^2 + 20 p^3``, "randomized" 3 k to 5 k products with the matrix and
    its transpose. No solver copies a dense `X` or densifies a sparse one; "exact" and "gram" need
    memory for ``p^2`` numbers, "randomized" for up to ``6 k p``. A sparse `X` that needs less
    memory than the products with it is stored a second time, in CSC format.

    References
    ----------
    Eckart and Young (1936), doi:10.1007/BF02288367. Musco and Musco (2015), arXiv:1504.05477.
    Bro, Kjeldahl, Smilde and Kiers (2008), doi:10.1007/s00216-007-1790-1, for `score`.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from lrfact import TruncatedSVDReducer
    >>> X, _ = load_digits(return_X_y=True)
    >>> reducer = TruncatedSVDReducer(n_components=0.9).fit(X)
    >>> reducer.components_.shape
    (9, 64)
    >>> reducer.explained_energy_ratio_[:3].round(3)
    array([0.696, 0.047, 0.043])
    >>> reducer.transform(X).shape
    (1797, 9)
    """

    _centered = False
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_components": [
            Interval(Integral, 1, None, closed="left"),
            Interval(RealNotInt, 0, 1, closed="neither"),
            StrOptions(set(RANK_RULES)),
        ],
        "solver": [StrOptions({"auto", *SVD_SOLVERS})],
        "tol": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left"), None],
        "n_iter": [Interval(Integral, 0, None, closed="left"), None],
        "n_oversamples": [Interval(Integral, 1, None, closed="left")],
        "power_iteration_normalizer": [StrOptions({"auto", "QR", "LU", "none"})],
        "random_state": ["random_state"],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
        "algorithm": [StrOptions({"randomized", "arpack"}), None],
    }

    def __init__(
        self,
        n_components: int | float | str = 2,
        *,
        solver: str = "auto",
        tol: float = 1e-4,
        max_iter: int | None = None,
        n_iter: int | None = None,
        n_oversamples: int = 10,
        power_iteration_normalizer: str = "auto",
        random_state: Any = None,
        n_jobs: int | None = None,
        verbose: int = 0,
        algorithm: str | None = None,
    ) -> None:
        self.n_components = n_components
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.n_iter = n_iter
        self.n_oversamples = n_oversamples
        self.power_iteration_normalizer = power_iteration_normalizer
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.algorithm = algorithm

    def inverse_transform(self, X: Any) -> Array:
        """Transform data back to the original space.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_components)
            Transformed data, as returned by `transform`.

        Returns
        -------
        ndarray of shape (n_samples, n_features)
            ``X @ components_``.
        """
        check_is_fitted(self, "components_")
        W = self._check_coordinates(X)
        require_dense((len(W), self.components_.shape[1]), W.dtype, "pass fewer rows at a time")
        return W @ self.components_

    def score(self, X: Any, y: Any = None) -> float:
        r"""Return the negated leave-one-entry-out error of predictions from the rest of each row.

        .. math:: -\sqrt{\frac{1}{n m} \sum_{ij} \Big(\frac{x_{ij} - w_i' v_j}{1 - h_j}\Big)^2},
                  \qquad h_j = \|v_j\|^2

        is the negated root mean square of the leave-one-entry-out residuals, in closed form. Its
        maximum is at a finite rank even on the training rows, so that it can be used to search for
        `n_components`.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training rows or unseen rows.

        y : None
            Not used, present here for API consistency by convention.

        Returns
        -------
        float
            Score, at most 0, in the units of `X`; higher is better. An entry that does not depend
            on the others of its row (``h_j = 1``) is predicted by 0.
        """
        check_is_fitted(self, "components_")
        return float(self._scores_by_rank(X, [len(self.components_)])[0])

    def _scores_by_rank(self, X: Any, ranks: Any) -> Array:
        """Return `score` with the leading components only, for several ranks."""
        operator = as_operator(
            self._validated(X, reset=False), n_threads=effective_n_threads(self.n_jobs)
        )
        rmse = leave_one_entry_out_rmse(operator, self.components_)
        return -rmse[np.asarray(ranks)]

    def _solver_and_iterations(self) -> tuple[str, int | None]:
        if self.algorithm is None:
            return self.solver, self.n_iter
        if self.solver != "auto":
            raise ValueError(
                f"algorithm={self.algorithm!r} and solver={self.solver!r} are two names of one "
                "parameter; set one of them"
            )
        return self._solver_aliases[self.algorithm], self.n_iter

    def _store(self, running: RunningSVD) -> None:
        s = running.s.astype(np.float64)
        n = running.n_rows
        variance = running.variances_of_scores()
        dtype = running.Vt.dtype
        self.components_ = running.Vt
        self.singular_values_ = running.s
        self.explained_energy_ratio_ = _share(s**2, running.energy).astype(dtype)
        self.explained_variance_ = variance.astype(dtype)
        self.explained_variance_ratio_ = _share(variance, running.centered_energy / n).astype(dtype)
        self.n_samples_seen_ = n
        self._fitted_running = running


def _share(part: Array, total: float) -> Array:
    """Divide by a total; zeros if the total is 0."""
    return part / total if total > 0 else np.zeros_like(part)
