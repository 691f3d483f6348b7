import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from lrfact import ImplicitMF, RankSearchCV, holdout_scorer
from lrfact.kernels import IMPLEMENTATION
from lrfact.metrics import ndcg_at_k
from reference.naive_implicit import naive_implicit_loss, naive_implicit_rows
from reference.synthetic_clicks import synthetic_clicks

# The NumPy twin takes minutes for as many epochs as it takes to rank well.
COMPILED_ONLY = pytest.mark.skipif(IMPLEMENTATION == "numpy", reason="minutes on the NumPy twin")
SOLVERS = ["als", "svd", pytest.param("sgd", marks=COMPILED_ONLY)]


def model_of(solver, **changes):
    given = {"n_components": 3, "solver": solver, "random_state": 0}
    if solver == "sgd":
        # Few rows: many epochs, until a loss that is noisy changes by less than 1 %.
        given |= {"loss": "bpr", "max_iter": 2000, "tol": 0.01}
    return ImplicitMF(**{**given, **changes})


@pytest.fixture(scope="module")
def clicks():
    return synthetic_clicks(120, 60, n_groups=4)


class TestSquaredLoss:
    @pytest.mark.parametrize("reg_exponent", [0.0, 0.5, 1.0])
    def test_objective_is_the_one_documented(self, clicks, reg_exponent):
        model = model_of("als", alpha=4.0, reg=0.05, reg_exponent=reg_exponent).fit(clicks)
        weights = 4.0 * clicks.toarray()
        C = 1 + weights
        row_penalty = 0.05 * C.sum(axis=1) ** reg_exponent
        column_penalty = 0.05 * C.sum(axis=0) ** reg_exponent
        V = model.components_.T
        W = naive_implicit_rows(weights, V, row_penalty)
        objective = naive_implicit_loss(weights, W, V).sum()
        objective += row_penalty @ np.sum(W**2, axis=1) + column_penalty @ np.sum(V**2, axis=1)
        # The rows are solved for once more.
        assert objective <= model.loss_curve_[-1] <= objective * 1.001
        assert_allclose(model.row_factors_, W, atol=1e-8)
        assert (np.diff(model.loss_curve_) <= 0).all()

    def test_components_are_orthogonal_and_descend(self, clicks):
        G = model_of("als").fit(clicks).components_
        G = G @ G.T
        assert_allclose(G, np.diag(np.diag(G)), atol=1e-10 * G[0, 0])
        assert (np.diff(np.diag(G)) <= 0).all()

    def test_nothing_changes_as_long_as_alpha_times_counts_does(self, clicks):
        one = model_of("als", alpha=6.0).fit(clicks)
        other = model_of("als", alpha=2.0).fit(clicks * 3.0)
        assert_allclose(one.components_, other.components_)

    def test_it_says_when_it_stopped_early(self, clicks):
        with pytest.warns(ConvergenceWarning, match="2 sweeps did not bring .* increase max_iter"):
            model_of("als", max_iter=2).fit(clicks)

    def test_progress_is_printed(self, clicks, capsys):
        model_of("als", verbose=1).fit(clicks)
        assert "[ImplicitMF] step 1, objective " in capsys.readouterr().out


