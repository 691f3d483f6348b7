"""EntryRegressor: the model of a matrix, fitted to a long table with labels of any kind."""

import pickle
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    TimeSeriesSplit,
    cross_val_predict,
    cross_val_score,
    learning_curve,
)

from lrfact import BayesianMF, EntryRegressor, ImplicitMF, MaskedMF, NMFTopics, RankSearchCV

unseen_on_purpose = pytest.mark.filterwarnings(
    "ignore:.* lines of X have labels that fit has not seen:UserWarning"
)

N_ROWS, N_COLUMNS = 40, 15


def model(n_components=2, **parameters):
    return MaskedMF(n_components, **{"reg": 0.1, "random_state": 0, **parameters})


@pytest.fixture
def table():
    """Numbers of rows and columns in no order, none twice, and values of rank two with biases."""
    rng = np.random.default_rng(0)
    places = rng.permutation(N_ROWS * N_COLUMNS)[:450]
    pairs = np.column_stack(np.divmod(places, N_COLUMNS))
    W, V = rng.normal(size=(N_ROWS, 2)), rng.normal(size=(N_COLUMNS, 2))
    b, c = rng.normal(size=N_ROWS), rng.normal(size=N_COLUMNS)
    rows, columns = pairs.T
    y = 3 + b[rows] + c[columns] + (W[rows] * V[columns]).sum(axis=1)
    return pairs, y + 0.1 * rng.normal(size=len(y))


# The same as the model on the matrix


def test_it_is_the_model_of_the_matrix(table):
    X, y = table
    regressor = EntryRegressor(model()).fit(X, y)
    matrix = model().fit(sparse.csr_array((y, X.T)))
    assert_array_equal(regressor.row_labels_, np.arange(N_ROWS))
    assert_array_equal(regressor.column_labels_, np.arange(N_COLUMNS))
    assert_array_equal(regressor.estimator_.components_, matrix.components_)
    assert_array_equal(regressor.predict(X), matrix.predict_entries(*X.T))
    assert_allclose(regressor.mean_, y.mean())
    assert 0.95 < regressor.score(X, y) <= 1
    residual = np.sum((y - regressor.predict(X)) ** 2)
    assert_allclose(regressor.score(X, y), 1 - residual / np.sum((y - y.mean()) ** 2))


@unseen_on_purpose
def test_standard_deviations_are_those_of_the_model(table):
    class Sure(MaskedMF):
        def predict_entries(self, rows, columns, X=None, return_std=False):
            mean = super().predict_entries(rows, columns, X)
            return (mean, mean / 10) if return_std else mean

    X, y = table
    regressor = EntryRegressor(Sure(2, random_state=0)).fit(X, y)
    mean, std = regressor.predict(X, return_std=True)
    assert_array_equal(std, mean / 10)
    assert_array_equal(regressor.predict(X), mean)
    mean, std = regressor.predict([X[0], [0, "new"]], return_std=True)
    assert_allclose(std, [mean[0] / 10, y.std()])
    with pytest.raises(TypeError, match="predict_entries of MaskedMF has no return_std"):
        EntryRegressor(model()).fit(X, y).predict(X, return_std=True)


LABELS = {
    "numbers that are not consecutive": lambda i: 1000 - 7 * i,
    "floats": lambda i: i / 8 - 2,
    "strings": lambda i: f"id {i:03d}",
    "tuples": lambda i: ("id", i),
    "mixed": lambda i: i if i % 2 else f"id {i}",
}


def converged_model():
    """One minimum in some forty sweeps, from wherever an order of the labels starts it."""
    return model(reg=1.0, tol=1e-10, max_iter=1000)


