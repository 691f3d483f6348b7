import os
import pickle
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV

from lrfact import BayesianMF, EntryRegressor, RankSearchCV
from lrfact.datasets import make_ratings
from lrfact.kernels import IMPLEMENTATION

FEW = {"n_components": 2, "n_draws": 8, "n_burn_in": 5, "thinning": 1, "random_state": 0}


@pytest.fixture(autouse=True)
def short_chains_are_meant():
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "the chain has not come to rest", ConvergenceWarning)
        yield


@pytest.fixture(scope="module")
def synthetic():
    return make_ratings(80, 50, n_components=2, n_ratings=0.4, noise=0.5, random_state=0)


def split(ratings, share=0.2, seed=0):
    R = sparse.coo_array(ratings)
    test = np.random.default_rng(seed).random(R.nnz) < share
    train = sparse.csr_array((R.data[~test], (R.row[~test], R.col[~test])), R.shape)
    return train, R.row[test], R.col[test], R.data[test]


def rmse(a, b):
    return float(np.sqrt(np.mean((np.asarray(a) - np.asarray(b)) ** 2)))


def biases_alone(train, rows, columns):
    """Row and column effects by ridge regression, the penalties chosen with knowledge of noise."""
    R = sparse.coo_array(train)
    mean, b, c = R.data.mean(), np.zeros(R.shape[0]), np.zeros(R.shape[1])
    told = []
    for penalty in (1, 2, 4, 8, 16):
        for _ in range(20):
            left = np.bincount(R.row, R.data - mean - c[R.col], len(b))
            b = left / (np.bincount(R.row, minlength=len(b)) + penalty)
            left = np.bincount(R.col, R.data - mean - b[R.row], len(c))
            c = left / (np.bincount(R.col, minlength=len(c)) + penalty)
        told.append(mean + b[rows] + c[columns])
    return told