@pytest.mark.parametrize("solver", SOLVERS)
class TestEverySolver:
    def test_new_rows_are_recommended_what_their_group_likes(self, clicks, solver):
        data = synthetic_clicks(200, 60, n_groups=4, share=0.3)
        popularity = np.asarray(data[:120].sum(axis=0)).ravel()
        model = model_of(solver, n_components=4).fit(data[:120])
        told = holdout_scorer("ndcg_at_k", random_state=0, relevant=0)(model, data[120:])

        class Popular:
            missing_values = 0.0

            def recommend(self, X, n_items):
                scores = np.where(X.toarray() > 0, -np.inf, popularity)
                return np.argsort(-scores, axis=1)[:, :n_items], None

        by_popularity = holdout_scorer("ndcg_at_k", random_state=0, relevant=0)
        assert told > 1.15 * by_popularity(Popular(), data[120:])

    def test_all_ways_to_a_score_agree(self, clicks, solver):
        model = model_of(solver).fit(clicks)
        scores = model.predict(clicks)
        assert scores.shape == clicks.shape
        assert_allclose(model.inverse_transform(model.transform(clicks)), scores)
        rows, columns = [7, 7, 119, 3], [0, 59, 5, 1]
        assert_allclose(model.predict_entries(rows, columns), scores[rows, columns])
        assert_allclose(model.predict_entries(rows, columns, clicks), scores[rows, columns])
        found, told = model.recommend(clicks[:9], n_items=4)
        assert_allclose(told, np.take_along_axis(scores[:9], found, axis=1))
        assert not clicks[:9].toarray()[np.arange(9)[:, None], found].any()
        why = model.explain(clicks[[7]], 9)
        rtol = 1e-2 if solver == "sgd" else 1e-9  # where rows are folded in to three digits
        assert why.prediction == pytest.approx(scores[7, 9], rel=rtol)
        assert why.baseline + why.contributions.sum() == pytest.approx(why.prediction)
        assert set(why.columns) == set(clicks[[7]].indices)
        assert ("baseline" in str(why)) == (solver == "sgd")  # only there have columns a bias

    def test_columns_of_a_group_are_similar(self, clicks, solver):
        model = model_of(solver, n_components=4).fit(clicks)
        liked = clicks.toarray() > 0
        other, cosines = model.similar_columns(8, n_items=5)
        together = (liked[:, other] & liked[:, [8]]).sum()
        assert together > 1.5 * 5 * np.mean((liked & liked[:, [8]]).sum(axis=0))
        assert (np.diff(cosines) <= 1e-12).all()

    def test_allowed_columns_only(self, clicks, solver):
        model = model_of(solver).fit(clicks)
        found, _ = model.recommend(clicks, n_items=2, allowed=[4, 9, 30])
        assert set(np.unique(found)) <= {-1, 4, 9, 30}

    def test_score_is_that_of_hidden_entries(self, clicks, solver):
        """From the definition, with what the scorer of hidden entries hides."""
        model = model_of(solver).fit(clicks[:80])
        expected = holdout_scorer("ndcg_at_k", relevant=0)(model, clicks[80:])
        told = model.score(clicks[80:])
        assert isinstance(told, float)
        assert told == pytest.approx(expected)
        assert 0 < told < 1

    def test_score_is_none_for_counts(self, clicks, solver):
        """Only whether an entry is hidden matters, not how large it is."""
        model = model_of(solver).fit(clicks)
        liked = clicks[80:]
        hidden_gains = model.score(liked)
        ranking, _ = model.recommend(liked, n_items=10, exclude_observed=False)
        assert hidden_gains <= 1
        assert ndcg_at_k(ranking, liked > 0) > hidden_gains

    def test_rows_without_entries(self, clicks, solver):
        model = model_of(solver).fit(clicks)
        empty = sparse.csr_array((2, 60))
        assert_array_equal(model.transform(empty), 0)
        columns, scores = model.recommend(empty, n_items=3)
        expected = np.argsort(-model.column_bias_, kind="stable")[:3]
        assert_array_equal(columns, [expected] * 2)
        assert_array_equal(scores, [model.column_bias_[expected]] * 2)

    def test_searches_choose_rank_and_more(self, solver):
        data = synthetic_clicks(200, 60, n_groups=4, share=0.3)
        search = GridSearchCV(model_of(solver), {"n_components": [1, 4]}, cv=3).fit(data)
        assert search.best_params_ == {"n_components": 4}
        ranks = RankSearchCV(model_of(solver), ranks=[1, 4], cv=3).fit(data)
        assert ranks.best_rank_ == 4

    def test_containers_say_the_same(self, clicks, solver):
        fitted = model_of(solver).fit(clicks)
        dense = clicks.toarray()
        explicit = sparse.coo_array(dense)
        explicit = sparse.csr_array(
            (
                np.concatenate([explicit.data, np.zeros(50)]),
                (
                    np.concatenate([explicit.row, np.zeros(50, int)]),
                    np.concatenate([explicit.col, np.arange(50)]),
                ),
            ),
            shape=dense.shape,
        )
        halves = sparse.coo_array(dense)
        twice = sparse.coo_array(
            (
                np.tile(halves.data / 2, 2),
                (np.tile(halves.row, 2), np.tile(halves.col, 2)),
            ),
            shape=dense.shape,
        )
        for given in (dense, explicit, twice, dense.astype(int), sparse.csc_matrix(dense)):
            other = model_of(solver).fit(given)
            assert_allclose(other.components_, fitted.components_, atol=1e-6)
        of_truth = model_of(solver).fit(dense > 0)
        assert_allclose(of_truth.components_, model_of(solver).fit(1.0 * (dense > 0)).components_)
        frame = pd.DataFrame(dense, columns=[f"item {j}" for j in range(60)])
        named = model_of(solver).fit(frame)
        assert_array_equal(named.similar_columns("item 8")[0], fitted.similar_columns(8)[0])
        assert "item 9: " in str(named.explain(frame.iloc[7], "item 9"))

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_the_dtype_is_kept(self, clicks, solver, dtype):
        model = model_of(solver).fit(clicks.astype(dtype))
        for array in (model.components_, model.row_factors_, model.column_bias_):
            assert array.dtype == dtype
        assert model.predict(clicks.astype(dtype)).dtype == dtype

    def test_bits_depend_on_the_seed_alone(self, clicks, solver):
        fits = [model_of(solver, n_jobs=n).fit(clicks) for n in (1, 3)]
        assert_array_equal(fits[0].components_, fits[1].components_)
        assert_array_equal(fits[0].row_factors_, fits[1].row_factors_)

    def test_pickle_and_clone(self, clicks, solver):
        model = model_of(solver).fit(clicks)
        again = pickle.loads(pickle.dumps(model))
        assert_array_equal(again.predict(clicks), model.predict(clicks))
        assert_array_equal(clone(model).fit(clicks).components_, model.components_)

    def test_at_home_in_a_pipeline(self, clicks, solver):
        logs = FunctionTransformer(np.log1p, accept_sparse=True)
        pipeline = make_pipeline(logs, model_of(solver)).fit(clicks)
        assert pipeline.transform(clicks).shape == (120, 3)
        assert 0 < pipeline.score(clicks) < 1