@pytest.mark.parametrize("as_list", [True, False])
@pytest.mark.parametrize("of_rows", LABELS.values(), ids=LABELS.keys())
@pytest.mark.parametrize("of_columns", LABELS.values(), ids=LABELS.keys())
def test_labels_do_not_matter(table, of_rows, of_columns, as_list):
    pairs, y = table
    expected = EntryRegressor(converged_model()).fit(pairs, y).predict(pairs)
    X = [(of_rows(i), of_columns(j)) for i, j in pairs.tolist()]
    if not as_list:
        array = np.empty((len(X), 2), dtype=object)
        array[:, 0] = np.fromiter((row for row, _ in X), dtype=object)
        array[:, 1] = np.fromiter((column for _, column in X), dtype=object)
        X = array
    regressor = EntryRegressor(converged_model()).fit(X, y)
    assert_allclose(regressor.predict(X), expected, atol=1e-4)
    assert set(regressor.row_labels_.tolist()) == {of_rows(i) for i in pairs[:, 0].tolist()}


def test_frames(table):
    pandas = pytest.importorskip("pandas")
    pairs, y = table
    users = np.array([f"u{i:02d}" for i in range(N_ROWS)])[pairs[:, 0]]
    X = pandas.DataFrame({"user": pandas.Categorical(users), "item": pairs[:, 1]})
    y = pandas.Series(y, index=X.index[::-1])
    regressor = EntryRegressor(model()).fit(X, y)
    assert_array_equal(regressor.feature_names_in_, ["user", "item"])
    assert regressor.column_labels_.dtype == np.int64
    expected = EntryRegressor(model()).fit(pairs, y).predict(pairs)
    assert_array_equal(regressor.predict(X), expected)
    nullable = X.astype({"user": "string", "item": "Int64"})
    assert_array_equal(regressor.predict(nullable), expected)
    with pytest.raises(ValueError, match="feature names should match those that were passed"):
        regressor.predict(X[["item", "user"]])
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        regressor.predict(X.to_numpy())


def test_polars_frames(table):
    polars = pytest.importorskip("polars")
    pairs, y = table
    X = polars.DataFrame({"user": [f"u{i:02d}" for i in pairs[:, 0]], "item": pairs[:, 1]})
    expected = EntryRegressor(model()).fit(pairs, y).predict(pairs)
    assert_array_equal(EntryRegressor(model()).fit(X, y).predict(X), expected)


def test_order_of_the_lines_does_not_matter(table):
    X, y = table
    order = np.random.default_rng(1).permutation(len(y))
    one, other = EntryRegressor(model()).fit(X, y), EntryRegressor(model()).fit(X[order], y[order])
    assert_array_equal(one.predict(X), other.predict(X))


@unseen_on_purpose
def test_float32_is_kept(table):
    X, y = table
    regressor = EntryRegressor(model()).fit(X, y.astype(np.float32))
    assert regressor.predict(X).dtype == np.float32
    assert regressor.predict(np.vstack([X, [[99, 0]]])).dtype == np.float32


# Duplicates and weights


def repeated(X, y, counts):
    """Each line several times, with values that differ but have the mean `y`."""
    lines = np.repeat(np.arange(len(y)), counts)
    place = np.arange(len(lines)) - np.repeat(np.cumsum(counts) - counts, counts)
    return X[lines], y[lines] + place - (np.repeat(counts, counts) - 1) / 2


def test_duplicates_are_averaged_with_their_number_as_weight(table):
    X, y = table
    counts = np.random.default_rng(0).integers(1, 4, size=len(y))
    twice = EntryRegressor(model()).fit(*repeated(X, y, counts))
    weights = sparse.csr_array((counts.astype(float), X.T))
    matrix = model().fit(sparse.csr_array((y, X.T)), entry_weight=weights)
    assert_allclose(twice.predict(X), matrix.predict_entries(*X.T), rtol=1e-9)


def test_weights_are_as_good_as_lines(table):
    X, y = table
    counts = np.random.default_rng(0).integers(0, 3, size=len(y))
    weighted = EntryRegressor(model()).fit(X, y, sample_weight=counts)
    many = EntryRegressor(model()).fit(np.repeat(X, counts, axis=0), np.repeat(y, counts))
    assert_allclose(weighted.predict(X), many.predict(X), rtol=1e-7)
    assert_allclose(weighted.mean_, many.mean_)


