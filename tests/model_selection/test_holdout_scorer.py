"""holdout_scorer: part of each test row is hidden, the same part for every estimator."""

import pickle
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.impute import KNNImputer, SimpleImputer
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from lrfact import (
    ImplicitMF,
    MaskedMF,
    RankSearchCV,
    SoftImpute,
    cross_val_score_entries,
    holdout_scorer,
)
from lrfact.metrics import ndcg_at_k, recall_at_k
from lrfact.model_selection import _held_out_predictions
from lrfact.model_selection._held_out_scores import HeldOutScore
from reference.synthetic_clicks import synthetic_clicks


class Recorder(BaseEstimator):
    """Predicts a constant, and keeps what it was shown."""

    def __init__(self, value=0.0, missing_values=np.nan):
        self.value = value
        self.missing_values = missing_values

    def fit(self, X, y=None):
        self.shown_ = []
        return self

    def predict(self, X):
        self.shown_.append(X.copy())
        return np.full(X.shape, self.value)


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(90, 3)) @ rng.normal(size=(3, 20)) + 0.1 * rng.normal(size=(90, 20))
    X[rng.random(X.shape) < 0.4] = np.nan
    X[0] = np.nan
    X[1, 1:] = np.nan
    X[1, 0] = 1.0
    return X


def as_sparse(X):
    rows, columns = np.nonzero(~np.isnan(X))
    return sparse.csr_array((X[rows, columns], (rows, columns)), shape=X.shape)


@pytest.mark.parametrize("test_size", [0.2, 0.9, 1, 3])
def test_part_of_each_row_is_held_out(table, test_size):
    model = Recorder().fit(table)
    score = holdout_scorer(test_size=test_size)(model, table)
    (shown,) = model.shown_
    # Rows without anything hidden need not be asked for.
    judged = table[np.isin(np.arange(90), held_out_rows(table, shown))]
    assert_array_equal(shown[~np.isnan(shown)], judged[~np.isnan(shown)])
    held_out = ~np.isnan(judged) & np.isnan(shown)
    counts = (~np.isnan(judged)).sum(axis=1)
    assert np.all((~np.isnan(shown)).sum(axis=1) >= 1)
    if isinstance(test_size, int):
        assert_array_equal(held_out.sum(axis=1), np.minimum(test_size, counts - 1))
        assert len(judged) == 88
    else:
        assert abs(held_out.sum() - test_size * counts.sum()) < 0.1 * counts.sum()
    assert_allclose(score, -np.sqrt(np.mean(judged[held_out] ** 2)), rtol=1e-12)


def held_out_rows(table, shown):
    """Rows of the table that `shown` are parts of."""
    columns = ~np.isnan(shown)
    return [
        int(np.flatnonzero((table[:, seen] == row[seen]).all(axis=1))[0])
        for row, seen in zip(shown, columns, strict=True)
    ]


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ("mae", lambda e: -np.mean(np.abs(e))),
        ("neg_median_absolute_error", lambda e: -np.median(np.abs(e))),
        (lambda y, p: float(len(y)), lambda e: len(e)),
    ],
)
def test_metrics(table, metric, expected):
    model = Recorder().fit(table)
    score = holdout_scorer(metric, test_size=1)(model, table)
    (shown,) = model.shown_
    judged = table[(~np.isnan(table)).sum(axis=1) > 1]
    assert_allclose(score, expected(judged[np.isnan(shown) & ~np.isnan(judged)]), rtol=1e-12)


def test_all_estimators_are_shown_the_same(table):
    scorer = holdout_scorer(random_state=3)
    one, other = Recorder().fit(table), Recorder(1.0).fit(table)
    scorer(one, table)
    pickle.loads(pickle.dumps(scorer))(other, table)
    scorer(other, as_sparse(table))
    assert_array_equal(one.shown_[0], other.shown_[0])
    assert_array_equal(as_sparse(one.shown_[0]).toarray(), other.shown_[1].toarray())


