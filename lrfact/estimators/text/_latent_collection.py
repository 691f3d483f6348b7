"""Collection of documents in a latent space, to which documents can be added."""

import copy
import warnings
from abc import abstractmethod
from numbers import Integral
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, issparse
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from lrfact._sklearn_compat import fit_context
from lrfact._threads import effective_n_threads
from lrfact.checks._fitted_state import reset_on_error
from lrfact.estimators.text._closest_word import ClosestWord
from lrfact.estimators.text._document_collection import DocumentCollection, document_collection
from lrfact.linalg.matrix_operator import Array, MatrixOperator
from lrfact.linalg.sparse_rows import absent_columns
from lrfact.rank_rules import rank_rule
from lrfact.rank_rules._svd_with_rank import svd_with_rank
from lrfact.solvers.search.document_index import DocumentIndex, document_index, float32_vectors
from lrfact.solvers.search.drift_estimate import DriftEstimate, expected_share
from lrfact.solvers.search.latent_space import (
    LatentSpace,
    TermMasses,
    decomposed,
    merged,
    term_masses,
)
from lrfact.solvers.svd._result import SVDResult
from lrfact.solvers.svd.truncated_svd import truncated_svd

# Slightly the best of 60, 100, 150 and 200 on the three test collections.
_RANK = 100

# Sums of squares: above the first, those of float32 have full precision; below the second, those of
# float64 lose digits.
_SMALL_ENERGY = 1e-20
_SMALLEST_ENERGY = float(np.finfo(np.float64).tiny / np.finfo(np.float64).eps)
# Smallest length of the longest document: below it, shorter documents underflow to 0 in float32.
_SHORTEST = float(np.finfo(np.float32).tiny / np.finfo(np.float32).eps)