def test_duplicates_are_refused_on_demand(table):
    X, y = table
    strict = EntryRegressor(model(), duplicates="raise")
    assert_array_equal(strict.fit(X, y).predict(X), EntryRegressor(model()).fit(X, y).predict(X))
    X = [("a", 1), ("b", 1), ("b", 2), ("b", 1), ("a", 1)]
    with pytest.raises(ValueError, match=r"X has 5 lines for 3 pairs.*\('b', 1\).*'mean'"):
        strict.fit(X, np.arange(5.0))
    assert not hasattr(strict, "estimator_")


class NoWeights(BaseEstimator):
    """Predicts the stored value; takes no weights and has no biases."""

    def fit(self, X, y=None):
        self.matrix_ = X.toarray()
        return self

    def predict_entries(self, rows, columns):
        return self.matrix_[rows, columns]


def test_models_without_weights():
    X, y = [("a", 1), ("a", 1), ("b", 2)], [1.0, 3.0, 6.0]
    regressor = EntryRegressor(NoWeights())
    with pytest.warns(UserWarning, match=r"3 lines for 2 pairs.*NoWeights has no entry_weight"):
        regressor.fit(X, y)
    assert_array_equal(regressor.predict([("a", 1), ("b", 2)]), [2, 6])
    with pytest.warns(UserWarning, match="1 of 1 lines of X have labels"):
        assert_allclose(regressor.predict([("c", 1)]), [10 / 3])
    with pytest.raises(TypeError, match="fit of NoWeights has no entry_weight"):
        regressor.fit(X, y, sample_weight=[1, 1, 2])


@pytest.mark.parametrize("Model", [MaskedMF, BayesianMF])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_line_given_k_times_is_one_of_weight_k(table, Model):
    X, y = table
    counts = np.random.default_rng(1).integers(1, 5, size=len(y))
    inner = Model(2, random_state=0)
    if Model is BayesianMF:
        inner.set_params(n_draws=4, n_burn_in=4)
    many = EntryRegressor(inner).fit(np.repeat(X, counts, axis=0), np.repeat(y, counts))
    weighted = EntryRegressor(inner).fit(X, y, sample_weight=counts)
    once = EntryRegressor(inner).fit(X, y)
    assert_allclose(many.predict(X), weighted.predict(X), rtol=1e-6)
    assert np.abs(many.predict(X) - once.predict(X)).max() > 1e-3
    lines = [("new", 3), ("new", 3), ("new", 3), ("new", 5)]
    scores = many.recommend(lines, [5.0, 5.0, 5.0, 1.0])[2]
    alone = many.recommend(lines[2:], [5.0, 1.0])[2]
    assert np.abs(scores - alone).max() > 1e-3


@pytest.mark.parametrize("k", [1, 4, 25])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_repeated_lines_tell_the_noise_of_one(k):
    """However often pairs repeat, new observations are as far off as they are said to be."""
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(40, 2)) @ rng.normal(size=(2, 30))
    X = np.repeat(np.argwhere(rng.random(truth.shape) < 0.5), k, axis=0)
    y = truth[X[:, 0], X[:, 1]] + rng.normal(size=len(X))
    inner = BayesianMF(3, n_draws=12, n_burn_in=12, random_state=0)
    regressor = EntryRegressor(inner).fit(X, y)
    assert regressor.estimator_.noise_std_ == pytest.approx(1, abs=0.15)
    mean, std = regressor.predict(np.argwhere(truth < np.inf), return_std=True)
    errors = truth.ravel() + rng.normal(size=truth.size) - mean
    assert np.sqrt(np.mean(errors**2)) == pytest.approx(np.sqrt(np.mean(std**2)), rel=0.1)


def test_values_that_stand_for_missing_ones_are_observed(table):
    X, y = table
    expected = EntryRegressor(model()).fit(X, np.round(y)).predict(X)
    regressor = EntryRegressor(model(missing_values=0)).fit(X, np.round(y))
    assert_array_equal(regressor.predict(X), expected)


@pytest.mark.parametrize(
    ("inner", "advice"),
    [
        (ImplicitMF(2), "add the events up.*fit ImplicitMF to that matrix"),
        (NMFTopics(2), "takes absent entries of a sparse matrix for zeros.*take MaskedMF"),
    ],
)
def test_models_of_all_entries_are_refused(table, inner, advice):
    X, y = table
    regressor = EntryRegressor(inner)
    with pytest.raises(TypeError, match=advice):
        regressor.fit(X, np.abs(y))
    assert not hasattr(regressor, "estimator_")


