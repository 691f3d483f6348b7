"""Splits entry by entry: a partition, in the form that the matrix came in."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.impute import KNNImputer
from sklearn.metrics import make_scorer, median_absolute_error
from sklearn.model_selection import GridSearchCV

from lrfact import (
    EntryKFold,
    MaskedMF,
    TruncatedSVDReducer,
    cross_val_score_entries,
    train_test_split_entries,
)


@pytest.fixture
def table():
    """Rows of 0 to 12 observed entries; values that tell where they stood."""
    rng = np.random.default_rng(0)
    X = np.arange(40 * 12, dtype=np.float64).reshape(40, 12)
    X[rng.random(X.shape) < rng.random((40, 1))] = np.nan
    X[0] = np.nan
    X[1] = np.arange(12)
    X[2, 1:] = np.nan
    return X


def stored(X):
    """Stored entries where `X` is observed; the only way in which these can be compared."""
    rows, columns = np.nonzero(~np.isnan(X))
    return sparse.csr_array((X[rows, columns], (rows, columns)), shape=X.shape)


def assert_partition(parts, X):
    """Every observed entry is in one part, and nothing else in any."""
    observed = [~np.isnan(part) for part in parts]
    assert_array_equal(sum(o.astype(int) for o in observed), ~np.isnan(X))
    for part, seen in zip(parts, observed, strict=True):
        assert_array_equal(part[seen], X[seen])


def each_entry(X):
    X = X.tocoo()
    return sorted(zip(X.row.tolist(), X.col.tolist(), X.data.tolist(), strict=True))


# train_test_split_entries


@pytest.mark.parametrize("stratify", [None, "rows"])
@pytest.mark.parametrize("test_size", [0.25, 0.5, 1])
def test_each_entry_is_in_one_part(table, stratify, test_size, global_random_seed):
    parts = train_test_split_entries(
        table, test_size=test_size, stratify=stratify, random_state=global_random_seed
    )
    assert_partition(parts, table)


@pytest.mark.parametrize(("test_size", "expected"), [(0.25, 0.25), (0.9, 0.9), (7, 7)])
def test_size_of_the_test_part(table, test_size, expected):
    n = np.count_nonzero(~np.isnan(table))
    expected = expected if isinstance(expected, int) else np.ceil(expected * n)
    _, X_test = train_test_split_entries(table, test_size=test_size, random_state=0)
    assert np.count_nonzero(~np.isnan(X_test)) == expected


def test_every_entry_is_as_likely_for_the_test():
    X = np.ones((4, 3))
    X[3, 1:] = np.nan
    drawn = sum(
        ~np.isnan(train_test_split_entries(X, test_size=0.3, random_state=seed)[1])
        for seed in range(2000)
    )
    # 3 of 10; five standard deviations of a binomial.
    assert_array_equal(np.abs(drawn[~np.isnan(X)] - 600) < 5 * np.sqrt(2000 * 0.3 * 0.7), True)


@pytest.mark.parametrize("test_size", [0.05, 0.25, 0.8])
def test_rows_give_up_equal_shares(table, test_size, global_random_seed):
    X_train, X_test = train_test_split_entries(
        table, test_size=test_size, stratify="rows", random_state=global_random_seed
    )
    counts = (~np.isnan(table)).sum(axis=1)
    for_test = (~np.isnan(X_test)).sum(axis=1)
    due = test_size * counts
    expected_most = np.maximum(np.minimum(np.ceil(due), counts - 1), 0)
    assert np.all(for_test <= np.maximum(expected_most, 0))
    assert np.all(for_test >= np.minimum(np.floor(due), np.maximum(counts - 1, 0)))
    assert np.all((~np.isnan(X_train)).sum(axis=1)[counts > 0] >= 1)
    assert for_test.sum() >= 1


def test_rows_give_up_the_share_asked_for_on_average():
    X = np.ones((1000, 3))
    _, X_test = train_test_split_entries(X, test_size=0.2, stratify="rows", random_state=0)
    assert abs(np.count_nonzero(~np.isnan(X_test)) - 600) <= 1


def test_one_of_each_row(table):
    _, X_test = train_test_split_entries(table, test_size=1, stratify="rows", random_state=0)
    counts = (~np.isnan(table)).sum(axis=1)
    assert_array_equal((~np.isnan(X_test)).sum(axis=1), counts > 1)


def test_places_within_a_row_are_equally_likely():
    X = np.ones((3000, 4))
    _, X_test = train_test_split_entries(X, test_size=1, stratify="rows", random_state=0)
    drawn = (~np.isnan(X_test)).sum(axis=0)
    assert np.all(np.abs(drawn - 750) < 5 * np.sqrt(3000 * 0.25 * 0.75))


@pytest.mark.parametrize(
    "container",
    [sparse.csr_array, sparse.csr_matrix, sparse.csc_array, sparse.coo_matrix],
)
@pytest.mark.parametrize("stratify", [None, "rows"])
def test_sparse_keeps_what_is_stored(table, container, stratify):
    X = stored(table)
    X.data[:5] = 0  # observed zeros
    whole = each_entry(X)
    X = container(X)
    parts = train_test_split_entries(X, stratify=stratify, random_state=0)
    assert sorted(each_entry(parts[0]) + each_entry(parts[1])) == whole
    for part in parts:
        assert part.format == "csr"
        assert isinstance(part, sparse.sparray) == isinstance(X, sparse.sparray)
        assert part.shape == X.shape


@pytest.mark.parametrize("stratify", [None, "rows"])
def test_dense_and_sparse_are_split_alike(table, stratify):
    dense = train_test_split_entries(table, stratify=stratify, random_state=3)
    scarce = train_test_split_entries(stored(table), stratify=stratify, random_state=3)
    for one, other in zip(dense, scarce, strict=True):
        assert each_entry(stored(one)) == each_entry(other)


@pytest.mark.parametrize("index", [np.int32, np.int64])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int8])
def test_dtypes(table, dtype, index):
    X = stored(np.nan_to_num(table, nan=1) % 7).astype(dtype)
    X.indices, X.indptr = X.indices.astype(index), X.indptr.astype(index)
    for part in train_test_split_entries(X, random_state=0):
        assert part.dtype == (np.float32 if dtype == np.float32 else np.float64)
        assert part.indices.dtype == index


def test_zero_for_missing():
    X = np.array([[5, 0, 4], [1, 2, 0]])
    X_train, X_test = train_test_split_entries(X, missing_values=0, random_state=0)
    assert_array_equal(X_train + X_test, X)
    assert np.count_nonzero(X_test) == 1


def test_masked_array(table):
    mask = np.isnan(table)
    X = np.ma.MaskedArray(np.nan_to_num(table), mask=mask)
    parts = train_test_split_entries(X, random_state=0)
    assert_partition(parts, table)


def test_frame_keeps_index_and_columns(table):
    pandas = pytest.importorskip("pandas")
    index = [f"row {i}" for i in range(40)]
    X = pandas.DataFrame(table, index=index, columns=list("abcdefghijkl"))
    parts = train_test_split_entries(X, random_state=0)
    assert_partition([part.to_numpy() for part in parts], table)
    for part in parts:
        assert_array_equal(part.index, X.index)
        assert_array_equal(part.columns, X.columns)


def test_polars_frame_keeps_columns(table):
    polars = pytest.importorskip("polars")
    X = polars.DataFrame(table, schema=list("abcdefghijkl"))
    parts = train_test_split_entries(X, random_state=0)
    assert_partition([part.to_numpy() for part in parts], table)
    assert [part.columns for part in parts] == [X.columns] * 2


def test_a_seed_fixes_the_split(table):
    one, other, third = (
        train_test_split_entries(table, random_state=seed)[1] for seed in (5, 5, 6)
    )
    assert_array_equal(one, other)
    assert not np.array_equal(np.isnan(one), np.isnan(third))


def test_input_is_not_changed(table):
    before = table.copy()
    table.setflags(write=False)
    train_test_split_entries(table)
    assert_array_equal(table, before)


@pytest.mark.parametrize("test_size", [0, 1.0, -0.1, 1.5, -1, True, "a", None, np.nan])
def test_sizes_out_of_range(table, test_size):
    with pytest.raises(ValueError, match="must be a fraction of the observed entries"):
        train_test_split_entries(table, test_size=test_size)


def test_nothing_to_split(table):
    single = np.array([[np.nan, 1.0]])
    with pytest.raises(ValueError, match="n_entries=1 observed entries leaves one side empty"):
        train_test_split_entries(single)
    with pytest.raises(ValueError, match="none of the 1 rows has two observed entries"):
        train_test_split_entries(single, stratify="rows")
    with pytest.raises(ValueError, match="n_entries=0"):
        train_test_split_entries(np.full((3, 2), np.nan))
    with pytest.raises(ValueError, match="leaves one side empty"):
        train_test_split_entries(table, test_size=1000)


def test_bad_matrices(table):
    with pytest.raises(ValueError, match="stratify='columns' of train_test_split_entries"):
        train_test_split_entries(table, stratify="columns")
    with pytest.raises(ValueError, match="infinity"):
        train_test_split_entries(np.array([[np.inf, 1.0]]))
    with pytest.raises(TypeError, match="train_test_split_entries takes what a sparse matrix"):
        train_test_split_entries(sparse.dia_array(np.eye(3)))
    twice = sparse.coo_array(([1.0, 2.0, 3.0], ([0, 0, 1], [0, 0, 1])))
    with pytest.raises(ValueError, match="stores 3 entries for 2"):
        train_test_split_entries(twice)
    with pytest.raises(ValueError, match="Expected 2D array"):
        train_test_split_entries(np.arange(3.0))


# EntryKFold


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("n_splits", [2, 5])
def test_each_entry_is_tested_once(table, n_splits, shuffle):
    folds = list(EntryKFold(n_splits, shuffle=shuffle).split(table))
    assert len(folds) == n_splits
    for X_train, X_test in folds:
        assert_partition([X_train, X_test], table)
    assert_partition([X_test for _, X_test in folds], table)
    sizes = [np.count_nonzero(~np.isnan(X_test)) for _, X_test in folds]
    assert max(sizes) - min(sizes) <= 1


def test_without_shuffle_rows_are_dealt_out_evenly(table):
    counts = np.array(
        [(~np.isnan(X_test)).sum(axis=1) for _, X_test in EntryKFold(3, shuffle=False).split(table)]
    )
    assert np.all(counts.max(axis=0) - counts.min(axis=0) <= 1)


def test_folds_repeat_with_a_seed(table):
    folds = EntryKFold(3, random_state=1)
    again = pickle.loads(pickle.dumps(folds))
    for one, other in zip(folds.split(table), again.split(stored(table)), strict=True):
        assert each_entry(stored(one[1])) == each_entry(other[1])


@pytest.mark.parametrize("n_splits", [1, 0, 2.5, True, None])
def test_too_few_folds(n_splits):
    with pytest.raises(ValueError, match="of EntryKFold must be an integer of at least 2"):
        EntryKFold(n_splits)


def test_more_folds_than_entries():
    with pytest.raises(ValueError, match="n_splits=5 of EntryKFold exceeds the number of"):
        list(EntryKFold().split(np.array([[1.0, np.nan, 2.0]])))


def test_seed_without_shuffle():
    with pytest.raises(ValueError, match="has no effect with shuffle=False"):
        EntryKFold(shuffle=False, random_state=0)


def test_scikit_learn_refuses_these_folds_at_once(table):
    search = GridSearchCV(MaskedMF(), {"n_components": [1, 2]}, cv=EntryKFold())
    with pytest.raises(ValueError, match="The 'cv' parameter of GridSearchCV must be"):
        search.fit(table)


# cross_val_score_entries


class ColumnMeans:
    """Predicts the mean of each column; as much of an estimator as is needed."""

    missing_values = np.nan

    def get_params(self, deep=False):
        return {}

    def fit(self, X):
        self.means_ = np.nanmean(np.asarray(X), axis=0)
        return self

    def predict(self, X):
        return np.broadcast_to(self.means_, X.shape)


@pytest.fixture
def ratings():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(60, 2)) @ rng.normal(size=(2, 15)) + rng.normal(size=15)
    X[rng.random(X.shape) < 0.4] = np.nan
    return X


def test_scores_are_those_of_a_plain_loop(ratings):
    expected = []
    for X_train, X_test in EntryKFold(4, random_state=0).split(ratings):
        error = X_test - ColumnMeans().fit(X_train).predict(X_test)
        expected.append(-np.sqrt(np.nanmean(error**2)))
    scores = cross_val_score_entries(ColumnMeans(), ratings, cv=4)
    assert scores.dtype == np.float64
    np.testing.assert_allclose(scores, expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("scoring", "same"),
    [
        ("neg_root_mean_squared_error", "rmse"),
        ("neg_mean_absolute_error", "mae"),
        ("neg_mean_squared_error", lambda y, p: -np.mean((y - p) ** 2)),
        (
            make_scorer(median_absolute_error, greater_is_better=False),
            lambda y, p: -np.median(np.abs(y - p)),
        ),
        ("r2", lambda y, p: 1 - np.sum((y - p) ** 2) / np.sum((y - y.mean()) ** 2)),
    ],
)
def test_scorings(ratings, scoring, same):
    one = cross_val_score_entries(ColumnMeans(), ratings, scoring=scoring)
    other = cross_val_score_entries(ColumnMeans(), ratings, scoring=same)
    np.testing.assert_allclose(one, other, rtol=1e-12)


def test_entries_are_predicted_with_or_without_completing_rows(ratings):
    """`predict_entries` of the rows of the fit, and `predict` of them folded in, are one."""

    class Completing(MaskedMF):
        @property
        def predict_entries(self):
            raise AttributeError("predict_entries")

    models = [cls(2, random_state=0, tol=1e-8) for cls in (MaskedMF, Completing)]
    one, other = (cross_val_score_entries(model, ratings) for model in models)
    np.testing.assert_allclose(one, other, rtol=1e-6)


@pytest.mark.parametrize("form", ["sparse", "frame", "zeros"])
def test_forms_of_a_matrix(ratings, form):
    model = MaskedMF(2, random_state=0)
    expected = cross_val_score_entries(model, ratings, cv=3)
    if form == "sparse":
        X = stored(ratings)
    elif form == "frame":
        X = pytest.importorskip("pandas").DataFrame(ratings).rename(columns=str)
    else:
        X = np.nan_to_num(ratings)
        model.set_params(missing_values=0)
    np.testing.assert_allclose(cross_val_score_entries(model, X, cv=3), expected, rtol=1e-9)


def test_pairs_of_matrices_and_jobs(ratings):
    folds = EntryKFold(3, random_state=5)
    expected = cross_val_score_entries(MaskedMF(random_state=0), ratings, cv=folds)
    pairs = list(folds.split(ratings))
    again = cross_val_score_entries(MaskedMF(random_state=0), None, cv=pairs, n_jobs=2)
    assert_array_equal(again, expected)


def test_imputers_of_scikit_learn(ratings):
    assert np.all(cross_val_score_entries(KNNImputer(), ratings, scoring="r2") > 0)


def test_factors_beat_column_means(ratings):
    model = MaskedMF(2, reg=0.1, random_state=0)
    ours, theirs = (cross_val_score_entries(m, ratings).mean() for m in (model, ColumnMeans()))
    assert ours > theirs / 2


def test_what_cannot_be_scored(ratings):
    with pytest.raises(ValueError, match="'rsme' is not a metric of cross_val_score_entries"):
        cross_val_score_entries(MaskedMF(), ratings, scoring="rsme")
    with pytest.raises(ValueError, match=r"cv=2\.5 of cross_val_score_entries must be an integer"):
        cross_val_score_entries(MaskedMF(), ratings, cv=2.5)
    with pytest.raises(ValueError, match="has no folds"):
        cross_val_score_entries(MaskedMF(), ratings, cv=[])
    complete = sparse.csr_array(np.nan_to_num(ratings))
    with pytest.raises(ValueError, match="must predict every entry of a row"):
        cross_val_score_entries(TruncatedSVDReducer(), complete)

    class Mute(ColumnMeans):
        @property
        def predict(self):
            raise AttributeError("predict")

    with pytest.raises(TypeError, match="has none of predict_entries, predict and transform"):
        cross_val_score_entries(Mute(), ratings)


def test_folds_of_whole_rows_or_columns_are_told(ratings):
    """Matrices that leave whole rows, or columns, without training entries score cold starts."""
    for axis, side in enumerate(("row", "column")):
        chosen = np.arange(ratings.shape[axis]) % 3 == 0
        of_fold = np.broadcast_to(chosen[:, None] if axis == 0 else chosen, ratings.shape)
        pair = np.where(of_fold, np.nan, ratings), np.where(of_fold, ratings, np.nan)
        with pytest.warns(UserWarning, match=f"test entries are of {side}s without any training"):
            cross_val_score_entries(MaskedMF(1, tol=0.1, random_state=0), None, cv=[pair])