class LatentCollection:
    """Mixin of a search: fits the latent space, indexes documents, and adds further documents."""

    n_components: Any
    centering: str | None
    sigma_power: float
    metric: str
    lexical_weight: float
    keep_documents: bool
    solver: str
    tol: float
    random_state: Any
    n_jobs: int | None
    weighting_: Any
    n_components_: int
    singular_value_error_: Array
    _fitted_closest: ClosestWord
    _fitted_metric: str
    _fitted_space: LatentSpace
    _fitted_index: DocumentIndex
    _fitted_collection: DocumentCollection
    _fitted_held: DriftEstimate
    _fitted_energy: float

    @abstractmethod
    def _counts(self, X: Any, *, reset: bool) -> tuple[Any, list[str] | None]:
        """Return documents as a validated matrix, and their texts if they were given as texts."""

    @abstractmethod
    def _new_weighting(self, counts: Any) -> Any:
        """Return an unfitted weighting transformer, or None."""

    @abstractmethod
    def _weighted(self, counts: Any) -> Any:
        """Return the weights of validated documents."""

    @abstractmethod
    def _lexical_rows(self, A: Any) -> csr_array:
        """Return the contributions of the words of documents to their lexical scores."""

    @fit_context(prefer_skip_nested_validation=True)
    def add(self, X: Any, y: Any = None, *, ids: Any = None) -> Self:
        """Add documents to the index in the latent space of the fit (fold-in).

        Parameters
        ----------
        X : iterable of str, or {array-like, sparse matrix} of shape (n_samples, n_features)
            Documents: texts if the fit was on texts, or a matrix with the same columns. Words that
            no document of the fit contains are ignored.

        y : array-like of shape (n_samples,), default=None
            Labels of the documents. Required if the fit had labels, not allowed otherwise.

        ids : array-like of shape (n_samples,), default=None
            Distinct identifiers of the documents. Required if the fit had ids, not allowed
            otherwise.

        Returns
        -------
        self : object
            The fitted searcher, with these documents appended and `drift_` updated.

        Raises
        ------
        ValueError
            If `y` or `ids` is given although the fit had none, or is missing although the fit had
            it, or an id is not unique.
        """
        check_is_fitted(self, "components_")
        self._extend(X, y, ids, update_space=False)
        return self

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any = None, *, ids: Any = None) -> Self:
        """Add documents to the index, and update the latent space to represent them.

        Parameters
        ----------
        X : iterable of str, or {array-like, sparse matrix} of shape (n_samples, n_features)
            Documents: texts, or a matrix with the same columns in each call. The vocabulary and the
            term weights remain those of the first batch.

        y : array-like of shape (n_samples,), default=None
            Labels of the documents. Required if the first batch had labels, not allowed otherwise.

        ids : array-like of shape (n_samples,), default=None
            Distinct identifiers of the documents. Required if the first batch had ids, not allowed
            otherwise.

        Returns
        -------
        self : object
            The fitted searcher. Its latent space is that of a fit on all documents as long as the
            rank of their matrix is not higher than `n_components_`; the documents added earlier are
            moved to the new latent space.

        Raises
        ------
        ValueError
            If `y` or `ids` is given although the first batch had none, or is missing although the
            first batch had it, or an id is not unique.

        Notes
        -----
        The cost is that of a truncated SVD of a matrix of the added documents and `n_components_`
        further rows, and of a product with the index.
        """
        if hasattr(self, "components_"):
            self._extend(X, y, ids, update_space=True)
        else:
            self._fit(X, y, ids)
        return self

    def truncate(self, n_components: int) -> Self:
        """Return a copy with fewer latent dimensions, equal to a fit with that rank.

        Parameters
        ----------
        n_components : int
            Number of leading components to keep. All are kept if there are not more.

        Returns
        -------
        LSASearch
            A fitted copy with `n_components` set. It shares data that do not depend on the rank.

        Raises
        ------
        ValueError
            If `n_components` is not a positive integer.
        """
        check_is_fitted(self, "components_")
        if not isinstance(n_components, Integral) or int(n_components) < 1:
            raise ValueError(f"n_components={n_components!r} must be an integer from 1")
        k = min(int(n_components), self.n_components_)
        shorter = copy.copy(self)
        shorter.n_components = int(n_components)
        index = self._fitted_index
        # Normalization to length 1 preserves the proportions of the leading coordinates.
        vectors = float32_vectors(index.vectors[:, :k], unit=self._fitted_metric == "cosine")
        shorter._store(
            self._fitted_space.leading(k),
            index.with_vectors(vectors),
            self._fitted_collection,
            self._fitted_held.leading(k),
            self._fitted_energy,
        )
        shorter.singular_value_error_ = self.singular_value_error_[:k]
        return shorter

    @property
    def document_ids_(self) -> NDArray[Any]:
        """Ids of the documents, or their positions."""
        check_is_fitted(self, "components_")
        collection = self._fitted_collection
        return np.arange(collection.n_documents) if collection.ids is None else collection.ids

    @property
    def labels_(self) -> NDArray[Any] | None:
        """Labels of the documents, or None."""
        check_is_fitted(self, "components_")
        return self._fitted_collection.labels

    @property
    def classes_(self) -> NDArray[Any] | None:
        """Distinct labels, or None."""
        labels = self.labels_
        return None if labels is None else np.unique(labels)

    def _solver_and_iterations(self) -> tuple[str, int | None]:
        return self.solver, None

    def _fit(self, X: Any, y: Any, ids: Any) -> Array:
        """Fit, and return the coordinates of the documents."""
        with reset_on_error(self):
            counts, texts = self._counts(X, reset=True)
            collection = document_collection(
                counts.shape[0], ids=ids, labels=y, texts=texts if self.keep_documents else None
            )
            self._fitted_closest = ClosestWord()
            self._fitted_metric = self.metric
            self.weighting_ = self._new_weighting(counts)
            if self.weighting_ is not None:
                self.weighting_.fit(counts)
            A = self._weighted(counts)
            masses = term_masses(A) if self.centering is not None else None
            n_threads = effective_n_threads(self.n_jobs)
            operator = decomposed(A, masses, n_threads=n_threads)
            energy = _energy(operator, A, masses)
            result, k = self._svd(operator, A, energy)
            space = LatentSpace(result.s[:k], result.Vt[:k], self.sigma_power, masses)
            space = space.without(absent_columns(A))
            _require_coordinates(space)
            coordinates = space.coordinates(A, n_threads=n_threads)
            if self._fitted_metric != "cosine":
                _require_float32(coordinates)
            lexical = self._lexical_rows(A) if self.lexical_weight > 0 else None
            self._store(
                space,
                document_index(coordinates, lexical, unit=self._fitted_metric == "cosine"),
                collection,
                expected_share(operator, space.s, space.Vt),
                energy,
            )
            self.solver_ = result.solver
            self.singular_value_error_ = result.error[:k]
        return coordinates

    def _svd(self, A: MatrixOperator, rows: Any, energy: float) -> tuple[SVDResult, int]:
        """Return the leading singular triplets of a matrix, and the requested number of them."""
        # ARPACK cannot compute the last triplet, and correspondence analysis has one less.
        less = (self.solver == "lanczos") + (self.centering is not None)
        max_rank = max(1, min(A.shape) - less)
        random_state = check_random_state(self.random_state)

        def factorize(operator: MatrixOperator, k: int) -> SVDResult:
            solver = "exact" if k == min(operator.shape) and less else self.solver
            return truncated_svd(
                operator, k, solver=solver, tol=self.tol, rng=random_state, want_left=False
            )

        requested = self.n_components
        if requested == "auto":
            requested = min(_RANK, max_rank)
        if isinstance(requested, Integral):
            if int(requested) > max_rank:
                warnings.warn(
                    f"n_components={requested} is more than the {max_rank} components that "
                    f"a matrix of {A.shape[0]} documents and {A.shape[1]} terms can have here; "
                    f"{max_rank} are used",
                    UserWarning,
                    stacklevel=5,
                )
            k = min(int(requested), max_rank)
            return factorize(A, k), k
        rule = rank_rule(
            requested,
            X=rows,
            random_state=random_state,
            n_threads=effective_n_threads(self.n_jobs),
        )
        return svd_with_rank(
            A,
            rule,
            lambda k: factorize(A, k),
            total_energy=energy,
            centered=False,
            max_rank=max_rank,
        )

    def _extend(self, X: Any, y: Any, ids: Any, *, update_space: bool) -> None:
        counts, texts = self._counts(X, reset=False)
        kept = texts if self.keep_documents else None
        further = document_collection(counts.shape[0], ids=ids, labels=y, texts=kept)
        collection = self._fitted_collection.extended(further)
        A = self._weighted(counts)
        n_threads = effective_n_threads(self.n_jobs)
        space, index = self._fitted_space, self._fitted_index
        is_unit = self._fitted_metric == "cosine"
        batch = decomposed(A, space.masses, n_threads=n_threads)
        # Measured before the latent space is updated with the added documents.
        held = self._fitted_held.with_added(batch, space.s, space.Vt)
        energy = self._fitted_energy
        if update_space:
            old = space
            space = merged(old, batch, tol=self.tol, rng=check_random_state(self.random_state))
            space = space.without(absent_columns(A) & ~old.Vt.any(axis=0))
            index = index.transformed(space.moved_from(old), unit=is_unit)
            energy += batch.squared_norm()
        lexical = None if index.postings is None else self._lexical_rows(A)
        coordinates = space.coordinates(A, n_threads=n_threads)
        index = index.extended(document_index(coordinates, lexical, unit=is_unit))
        self._store(space, index, collection, held, energy)

    def _store(
        self,
        space: LatentSpace,
        index: DocumentIndex,
        collection: DocumentCollection,
        held: DriftEstimate,
        energy: float,
    ) -> None:
        self.components_ = space.Vt
        self.singular_values_ = space.s
        self.n_components_ = len(space.s)
        squares = space.s.astype(np.float64) ** 2
        self.explained_energy_ratio_ = (squares / (energy or 1.0)).astype(space.s.dtype)
        self.drift_ = held.drift
        self.document_vectors_ = index.vectors
        self.n_samples_fit_ = collection.n_documents
        self._fitted_space = space
        self._fitted_index = index
        self._fitted_collection = collection
        self._fitted_held = held
        self._fitted_energy = energy


