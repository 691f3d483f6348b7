"""Training and test splits of the observed entries of an incomplete matrix."""

from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from lrfact.model_selection._entry_matrix import EntryMatrix
from lrfact.model_selection._test_size import check_test_size
from lrfact.solvers.observed.entry_sampling import folds_of_all, sample_of_all, sample_of_rows


def train_test_split_entries(
    X: Any,
    *,
    test_size: float = 0.25,
    stratify: str | None = None,
    random_state: Any = None,
    missing_values: float = np.nan,
) -> tuple[Any, Any]:
    """Split the observed entries of an incomplete matrix into a training and a test matrix.

    Both matrices have the shape of `X`.

    Parameters
    ----------
    X : {array-like, DataFrame, sparse matrix} of shape (n_samples, n_features)
        Incomplete matrix. In dense input, entries equal to `missing_values` are missing; in sparse
        input, stored entries are observed.

    test_size : float or int, default=0.25
        Fraction of the observed entries in the test matrix, in (0, 1), or their number; with
        `stratify`, the fraction or number per row.

    stratify : {"rows"}, default=None
        None draws each entry with equal probability. Some rows and columns may then have no
        training entry, as in production; to leave them out of the test would be too optimistic.
        "rows" draws the same fraction of each row, up to rounding, but never its last entry. Use it
        for ranking metrics, which need entries of each row in both matrices.

    random_state : int, RandomState instance or None, default=None
        Controls the random split. Pass an int for reproducible results.

    missing_values : float, default=nan
        Placeholder for missing entries in dense input and output.

    Returns
    -------
    X_train, X_test : {ndarray, DataFrame, sparse matrix} of shape (n_samples, n_features)
        Training and test matrix. Each observed entry is in one of them and missing in the other. A
        DataFrame keeps its index and columns, and sparse input gives CSR matrices that store the
        entries of each part. The dtype is float32 if `X` is, else float64.

    Raises
    ------
    ValueError
        If one part would be empty, `test_size` is out of range, or `X` is not a valid incomplete
        matrix (see `MaskedMF`).

    TypeError
        If `X` is a sparse matrix in a block or diagonal format, whose stored entries are not all
        observed.

    See Also
    --------
    EntryKFold : Several such splits, with each entry in one test matrix.
    cross_val_score_entries : Scores of an estimator over these folds.
    holdout_scorer : Scorer that splits the rows of a test fold in this way, for GridSearchCV.

    References
    ----------
    Bro, Kjeldahl, Smilde and Kiers (2008), doi:10.1007/s00216-007-1790-1, on leaving out entries
    rather than rows.

    Examples
    --------
    >>> import numpy as np
    >>> from lrfact import train_test_split_entries
    >>> X = np.array([[5.0, np.nan, 4.0], [1.0, 2.0, np.nan]])
    >>> X_train, X_test = train_test_split_entries(X, test_size=1, stratify="rows", random_state=0)
    >>> X_train
    array([[nan, nan,  4.],
           [nan,  2., nan]])
    >>> X_test
    array([[ 5., nan, nan],
           [ 1., nan, nan]])
    """
    test_size = check_test_size(test_size)
    if stratify not in (None, "rows"):
        raise ValueError(
            f"stratify={stratify!r} of train_test_split_entries must be None or 'rows'; transpose "
            "X to split by columns"
        )
    rng = check_random_state(random_state)
    matrix = EntryMatrix.from_input(
        X, missing_values=missing_values, owner="train_test_split_entries"
    )
    if stratify == "rows":
        for_test = sample_of_rows(matrix.entries.indptr, test_size, rng)
    else:
        for_test = sample_of_all(matrix.entries.nnz, test_size, rng)
    return matrix.part(~for_test), matrix.part(for_test)


@dataclass(frozen=True, eq=False)
class EntryKFold:
    """K-fold cross-validation splits of the observed entries of an incomplete matrix.

    Each entry is in the test matrix of one fold, and in the training matrices of the others. All
    matrices have the shape of `X`, so that a model fitted on the training matrix can predict the
    entries of the test matrix.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds, at least 2.

    shuffle : bool, default=True
        Whether to assign entries to folds at random. If False, they are assigned in turn, row by
        row, so that the numbers of entries of a row in the folds differ by at most one.

    random_state : int, RandomState instance or None, default=None
        Controls the shuffling. Pass an int for the same folds on every call of `split`.

    missing_values : float, default=nan
        Placeholder for missing entries in dense input and output.

    Raises
    ------
    ValueError
        If `n_splits` is not an integer of at least 2, or `random_state` is given with
        ``shuffle=False``.

    See Also
    --------
    train_test_split_entries : One split.
    cross_val_score_entries : Scores of an estimator over the folds.
    EntryRegressor : Regressor for a long table, which scikit-learn's KFold splits by entries.

    Notes
    -----
    This is not a splitter as defined by scikit-learn, which splits row indices, so that
    ``GridSearchCV(cv=EntryKFold())`` raises an error. To search parameters by entries, use
    GridSearchCV with an `EntryRegressor` and a long table; by rows, use a `holdout_scorer` or the
    `score` method of the estimator.

    Cost: one pass over the entries per fold, and memory for two matrices at a time.

    Examples
    --------
    >>> import numpy as np
    >>> from lrfact import EntryKFold
    >>> X = np.array([[5.0, 3.0, 4.0], [1.0, 2.0, np.nan]])
    >>> for X_train, X_test in EntryKFold(2, shuffle=False).split(X):
    ...     print(X_test)
    [[ 5. nan  4.]
     [nan  2. nan]]
    [[nan  3. nan]
     [ 1. nan nan]]
    """

    n_splits: int = 5
    _: KW_ONLY
    shuffle: bool = True
    random_state: Any = None
    missing_values: float = np.nan

    def __post_init__(self) -> None:
        n_splits = self.n_splits
        if not isinstance(n_splits, Integral) or isinstance(n_splits, bool) or n_splits < 2:
            raise ValueError(
                f"n_splits={n_splits!r} of EntryKFold must be an integer of at least 2; for one "
                "split there is train_test_split_entries"
            )
        if not self.shuffle and self.random_state is not None:
            raise ValueError(
                f"random_state={self.random_state!r} of EntryKFold has no effect with "
                "shuffle=False; leave it out, or set shuffle=True"
            )

    def split(self, X: Any) -> Iterator[tuple[Any, Any]]:
        """Generate the folds.

        Parameters
        ----------
        X : {array-like, DataFrame, sparse matrix} of shape (n_samples, n_features)
            Incomplete matrix. In dense input, entries equal to `missing_values` are missing; in
            sparse input, stored entries are observed.

        Yields
        ------
        X_train, X_test : {ndarray, DataFrame, sparse matrix} of shape (n_samples, n_features)
            Training and test matrix of a fold, as returned by `train_test_split_entries`.

        Raises
        ------
        ValueError
            If there are fewer entries than folds, or `X` is not a valid incomplete matrix.

        TypeError
            If `X` is a sparse matrix in a block or diagonal format, whose stored entries are not
            all observed.
        """
        matrix = EntryMatrix.from_input(X, missing_values=self.missing_values, owner="EntryKFold")
        if matrix.entries.nnz < self.n_splits:
            raise ValueError(
                f"n_splits={self.n_splits} of EntryKFold exceeds the number of observed entries "
                f"of X, {matrix.entries.nnz}; lower it"
            )
        rng = check_random_state(self.random_state) if self.shuffle else None
        folds = folds_of_all(matrix.entries.nnz, self.n_splits, rng)
        for fold in range(self.n_splits):
            yield matrix.part(folds != fold), matrix.part(folds == fold)
