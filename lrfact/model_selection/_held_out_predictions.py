"""Predictions of held-out entries by any estimator of incomplete matrices."""

from inspect import signature
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.pipeline import Pipeline

from lrfact._typing import Indices

# Number of entries in a block of completed rows: about 30 MB.
_BLOCK = 1 << 22


def predict_held_out(
    estimator: Any, X: Any, rows: Indices, columns: Indices, *, rows_are_known: bool = False
) -> npt.NDArray:
    """Predict held-out entries of rows from the other entries of these rows.

    Parameters
    ----------
    estimator : estimator
        Fitted estimator. The first of these methods that it has is called:
        ``predict_entries(rows, columns, X=X)``, which predicts single entries; `predict`, which
        completes rows; `transform`, if its output has the columns of `X`, as for imputers.

    X : {ndarray, DataFrame, csr_array, csr_matrix} of shape (n_samples, n_features)
        Rows without the entries to predict.

    rows, columns : ndarray of int, shape (n_entries,)
        Indices of the entries to predict, with `rows` in ascending order.

    rows_are_known : bool, default=False
        Whether `X` is the training data, so that the rows need not be folded in.

    Returns
    -------
    ndarray of shape (n_entries,)

    Raises
    ------
    TypeError
        If the estimator has no such method.

    ValueError
        If the output has another shape than `X`, or `X` is sparse and the estimator treats entries
        that are not stored as zeros.
    """
    if sparse.issparse(X) and getattr(estimator, "_absent_is_zero", False):
        raise ValueError(
            f"{type(estimator).__name__} treats entries that a sparse matrix does not store as 0, "
            "so that they cannot be held out; pass a dense array with NaN for missing entries, or "
            "use the score of the estimator, which holds out columns"
        )
    if hasattr(estimator, "predict_entries"):
        keeps_rows = signature(estimator.predict_entries).parameters["X"].default is None
        shown = {} if rows_are_known and keeps_rows else {"X": X}
        return np.asarray(estimator.predict_entries(rows, columns, **shown))
    complete = completing_method(estimator)
    n_columns = X.shape[1]
    n_rows = max(1, _BLOCK // n_columns)
    requested, place = np.unique(rows, return_inverse=True)
    predicted = []
    for start in range(0, len(requested), n_rows):
        block = requested[start : start + n_rows]
        completed = np.asarray(complete(some_rows(X, block)))
        if completed.shape != (len(block), n_columns):
            raise ValueError(
                f"{type(estimator).__name__} returned an array of shape {completed.shape} for rows "
                f"of shape {(len(block), n_columns)}; to be scored on held-out entries it "
                "must predict every entry of a row"
            )
        inside = slice(*np.searchsorted(rows, [block[0], block[-1] + 1]))
        predicted.append(completed[place[inside] - start, columns[inside]])
    return np.concatenate(predicted) if predicted else np.empty(0)


def some_rows(X: Any, rows: Indices) -> Any:
    """Return rows of a matrix or DataFrame.

    Parameters
    ----------
    X : {ndarray, DataFrame, csr_array, csr_matrix} of shape (n_samples, n_features)
        All rows.

    rows : ndarray of int
        Indices of the rows.

    Returns
    -------
    {ndarray, DataFrame, csr_array, csr_matrix} of shape (len(rows), n_features)
    """
    if hasattr(X, "column_names"):  # pyarrow
        return X.take(rows)
    return X.iloc[rows] if hasattr(X, "iloc") else X[rows]


def completing_method(estimator: Any) -> Any:
    """Return the method that completes rows.

    Parameters
    ----------
    estimator : estimator
        Estimator with `predict` or `transform`.

    Returns
    -------
    callable

    Raises
    ------
    TypeError
        If it has neither.
    """
    for name in ("predict", "transform"):
        if hasattr(estimator, name):
            return getattr(estimator, name)
    raise TypeError(
        f"{type(estimator).__name__} has none of predict_entries, predict and transform, so that "
        "held-out entries cannot be predicted; pass an estimator of incomplete matrices, such as "
        "MaskedMF"
    )


def missing_values_of(estimator: Any) -> float:
    """Return the value of a missing entry in the dense input of an estimator.

    Parameters
    ----------
    estimator : estimator
        An estimator; for a Pipeline, its first step is used, for a search, its estimator.

    Returns
    -------
    float
        NaN if the estimator does not define it; 0 for implicit feedback.
    """
    if zero_is_absent(estimator):
        return 0.0
    value = getattr(_steps(estimator)[0], "missing_values", np.nan)
    return float(value) if isinstance(value, int | float | np.number) else np.nan


def zero_is_absent(estimator: Any) -> bool:
    """Return whether an estimator learns from implicit feedback.

    Parameters
    ----------
    estimator : estimator
        An estimator; for a Pipeline, its last step is used, for a search, its estimator.

    Returns
    -------
    bool
        True if an entry of 0 is the same as no entry, stored or not.
    """
    return getattr(_steps(estimator)[-1], "_zero_is_absent", False)


def _steps(estimator: Any) -> list[Any]:
    """Return the steps of a Pipeline (or of the estimator of a search), or the estimator alone."""
    if isinstance(estimator, Pipeline):
        steps = [step for _, step in estimator.steps if step is not None and step != "passthrough"]
        return [*_steps(steps[0]), *_steps(steps[-1])] if steps else [estimator]
    if hasattr(estimator, "missing_values") or not hasattr(estimator, "get_params"):
        return [estimator]
    inner = estimator.get_params(deep=False).get("estimator")
    return [estimator] if inner is None else _steps(inner)
