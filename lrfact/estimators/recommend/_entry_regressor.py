"""EntryRegressor: models of incomplete matrices as regressors of a long table of entries."""

import warnings
from dataclasses import dataclass
from inspect import signature
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import BaseEstimator, MetaEstimatorMixin, RegressorMixin, clone
from sklearn.utils import check_array, check_consistent_length, column_or_1d
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, has_fit_parameter

from lrfact._sklearn_compat import HasMethods, StrOptions, check_sample_weight, fit_context
from lrfact._typing import Array
from lrfact.checks._fitted_state import reset_on_error
from lrfact.checks._label_index import LabelIndex
from lrfact.checks._label_pairs import label_pairs, require_unmasked
from lrfact.checks._unseen_labels import describe_unseen, shown_pair
from lrfact.estimators.recommend._biased_factors import BiasedFactors
from lrfact.estimators.recommend._implicit_mf import ImplicitMF
from lrfact.estimators.recommend._masked_mf import MaskedMF


def _inner_recommends(regressor: Any) -> bool:
    inner = getattr(regressor, "estimator_", None)
    return hasattr(regressor._inner() if inner is None else inner, "recommend")


class EntryRegressor(RegressorMixin, MetaEstimatorMixin, BaseEstimator):
    r"""Regressor for a long table of (user, item, rating) entries, by matrix factorization.

    The table is converted to an incomplete matrix, to which a model such as `MaskedMF` is fitted:

    .. math:: y_t \approx \mu + b_{i(t)} + c_{j(t)} + w_{i(t)}' v_{j(t)}

    where :math:`i(t)` and :math:`j(t)` are the labels in line t. For scikit-learn each line is a
    sample, so that cross_val_predict, learning_curve, GridSearchCV and all splitters work on
    entries.

    Parameters
    ----------
    estimator : estimator, default=None
        Model of incomplete matrices, with ``predict_entries(rows, columns)``. None means
        ``MaskedMF(random_state=0)``. Its `missing_values` is not used: each line is observed,
        whatever its value. Models that treat missing entries as zeros, such as `ImplicitMF` and
        `NMFTopics`, are refused.

    duplicates : {"mean", "raise"}, default='mean'
        Treatment of lines with the same two labels. "mean" uses the (weighted) mean of their values
        and the sum of their weights. For `MaskedMF` and `BayesianMF` this is equivalent to keeping
        all lines: k lines count as one of weight k, and `BayesianMF` also estimates the noise of a
        single line from their differences. A model without entry weights counts each pair once,
        with a warning. "raise" raises an error.

    unseen : {"warn", "predict", "raise"}, default='warn'
        Treatment of labels that were not seen in `fit` (cold start). With "warn" and "predict", the
        prediction is the intercept plus the bias of the known row or column, if any, or the mean of
        `y` if the estimator has no biases; `recommend` omits lines with unseen columns. "warn" also
        issues a warning with the number of such lines, an example and the likely cause; "raise"
        raises an error.

    Attributes
    ----------
    estimator_ : estimator
        The fitted model, with rows and columns in the order of the labels.

    row_labels_ : ndarray of shape (n_rows,)
        Distinct labels of the first column, in ascending order if they can be compared, else in
        order of appearance.

    column_labels_ : ndarray of shape (n_columns,)
        Distinct labels of the second column, in the same order.

    mean_ : float
        (Weighted) mean of `y`.

    n_features_in_ : int
        Number of columns, always 2.

    feature_names_in_ : ndarray of shape (2,)
        Names of features seen in `fit`, if `X` has feature names that are all strings.

    See Also
    --------
    MaskedMF : Matrix factorization of an incomplete matrix.
    BayesianMF : Bayesian matrix factorization, with standard deviations of predictions.
    train_test_split_entries : Split of the entries of a matrix.
    sklearn.preprocessing.OrdinalEncoder : Labels as numbers, for any number of columns.

    Notes
    -----
    Labels may be of any hashable type, also mixed in one column; they are the same if they compare
    equal in Python, such as 1 and 1.0. In a NumPy array of strings numbers are strings too: pass a
    list of pairs, an object array or a DataFrame if that matters.

    Rows and columns are numbered in the order of their labels, and random numbers are drawn in that
    order. Labels with another order, such as "10" before "9" instead of 9 before 10, change the
    random initialization: "als" then reaches the same minimum within `tol`, while "sgd" and
    :class:`BayesianMF` give another random result, as with another `random_state`.

    Cost in addition to the model: sorting the entries in `fit`; one lookup per label in `predict`,
    by bisection for numbers and by hashing for other types.

    References
    ----------
    Koren, Bell and Volinsky (2009), doi:10.1109/MC.2009.263.

    Examples
    --------
    >>> from lrfact import EntryRegressor, MaskedMF
    >>> X = [("Ann", "tea"), ("Ann", "beer"), ("Bob", "tea"), ("Bob", "beer"), ("Cy", "tea")]
    >>> y = [5, 1, 2, 4, 5]
    >>> inner = MaskedMF(n_components=1, reg=0.1, random_state=0)
    >>> model = EntryRegressor(inner, unseen="predict").fit(X, y)
    >>> model.row_labels_
    array(['Ann', 'Bob', 'Cy'], dtype=object)
    >>> model.predict([("Ann", "tea"), ("Cy", "beer"), ("Dee", "tea"), ("Dee", "milk")]).round(1)
    array([4.9, 3. , 3.7, 3.4])

    Model selection over entries with scikit-learn:

    >>> import numpy as np
    >>> from sklearn.model_selection import GridSearchCV, KFold
    >>> rng = np.random.default_rng(0)
    >>> X = rng.integers(40, size=(900, 2))
    >>> W, V = rng.normal(size=(2, 40, 2))
    >>> y = (W[X[:, 0]] * V[X[:, 1]]).sum(axis=1)
    >>> model = EntryRegressor(MaskedMF(reg=0.1, bias=False, random_state=0))
    >>> ranks = {"estimator__n_components": [1, 2, 3]}
    >>> search = GridSearchCV(model, ranks, cv=KFold(shuffle=True, random_state=0)).fit(X, y)
    >>> search.best_params_
    {'estimator__n_components': 2}
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "estimator": [HasMethods(["fit", "predict_entries"]), None],
        "duplicates": [StrOptions({"mean", "raise"})],
        "unseen": [StrOptions({"warn", "predict", "raise"})],
    }

    def __init__(
        self, estimator: Any = None, *, duplicates: str = "mean", unseen: str = "warn"
    ) -> None:
        self.estimator = estimator
        self.duplicates = duplicates
        self.unseen = unseen

    @fit_context(prefer_skip_nested_validation=False)  # `estimator` is not validated yet
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit the model to the entries of a long table.

        Parameters
        ----------
        X : {array-like, DataFrame} of shape (n_samples, 2)
            Row and column labels, one line per entry.

        y : array-like of shape (n_samples,)
            Values of the entries.

        sample_weight : array-like of shape (n_samples,), default=None
            Nonnegative weights. A line of weight 2 counts as two lines, one of weight 0 as none.

        Returns
        -------
        self : object
            The fitted regressor.

        Raises
        ------
        ValueError
            If `X` does not have two columns, a label is missing, `y` or a weight is not finite, a
            weight is negative or all are 0, there are duplicates with ``duplicates="raise"``, or
            the estimator raises an error.

        TypeError
            If a label cannot be hashed, `X` is sparse, or the estimator does not accept weights or
            treats missing entries as zeros.

        Warns
        -----
        UserWarning
            If there are duplicates and the estimator does not accept weights.
        """
        with reset_on_error(self):
            rows, columns = label_pairs(self, X, y, reset=True)
            require_unmasked(y, "y", "values")
            y = _values(column_or_1d(y, warn=True), rows)
            if sample_weight is not None:
                require_unmasked(sample_weight, "sample_weight", "values")
                used, sample_weight = _positive_weights(sample_weight, y)
                rows, columns, y = rows[used], columns[used], y[used]
            inner = clone(self._inner())
            _require_missing_entries(inner)
            _read_all_values(inner)
            takes_weights = has_fit_parameter(inner, "entry_weight")
            if sample_weight is not None and not takes_weights:
                raise TypeError(
                    f"fit of {type(inner).__name__} has no entry_weight, so sample_weight cannot "
                    "be given; leave it out, or take MaskedMF"
                )
            self._fitted_rows, row_codes = LabelIndex.from_values(rows)
            self._fitted_columns, column_codes = LabelIndex.from_values(columns)
            self.row_labels_ = self._fitted_rows.labels
            self.column_labels_ = self._fitted_columns.labels
            table = _Table(row_codes, column_codes, y, sample_weight)
            shape = (len(self.row_labels_), len(self.column_labels_))
            ratings, weights, scatter = table.as_matrices(shape)
            if self.duplicates == "raise" and ratings.nnz < len(y):
                raise self._duplicate_error(table, ratings.nnz)
            self.mean_ = float(np.average(y.astype(np.float64), weights=sample_weight))
            of_mean = np.abs(y.astype(np.float64) - self.mean_)
            largest = float(of_mean.max()) or 1.0  # squares of tiny numbers are zero
            mean_square = np.average((of_mean / largest) ** 2, weights=sample_weight)
            self._fitted_std = largest * float(np.sqrt(mean_square))
            options: dict[str, Any] = {}
            if weights is not None and takes_weights:
                options["entry_weight"] = weights
                if has_fit_parameter(inner, "repeat_scatter"):
                    options["repeat_scatter"] = scatter
            elif weights is not None:
                warnings.warn(
                    f"X has {len(y)} lines for {ratings.nnz} pairs of labels; fit of "
                    f"{type(inner).__name__} has no entry_weight, so that the mean of the lines of "
                    "a pair counts once. Take MaskedMF or BayesianMF for them to count as many",
                    UserWarning,
                    stacklevel=3,  # past what validates the parameters
                )
            inner.fit(ratings, **options)
            self.estimator_ = inner
            self._fitted_biases = hasattr(inner, "row_bias_") and getattr(inner, "bias", True)
        return self

    def predict(self, X: Any, return_std: bool = False) -> Any:
        """Predict the values of entries.

        Parameters
        ----------
        X : {array-like, DataFrame} of shape (n_samples, 2)
            Row and column labels, seen in `fit` or not.

        return_std : bool, default=False
            Whether to also return standard deviations, for estimators that have them, such as
            `BayesianMF`.

        Returns
        -------
        mean : ndarray of shape (n_samples,)
            Predictions, in the units of `y`.

        std : ndarray of shape (n_samples,)
            Standard deviations of new observations, or that of all training values if a label was
            not seen. Only returned if `return_std`.

        Raises
        ------
        ValueError
            If `X` does not have two columns, a label is missing, or labels were not seen in `fit`
            and ``unseen="raise"``.

        TypeError
            If a label cannot be hashed, `X` is sparse, or the estimator has no standard deviations.

        Warns
        -----
        UserWarning
            If ``unseen="warn"`` and labels were not seen in `fit`. The warning has their number, an
            example, and the likely cause, such as labels of another type, swapped columns, or folds
            of a sorted table.
        """
        check_is_fitted(self, "estimator_")
        options = self._with_std() if return_std else {}
        rows, columns = label_pairs(self, X, reset=False)
        row_codes = self._fitted_rows.numbers_of(rows)
        column_codes = self._fitted_columns.numbers_of(columns)
        seen = (row_codes >= 0) & (column_codes >= 0)
        if seen.all():
            return self.estimator_.predict_entries(row_codes, column_codes, **options)
        self._tell_unseen(
            rows,
            columns,
            row_codes >= 0,
            column_codes >= 0,
            "their predictions use the bias of the other label, if that is known, or the mean",
        )
        predicted = self._by_what_is_known(row_codes, column_codes)
        known = self.estimator_.predict_entries(row_codes[seen], column_codes[seen], **options)
        known, of_known = known if return_std else (known, None)
        predicted[seen] = known
        predicted = predicted.astype(known.dtype, copy=False)
        if of_known is None:
            return predicted
        std = np.full(len(rows), self._fitted_std, of_known.dtype)
        std[seen] = of_known
        return predicted, std

    @available_if(_inner_recommends)
    def recommend(
        self, X: Any, y: Any, n_items: int = 10, *, exclude_observed: bool = True
    ) -> tuple[NDArray[Any], NDArray[Any], Array]:
        """Recommend the columns with the highest predictions for each row of a long table.

        Training rows and unseen rows are folded in from their entries in the table.

        Parameters
        ----------
        X : {array-like, DataFrame} of shape (n_samples, 2)
            Row and column labels. Lines with columns that were not seen in `fit` are omitted.

        y : array-like of shape (n_samples,)
            Values of the entries. Lines with the same labels are replaced by their mean, with
            their number as weight.

        n_items : int, default=10
            Number of columns.

        exclude_observed : bool, default=True
            Whether to exclude columns in which a row has an observed entry.

        Returns
        -------
        rows : ndarray of shape (n_rows,)
            Distinct row labels of `X`, in an order as that of `row_labels_`.

        columns : ndarray of shape (n_rows, n_found)
            Column labels for each of them, best first, padded with None.

        scores : ndarray of shape (n_rows, n_found)
            Predictions of these columns, in the units of `y`; minus infinity for None.

        Raises
        ------
        ValueError
            If the input is invalid, see `fit`, or ``unseen="raise"`` and a column was not seen.

        Warns
        -----
        UserWarning
            If ``unseen="warn"`` and columns were not seen in `fit`.
        """
        check_is_fitted(self, "estimator_")
        row_labels, column_labels = label_pairs(self, X, reset=False)
        y = _values(column_or_1d(y), row_labels)
        index, rows = LabelIndex.from_values(row_labels)
        columns = self._fitted_columns.numbers_of(column_labels)
        seen = columns >= 0
        if not seen.all():
            known = np.ones(len(seen), dtype=bool)  # rows are folded in, whoever they are
            self._tell_unseen(row_labels, column_labels, known, seen, "they are left out")
        table = _Table(rows[seen], columns[seen], y[seen], None)
        ratings, weights, _ = table.as_matrices((len(index.labels), len(self.column_labels_)))
        model = self.estimator_
        if weights is not None and isinstance(model, BiasedFactors):
            found, scores = model._recommend_by_weights(
                ratings, weights, n_items, exclude_observed=exclude_observed
            )
        else:
            found, scores = model.recommend(ratings, n_items, exclude_observed=exclude_observed)
        labels = self.column_labels_[found]
        if (found < 0).any():
            labels = np.where(found < 0, None, labels.astype(object))
        return index.labels, labels, scores

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.categorical = True
        return tags

    def _inner(self) -> Any:
        return MaskedMF(random_state=0) if self.estimator is None else self.estimator

    def _with_std(self) -> dict[str, bool]:
        if "return_std" not in signature(self.estimator_.predict_entries).parameters:
            raise TypeError(
                f"predict_entries of {type(self.estimator_).__name__} has no return_std; leave it "
                "out, or take BayesianMF"
            )
        return {"return_std": True}

    def _tell_unseen(
        self,
        rows: NDArray[Any],
        columns: NDArray[Any],
        rows_seen: NDArray[np.bool_],
        columns_seen: NDArray[np.bool_],
        outcome: str,
    ) -> None:
        """Warn about lines with unseen labels, or raise an error, as `unseen` requests."""
        if self.unseen == "predict":
            return
        described = describe_unseen(
            (self._fitted_rows, self._fitted_columns), (rows, columns), (rows_seen, columns_seen)
        )
        if self.unseen == "raise":
            raise ValueError(f"{described.found}. {described.advice} Or set unseen='warn'")
        warnings.warn(
            f"{described.found}; {outcome}. {described.advice} unseen='predict' does not warn.",
            UserWarning,
            stacklevel=3,
        )

    def _duplicate_error(self, table: "_Table", n_pairs: int) -> ValueError:
        row, column = table.first_duplicate()
        return ValueError(
            f"X has {len(table.values)} lines for {n_pairs} pairs of labels; the first twice is "
            f"{shown_pair(self.row_labels_[row], self.column_labels_[column])}. Drop lines, or set "
            "duplicates='mean'"
        )

    def _by_what_is_known(self, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Array:
        """Predict by the mean and biases; codes are -1 for unseen labels."""
        model = self.estimator_
        has_biases = self._fitted_biases
        predicted = np.full(len(rows), model.intercept_ if has_biases else self.mean_)
        if has_biases:
            for codes, biases in ((rows, model.row_bias_), (columns, model.column_bias_)):
                predicted += np.where(codes >= 0, biases[codes], 0)
        return predicted


@dataclass(frozen=True, eq=False)
class _Table:
    """Entries with row and column numbers, with or without weights."""

    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    values: Array
    weights: NDArray[np.float64] | None

    def as_matrices(
        self, shape: tuple[int, int]
    ) -> tuple[sparse.csr_array, sparse.csr_array | None, float]:
        """Return means of the lines of each pair, their weights, and the squared deviations.

        Weights are None if all are 1.
        """
        # The conversion adds up what has the same place, so that fewer are left of duplicates.
        ratings = sparse.coo_array((self.values, (self.rows, self.columns)), shape=shape).tocsr()
        if self.weights is None and ratings.nnz == len(self.values):
            return ratings, None, 0.0
        keys = self.rows.astype(np.int64) * shape[1] + self.columns
        _, first, pair = np.unique(keys, return_index=True, return_inverse=True)
        pair = pair.reshape(-1)  # in the order of `ratings`, that of rows and then of columns
        weights = np.ones(len(keys)) if self.weights is None else self.weights
        total = np.bincount(pair, weights)
        # From one of the lines, so that the mean of equal values is exactly that.
        some = self.values[first].astype(np.float64)
        beyond = self.values - some[pair]
        moved = np.bincount(pair, beyond * (weights / total[pair]))
        scatter = float(weights @ (beyond - moved[pair]) ** 2)
        ratings.data = (some + moved).astype(self.values.dtype)
        pattern = (total, ratings.indices, ratings.indptr)
        return ratings, sparse.csr_array(pattern, shape=shape), scatter

    def first_duplicate(self) -> tuple[int, int]:
        """Return row and column of the first line that repeats an earlier one."""
        order = np.lexsort((self.columns, self.rows))
        same = np.diff(self.rows[order]) == 0
        same &= np.diff(self.columns[order]) == 0
        line = order[1:][same].min()
        return int(self.rows[line]), int(self.columns[line])


def _values(y: Any, rows: NDArray[Any]) -> Array:
    """Return validated values, one per line."""
    if y.dtype.kind in "mM":
        raise ValueError(
            f"y holds dates or times ({y.dtype}), and values must be numbers; convert them, for "
            "example to days since the first"
        )
    y = check_array(y, ensure_2d=False, dtype=[np.float64, np.float32], input_name="y")
    check_consistent_length(rows, y)
    return y


def _positive_weights(
    sample_weight: Any, y: Array
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Return the mask of lines with positive weight, and their weights."""
    weights = check_sample_weight(sample_weight, y, dtype=np.float64, ensure_non_negative=True)
    used = weights > 0
    if not used.any():
        raise ValueError("sample_weight is zero for all samples; give some a weight")
    return used, weights[used]


def _require_missing_entries(inner: Any) -> None:
    """Refuse models that treat entries that a sparse matrix does not store as zeros."""
    name, innermost = type(inner).__name__, inner
    while hasattr(innermost, "estimator") or hasattr(innermost, "steps"):
        steps = getattr(innermost, "steps", None)
        innermost = steps[-1][1] if steps else innermost.estimator
    if isinstance(innermost, ImplicitMF):
        raise TypeError(
            f"EntryRegressor predicts the value of a pair, and takes the mean of its lines; {name} "
            "ranks columns by counts of events, where lines of the same pair add up and absent "
            "pairs are weak negatives. Number the labels, for example by np.unique(labels, "
            "return_inverse=True), add the events up by scipy.sparse.coo_array((counts, (rows, "
            "columns))).tocsr(), and fit ImplicitMF to that matrix"
        )
    if getattr(innermost, "_absent_is_zero", False):
        raise TypeError(
            f"{name} takes absent entries of a sparse matrix for zeros, and the table of "
            "EntryRegressor has none of most pairs; take MaskedMF, also with nonnegative=True, or "
            "BayesianMF"
        )


def _read_all_values(inner: Any) -> None:
    """Let no value be a placeholder for missing entries: each line of the table is observed."""
    names = [name for name in inner.get_params() if name.split("__")[-1] == "missing_values"]
    inner.set_params(**dict.fromkeys(names, np.nan))