@pytest.mark.parametrize("random_state", [None, np.random.RandomState(0)])
def test_seed_is_drawn_once(table, random_state):
    scorer = holdout_scorer(random_state=random_state)
    model = MaskedMF(random_state=0).fit(table)
    assert scorer(model, table) == scorer(model, table)
    assert scorer(model, table) != holdout_scorer(random_state=random_state)(model, table)


def test_rows_are_taken_in_blocks(table, monkeypatch):
    scorer = holdout_scorer()
    whole, parts = Recorder().fit(table), Recorder().fit(table)
    expected = scorer(whole, as_sparse(table))
    monkeypatch.setattr(_held_out_predictions, "_BLOCK", 7 * table.shape[1] + 3)
    assert scorer(parts, as_sparse(table)) == expected
    assert max(len(block.indptr) - 1 for block in parts.shown_) == 7
    joined = sparse.vstack(parts.shown_)
    assert_array_equal(joined.toarray(), whole.shown_[0].toarray())


def test_with_or_without_completing_rows(table):
    class Completing(MaskedMF):
        @property
        def predict_entries(self):
            raise AttributeError("predict_entries")

    one = holdout_scorer()(MaskedMF(3, random_state=0).fit(table), table)
    other = holdout_scorer()(Completing(3, random_state=0).fit(table), table)
    assert_allclose(one, other, rtol=1e-10)


def test_forms_of_a_matrix(table):
    model = MaskedMF(3, random_state=0)
    expected = holdout_scorer()(model.fit(table), table)
    scarce = as_sparse(table)
    assert_allclose(holdout_scorer()(model.fit(scarce), scarce), expected, rtol=1e-9)
    zeros = np.nan_to_num(table)
    model.set_params(missing_values=0).fit(zeros)
    assert_allclose(holdout_scorer()(model, zeros), expected, rtol=1e-9)


def test_frames_keep_their_names(table):
    pandas = pytest.importorskip("pandas")
    X = pandas.DataFrame(table, columns=[f"c{j}" for j in range(20)])
    for model in (MaskedMF(3, random_state=0), KNNImputer()):
        # Warnings, of missing feature names too, are errors here.
        one = holdout_scorer()(model.fit(X), X)
        assert_allclose(one, holdout_scorer()(model.fit(table), table), rtol=1e-12)


def test_imputers_and_pipelines(table):
    table = table[2:]
    by_mean = holdout_scorer("r2")(SimpleImputer().fit(table), table)
    by_neighbours = holdout_scorer("r2")(KNNImputer().fit(table), table)
    assert by_mean < 0.05 < by_neighbours
    zeros = np.nan_to_num(table)
    pipeline = make_pipeline(SimpleImputer(missing_values=0)).fit(zeros)
    assert_allclose(holdout_scorer("r2")(pipeline, zeros), by_mean, rtol=1e-12)
    # A Pipeline that scales predicts scaled entries.
    scaled = StandardScaler().fit_transform(table)
    pipeline = make_pipeline(StandardScaler(), KNNImputer()).fit(scaled)
    assert_allclose(
        holdout_scorer("r2")(pipeline, scaled),
        holdout_scorer("r2")(KNNImputer().fit(scaled), scaled),
        rtol=1e-6,
    )


@pytest.mark.parametrize("container", [np.asarray, as_sparse])
@pytest.mark.parametrize("rank", [2, 4])
def test_grid_search_finds_the_synthetic_rank(container, rank, global_random_seed):
    rng = np.random.default_rng(global_random_seed)
    X = rng.normal(size=(200, rank)) @ rng.normal(size=(rank, 30))
    X += 0.3 * rng.normal(size=X.shape)
    X[rng.random(X.shape) < 0.3] = np.nan
    X = container(X)
    model = MaskedMF(reg=0.1, bias=False, max_iter=1000, random_state=0)
    grid = GridSearchCV(model, {"n_components": range(1, 7)}, scoring=holdout_scorer(), cv=3)
    assert grid.fit(X).best_params_ == {"n_components": rank}
    search = RankSearchCV(model, ranks=range(1, 7), scoring=holdout_scorer(), cv=3).fit(X)
    assert search.best_rank_ == rank
    again = GridSearchCV(model, {"n_components": [rank]}, scoring=holdout_scorer(), cv=3, n_jobs=2)
    assert_allclose(again.fit(X).best_score_, grid.best_score_, rtol=1e-9)