class TestPredictions:
    def test_synthetic_factors_are_found(self, synthetic):
        train, rows, columns, values = split(synthetic.ratings)
        model = BayesianMF(4, random_state=0).fit(train)
        truth = synthetic.intercept + synthetic.row_bias[rows] + synthetic.column_bias[columns]
        truth = truth + np.sum(
            synthetic.row_factors[rows] * synthetic.column_factors[columns], axis=1
        )
        assert rmse(model.predict_entries(rows, columns), truth) < 0.5
        assert rmse(model.predict_entries(rows, columns), values) < 0.7
        assert model.noise_std_ == pytest.approx(0.5, rel=0.15)

    def test_all_ways_agree(self, synthetic):
        model = BayesianMF(**FEW).fit(synthetic.ratings)
        X = synthetic.ratings
        dense = X.toarray()
        dense[dense == 0] = np.nan
        mean, std = model.predict(X, return_std=True)
        assert_allclose(model.predict(X), mean)
        assert_allclose(model.predict(dense), mean)
        rows, columns = np.array([3, 3, 70, 0]), np.array([0, 49, 7, 1])
        for given in (None, X, dense):
            told = model.predict_entries(rows, columns, given, return_std=True)
            assert_allclose(told[0], mean[rows, columns])
            assert_allclose(told[1], std[rows, columns])
        # Of a row the same, whatever other rows are there.
        alone = model.predict(X[3:4], return_std=True)
        assert_allclose(alone[0][0], mean[3])
        assert_allclose(alone[1][0], std[3])

    def test_fit_transform_is_transform(self, synthetic):
        model = BayesianMF(**FEW)
        W = model.fit_transform(synthetic.ratings)
        assert_allclose(W, model.transform(synthetic.ratings), atol=1e-10)
        assert_allclose(model.row_bias_, model.row_biases(synthetic.ratings), atol=1e-10)
        lengths = np.linalg.norm(W, axis=0)
        assert (np.diff(lengths) <= 0).all()
        assert_allclose(model.components_ @ model.components_.T, np.eye(2), atol=1e-10)

    def test_compact_model_predicts_nearly_as_well(self, synthetic):
        train, rows, columns, values = split(synthetic.ratings)
        model = BayesianMF(2, random_state=0).fit(train)
        rebuilt = model.inverse_transform(model.transform(train), model.row_biases(train))
        whole = rmse(model.predict_entries(rows, columns), values)
        assert rmse(rebuilt[rows, columns], values) < 1.05 * whole

    def test_recommendations_are_of_the_compact_model(self, synthetic):
        model = BayesianMF(**FEW).fit(synthetic.ratings)
        X = synthetic.ratings[:5]
        columns, scores = model.recommend(X, n_items=3)
        rebuilt = model.inverse_transform(model.transform(X), model.row_biases(X))
        assert_allclose(scores, np.take_along_axis(rebuilt, columns, axis=1))
        assert not X.toarray()[np.arange(5)[:, np.newaxis], columns].any()
        others, cosines = model.similar_columns(4, n_items=2)
        assert 4 not in others
        assert (cosines <= 1 + 1e-6).all()

    def test_a_row_of_which_nothing_is_known(self, synthetic):
        """Biases are what is the same for all columns or rows, and factors the rest."""
        model = BayesianMF(**FEW).fit(synthetic.ratings)
        empty = sparse.csr_array((1, 50))
        mean, std = model.predict(empty, return_std=True)
        assert_allclose(mean[0], model.intercept_ + model.column_bias_)
        assert model.column_bias_.mean() == pytest.approx(0)
        assert_allclose(model.transform(empty), 0, atol=1e-12)
        assert_allclose(model.row_biases(empty), 0, atol=1e-12)
        _, of_known = model.predict(synthetic.ratings, return_std=True)
        assert std.mean() > of_known.mean()
        assert abs(mean.mean() - model.intercept_) < 1

    def test_explanations_add_up(self, synthetic):
        model = BayesianMF(**FEW).fit(synthetic.ratings)
        found = model.explain(synthetic.ratings[[3]], 7)
        told = model.predict(synthetic.ratings[[3]])[0, 7]
        assert found.baseline + found.contributions.sum() == pytest.approx(found.prediction)
        assert found.prediction == pytest.approx(told)
        assert set(found.columns) == set(synthetic.ratings[[3]].indices)

    def test_score_is_that_of_predictions_from_other_entries(self, synthetic):
        """Without pattern, by leaving entries out of rows."""
        model = BayesianMF(**FEW, pattern=False).fit(synthetic.ratings)
        X = synthetic.ratings[:6].toarray()
        errors = []
        for i, j in zip(*np.nonzero(X), strict=True):
            without = X[[i]].copy()
            without[0, j] = 0
            told = model.predict(sparse.csr_array(without))[0, j]
            errors.append(told - X[i, j])
        expected = -np.sqrt(np.mean(np.square(errors)))
        assert model.score(synthetic.ratings[:6]) == pytest.approx(expected)


class TestUncertainty:
    def test_intervals_hold_what_they_say(self):
        """On data from the model: shares of hidden entries within 50, 80 and 95 %."""
        inside = []
        for seed in range(3):
            data = make_ratings(
                120, 60, n_components=2, n_ratings=0.3, row_spread=0.5, random_state=seed
            )
            train, rows, columns, values = split(data.ratings, seed=seed)
            model = BayesianMF(3, pattern=False, random_state=0).fit(train)
            mean, std = model.predict_entries(rows, columns, return_std=True)
            z = abs(values - mean) / std
            inside.append([(z < limit).mean() for limit in (0.6745, 1.2816, 1.96)])
        # Of some 1,300 hidden entries: a standard error of 0.014 at most.
        assert_allclose(np.mean(inside, axis=0), [0.5, 0.8, 0.95], atol=0.045)

    def test_less_is_known_of_rows_with_fewer_entries(self, synthetic):
        model = BayesianMF(3, random_state=0).fit(synthetic.ratings)
        counts = np.diff(synthetic.ratings.indptr)
        _, std = model.predict(synthetic.ratings, return_std=True)
        few, many = np.argsort(counts)[:10], np.argsort(counts)[-10:]
        assert std[few].mean() > 1.05 * std[many].mean()
        assert (std > model.noise_std_).all()