# Labels that were not seen


@unseen_on_purpose
def test_unseen_labels_are_predicted_by_what_is_known(table):
    X, y = table
    regressor = EntryRegressor(model()).fit(X, y)
    inner = regressor.estimator_
    told = regressor.predict([(3, 4), (3, 99), (-1, 4), (-1, 99)])
    assert_allclose(told[0], inner.predict_entries([3], [4])[0])
    assert_allclose(told[1], inner.intercept_ + inner.row_bias_[3])
    assert_allclose(told[2], inner.intercept_ + inner.column_bias_[4])
    assert_allclose(told[3], inner.intercept_)
    # A row of which nothing is known is folded in to the same.
    empty = sparse.csr_array((1, N_COLUMNS))
    assert_allclose(told[2], inner.predict_entries([0], [4], X=empty)[0])


@unseen_on_purpose
def test_unseen_labels_without_biases(table):
    X, y = table
    regressor = EntryRegressor(model(bias=False)).fit(X, y)
    assert_allclose(regressor.predict([(3, 99), (-1, 4), (-1, 99)]), y.mean())


@unseen_on_purpose
def test_unseen_labels_of_another_kind(table):
    X, y = table
    regressor = EntryRegressor(model()).fit(X, y)
    intercept = regressor.estimator_.intercept_
    assert_allclose(regressor.predict([("a", "b"), ((1,), "c")]), intercept)
    assert_allclose(regressor.predict(np.array([["1", "2"]])), intercept)
    assert_array_equal(regressor.predict([(1.0, 2)]), regressor.predict([(1, 2)]))
    assert_allclose(regressor.predict([(1.5, 0.5)]), intercept)


