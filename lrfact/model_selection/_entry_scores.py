"""cross_val_score_entries: scores of an estimator over folds of the observed entries."""

import warnings
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from numbers import Integral
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.base import clone
from sklearn.utils.parallel import Parallel, delayed

from lrfact._threads import workers_that_start
from lrfact.model_selection._entry_matrix import EntryMatrix
from lrfact.model_selection._entry_splits import EntryKFold
from lrfact.model_selection._held_out_predictions import missing_values_of, zero_is_absent
from lrfact.model_selection._held_out_scores import HeldOutScore, Metric


@workers_that_start()
def cross_val_score_entries(
    estimator: Any,
    X: Any,
    *,
    cv: Any = 5,
    scoring: Metric = "neg_root_mean_squared_error",
    n_jobs: int | None = None,
) -> npt.NDArray[np.float64]:
    """Evaluate an estimator of incomplete matrices by cross-validation over observed entries.

    For each fold a clone is fitted on the training matrix and predicts the entries of the test
    matrix. These are entries of training rows, unlike in `cross_val_score` of scikit-learn, which
    holds out whole rows.

    Parameters
    ----------
    estimator : estimator
        Estimator with `predict_entries`, or with `predict` or `transform` if these complete rows.

    X : {array-like, DataFrame, sparse matrix} of shape (n_samples, n_features)
        Incomplete matrix. In dense input, entries equal to ``estimator.missing_values`` (NaN if the
        estimator has no such parameter) are missing; in sparse input, stored entries are observed.
        For `ImplicitMF` zeros are not entries, whether stored or not.

    cv : int, EntryKFold or iterable, default=5
        Number of shuffled folds, the same on every call; an `EntryKFold`; or pairs of a training
        and a test matrix, in which case `X` is not used.

    scoring : str or callable, default='neg_root_mean_squared_error'
        Name of a regression scorer of scikit-learn, or such a scorer; a function
        ``scoring(y_true, y_pred)`` for which higher is better; or a ranking metric, as accepted by
        `holdout_scorer`.

    n_jobs : int, default=None
        Number of folds processed in parallel. None means 1, unless in a
        `joblib.parallel_backend` context; -1 means all processors.

    Returns
    -------
    ndarray of shape (n_splits,)
        Score of each fold; higher is better.

    Raises
    ------
    ValueError
        If `cv` has no folds, or `scoring` is not a valid score.

    TypeError
        If the estimator cannot predict entries.

    Warns
    -----
    UserWarning
        If most test entries of a fold belong to rows or columns without training entries (cold
        start).

    See Also
    --------
    EntryKFold : Folds of the observed entries.
    holdout_scorer : Scorer for GridSearchCV over rows.
    EntryRegressor : Regressor for the entries of a long table, for GridSearchCV and others.

    References
    ----------
    Stone (1974), doi:10.1111/j.2517-6161.1974.tb00994.x.

    Examples
    --------
    >>> import numpy as np
    >>> from lrfact import MaskedMF, cross_val_score_entries
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 3)) @ rng.normal(size=(3, 30)) + rng.normal(size=(200, 30)) / 10
    >>> X[rng.random(X.shape) < 0.5] = np.nan
    >>> for rank in (2, 3, 4):
    ...     model = MaskedMF(rank, reg=0.1, bias=False, random_state=0)
    ...     print(rank, cross_val_score_entries(model, X, cv=3).mean().round(2))
    2 -0.93
    3 -0.22
    4 -0.24
    """
    score = HeldOutScore(scoring, "cross_val_score_entries")
    missing_values, absent = missing_values_of(estimator), zero_is_absent(estimator)
    parallel = Parallel(n_jobs=n_jobs, pre_dispatch="n_jobs")
    scores = parallel(
        delayed(_fit_and_score)(estimator, train, test, score, missing_values, absent)
        for train, test in _folds(cv, X, missing_values, absent)
    )
    if not scores:
        raise ValueError(f"cv={cv!r} of cross_val_score_entries has no folds; give at least one")
    return np.asarray(scores, dtype=np.float64)


def _folds(
    cv: Any, X: Any, missing_values: float, zero_is_absent: bool
) -> Iterable[tuple[Any, Any]]:
    if isinstance(cv, Integral):
        cv = EntryKFold(int(cv), random_state=0, missing_values=missing_values)
    if isinstance(cv, EntryKFold):
        if zero_is_absent:
            X = EntryMatrix.from_input(
                X, missing_values=0.0, owner="cross_val_score_entries", zero_is_absent=True
            ).source
            cv = replace(cv, missing_values=0.0)
        return cv.split(X)
    if isinstance(cv, Iterable):
        return cv
    raise ValueError(
        f"cv={cv!r} of cross_val_score_entries must be an integer, an EntryKFold or pairs of "
        "matrices; KFold of scikit-learn splits rows, for which there is cross_val_score"
    )


def _warn_of_cold_start(
    train: sparse.csr_array, test: sparse.csr_array, axis: int, side: str
) -> None:
    """Warn if most test entries belong to rows or columns without training entries."""
    if train.shape[axis] != test.shape[axis]:
        return
    trained, tested = (
        np.diff(entries.indptr)
        if axis == 0
        else np.bincount(entries.indices, minlength=entries.shape[1])
        for entries in (train, test)
    )
    n_cold = int(tested[trained == 0].sum())
    if 2 * n_cold > test.nnz:
        warnings.warn(
            f"{n_cold} of {test.nnz} test entries are of {side}s without any training entry: their "
            f"scores are those of new {side}s (cold start). Split by EntryKFold, which shuffles "
            "entries, to score predictions for known ones",
            UserWarning,
            stacklevel=2,
        )


def _fit_and_score(
    estimator: Any,
    train: Any,
    test: Any,
    score: HeldOutScore,
    missing_values: float,
    zero_is_absent: bool,
) -> float:
    read = partial(
        EntryMatrix.from_input,
        missing_values=missing_values,
        owner="cross_val_score_entries",
        zero_is_absent=zero_is_absent,
    )
    matrix, training = read(test), read(train)
    for axis, side in enumerate(("row", "column")):
        _warn_of_cold_start(training.entries, matrix.entries, axis, side)
    model = clone(estimator).fit(train)
    return score(model, train, matrix.entries, rows_are_known=True)