class TestColumnFeatures:
    """Columns in two groups, which features tell; of the last ten nothing or little is observed."""

    @staticmethod
    def table(n_left=0):
        rng = np.random.default_rng(0)
        group = rng.integers(0, 2, 50)
        likes = rng.standard_normal((120, 1)) * np.where(group, 1.0, -1.0)
        complete = 3 + likes + 0.3 * rng.standard_normal((120, 50))
        X = np.where(rng.random(complete.shape) < 0.4, complete, np.nan)
        hidden = np.zeros(X.shape, dtype=bool)
        hidden[n_left:, 40:] = True
        return np.where(hidden, np.nan, X), complete, hidden, np.eye(2)[group]

    @pytest.mark.parametrize("n_left", [0, 2])
    def test_columns_with_few_entries_are_known_by_them(self, n_left):
        X, complete, hidden, features = self.table(n_left)
        model = BayesianMF(n_components=2, random_state=0)
        without = rmse(model.fit(X).predict(X)[hidden], complete[hidden])
        told = rmse(model.fit(X, column_features=features).predict(X)[hidden], complete[hidden])
        assert without > 0.8  # the spread of what is hidden is 1
        assert told < 0.5

    def test_features_that_tell_nothing_do_no_harm(self, synthetic):
        train, rows, columns, values = split(synthetic.ratings)
        noise = np.random.default_rng(0).standard_normal((50, 5))
        model = BayesianMF(random_state=0)
        without = rmse(model.fit(train).predict_entries(rows, columns), values)
        model.fit(train, column_features=noise)
        assert rmse(model.predict_entries(rows, columns), values) < 1.02 * without

    def test_fit_transform_and_cross_validation_take_them(self):
        X, _, _, features = self.table()
        model = BayesianMF(**FEW)
        W = model.fit_transform(X, column_features=features)
        assert_array_equal(W, model.transform(X))
        grid = GridSearchCV(model, {"n_components": [1, 2]}, cv=2)
        assert np.isfinite(grid.fit(X, column_features=features).best_score_)

    def test_a_warm_start_is_with_the_same_features(self):
        X, _, _, features = self.table()
        model = BayesianMF(**FEW, warm_start=True).fit(X, column_features=features)
        longer = model.set_params(n_draws=12).fit(X, column_features=features)
        at_once = BayesianMF(**{**FEW, "n_draws": 12}).fit(X, column_features=features)
        assert_array_equal(longer.predict(X), at_once.predict(X))
        # All draws anew with others.
        n_before = longer.n_iter_
        longer.fit(X, column_features=features[::-1])
        assert longer.n_iter_ == FEW["n_burn_in"] + 12 == n_before
        assert not np.array_equal(longer.predict(X), at_once.predict(X))

    def test_wrong_ones_are_named(self):
        X, _, _, features = self.table()
        with pytest.raises(ValueError, match="column_features has 49 rows, but X has 50 columns"):
            BayesianMF(**FEW).fit(X, column_features=features[1:])