def test_works_in_cross_val_score(table):
    scores = cross_val_score(MaskedMF(3, random_state=0), table, scoring=holdout_scorer(), cv=3)
    assert np.all((scores > -3) & (scores < -0.1))


# Rankings


@pytest.fixture
def ratings():
    """Stars, 1 to 5, of rows that share two tastes."""
    rng = np.random.default_rng(0)
    liking = rng.normal(size=(80, 2)) @ rng.normal(size=(2, 25)) + 0.3 * rng.normal(size=(80, 25))
    stars = np.clip(np.rint(3 + liking), 1, 5)
    stars[rng.random(stars.shape) < 0.5] = np.nan
    return stars


def held_out_from(X, scorer):
    model = Recorder().fit(X)
    replace(scorer, score=HeldOutScore("rmse", "test"))(model, X)
    shown = np.full(X.shape, np.nan)
    rows = np.flatnonzero((~np.isnan(X)).sum(axis=1) > 1)
    (shown[rows],) = model.shown_
    return shown, ~np.isnan(X) & np.isnan(shown)


@pytest.mark.parametrize("metric", ["recall_at_k", recall_at_k, partial(recall_at_k, k=10)])
def test_share_of_the_liked_that_is_recommended(ratings, metric):
    scorer = holdout_scorer(metric, test_size=5, relevant=4)
    shown, held_out = held_out_from(ratings, scorer)
    model = MaskedMF(2, random_state=0).fit(ratings)
    predicted = np.where(np.isnan(shown), model.predict(shown), -np.inf)
    shares = []
    for row in range(len(ratings)):
        best = np.argsort(-predicted[row])[:10]
        liked = np.flatnonzero(held_out[row] & (ratings[row] >= 4))
        if len(liked):
            shares.append(np.isin(liked, best).mean())
    assert_allclose(scorer(model, ratings), np.mean(shares), rtol=1e-12)


def test_gains_are_the_entries(ratings):
    scorer = holdout_scorer(partial(ndcg_at_k, k=3), test_size=5)
    shown, held_out = held_out_from(ratings, scorer)
    model = MaskedMF(2, random_state=0).fit(ratings)
    columns, _ = model.recommend(shown, n_items=3)
    expected = ndcg_at_k(columns, np.where(held_out, ratings, 0), k=3)
    assert_allclose(scorer(model, ratings), expected, rtol=1e-12)
    assert_allclose(scorer(model, as_sparse(ratings)), expected, rtol=1e-9)


def test_search_by_a_ranking(ratings):
    model = MaskedMF(random_state=0)
    scorer = holdout_scorer("ndcg_at_k", test_size=5, relevant=4)
    search = GridSearchCV(model, {"n_components": [1, 2], "reg": [0.5, 100]}, scoring=scorer, cv=3)
    assert search.fit(ratings).best_params_["reg"] == 0.5
    scores = cross_val_score_entries(MaskedMF(2, random_state=0), ratings, scoring="hit_rate_at_k")
    assert np.all((scores > 0) & (scores <= 1))


def test_rankings_need_a_recommender(ratings):
    with pytest.raises(TypeError, match="KNNImputer has no method recommend"):
        holdout_scorer("ndcg_at_k")(KNNImputer().fit(ratings), ratings)


def test_what_cannot_be_scored(table):
    with pytest.raises(ValueError, match="'rmsd' is not a metric of holdout_scorer"):
        holdout_scorer("rmsd")
    with pytest.raises(ValueError, match="must be a fraction of the observed entries"):
        holdout_scorer(test_size=0)
    model = MaskedMF().fit(table)
    with pytest.raises(ValueError, match="none of the 2 rows has two observed entries"):
        holdout_scorer()(model, table[:2])


def test_one_entry_is_held_out_at_least(table):
    X = table[2:4].copy()
    for seed in range(20):
        model = Recorder().fit(X)
        holdout_scorer(test_size=0.001, random_state=seed)(model, X)
        assert sum(np.isnan(shown).sum() for shown in model.shown_) > 0