def _require_coordinates(space: LatentSpace) -> None:
    """Raise `ValueError` if the scaled singular values overflow or underflow in the dtype."""
    with np.errstate(over="ignore", under="ignore"):
        stretch = space.stretch.astype(space.Vt.dtype)
    if not np.isfinite(stretch).all() or (space.s.any() and not stretch.any()):
        raise ValueError(
            f"sigma_power={space.sigma_power} makes all coordinates overflow or vanish, with "
            f"singular values from {space.s.min():.3g} to {space.s.max():.3g}; give a value nearer "
            "to 1"
        )


def _energy(operator: MatrixOperator, A: Any, masses: TermMasses | None) -> float:
    """Return the energy (sum of squares) of the matrix; `ValueError` if it over- or underflows."""
    with np.errstate(over="ignore"):
        energy = operator.squared_norm()
    if not np.isfinite(energy):
        raise ValueError(
            "entries of X are too large for their squares to be summed; divide X by its largest "
            "absolute value"
        )
    if masses is None and energy < _SMALL_ENERGY:
        # Squares of small float32 values may have underflowed.
        values = np.asarray(A.data if issparse(A) else A, dtype=np.float64)
        energy = float(np.sum(values**2))
        if energy < _SMALLEST_ENERGY and values.any():
            raise ValueError(
                "entries of X are too small for their squares to be summed; divide X by its "
                "largest absolute value"
            )
    return energy


def _require_float32(coordinates: Array) -> None:
    """Raise `ValueError` if all document vectors would underflow in the float32 index."""
    largest = float(np.abs(coordinates).max(initial=0))
    if 0 < largest < _SHORTEST:
        raise ValueError(
            "coordinates of documents are too small for the float32 of the index; divide X by its "
            "largest absolute value, or set metric='cosine'"
        )