class TestUnits:
    @pytest.mark.parametrize(("factor", "shift"), [(10.0, 0.0), (1.0, 100.0), (1e-6, 7.0)])
    def test_nothing_depends_on_them(self, synthetic, factor, shift):
        X = synthetic.ratings
        moved = sparse.csr_array((factor * X.data + shift, X.indices, X.indptr), X.shape)
        model, other = (clone(BayesianMF(**FEW)).fit(given) for given in (X, moved))
        mean, std = model.predict(X, return_std=True)
        its_mean, its_std = other.predict(moved, return_std=True)
        assert_allclose((its_mean - shift) / factor, mean, atol=1e-5)
        assert_allclose(its_std / factor, std, atol=1e-5)

    @pytest.mark.skipif(IMPLEMENTATION == "numpy", reason="half a minute on the NumPy twin")
    @pytest.mark.parametrize(("pattern", "seed"), [(True, 0), (False, 1)])
    def test_never_worse_than_biases_on_thin_data(self, pattern, seed):
        """Six entries a row, as many columns as rows, and nothing that factors could learn."""
        data = make_ratings(
            5000,
            5000,
            n_components=10,
            n_ratings=33000,
            bias=0.7,
            noise=1.5,
            row_spread=0,
            column_spread=0.5,
            random_state=seed,
        )
        train, rows, columns, values = split(data.ratings, 0.1, seed)
        model = BayesianMF(8, pattern=pattern, random_state=0).fit(train)
        best = min(rmse(told, values) for told in biases_alone(train, rows, columns))
        assert rmse(model.predict_entries(rows, columns), values) < 1.003 * best


class TestChain:
    def test_bits_depend_on_the_seed_alone(self, synthetic):
        fits = [BayesianMF(**FEW, n_jobs=n).fit(synthetic.ratings) for n in (1, 3)]
        for name in ("components_", "row_factors_", "column_bias_", "row_bias_"):
            assert_array_equal(getattr(fits[0], name), getattr(fits[1], name))
        other = BayesianMF(**{**FEW, "random_state": 1}).fit(synthetic.ratings)
        assert not np.array_equal(other.components_, fits[0].components_)

    def test_it_goes_on_where_it_ended(self, synthetic):
        whole = BayesianMF(**FEW).fit(synthetic.ratings)
        parts = BayesianMF(**{**FEW, "n_draws": 3}, warm_start=True).fit(synthetic.ratings)
        assert parts.n_iter_ == 8
        parts = pickle.loads(pickle.dumps(parts)).set_params(n_draws=8).fit(synthetic.ratings)
        assert parts.n_iter_ == whole.n_iter_ == 13
        assert_array_equal(parts.components_, whole.components_)
        assert_array_equal(parts.predict(synthetic.ratings), whole.predict(synthetic.ratings))
        assert parts.residual_curve_ == whole.residual_curve_

    def test_draws_are_added_whatever_has_changed(self, synthetic):
        model = BayesianMF(**{**FEW, "n_draws": 3}, warm_start=True).fit(synthetic.ratings)
        model.set_params(n_draws=5, thinning=4, n_burn_in=2).fit(synthetic.ratings)
        assert model.n_iter_ == 8 + 2 * 4
        whole = model.predict(synthetic.ratings)
        first = (
            BayesianMF(**{**FEW, "n_draws": 3}).fit(synthetic.ratings).predict(synthetic.ratings)
        )
        model.set_params(n_draws=3).fit(synthetic.ratings)
        assert model.n_iter_ == 16
        assert_array_equal(model.predict(synthetic.ratings), first)
        model.set_params(n_draws=5).fit(synthetic.ratings)
        assert_array_equal(model.predict(synthetic.ratings), whole)

    def test_other_data_take_the_place_of_the_old(self, synthetic):
        """From where the chain was, which needs no long burn-in for entries that were added."""
        train, rows, columns, values = split(synthetic.ratings)
        options = {"n_components": 2, "n_draws": 10, "random_state": 0}
        model = BayesianMF(**options, warm_start=True).fit(train)
        before = rmse(model.predict_entries(rows, columns), values)
        model.set_params(n_burn_in=3).fit(synthetic.ratings)
        assert model.n_iter_ == 3 + 10 * 3
        after = rmse(model.predict_entries(rows, columns), values)
        whole = BayesianMF(**options).fit(synthetic.ratings).predict_entries(rows, columns)
        assert after < 0.8 * before
        assert after < 1.05 * rmse(whole, values)

    def test_the_kind_of_indices_does_not_matter(self, synthetic):
        X = synthetic.ratings
        wide = sparse.csr_array(
            (X.data, X.indices.astype(np.int64), X.indptr.astype(np.int64)), X.shape
        )
        fits = [BayesianMF(**FEW).fit(given) for given in (X, wide)]
        assert_allclose(fits[0].predict(X), fits[1].predict(X), atol=1e-8)

    def test_other_shapes_start_anew(self, synthetic):
        model = BayesianMF(**FEW, warm_start=True).fit(synthetic.ratings)
        model.fit(synthetic.ratings[:50])
        assert_array_equal(
            model.components_, BayesianMF(**FEW).fit(synthetic.ratings[:50]).components_
        )
        model.set_params(n_components=3).fit(synthetic.ratings)
        assert model.components_.shape == (3, 50)

    def test_without_warm_start_it_starts_anew(self, synthetic):
        model = BayesianMF(**FEW).fit(synthetic.ratings)
        again = model.components_
        assert_array_equal(model.fit(synthetic.ratings).components_, again)

    def test_what_it_reports(self, synthetic, capsys):
        model = BayesianMF(**FEW, verbose=1).fit(synthetic.ratings)
        assert len(model.residual_curve_) == model.n_iter_ == 13
        assert "[BayesianMF] step 13, training RMSE" in capsys.readouterr().out
        seen = synthetic.ratings.tocoo()
        told = model.predict_entries(seen.row, seen.col)
        # A mean of draws errs less than they do on average.
        assert rmse(told, seen.data) < np.mean(model.residual_curve_[5:])

    def test_a_chain_that_moves_is_reported(self, synthetic):
        short = BayesianMF(4, n_burn_in=0, n_draws=12, thinning=1, random_state=0)
        with pytest.warns(
            ConvergenceWarning, match=r"changed by .*%\); raise n_burn_in=0 or thinning=1"
        ):
            short.fit(synthetic.ratings)
        assert short.r_hat_ > 1.2
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            long = BayesianMF(4, random_state=0).fit(synthetic.ratings)
        assert long.r_hat_ < 1.2

    def test_a_chain_that_moves_by_little_is_not(self):
        """On nothing but noise factors come and go, without changing what is predicted."""
        X = np.random.default_rng(0).standard_normal((100, 100))
        X[np.random.default_rng(1).random(X.shape) < 0.3] = np.nan
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            fits = [BayesianMF(random_state=seed).fit(X) for seed in (1, 2)]
        assert max(model.r_hat_ for model in fits) > 1.2