def test_unseen_labels_are_refused_on_demand(table):
    X, y = table
    regressor = EntryRegressor(model(), unseen="raise").fit(X, y)
    assert np.isfinite(regressor.predict(X)).all()
    message = r"2 of 3 lines of X have labels that fit has not seen.*\(99, 0\) \(its row label\)"
    with pytest.raises(ValueError, match=message):
        regressor.predict([(0, 0), (99, 0), (0, -5)])
    with pytest.raises(ValueError, match=message):
        regressor.score([(0, 0), (99, 0), (0, -5)], [1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match=r"1 of 2 lines.*\('me', 'TYPO'\) \(its column label\)"):
        regressor.recommend([("me", 3), ("me", "TYPO")], [5.0, 4.0])


def test_unseen_labels_are_told_with_their_number_and_an_example(table):
    X, y = table
    X = [(f"u{i}", f"i{j}") for i, j in X.tolist()]
    regressor = EntryRegressor(model()).fit(X, y)
    some = [*X[:3], ("u1", "TYPO"), X[4]]
    message = r"1 of 5 lines .* first is \('u1', 'TYPO'\) \(its column label\).* Check their spell"
    with pytest.warns(UserWarning, match=message) as told:
        regressor.predict(some)
    assert len(told) == 1
    assert told[0].filename == __file__
    with pytest.warns(UserWarning, match=message):
        regressor.score(some, y[:5])
    with pytest.warns(UserWarning, match=message):
        regressor.recommend(some, y[:5])
    with pytest.warns(UserWarning, match=r"they are left out\. Check their spelling"):
        regressor.recommend([("me", "TYPO")], [5.0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        regressor.recommend([("somebody new", "i3")], [5.0])
        regressor.predict(X)
        regressor.set_params(unseen="predict")
        regressor.recommend([("me", "TYPO")], [5.0])
        regressor.predict(some)


def as_strings(X):
    return [(str(i), str(j)) for i, j in X.tolist()]


def as_names(X):
    return [(f"u{i}", f"i{j}") for i, j in X.tolist()]


@pytest.mark.parametrize(
    ("given", "asked", "advice"),
    [
        (np.asarray, as_strings, "row labels of fit are integers, these are strings: convert"),
        (as_strings, np.asarray, "row labels of fit are strings, these are integers: convert"),
        (np.asarray, lambda X: X + 0.5, "row labels of fit are integers, these are floats"),
        (
            lambda X: X + np.array([0, 1000]),
            lambda X: (X + np.array([0, 1000]))[:, ::-1],
            "are the two columns swapped",
        ),
        (as_names, lambda X: [pair[::-1] for pair in as_names(X)], "are the two columns swapped"),
    ],
    ids=["strings", "integers", "floats", "swapped numbers", "swapped strings"],
)
def test_unseen_labels_come_with_their_likely_cause(table, given, asked, advice):
    X, y = table
    regressor = EntryRegressor(model()).fit(given(X), y)
    message = f"{len(y)} of {len(y)} lines .*{advice}"
    with pytest.warns(UserWarning, match=message):
        regressor.predict(asked(X))
    with pytest.raises(ValueError, match=message):
        regressor.set_params(unseen="raise").predict(asked(X))


def test_swapped_columns_of_which_some_are_known_in_both(table):
    X, y = table
    regressor = EntryRegressor(model()).fit(X, y)
    with pytest.warns(UserWarning, match="are the two columns swapped"):
        regressor.predict(X[:, ::-1])


def test_folds_of_a_sorted_table_are_told_to_be_shuffled(table):
    """They leave whole rows out, which scores predictions for rows of which nothing is known."""
    X, y = table
    regressor = EntryRegressor(model())
    by_rows, by_columns = np.lexsort(X.T[::-1]), np.lexsort(X.T)
    message = r"sorted by row leaves whole rows out .* cv=KFold\(shuffle=True\)"
    with pytest.warns(UserWarning, match=message) as told:
        cross_val_score(regressor, X[by_rows], y[by_rows], cv=5)
    assert len(told) == 5
    with pytest.warns(UserWarning, match="sorted by column leaves whole columns out"):
        cross_val_score(regressor, X[by_columns], y[by_columns], cv=5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        shuffled = KFold(5, shuffle=True, random_state=0)
        cross_val_score(regressor, X[by_rows], y[by_rows], cv=shuffled)


# The tools of scikit-learn work entry by entry


def test_cross_val_predict(table):
    X, y = table
    folds = KFold(5, shuffle=True, random_state=0)
    predicted = cross_val_predict(EntryRegressor(model()), X, y, cv=folds)
    assert np.corrcoef(predicted, y)[0, 1] > 0.9
    train, test = next(folds.split(X))
    expected = EntryRegressor(model()).fit(X[train], y[train]).predict(X[test])
    assert_array_equal(predicted[test], expected)


@unseen_on_purpose
@pytest.mark.parametrize("cv", [KFold(4, shuffle=True, random_state=0), TimeSeriesSplit(4)])
def test_cross_val_score(table, cv):
    """Of the first part of a series most labels have not been seen when the next is predicted."""
    X, y = table
    scores = cross_val_score(EntryRegressor(model(reg=0.3)), X, y, cv=cv)
    assert np.isfinite(scores).all()
    assert scores[-1] > 0.5


@unseen_on_purpose
def test_learning_curve(table):
    X, y = table
    _, train, test = learning_curve(
        EntryRegressor(MaskedMF(random_state=0)),
        X,
        y,
        train_sizes=[1, 5, 100, 300],
        cv=3,
        shuffle=True,
        random_state=0,
        scoring="neg_root_mean_squared_error",
    )
    assert np.isfinite(train).all()
    mean = test.mean(axis=1)
    assert mean[0] < mean[2] < mean[3]


def test_grid_search(table):
    X, y = table
    grid = {"estimator__n_components": [1, 2, 3], "estimator__reg": [0.1, 10]}
    folds = KFold(5, shuffle=True, random_state=0)
    search = GridSearchCV(EntryRegressor(model()), grid, cv=folds).fit(X, y)
    assert search.best_params_ == {"estimator__n_components": 2, "estimator__reg": 0.1}
    assert search.best_estimator_.estimator_.n_components_ == 2


def test_rank_search_searches_the_rank_of_the_model(table):
    X, y = table
    folds = KFold(5, shuffle=True, random_state=0)
    search = RankSearchCV(EntryRegressor(model()), ranks=[1, 2, 3], cv=folds).fit(X, y)
    assert search.best_params_ == {"estimator__n_components": 2}


# Recommending by label


def test_recommend(table):
    pairs, y = table
    names = np.array([f"item {j:02d}" for j in range(N_COLUMNS)])
    X = [(i, names[j]) for i, j in pairs.tolist()]
    regressor = EntryRegressor(model()).fit(X, y)
    some = pairs[:, 0] < 5
    asked = [line for line, chosen in zip(X, some, strict=True) if chosen]
    rows, columns, scores = regressor.recommend(asked, y[some], n_items=2)
    assert_array_equal(rows, np.arange(5))
    matrix = sparse.csr_array((y[some], pairs[some].T), shape=(5, N_COLUMNS))
    expected, expected_scores = regressor.estimator_.recommend(matrix, n_items=2)
    assert_array_equal(columns, names[expected])
    assert_allclose(scores, expected_scores)
    assert not {(row, item) for row, items in zip(rows, columns, strict=True) for item in items} & {
        *asked
    }


@unseen_on_purpose
def test_recommend_for_new_rows(table):
    X, y = table
    regressor = EntryRegressor(model()).fit(X, y)
    new = [("new", 3), ("new", 5), ("new", "what is this?")]
    rows, columns, scores = regressor.recommend(new, [5.0, 1.0, 2.0], n_items=100)
    assert rows.tolist() == ["new"]
    assert sorted(columns[0].tolist()) == sorted(set(range(N_COLUMNS)) - {3, 5})
    assert np.all(np.diff(scores[0]) <= 0)
    everything = regressor.recommend(new, [5.0, 1.0, 2.0], 100, exclude_observed=False)[1]
    assert sorted(everything[0].tolist()) == list(range(N_COLUMNS))


def test_recommend_fills_short_lists_with_none(table):
    X, y = table
    regressor = EntryRegressor(model()).fit(X, y)
    asked = [("some", 0)] + [("most", j) for j in range(N_COLUMNS - 1)]
    rows, columns, scores = regressor.recommend(asked, np.ones(N_COLUMNS), n_items=3)
    assert rows.tolist() == ["most", "some"]
    assert columns[0].tolist() == [N_COLUMNS - 1, None, None]
    assert None not in columns[1].tolist()
    assert_array_equal(scores[0, 1:], -np.inf)
    assert not hasattr(EntryRegressor(NoWeights()), "recommend")


# Bad and borderline input


@unseen_on_purpose
def test_one_entry():
    regressor = EntryRegressor().fit([("a", "b")], [4.0])
    assert_allclose(regressor.predict([("a", "b"), ("c", "d")]), 4.0)


@unseen_on_purpose
def test_equal_values(table):
    X, y = table
    regressor = EntryRegressor().fit(X, np.full(len(y), 3.0))
    assert_allclose(regressor.predict(np.vstack([X, [[99, 99]]])), 3.0)


def test_default_is_the_same_on_every_fit(table):
    X, y = table
    one, other = EntryRegressor().fit(X, y), EntryRegressor().fit(X, y)
    assert_array_equal(one.predict(X), other.predict(X))


def test_refit_forgets_and_a_failed_fit_leaves_nothing(table):
    X, y = table
    regressor = EntryRegressor(model(1)).fit([("a", 1), ("b", 2), ("b", 1)], [1.0, 2.0, 3.0])
    regressor.fit(X, y)
    fresh = EntryRegressor(model(1)).fit(X, y)
    assert_array_equal(regressor.predict(X), fresh.predict(X))
    assert set(vars(regressor)) == set(vars(fresh))
    with pytest.raises(ValueError, match="n_components=99 must be between"):
        regressor.set_params(estimator__n_components=99).fit(X, y)
    with pytest.raises(NotFittedError):
        regressor.predict(X)
    assert not [name for name in vars(regressor) if name.endswith("_")]


def test_pickles_and_clones(table):
    X, y = table
    X = [(f"u{i}", j) for i, j in X.tolist()]
    regressor = EntryRegressor(model(), unseen="raise").fit(X, y)
    again = pickle.loads(pickle.dumps(regressor))
    assert_array_equal(again.predict(X), regressor.predict(X))
    assert not hasattr(clone(regressor), "estimator_")


def test_the_given_estimator_is_left_alone(table):
    X, y = table
    inner = model()
    EntryRegressor(inner).fit(X, y)
    assert not hasattr(inner, "components_")


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.zeros((3, 3)), "3 feature"),
        (np.zeros((3, 1)), "1 feature"),
        (np.zeros((0, 2)), "0 sample"),
        ([], "0 sample"),
        (np.zeros(3), "got 1D array"),
        (3, "got 0D array"),
        (["ab", "cd", "ef"], "must be pairs of labels"),
        ([(1, 2), (1, 2, 3), (1, 2)], "must be pairs of labels"),
        ([1, 2, 3], "iterable of pairs"),
        ([(1, 2), (1, np.nan), (3, 4)], "column 1 of X contains NaN"),
        ([(None, 2), (1, 2), (3, 4)], "column 0 of X contains NaN or another missing"),
        (np.array([[1, 2], [np.inf, 2], [3, 4]]), "column 0 of X contains NaN, infinity"),
    ],
)
def test_bad_pairs(X, message):
    with pytest.raises(ValueError, match=message):
        EntryRegressor().fit(X, np.arange(3.0))
    fitted = EntryRegressor().fit([(1, 2), (2, 3), (1, 3)], np.arange(3.0))
    with pytest.raises(ValueError, match=message + r"|but EntryRegressor is expecting 2 features"):
        fitted.predict(X)


def test_other_bad_input(table):
    X, y = table
    with pytest.raises(TypeError, match="not a sparse matrix; pass that to MaskedMF"):
        EntryRegressor().fit(sparse.csr_array(np.eye(3)), np.arange(3.0))
    with pytest.raises(TypeError, match="cannot be hashed"):
        EntryRegressor().fit([([], 1)], [1.0])
    with pytest.raises(ValueError, match="requires y to be passed"):
        EntryRegressor().fit(X, None)
    with pytest.raises(ValueError, match="Input y contains NaN"):
        EntryRegressor().fit(X, np.full(len(y), np.nan))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        EntryRegressor().fit(X, y[1:])
    with pytest.raises(ValueError, match=r"[Nn]egative values in .*`sample_weight`"):
        EntryRegressor().fit(X, y, sample_weight=np.full(len(y), -1.0))
    with pytest.raises(ValueError, match=r"weight.*zero|zero.*weight"):
        EntryRegressor().fit(X, y, sample_weight=np.zeros(len(y)))
    for parameter in ("duplicates", "unseen", "estimator"):
        with pytest.raises(ValueError, match=f"The '{parameter}' parameter of EntryRegressor"):
            EntryRegressor(**{parameter: "sum"}).fit(X, y)


@pytest.mark.parametrize("name", ["X", "y", "sample_weight"])
def test_masked_arrays_are_refused_where_they_mask(table, name):
    X, y = table
    given = {"X": X, "y": y, "sample_weight": np.ones(len(y))}
    whole = EntryRegressor(model()).fit(**{**given, name: np.ma.masked_array(given[name])})
    assert_array_equal(whole.predict(X), EntryRegressor(model()).fit(**given).predict(X))
    hidden = np.ma.masked_array(given[name], mask=given[name] == given[name].flat[3])
    with pytest.raises(ValueError, match=f"^{name} is a masked array, .* drop the lines that it"):
        EntryRegressor(model()).fit(**{**given, name: hidden})
    if name == "X":
        with pytest.raises(ValueError, match=r"^X is a masked array"):
            whole.predict(hidden)


@pytest.mark.parametrize("unit", ["datetime64[D]", "timedelta64[s]"])
def test_dates_are_not_values(table, unit):
    X, y = table
    with pytest.raises(ValueError, match=r"y holds dates or times .*convert them, for example"):
        EntryRegressor(model()).fit(X, np.arange(len(y)).astype(unit))
