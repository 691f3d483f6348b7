"""Base class of the reducers by truncated SVD: validation, rank, solver, transform."""

import copy
from abc import abstractmethod
from contextlib import nullcontext
from dataclasses import replace
from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_array, check_random_state
from sklearn.utils.validation import check_is_fitted

from lrfact._sklearn_compat import CallbackSupportMixin, fit_context
from lrfact._threads import effective_n_threads
from lrfact._typing import Array
from lrfact.checks._fitted_state import reset_on_error
from lrfact.checks._matrix_input import validated_matrix
from lrfact.checks._rank import check_rank
from lrfact.estimators._progress import FitProgress
from lrfact.linalg.as_operator import as_operator
from lrfact.rank_rules import rank_rule
from lrfact.rank_rules._svd_with_rank import svd_with_rank
from lrfact.solvers.svd._result import SVDResult
from lrfact.solvers.svd.incremental_svd import RunningSVD, centered_on_its_mean, update_svd
from lrfact.solvers.svd.truncated_svd import truncated_svd


class SVDTransformer(
    CallbackSupportMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator
):
    """Base class of estimators by truncated SVD.

    A subclass defines whether rows are centered, and sets the fitted attributes.
    """

    # Names of the solvers in scikit-learn, for compatibility.
    _solver_aliases: ClassVar[dict[str, str]] = {
        "auto": "auto",
        "full": "exact",
        "covariance_eigh": "gram",
        "arpack": "lanczos",
        "randomized": "randomized",
    }
    _centered: ClassVar[bool]

    @abstractmethod
    def _solver_and_iterations(self) -> tuple[str, int | None]:
        """Return the requested solver, and the number of power iterations if it is fixed."""

    @abstractmethod
    def _store(self, running: RunningSVD) -> None:
        """Set the fitted attributes from the singular triplets and the exact moments."""

    def _fit(self, X: Any) -> Any:
        """Fit, and return the validated rows."""
        with reset_on_error(self):
            X = self._validated(X, reset=True, ensure_min_samples=1 + self._centered)
            solver, n_iter = self._solver_and_iterations()
            n_threads = effective_n_threads(self.n_jobs)
            operator = as_operator(X, n_threads=n_threads)
            centered, mean, energy = centered_on_its_mean(operator)
            centered_energy = centered.squared_norm()
            A = centered if self._centered else operator
            random_state = check_random_state(self.random_state)
            progress = FitProgress(self, X, self.verbose)

            def factorize(k: int) -> SVDResult:
                return truncated_svd(
                    A,
                    k,
                    solver=solver,
                    tol=self.tol,
                    max_iter=self.max_iter,
                    n_iter=n_iter,
                    n_oversamples=self.n_oversamples,
                    power_iteration_normalizer=self.power_iteration_normalizer,
                    rng=random_state,
                    want_left=False,
                    progress=progress,
                )

            # ARPACK cannot find the last triplet.
            max_rank = min(X.shape) - (solver == "lanczos")
            requested = max_rank if self.n_components is None else self.n_components
            if isinstance(requested, Integral):
                n_components = check_rank(requested, X.shape)
                result = factorize(n_components)
            else:
                rule = rank_rule(requested, X=X, random_state=random_state, n_threads=n_threads)
                result, n_components = svd_with_rank(
                    A,
                    rule,
                    factorize,
                    total_energy=centered_energy if self._centered else energy,
                    centered=self._centered,
                    max_rank=max_rank,
                )
            Vt = result.Vt if len(result.s) == n_components else result.Vt[:n_components].copy()
            s = result.s[:n_components]
            running = RunningSVD(s, Vt, X.shape[0], mean, energy, centered_energy)
            self._store(running if self._centered else running.with_measured_scatter(centered))
            self.solver_ = result.solver
            self.n_iter_ = result.n_iter
            self.singular_value_error_ = result.error[:n_components]
            progress.finish()
        return X

    def _partial_fit(self, X: Any) -> None:
        running: RunningSVD | None = getattr(self, "_fitted_running", None)
        with reset_on_error(self) if running is None else nullcontext():
            X = self._validated(X, reset=running is None, ensure_min_samples=1)
            n_features = X.shape[1]
            if not isinstance(self.n_components, Integral | None):
                raise ValueError(
                    f"n_components={self.n_components!r} is a rule, which needs all data at once, "
                    "unlike partial_fit; set an integer, or None for all components"
                )
            requested = n_features if self.n_components is None else int(self.n_components)
            if requested > n_features:
                raise ValueError(
                    f"n_components={requested} must be at most n_features={n_features}; lower it"
                )
            running = update_svd(
                running,
                as_operator(X, n_threads=effective_n_threads(self.n_jobs)),
                n_retained=min(n_features, 2 * requested + 10),
                centered=self._centered,
                rng=check_random_state(self.random_state),
            )
            self._store(running.leading(min(requested, len(running.s))))
        # More components than are public: the next batch may increase one of them.
        self._fitted_running = running
        self.solver_ = "incremental"
        self.n_iter_ = getattr(self, "n_iter_", 0) + 1
        # The contribution of components that were omitted in each batch is not known.
        if hasattr(self, "singular_value_error_"):
            del self.singular_value_error_

    def __getstate__(self) -> Any:
        state = super().__getstate__()
        running = state.get("_fitted_running")
        if running is not None and running.Vt is self.components_:
            # joblib, unlike pickle, would write the same array twice.
            state = {**state, "_fitted_running": replace(running, Vt=running.Vt[:0])}
        return state

    def __setstate__(self, state: Any) -> None:
        super().__setstate__(state)
        running = vars(self).get("_fitted_running")
        if running is not None and len(running.Vt) == 0:
            self._fitted_running = replace(running, Vt=self.components_)

    def _transform(self, X: Any) -> Array:
        """Return the coordinates of validated rows."""
        operator = as_operator(X, n_threads=effective_n_threads(self.n_jobs))
        if self._centered:
            operator = operator.centered(self._fitted_running.mean)
        components = self.components_.astype(operator.dtype, copy=False)
        return operator.matmat(np.ascontiguousarray(components.T))

    def _validated(self, X: Any, *, reset: bool, ensure_min_samples: int = 1) -> Any:
        if np.ma.isMaskedArray(X):
            raise ValueError(
                f"X is a masked array, and {type(self).__name__} does not support missing values: "
                "fill it (X.filled) or impute it first"
            )
        X = validated_matrix(
            self,
            X,
            reset=reset,
            accept_sparse="csr",
            dtype=[np.float64, np.float32],
            ensure_min_samples=ensure_min_samples,
        )
        if sparse.issparse(X) and not X.has_canonical_format:
            X = X.copy()
            X.sum_duplicates()
        return X

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> Self:
        """Fit the model with X.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training data without missing or infinite values, with at least two rows if it is
            centered. float32 is kept, any other dtype is converted to float64. Entries that a
            sparse matrix does not store are zeros.

        y : None
            Not used, present here for API consistency by convention.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If `n_components` exceeds min(n_samples, n_features), `X` is not finite, or its squares
            overflow or underflow.

        Warns
        -----
        ConvergenceWarning
            If `tol` is not reached within `max_iter` steps.
        """
        self._fit(X)
        return self

    @fit_context(prefer_skip_nested_validation=True)
    def fit_transform(self, X: Any, y: Any = None) -> Array:
        """Fit the model with X, and apply the dimensionality reduction to X.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training data; see `fit`.

        y : None
            Not used, present here for API consistency by convention.

        Returns
        -------
        ndarray of shape (n_samples, n_components)
            Transformed data, the result of ``fit(X).transform(X)``.
        """
        return self._transform(self._fit(X))

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any = None) -> Self:
        """Update the model with a batch of rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Batch of any number of rows. Until ``n_components`` rows have been seen, there are fewer
            components than requested.

        y : None
            Not used, present here for API consistency by convention.

        Returns
        -------
        self : object
            The estimator, fitted on all rows since and including the last `fit`.

        Raises
        ------
        ValueError
            If `n_components` is a rule, or exceeds the number of features.
        """
        self._partial_fit(X)
        return self

    def transform(self, X: Any) -> Array:
        """Apply the dimensionality reduction to X.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training rows or unseen rows.

        Returns
        -------
        ndarray of shape (n_samples, n_components)
            Transformed data, of dtype float32 if `X` is, else float64.
        """
        check_is_fitted(self, "components_")
        return self._transform(self._validated(X, reset=False))

    def _check_coordinates(self, W: Any) -> Array:
        W = check_array(W, dtype=[np.float64, np.float32])
        if W.shape[1] != len(self.components_):
            raise ValueError(
                f"X has {W.shape[1]} columns, but inverse_transform needs coordinates on the "
                f"{len(self.components_)} components, as returned by transform"
            )
        return W

    def truncate(self, n_components: int) -> Self:
        """Return a copy with fewer components, equal to a fit with that number.

        The best approximations of a matrix are nested, so that no data is needed.

        Parameters
        ----------
        n_components : int
            Number of components to keep, at most that of the fitted estimator.

        Returns
        -------
        estimator
            The truncated, fitted estimator, with `n_components` set.

        Raises
        ------
        ValueError
            If there are fewer components than requested.
        """
        check_is_fitted(self, "components_")
        available = len(self.components_)
        if not isinstance(n_components, Integral) or not 1 <= n_components <= available:
            raise ValueError(
                f"n_components={n_components!r} must be between 1 and {available}, the number of "
                "fitted components; fit with more, or keep fewer"
            )
        shorter = copy.copy(self)
        shorter.n_components = int(n_components)
        shorter._store(self._fitted_running.leading(int(n_components)))
        if hasattr(self, "singular_value_error_"):
            shorter.singular_value_error_ = self.singular_value_error_[:n_components]
        return shorter

    @property
    def _n_features_out(self) -> int:
        return len(self.components_)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