class TestInput:
    def test_in_searches(self, synthetic):
        search = GridSearchCV(BayesianMF(**FEW), {"n_components": [1, 2]}, cv=2)
        assert search.fit(synthetic.ratings).best_params_ == {"n_components": 2}
        of_ranks = RankSearchCV(BayesianMF(**FEW), ranks=[1, 2], cv=2).fit(synthetic.ratings)
        assert of_ranks.best_rank_ == 2
        scores = of_ranks.cv_results_["mean_test_score"]
        assert_allclose(scores, search.cv_results_["mean_test_score"])

    def test_in_long_tables(self, synthetic):
        R = synthetic.ratings.tocoo()
        pairs = np.column_stack([R.row, R.col])
        regressor = EntryRegressor(BayesianMF(**FEW), unseen="predict").fit(pairs, R.data)
        assert regressor.score(pairs, R.data) > 0.7
        mean, std = regressor.predict(pairs, return_std=True)
        model = BayesianMF(**FEW).fit(synthetic.ratings)
        told = model.predict_entries(R.row, R.col, return_std=True)
        assert_allclose([mean, std], told)
        # Nothing is known of row or column 999.
        mean, std = regressor.predict([[0, 999], [999, 0], [999, 999], [0, 0]], return_std=True)
        nothing = model.predict(sparse.csr_array((1, 50)))[0]
        assert_allclose(mean[1:3], [nothing[0], nothing.mean()])
        assert_allclose(std[:3], R.data.std())
        assert std[3] < std[0]

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_the_dtype_is_kept(self, synthetic, dtype):
        X = synthetic.ratings.astype(dtype)
        model = BayesianMF(**FEW).fit(X)
        mean, std = model.predict(X, return_std=True)
        assert mean.dtype == std.dtype == model.transform(X).dtype == dtype
        assert model.components_.dtype == model.row_factors_.dtype == dtype

    @pytest.mark.parametrize(
        "X",
        [
            [[1.0]],
            [[1.0, np.nan], [np.nan, np.nan]],
            [[2.0, 2.0, 2.0], [2.0, np.nan, 2.0]],
            [[1.0, 2.0, np.nan], [np.nan, np.nan, np.nan], [3.0, np.nan, np.nan]],
            np.full((4, 3), 1e9),
            [[1e-200, 2e-200], [3e-200, np.nan]],
        ],
        ids=["one entry", "one observed", "constant", "empty row and column", "equal", "tiny"],
    )
    def test_odd_tables_are_fitted(self, X):
        X = np.array(X)
        model = BayesianMF(n_draws=4, n_burn_in=4, random_state=0).fit(X)
        mean, std = model.predict(X, return_std=True)
        assert np.isfinite(mean).all()
        assert np.isfinite(std).all()
        assert (std >= 0).all()
        assert np.isfinite(model.transform(X)).all()

    def test_huge_values_are_refused(self):
        with pytest.raises(ValueError, match="divide X by its largest absolute value"):
            BayesianMF().fit(np.array([[1e37, -1e37], [1.0, 2.0]], dtype=np.float32))

    def test_entries_changed_after_the_fit_change_nothing(self, synthetic):
        X = synthetic.ratings.copy()
        model = BayesianMF(**FEW).fit(X)
        told = model.predict_entries([3], [7])
        X.data *= 9
        assert_array_equal(model.predict_entries([3], [7]), told)

    def test_nothing_observed_is_refused(self):
        with pytest.raises(ValueError, match="X has no observed entry"):
            BayesianMF().fit(np.full((3, 3), np.nan))
        model = BayesianMF(**FEW).fit(np.random.default_rng(0).random((4, 4)))
        with pytest.raises(ValueError, match="score is a mean over these"):
            model.score(np.full((2, 4), np.nan))

    def test_nothing_stays_behind_of_a_failed_fit(self, synthetic):
        model = BayesianMF(**FEW).fit(synthetic.ratings)
        with pytest.raises(ValueError, match="n_components=90"):
            model.set_params(n_components=90).fit(synthetic.ratings)
        assert not [name for name in vars(model) if name.endswith("_")]
        assert not hasattr(model, "_fitted_draws")

    def test_indices_are_checked(self, synthetic):
        model = BayesianMF(**FEW).fit(synthetic.ratings)
        with pytest.raises(ValueError, match="rows must hold indices from 0 to 79"):
            model.predict_entries([80], [0])
        with pytest.raises(ValueError, match="they must be as many"):
            model.predict_entries([0, 1], [0])