@pytest.mark.parametrize("solver", SOLVERS)
class TestBadInput:
    @pytest.mark.parametrize(
        ("value", "message"),
        [
            (-1.0, "Negative values in data"),
            (np.nan, "contains NaN, .* fill with 0, or use MaskedMF"),
            (np.inf, "infinity"),
        ],
    )
    def test_values_that_are_no_feedback(self, clicks, solver, value, message):
        for spoil in (clicks.copy(), clicks.toarray()):
            if sparse.issparse(spoil):
                spoil.data[7] = value
            else:
                spoil[7, 7] = value
            with pytest.raises(ValueError, match=message):
                model_of(solver).fit(spoil)
            with pytest.raises(ValueError, match=message):
                model_of(solver).fit(clicks).transform(spoil)

    def test_nothing_positive(self, solver):
        for X in (np.zeros((4, 3)), sparse.csr_array((4, 3))):
            model = model_of(solver)
            with pytest.raises(ValueError, match="X has no positive entry"):
                model.fit(X)
            assert not [name for name in vars(model) if name.endswith("_")]

    def test_masks_are_not_ignored(self, clicks, solver):
        X = np.ma.masked_equal(clicks.toarray(), 0)
        with pytest.raises(ValueError, match=r"pass X.filled\(0\), or use MaskedMF"):
            model_of(solver).fit(X)
        assert model_of(solver).fit(np.ma.masked_array(clicks.toarray())).n_components_ == 3

    def test_too_many_components(self, clicks, solver):
        with pytest.raises(ValueError, match=r"n_components=61 must be between 1 and"):
            model_of(solver, n_components=61).fit(clicks)

    def test_rows_of_one_entry_cannot_be_judged(self, clicks, solver):
        model = model_of(solver).fit(clicks)
        with pytest.raises(ValueError, match="none of the 4 rows has two observed entries"):
            model.score(np.eye(4, 60))

    def test_unknown_columns_and_rows(self, clicks, solver):
        model = model_of(solver).fit(clicks)
        with pytest.raises(ValueError, match="x has 2 rows"):
            model.explain(clicks[:2], 0)
        with pytest.raises(ValueError, match="column=60 must be an index from 0 to 59"):
            model.explain(clicks[[0]], 60)
        with pytest.raises(ValueError, match="columns must hold indices from 0 to 59"):
            model.predict_entries([0], [60])
        with pytest.raises(ValueError, match="2 columns, but inverse_transform takes the 3"):
            model.inverse_transform(np.ones((4, 2)))


def test_solvers_of_another_loss():
    X = np.eye(3)
    with pytest.raises(ValueError, match=r"solver='sgd' does not minimize loss='squared'; take "):
        ImplicitMF(solver="sgd").fit(X)
    with pytest.raises(ValueError, match=r"solver='als' does not minimize loss='bpr'; take one"):
        ImplicitMF(loss="bpr", solver="als").fit(X)


def test_pairwise_ranking_explains_with_a_penalty_only(clicks):
    model = model_of("sgd", reg=0.0, tol=0.5).fit(clicks)
    with pytest.raises(ValueError, match="fit with a positive reg"):
        model.explain(clicks[[0]], 1)


@COMPILED_ONLY
def test_popular_columns_have_a_higher_bias(clicks):
    model = model_of("sgd").fit(clicks)
    popularity = np.asarray((clicks > 0).sum(axis=0)).ravel()
    assert np.corrcoef(popularity, model.column_bias_)[0, 1] > 0.5
    assert model.loss_curve_[-1] < 0.9 * np.log(2)


def test_huge_counts_are_refused_in_float32():
    X = np.eye(3, dtype=np.float32) * np.float32(1e38)
    with pytest.raises(ValueError, match=r"pass np.log1p of it"):
        ImplicitMF(alpha=100.0).fit(X)


@pytest.mark.parametrize("solver", SOLVERS)
def test_odd_tables_are_fitted(solver):
    loss = "bpr" if solver == "sgd" else "squared"
    for X in ([[1.0]], [[0.0, 2.0]], [[1.0], [0.0]], np.ones((5, 4)), [[1e-300, 0], [0, 1e300]]):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model = ImplicitMF(loss=loss, solver=solver, alpha=0.5, random_state=0)
            model.fit(np.array(X))
        assert np.isfinite(model.predict(np.array(X))).all()