class TestImplicitFeedback:
    """0 is the absence of feedback, in whatever form it comes."""

    CLICKS = synthetic_clicks(60, 40, n_groups=4)

    def forms(self):
        dense = self.CLICKS.toarray()
        stored = sparse.coo_array(dense)
        rows, columns = np.nonzero(dense == 0)
        return {
            "sparse": self.CLICKS,
            "dense": dense,
            "integers": dense.astype(np.uint8),
            "DataFrame": pd.DataFrame(dense),
            "stored zeros": sparse.csr_array(
                (
                    np.concatenate([stored.data, np.zeros(99)]),
                    (
                        np.concatenate([stored.row, rows[:99]]),
                        np.concatenate([stored.col, columns[:99]]),
                    ),
                ),
                shape=dense.shape,
            ),
            "repeated": sparse.coo_array(
                (
                    np.tile(stored.data / 2, 2),
                    (np.tile(stored.row, 2), np.tile(stored.col, 2)),
                ),
                shape=dense.shape,
            ),
        }

    @pytest.mark.parametrize("metric", ["ndcg_at_k", "rmse"])
    def test_one_score_for_all_forms(self, metric):
        model = ImplicitMF(3, random_state=0).fit(self.CLICKS)
        scores = {
            form: holdout_scorer(metric, relevant=0)(model, X) for form, X in self.forms().items()
        }
        assert np.isfinite(scores["sparse"])
        assert scores == pytest.approx(dict.fromkeys(scores, scores["sparse"]))

    def test_one_cross_validation_for_all_forms(self):
        model = ImplicitMF(3, random_state=0)
        scores = {
            form: cross_val_score_entries(model, X, cv=2, scoring="ndcg_at_k").tolist()
            for form, X in self.forms().items()
        }
        for form, score in scores.items():
            assert score == pytest.approx(scores["sparse"]), form

    @pytest.mark.parametrize("form", ["dense", "DataFrame", "stored zeros"])
    def test_a_search_finds_the_same_rank(self, form):
        scoring = holdout_scorer("ndcg_at_k", relevant=0)

        def search(X):
            found = RankSearchCV(
                ImplicitMF(random_state=0), ranks=[1, 3, 6], cv=3, scoring=scoring
            ).fit(X)
            return found.best_rank_, found.cv_results_["mean_test_score"]

        rank, scores = search(self.forms()[form])
        expected_rank, expected = search(self.CLICKS)
        assert rank == expected_rank
        assert_allclose(scores, expected)

    def test_through_a_pipeline_and_a_search(self):
        """What is missing is defined by the estimator within."""
        X = self.CLICKS.toarray()
        model = GridSearchCV(ImplicitMF(random_state=0), {"n_components": [3]}, cv=2).fit(X)
        scorer = holdout_scorer("rmse")
        pipeline = make_pipeline(FunctionTransformer(np.log1p), ImplicitMF(3, random_state=0))
        for estimator in (model, pipeline.fit(X)):
            assert np.isfinite(scorer(estimator, X))

    def test_missing_values_of_what_a_search_searches(self):
        X = np.where(self.CLICKS.toarray() > 0, 3.0, 0.0)
        inner = MaskedMF(2, missing_values=0, random_state=0)
        search = GridSearchCV(inner, {"reg": [0.1]}, cv=2).fit(X)
        scorer = holdout_scorer("mae")
        assert scorer(search, X) == pytest.approx(scorer(search.best_estimator_, X))


def test_pyarrow_tables_keep_their_names(table):
    pyarrow = pytest.importorskip("pyarrow")
    names = [f"c{j}" for j in range(table.shape[1])]
    given = pyarrow.table(dict(zip(names, table.T, strict=True)))
    for model in (MaskedMF(2, random_state=0), SoftImpute(reg=1.0)):
        model.fit(given)
        expected = holdout_scorer()(model, pd.DataFrame(table, columns=names))
        assert holdout_scorer()(model, given) == pytest.approx(expected)