class TestWeights:
    def test_of_one_change_next_to_nothing(self, synthetic):
        X = synthetic.ratings
        ones = X.copy()
        ones.data = np.ones_like(ones.data)
        told = [BayesianMF(**FEW).fit(X, entry_weight=w).predict(X[:5]) for w in (None, ones)]
        assert_allclose(*told, rtol=1e-6)

    def test_heavy_entries_are_known_better(self, synthetic):
        X = synthetic.ratings
        weights = X.copy()
        weights.data = np.where(np.arange(X.nnz) % 2, 1.0, 50.0)
        rows = np.repeat(np.arange(X.shape[0]), np.diff(X.indptr))
        model = BayesianMF(**FEW).fit(X, entry_weight=weights)
        errors = abs(model.predict_entries(rows, X.indices) - X.data)
        assert np.mean(errors[::2]) < 0.8 * np.mean(errors[1::2])
        dense = np.full(X.shape, 1.0)
        dense[rows, X.indices] = weights.data
        again = BayesianMF(**FEW).fit(X, entry_weight=dense)
        assert_array_equal(again.row_factors_, model.row_factors_)
        assert_array_equal(
            BayesianMF(**FEW).fit_transform(X, entry_weight=dense), model.row_factors_
        )

    def test_a_warm_start_is_with_the_same_weights(self, synthetic):
        X = synthetic.ratings
        weights = X.copy()
        weights.data = 1.0 + np.arange(X.nnz) % 3
        options = {"entry_weight": weights, "repeat_scatter": 0.2 * X.nnz}
        model = BayesianMF(**{**FEW, "n_draws": 3, "warm_start": True}).fit(X, **options)
        model.set_params(n_draws=8).fit(X, **options)
        at_once = BayesianMF(**FEW).fit(X, **options)
        assert_array_equal(model.components_, at_once.components_)
        model.fit(X)
        assert model.n_iter_ == 13  # other weights are other data
        assert len(model._fitted_chain.draws) == 8

    @pytest.mark.parametrize("scatter", [-1.0, np.nan, np.inf])
    def test_wrong_ones_are_named(self, synthetic, scatter):
        X = synthetic.ratings
        with pytest.raises(ValueError, match=r"repeat_scatter=.* must be finite and not negative"):
            BayesianMF(**FEW).fit(X, repeat_scatter=scatter)
        with pytest.raises(ValueError, match="entry_weight must be positive"):
            BayesianMF(**FEW).fit(X, entry_weight=-X)


