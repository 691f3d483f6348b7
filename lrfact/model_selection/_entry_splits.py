"""Splits of a matrix with holes entry by entry: both parts have all rows and columns."""

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
    """Split the observed entries of a matrix with holes into two matrices of the same shape.

    Parameters
    ----------
    X : {array-like, DataFrame, sparse matrix} of shape (n_samples, n_features)
        Dense: what equals `missing_values` is missing. Sparse: what is stored is observed.

    test_size : float or int, default=0.25
        Share of the observed entries for the test, in (0, 1), or their number; with `stratify` the
        share or number of each row.

    stratify : {"rows"}, default=None
        None draws each entry with equal probability. Rows and columns may then be left without
        any entry for training, as some will be when the model is in use; to leave them out of
        the test would flatter it. "rows" takes the same share of each row, up to rounding, but
        never its last entry: for rankings row by row, which need a row in both parts.

    random_state : int, RandomState instance or None, default=None
        An int makes the split the same on every call.

    missing_values : float, default=nan
        Stands for a missing entry in dense input and output.

    Returns
    -------
    X_train, X_test : {ndarray, DataFrame, sparse matrix} of shape (n_samples, n_features)
        Each observed entry is in one of them and missing in the other. A DataFrame keeps index
        and columns; of a sparse matrix a CSR matrix stores the entries of each part. float32
        if `X` is, else float64.

    Raises
    ------
    ValueError
        If one part would be empty, `test_size` is out of its range, or `X` is not a matrix with
        holes (see `MaskedMF`).

    TypeError
        If `X` is sparse by blocks or diagonals, where stored is not observed.

    See Also
    --------
    EntryKFold : Several such splits, each entry in one test.
    cross_val_score_entries : Scores of an estimator over them.
    holdout_scorer : Splits the rows of a test fold in the same way, for GridSearchCV over rows.

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
    """Folds of the observed entries of a matrix with holes.

    Every entry is in the test matrix of one fold, and in the training matrices of the others. All
    matrices have the shape of the whole, so that a model fitted on one predicts the entries of
    the other.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds, at least 2.

    shuffle : bool, default=True
        Whether entries go to folds at random. False deals them out in turn, row by row, so that
        each row gives every fold as many, give or take one.

    random_state : int, RandomState instance or None, default=None
        Of the shuffle. An int makes the folds the same on every call of `split`.

    missing_values : float, default=nan
        Stands for a missing entry in dense input and output.

    Raises
    ------
    ValueError
        If `n_splits` is not an integer of at least 2, or `random_state` is given with
        ``shuffle=False``.

    See Also
    --------
    train_test_split_entries : One split.
    cross_val_score_entries : Scores of an estimator over the folds.
    EntryRegressor : Takes a long table, which KFold of scikit-learn splits entry by entry.

    Notes
    -----
    This is no splitter in the sense of scikit-learn, which splits rows by their indices, so
    ``GridSearchCV(cv=EntryKFold())`` is refused there. To search parameters by entries give
    GridSearchCV an `EntryRegressor` and a long table; by rows, a `holdout_scorer` or the
    estimator's own `score`.

    Cost: one pass over the entries a fold, and memory for two matrices at a time.

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
            Dense: what equals `missing_values` is missing. Sparse: what is stored is observed.

        Yields
        ------
        X_train, X_test : {ndarray, DataFrame, sparse matrix} of shape (n_samples, n_features)
            As `train_test_split_entries` returns them.

        Raises
        ------
        ValueError
            If there are fewer entries than folds, or `X` is not a matrix with holes.

        TypeError
            If `X` is sparse by blocks or diagonals, where stored is not observed.
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
