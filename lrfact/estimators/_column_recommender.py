"""Recommending, and saying why, from the column factors of a model."""

from abc import abstractmethod
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils.validation import check_is_fitted

from lrfact.checks._threads import effective_n_threads
from lrfact.estimators._explanation import Explanation
from lrfact.linalg.top_k_product import top_k_product
from lrfact.solvers.masked_fold_in import ColumnModel

Array = NDArray[np.floating]
Indices = NDArray[np.integer]


class ColumnRecommender:
    """Methods of the estimators whose prediction is linear in what a row is known to have.

    A subclass says which entries of rows are observed, and what its model of the columns is.
    """

    components_: Array
    n_jobs: int | None

    @abstractmethod
    def _observed(self, X: Any) -> sparse.csr_array:
        """Return the observed entries of validated rows."""

    @abstractmethod
    def _column_model(self) -> ColumnModel:
        """Return what a fold-in needs."""

    def recommend(
        self,
        X: Any,
        n_items: int = 10,
        *,
        exclude_observed: bool = True,
        allowed: Any = None,
    ) -> tuple[Indices, Array]:
        """Return the columns with the highest predictions for each row.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows, known or new; they are folded in.

        n_items : int, default=10
            How many columns.

        exclude_observed : bool, default=True
            Whether columns that a row has an entry in are left out.

        allowed : array-like, default=None
            Columns to choose from: distinct indices, or a boolean mask of shape (n_features,).
            None allows all.

        Returns
        -------
        columns : ndarray of int, shape (n_samples, n_found)
            Best first; of equal predictions the lower index. A row gets `n_items` columns, or all
            that are left to it if these are fewer; ``n_found`` is the longest such list, and
            shorter ones end in -1.

        scores : ndarray of shape (n_samples, n_found)
            Their predictions, in the units of `X`; minus infinity beside -1.

        Raises
        ------
        ValueError
            If `n_items` is not positive, or `allowed` has indices out of range or twice.

        Examples
        --------
        >>> import numpy as np
        >>> from lrfact import MaskedMF
        >>> X = np.array([[5, 4, 0, 1], [4, 0, 5, 1], [1, 2, 1, 5], [0, 1, 2, 4]])
        >>> model = MaskedMF(n_components=1, reg=0.1, missing_values=0, random_state=0).fit(X)
        >>> columns, scores = model.recommend([[5, 0, 0, 1]], n_items=2)
        >>> columns
        array([[2, 1]])
        """
        check_is_fitted(self, "components_")
        if not isinstance(n_items, Integral) or n_items < 1:
            raise ValueError(f"n_items={n_items!r} must be an integer from 1")
        n_features = self.components_.shape[1]
        candidates = None if allowed is None else _candidates(allowed, n_features)
        entries = self._observed(X)
        n_threads = effective_n_threads(self.n_jobs)
        model = self._column_model()
        found = model.fold_in(entries, n_threads=n_threads).solution
        n_allowed = n_features if candidates is None else len(candidates)
        n_left = n_allowed - _n_hidden(entries, candidates, n_features) * exclude_observed
        n_found = min(int(n_items), int(n_left.max(initial=0)))
        k = model.factors.shape[1]
        rows = np.ascontiguousarray(found[:, :k])
        offset = None if model.column_bias is None else model.column_bias.astype(rows.dtype)
        columns, scores = top_k_product(
            rows,
            np.ascontiguousarray(model.factors, dtype=rows.dtype),
            n_found,
            offset=offset,
            excluded=entries if exclude_observed else None,
            allowed=candidates,
            n_threads=n_threads,
        )
        if model.bias:
            scores = scores + (rows.dtype.type(model.intercept) + found[:, k:])
        return columns, scores

    def similar_columns(self, column: Any, n_items: int = 10) -> tuple[Indices, Array]:
        """Return the columns whose factors point most nearly the same way.

        Parameters
        ----------
        column : int or str
            Index or name of a column.

        n_items : int, default=10
            How many others.

        Returns
        -------
        columns : ndarray of int, shape (n_found,)
            Most similar first, without `column` itself; fewer than `n_items` if there are not as
            many.

        similarities : ndarray of shape (n_found,)
            Cosines of the angles between factors, -1 to 1; 0 for a column without any factor.

        Raises
        ------
        ValueError
            If there is no such column, or `n_items` is not positive.
        """
        check_is_fitted(self, "components_")
        if not isinstance(n_items, Integral) or n_items < 1:
            raise ValueError(f"n_items={n_items!r} must be an integer from 1")
        at = self._column_index(column)
        factors = np.ascontiguousarray(self._column_model().factors)
        lengths = np.linalg.norm(factors, axis=1, keepdims=True)
        directions = np.divide(factors, lengths, out=np.zeros_like(factors), where=lengths > 0)
        columns, similarities = top_k_product(
            directions[at : at + 1],
            directions,
            min(int(n_items), len(factors) - 1),
            excluded=sparse.csr_array(([1.0], ([0], [at])), shape=(1, len(factors))),
            n_threads=effective_n_threads(self.n_jobs),
        )
        return columns[0], similarities[0]

    def explain(self, x: Any, column: Any) -> Explanation:
        r"""Return what each observed entry of a row contributes to a prediction.

        The fold-in is linear in the values of a row, so that its prediction for column j is

        .. math:: \mu + c_j + \sum_{l \in o} \big[\omega_l\, d_j' A^{-1} d_l\big]\,
                  (x_l - \mu - c_l), \quad A = \sum_{l \in o} d_l d_l' + reg \sqrt{n}\, I

        with :math:`d` the factors of a column (and 1, with biases); the terms of the sum are
        the contributions.

        Parameters
        ----------
        x : {array-like, sparse matrix} of shape (n_features,) or (1, n_features)
            A row, known or new.

        column : int or str
            Index or name of the column predicted.

        Returns
        -------
        Explanation
            With `baseline`, `columns`, `contributions` and `prediction`; ``print`` shows it as
            a list.

        Raises
        ------
        ValueError
            If `x` is not one row, or there is no such column.

        Notes
        -----
        With non-negative factors the solution is linear in the values as long as the same factors
        are at zero; the contributions are those of the factors above zero, and add up as well.
        """
        check_is_fitted(self, "components_")
        at = self._column_index(column)
        if getattr(x, "ndim", None) == 1 and sparse.issparse(x):
            x = x.reshape((1, -1))
        elif getattr(x, "ndim", np.ndim(x)) == 1:
            x = x.to_frame().T if hasattr(x, "to_frame") else np.asanyarray(x)[np.newaxis]
        entries = self._observed(x)
        if entries.shape[0] != 1:
            raise ValueError(f"x has {entries.shape[0]} rows; explain takes one")
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
        order = np.argsort(-np.abs(contributions), kind="stable")
        return Explanation(
            column=at,
            prediction=float(offset[at] + contributions.sum()),
            baseline=float(offset[at]),
            columns=observed[order],
            contributions=contributions[order],
            names=getattr(self, "feature_names_in_", None),
        )

    def _column_index(self, column: Any) -> int:
        n_features = self.components_.shape[1]
        if isinstance(column, str):
            names = getattr(self, "feature_names_in_", np.empty(0, dtype=object))
            (places,) = np.nonzero(names == column)
            if len(places) != 1:
                raise ValueError(f"there is no column named {column!r}; give a name or an index")
            return int(places[0])
        if not isinstance(column, Integral) or not 0 <= int(column) < n_features:
            raise ValueError(f"column={column!r} must be an index from 0 to {n_features - 1}")
        return int(column)