DATA = Path(os.environ.get("LRFACT_DATA", "")) / "movielens-100k" / "ratings.npz"


@pytest.mark.skipif(not DATA.is_file(), reason="LRFACT_DATA has no movielens-100k")
@pytest.mark.skipif(IMPLEMENTATION == "numpy", reason="minutes on the NumPy twin")
class TestMovieLens:
    @staticmethod
    def fold(number):
        with np.load(DATA) as file:
            given = {name: file[name] for name in ("user", "item", "rating", "fold")}
        rows, columns, test = given["user"] - 1, given["item"] - 1, given["fold"] == number
        train = sparse.csr_array(
            (given["rating"][~test], (rows[~test], columns[~test])), (943, 1682)
        )
        return train, rows[test], columns[test], given["rating"][test]

    def test_third_fold(self):
        train, rows, columns, values = self.fold(3)
        model = BayesianMF(random_state=0).fit(train)
        mean, std = model.predict_entries(rows, columns, return_std=True)
        assert rmse(mean, values) < 0.883
        within = (abs(values - mean) < 1.2816 * std).mean()
        assert 0.77 < within < 0.84

    def test_genres_help_films_with_few_ratings(self):
        items = pd.read_csv(DATA.parent / "items.csv.gz", keep_default_na=False)
        genres = items["genres"].str.get_dummies()
        assert genres.shape == (1682, 19)
        errors = {"few": ([], []), "all": ([], [])}
        for number in range(1, 6):
            train, rows, columns, values = self.fold(number)
            few = np.bincount(train.indices, minlength=1682)[columns] < 5
            for told, features in enumerate((None, genres)):
                model = BayesianMF(random_state=0).fit(train, column_features=features)
                squares = (model.predict_entries(rows, columns) - values) ** 2
                errors["few"][told].extend(squares[few])
                errors["all"][told].append(squares.mean())
        few, every = ([np.sqrt(np.mean(e)) for e in errors[name]] for name in ("few", "all"))
        assert few[1] < few[0] - 0.015
        assert every[1] < every[0] - 0.001