def _candidates(allowed: Any, n_features: int) -> Indices:
    """Distinct column indices, ascending, from indices or a mask."""
    allowed = np.asarray(allowed)
    if allowed.ndim != 1:
        raise ValueError(f"allowed has {allowed.ndim} dimensions; it must have one")
    if allowed.dtype == bool:
        if len(allowed) != n_features:
            raise ValueError(
                f"allowed is a mask of length {len(allowed)}; it must have one entry for each "
                f"of the {n_features} columns"
            )
        return np.flatnonzero(allowed)
    if allowed.size == 0:
        return np.empty(0, dtype=np.intp)
    if allowed.dtype.kind not in "iu":
        raise ValueError(f"allowed must hold integers or booleans, not {allowed.dtype}")
    distinct = np.unique(allowed).astype(np.intp)
    if distinct[0] < 0 or distinct[-1] >= n_features:
        raise ValueError(f"allowed must hold column indices from 0 to {n_features - 1}")
    if len(distinct) < len(allowed):
        raise ValueError("allowed holds a column twice")
    return distinct


def _n_hidden(entries: sparse.csr_array, candidates: Indices | None, n_features: int) -> Indices:
    """Number of observed entries of each row among the candidates."""
    if candidates is None:
        return np.diff(entries.indptr)
    is_candidate = np.zeros(n_features, dtype=bool)
    is_candidate[candidates] = True
    hidden = np.concatenate([[0], np.cumsum(is_candidate[entries.indices])])
    return hidden[entries.indptr[1:]] - hidden[entries.indptr[:-1]]
