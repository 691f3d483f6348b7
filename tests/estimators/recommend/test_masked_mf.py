"""MaskedMF: what it predicts, recommends and explains, and how it is fitted."""

import copy
import os
import pickle
from pathlib import Path

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.utils import get_tags

from lrfact import MaskedMF, RankSearchCV
from lrfact.estimators.recommend import _masked_mf
from lrfact.kernels import IMPLEMENTATION
from reference.naive_masked import (
    naive_left_out,
    naive_predictions,
    naive_recommend,
    naive_row,
)

NAN = np.nan


def synthetic(shape=(60, 15), rank=2, observed=0.6, noise=0.2, mean=3.0, seed=0):
    """A table without holes, and the same with holes."""
    rng = np.random.default_rng(seed)
    whole = rng.standard_normal((shape[0], rank)) @ rng.standard_normal((rank, shape[1]))
    whole += rng.standard_normal((shape[0], 1)) + rng.standard_normal(shape[1]) + mean
    whole += noise * rng.standard_normal(shape)
    return whole, np.where(rng.random(shape) < observed, whole, NAN)


WHOLE, X = synthetic()
NEW = synthetic(shape=(9, 15), seed=1)[1]
NEW[4] = NAN  # nothing known of it
NEW[5] = np.where(np.arange(15) == 3, 2.5, NAN)
KINDS = {
    "plain": {},
    "no bias": {"bias": False},
    "nonnegative": {"nonnegative": True},
    "nonnegative, no bias": {"nonnegative": True, "bias": False},
}
kinds = pytest.mark.parametrize("kind", KINDS)


def make(n_components=2, **parameters):
    return MaskedMF(n_components, **{"reg": 0.3, "random_state": 0, **parameters})


def stored(table, container=sparse.csr_array, index_dtype=np.int32):
    """A sparse matrix that stores what is not NaN."""
    rows, columns = np.nonzero(~np.isnan(table))
    data = (table[rows, columns], (rows, columns))
    matrix = sparse.csr_array(sparse.coo_array(data, shape=table.shape))
    matrix.indices = matrix.indices.astype(index_dtype)
    matrix.indptr = matrix.indptr.astype(index_dtype)
    return container(matrix)


def learnt(estimator):
    return set(vars(estimator)) - set(estimator.get_params()) - {"_skl_callbacks"}


def assert_same_fit(one, other, **tolerance):
    assert learnt(one) == learnt(other)
    for name in sorted(learnt(one) - {"_fitted_missing_values"}):  # how input is read
        mine, its = getattr(one, name), getattr(other, name)
        if name.startswith("_"):
            for field in vars(its):
                assert_array_equal(getattr(mine, field), getattr(its, field), err_msg=field)
        elif tolerance:
            assert_allclose(mine, its, err_msg=name, **tolerance)
        else:
            assert_array_equal(mine, its, err_msg=name)


def design_of(model):
    if not model.bias:
        return model.components_.T
    return np.column_stack([model.components_.T, model.column_bias_])


def naive_fold_in(model, table):
    """Row by row; zeros where nothing is observed."""
    found = []
    for row in table:
        at = np.flatnonzero(~np.isnan(row))
        D = model.components_.T[at]
        y = row[at] - model.intercept_ - model.column_bias_[at]
        if model.bias:
            D = np.column_stack([D, np.ones(len(at))])
        width = D.shape[1]
        n_confined = (width - model.bias) * model.nonnegative
        penalty = np.full(width, model.reg * np.sqrt(len(at)))
        found.append(naive_row(D, y, np.ones(len(at)), penalty, n_confined))
    found = np.array(found)
    return (found[:, :-1], found[:, -1]) if model.bias else (found, np.zeros(len(found)))


def naive_table(model, table):
    W, row_bias = naive_fold_in(model, table)
    rows = np.column_stack([W, row_bias])
    columns = np.column_stack([model.components_.T, model.column_bias_])
    return naive_predictions(rows, columns, model.intercept_, True)


def rmse(predicted, whole, where):
    return np.sqrt(np.mean((predicted - whole)[where] ** 2))


class TestFoldIn:
    @kinds
    @pytest.mark.parametrize("table", [X, NEW], ids=["known", "new"])
    def test_solves_the_documented_problem(self, kind, table):
        model = make(**KINDS[kind]).fit(X)
        W, row_bias = naive_fold_in(model, table)
        assert_allclose(model.transform(table), W, atol=1e-7)
        assert_allclose(model.row_biases(table), row_bias, atol=1e-7)
        assert_allclose(model.predict(table), naive_table(model, table), atol=1e-6)
        if KINDS[kind].get("bias") is False:
            assert_array_equal(model.row_biases(table), 0)
            assert model.intercept_ == 0
            assert_array_equal(model.column_bias_, 0)

    @kinds
    def test_rows_of_the_fit_are_those_of_transform(self, kind):
        model = make(**KINDS[kind])
        assert_allclose(model.fit_transform(X), model.transform(X), atol=1e-8)
        assert_allclose(model.row_factors_, model.transform(X), atol=1e-8)
        assert_allclose(model.row_bias_, model.row_biases(X), atol=1e-8)
        assert_allclose(make(**KINDS[kind]).fit(X).transform(X), model.row_factors_, atol=1e-8)

    @kinds
    def test_single_entries(self, kind):
        model = make(**KINDS[kind]).fit(X)
        rows, columns = np.indices(X.shape).reshape(2, -1)
        assert_allclose(model.predict_entries(rows, columns), model.predict(X).ravel(), atol=1e-7)
        rows, columns = [8, 0, 4, 0], [3, 14, 0, 14]
        expected = model.predict(NEW)[rows, columns]
        assert_allclose(model.predict_entries(rows, columns, NEW), expected, atol=1e-10)
        assert model.predict_entries([], []).shape == (0,)
        unsigned = np.array(rows, dtype=np.uint8)
        assert_allclose(model.predict_entries(unsigned, columns, NEW), expected, atol=1e-10)

    def test_many_single_entries(self):
        """More than are gathered at a time."""
        model = make().fit(X)
        rng = np.random.default_rng(0)
        rows, columns = rng.integers(0, 60, 200_000), rng.integers(0, 15, 200_000)
        expected = model.predict(X)[rows, columns]
        assert_allclose(model.predict_entries(rows, columns), expected, atol=1e-7)

    def test_rows_from_their_factors(self):
        model = make().fit(X)
        W, row_bias = model.transform(NEW), model.row_biases(NEW)
        whole = model.inverse_transform(W, row_bias)
        assert_allclose(whole, model.predict(NEW), atol=1e-12)
        expected = model.intercept_ + model.column_bias_ + W @ model.components_
        assert_allclose(model.inverse_transform(W), expected, atol=1e-12)

    def test_a_row_without_entries_gets_what_holds_for_any_row(self):
        model = make().fit(X)
        assert_array_equal(model.transform(NEW)[4], 0)
        assert_allclose(model.predict(NEW)[4], model.intercept_ + model.column_bias_)
        nothing = np.full((2, 15), NAN)
        assert_array_equal(model.transform(nothing), np.zeros((2, 2)))
        assert_array_equal(model.transform(sparse.csr_array((2, 15))), np.zeros((2, 2)))

    def test_a_row_does_not_depend_on_its_batch(self):
        """To the last bit, also of few rows of a wide table."""
        _, wide = synthetic(shape=(40, 300), observed=0.1)
        for model, table in ((make().fit(X), X), (make().fit(wide), wide)):
            for given in (table, stored(table)):
                together = model.transform(given)
                apart = np.vstack([model.transform(given[[i]]) for i in range(len(table))])
                assert_array_equal(apart, together)

    def test_predictions_are_close_to_what_was_hidden(self):
        model = make().fit(X)
        hidden = np.isnan(X)
        assert rmse(model.predict(X), WHOLE, hidden) < 0.25 * WHOLE[hidden].std()
        of_columns = np.broadcast_to(np.nanmean(X, axis=0), X.shape)
        assert rmse(of_columns, WHOLE, hidden) > 0.6 * WHOLE[hidden].std()


class TestComponents:
    @pytest.mark.parametrize("bias", [False, True])
    def test_are_orthogonal_descending_and_signed(self, bias):
        V = make(4, bias=bias).fit(X).components_
        gram = V @ V.T
        lengths = np.diag(gram)
        assert_allclose(gram, np.diag(lengths), atol=1e-8 * lengths[0])
        assert (np.diff(lengths) <= 0).all()
        assert (V.max(axis=1) == np.abs(V).max(axis=1)).all()

    def test_nonnegative(self):
        model = make(4, nonnegative=True, bias=False).fit(np.abs(X))
        V = model.components_
        assert (V >= 0).all()
        assert (model.row_factors_ >= 0).all()
        assert (model.transform(np.abs(NEW)) >= 0).all()
        lengths = (V**2).sum(axis=1)
        assert (np.diff(lengths) <= 0).all()
        assert lengths[0] > 0

    def test_nonnegative_factors_of_negative_values_are_zero(self):
        model = make(nonnegative=True, bias=False).fit(-np.abs(X) - 0.1)
        assert_array_equal(model.predict(-np.abs(X)), np.zeros(X.shape))

    def test_auto(self):
        assert MaskedMF(random_state=0).fit(X).n_components_ == 10
        assert MaskedMF(random_state=0).fit(X[:4]).n_components_ == 4
        assert MaskedMF(random_state=0).fit(X[:, :1]).n_components_ == 1

    def test_factors_that_are_not_needed_stay_small(self):
        lengths = np.linalg.norm(MaskedMF(random_state=0).fit(X).components_, axis=1)
        assert lengths[2] < 0.5 * lengths[1]

    def test_names(self):
        assert list(make().fit(X).get_feature_names_out()) == ["maskedmf0", "maskedmf1"]

    def test_similar_columns(self):
        pandas = pytest.importorskip("pandas")
        model = make(3).fit(pandas.DataFrame(X, columns=[f"c{j}" for j in range(15)]))
        V = model.components_.T
        unit = V / np.linalg.norm(V, axis=1, keepdims=True)
        cosines = unit @ unit[6]
        others = np.delete(np.arange(15), 6)
        expected = others[np.argsort(-cosines[others], kind="stable")]
        for n_items in (1, 5, 14, 100):
            columns, similarities = model.similar_columns(6, n_items)
            assert_array_equal(columns, expected[:n_items])
            assert_allclose(similarities, cosines[columns], atol=1e-12)
        by_name, _ = model.similar_columns("c6", 5)
        assert_array_equal(by_name, expected[:5])

    def test_similar_columns_where_there_are_no_others(self):
        columns, similarities = make(1).fit(X[:, :1]).similar_columns(0)
        assert columns.shape == similarities.shape == (0,)
        table = X.copy()
        table[:, 2] = NAN
        columns, similarities = make().fit(table).similar_columns(2, 20)
        assert sorted(columns) == [j for j in range(15) if j != 2]
        assert_array_equal(similarities, 0)
        columns, similarities = make().fit(table).similar_columns(0, 20)
        assert_array_equal(similarities[columns == 2], 0)


class TestScore:
    @pytest.mark.parametrize("table", [X, NEW], ids=["known", "new"])
    @pytest.mark.parametrize("reg", [0.05, 0.3, 5.0])
    @pytest.mark.parametrize("bias", [False, True])
    def test_refitting_without_each_entry_gives_it(self, bias, reg, table):
        model = make(3, reg=reg, bias=bias).fit(X)
        entries = stored(table)
        width = 3 + bias
        residuals = naive_left_out(
            entries.data,
            [],
            entries.indices,
            entries.indptr,
            design_of(model),
            model.intercept_,
            bias,
            np.full(width, reg),
            np.sqrt(np.diff(entries.indptr)),
            False,
        )
        expected = -np.sqrt(np.mean(residuals**2))
        assert_allclose(model.score(table), expected, rtol=1e-7)
        assert_allclose(model.score(entries), expected, rtol=1e-7)
        assert type(model.score(table)) is float

    def test_the_only_entry_of_a_row(self):
        model = make().fit(X)
        error = 2.5 - model.intercept_ - model.column_bias_[3]
        assert_allclose(model.score(NEW[[5]]), -abs(error), rtol=1e-9)

    def test_is_honest_on_new_rows(self):
        """It comes near the error on entries that were really hidden."""
        whole, table = synthetic(shape=(600, 40), rank=3, noise=0.5, observed=0.4)
        model = make(3, reg=0.5).fit(table[:400])
        hidden = np.isnan(table[400:])
        error = rmse(model.predict(table[400:]), whole[400:], hidden)
        assert 0.95 * error < -model.score(table[400:]) < 1.15 * error
        in_sample = rmse(model.predict(table[400:]), whole[400:], ~hidden)
        assert in_sample < 0.9 * error

    def test_nonnegative_is_finite_and_tells_good_from_bad(self):
        model = make(nonnegative=True, bias=False).fit(np.abs(X))
        shuffled = np.random.default_rng(0).permuted(np.abs(X), axis=1)
        assert model.score(shuffled) < model.score(np.abs(X)) < 0

    def test_needs_an_entry(self):
        with pytest.raises(ValueError, match="X has no observed entry, and the score is a mean"):
            make().fit(X).score(NEW[[4]])

    def test_finds_the_synthetic_rank(self):
        _, table = synthetic(shape=(300, 30), rank=3, noise=0.5, observed=0.6)
        ranks = [1, 2, 3, 4, 6]
        search = RankSearchCV(make(reg=0.1), ranks=ranks, cv=3).fit(table)
        assert search.best_rank_ == 3
        grid = GridSearchCV(make(reg=0.1), {"n_components": ranks}, cv=3).fit(stored(table))
        assert grid.best_params_ == {"n_components": 3}
        # Each rank of the search starts from another one, and stops as tol=1e-4 lets it.
        assert_allclose(grid.best_score_, search.best_score_, rtol=1e-3)

    def test_finds_a_finite_penalty(self):
        _, table = synthetic(shape=(200, 30), rank=2, noise=1.0, observed=0.3)
        model = make(6, tol=1e-3, max_iter=1000)
        regs = {"reg": [1e-4, 0.5, 1e4]}
        grid = GridSearchCV(model, regs, cv=KFold(3), error_score="raise").fit(table)
        assert grid.best_params_ == {"reg": 0.5}


class TestRecommend:
    model = make(3).fit(X)
    scores = model.predict(NEW)

    def assert_recommends(self, given, **options):
        columns, scores = self.model.recommend(given, **options)
        allowed = options.get("allowed")
        if allowed is not None:
            allowed = np.asarray(allowed)
            allowed = set(np.flatnonzero(allowed) if allowed.dtype == bool else allowed)
        expected = naive_recommend(
            self.scores,
            ~np.isnan(NEW),
            options.get("n_items", 10),
            allowed,
            options.get("exclude_observed", True),
        )
        assert columns.shape == scores.shape == (len(NEW), max(map(len, expected)))
        for i, best in enumerate(expected):
            n = len(best)
            assert_array_equal(columns[i, :n], best)
            assert_allclose(scores[i, :n], self.scores[i, best], atol=1e-10)
            assert_array_equal(columns[i, n:], -1)
            assert_array_equal(scores[i, n:], -np.inf)

    @pytest.mark.parametrize("exclude_observed", [False, True])
    @pytest.mark.parametrize("n_items", [1, 3, 10, 15, 40])
    @pytest.mark.parametrize(
        "allowed",
        [
            None,
            [3],
            [14, 0, 3, 7],
            np.arange(15),
            np.arange(15) % 2 == 0,
            [True, False, True] * 5,
            np.zeros(15, dtype=bool),
            [],
            np.array([], dtype=np.int64),
            np.array([5, 2], dtype=np.uint16),
        ],
        ids=str,
    )
    def test_the_best_that_are_left(self, allowed, n_items, exclude_observed):
        options = {"n_items": n_items, "allowed": allowed, "exclude_observed": exclude_observed}
        for given in (NEW, stored(NEW)):
            self.assert_recommends(given, **options)

    def test_a_row_with_everything_observed(self):
        full = np.vstack([WHOLE[0], NEW[0]])
        columns, scores = self.model.recommend(full, 5)
        assert_array_equal(columns[0], -1)
        assert_array_equal(scores[0], -np.inf)
        assert (columns[1, :3] >= 0).all()
        columns, scores = self.model.recommend(WHOLE[:3], 5)
        assert columns.shape == scores.shape == (3, 0)
        columns, _ = self.model.recommend(WHOLE[:3], 5, exclude_observed=False)
        assert columns.shape == (3, 5)

    def test_without_biases_and_in_float32(self):
        for parameters in ({"bias": False}, {"nonnegative": True}):
            model = make(**parameters).fit(X.astype(np.float32))
            columns, scores = model.recommend(NEW.astype(np.float32), 4)
            assert scores.dtype == np.float32
            told = model.predict(NEW.astype(np.float32))
            real = columns >= 0
            rows = np.nonzero(real)[0]
            assert_allclose(scores[real], told[rows, columns[real]], atol=1e-4)

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"n_items": 0}, "n_items=0 must be an integer from 1"),
            ({"n_items": -1}, "n_items=-1 must be"),
            ({"n_items": 2.0}, r"n_items=2\.0 must be"),
            ({"allowed": [1, 1]}, "allowed holds a column twice"),
            ({"allowed": [-1]}, "allowed must hold column indices from 0 to 14"),
            ({"allowed": [15]}, "from 0 to 14"),
            ({"allowed": [True, False]}, "a mask of length 2; it must have one entry for each of"),
            ({"allowed": [0.5]}, "integers or booleans, not float64"),
            ({"allowed": [[1]]}, "2 dimensions"),
            ({"allowed": ["a"]}, "no column named .a.: X had no column names"),
        ],
    )
    def test_mistakes(self, options, message):
        with pytest.raises(ValueError, match=message):
            self.model.recommend(NEW, **options)


class TestExplain:
    @kinds
    def test_adds_up_to_the_prediction(self, kind):
        model = make(3, **KINDS[kind]).fit(X)
        for table in (X[:6], NEW):
            told = model.predict(table)
            for i, row in enumerate(table):
                for j in (0, 7, 14):
                    found = model.explain(row, j)
                    assert_allclose(found.prediction, told[i, j], atol=1e-7)
                    assert_allclose(
                        found.baseline + found.contributions.sum(), found.prediction, atol=1e-10
                    )
                    assert_allclose(found.baseline, model.intercept_ + model.column_bias_[j])
                    assert sorted(found.columns) == list(np.flatnonzero(~np.isnan(row)))
                    assert (np.diff(np.abs(found.contributions)) <= 0).all()
                    assert found.column == j

    @kinds
    def test_adds_up_to_the_score_of_a_recommendation(self, kind):
        model = make(3, **KINDS[kind]).fit(X)
        columns, scores = model.recommend(NEW[:1], 3)
        for column, score in zip(columns[0], scores[0], strict=True):
            assert_allclose(model.explain(NEW[0], column).prediction, score, atol=1e-7)

    def test_contributions_are_what_a_change_of_an_entry_does(self):
        model = make(3).fit(X)
        found = model.explain(NEW[0], 2)
        for column, share in zip(found.columns, found.contributions, strict=True):
            other = NEW[0].copy()
            other[column] = model.intercept_ + model.column_bias_[column]  # says nothing
            assert_allclose(found.prediction - model.explain(other, 2).prediction, share, atol=1e-9)

    def test_without_penalty(self):
        """Rows of fewer entries than unknowns have many solutions; one of them is explained."""
        model = make(3, reg=0.0, max_iter=2000, tol=1e-6).fit(X)
        for row in (NEW[0], NEW[4], NEW[5]):
            found = model.explain(row, 2)
            assert np.isfinite(found.contributions).all()
            told = model.predict(row[np.newaxis])[0, 2]
            # Both take the shortest solution, the fold-in to no more digits than are left
            # where next to nothing was added to a singular system.
            assert_allclose(found.prediction, told, atol=0.02)

    def test_every_kind_of_row(self):
        pandas = pytest.importorskip("pandas")
        names = [f"c{j}" for j in range(15)]
        model = make().fit(pandas.DataFrame(X, columns=names))
        frame = pandas.DataFrame(NEW, columns=names)
        expected = model.explain(frame.iloc[[0]], "c2")
        for given in (frame.iloc[0], frame.iloc[:1]):
            assert_array_equal(model.explain(given, 2).contributions, expected.contributions)
        plain = make().fit(X)
        masked = np.ma.masked_invalid(NEW[0])
        rows = [NEW[0], NEW[:1], list(NEW[0]), masked, stored(NEW[:1]), stored(NEW[:1]).tocoo()]
        if hasattr(sparse.coo_array([1.0]), "coords"):  # of one dimension, since SciPy 1.13
            at = np.flatnonzero(~np.isnan(NEW[0]))
            rows.append(sparse.coo_array((NEW[0, at], (at,)), shape=(15,)))
        for given in rows:
            found = plain.explain(given, 2)
            assert_array_equal(found.columns, expected.columns)
            assert_allclose(found.contributions, expected.contributions, atol=1e-12)

    def test_prints_a_list(self):
        pandas = pytest.importorskip("pandas")
        model = make().fit(pandas.DataFrame(X, columns=[f"c{j}" for j in range(15)]))
        row = np.where(np.arange(15) < 2, 1.0, NAN)
        lines = str(model.explain(pandas.DataFrame([row], columns=model.feature_names_in_), 5))
        lines = lines.splitlines()
        assert lines[0].startswith("c5: ")
        assert "baseline" in lines[1]
        assert {line.split()[-1] for line in lines[2:]} == {"c0", "c1"}
        assert str(make().fit(X).explain(row, 5)).startswith("column 5: ")

    def test_mistakes(self):
        model = make().fit(X)
        for column in (-1, 15, 1.0, None, "c1"):
            with pytest.raises(ValueError, match="column"):
                model.explain(NEW[0], column)
            with pytest.raises(ValueError, match="column"):
                model.similar_columns(column)
        with pytest.raises(ValueError, match="x has 2 rows; explain takes one"):
            model.explain(NEW[:2], 1)
        with pytest.raises(ValueError, match="X has 3 features"):
            model.explain(NEW[0, :3], 1)
        with pytest.raises(ValueError, match="n_items=0 must be"):
            model.similar_columns(0, 0)


class TestContainers:
    @kinds
    def test_all_are_fitted_alike(self, kind):
        """A table is its observed entries, to the last bit."""
        expected = make(**KINDS[kind]).fit(X)
        for given in (
            np.asfortranarray(X),
            np.ma.masked_invalid(X),
            stored(X),
            stored(X, sparse.csr_matrix),
            stored(X, sparse.csc_array),
            stored(X, sparse.coo_matrix),
        ):
            model = make(**KINDS[kind]).fit(given)
            assert_same_fit(model, expected)
            assert model.score(given) == expected.score(X)
            assert_array_equal(model.predict(given), expected.predict(X))

    @kinds
    def test_indices_of_64_bits(self, kind):
        """To rounding: they leave less memory for a copy by columns, and products differ."""
        one, other = (make(**KINDS[kind]).fit(stored(X, index_dtype=i)) for i in ("i4", "i8"))
        assert_allclose(other.components_, one.components_, atol=1e-10)
        assert_allclose(other.row_factors_, one.row_factors_, atol=1e-10)
        assert_allclose(other.transform(stored(NEW, index_dtype="i8")), one.transform(NEW))

    @hypothesis.given(
        hidden=hnp.arrays(np.float64, (6, 5), elements=st.floats(allow_nan=True, width=64)),
        mask=hnp.arrays(bool, (6, 5)),
    )
    def test_values_at_missing_positions_never_matter(self, hidden, mask):
        mask[0, 0] = False
        table = WHOLE[:6, :5]
        weights = 0.5 + np.arange(30).reshape(6, 5) / 30
        masked = np.ma.array(np.where(mask, hidden, table), mask=mask)
        model = make(1).fit(masked, entry_weight=np.where(mask, hidden, weights))
        clean = np.where(mask, NAN, table)
        expected = make(1).fit(clean, entry_weight=weights)
        assert_same_fit(model, expected)
        assert_array_equal(model.predict(masked), expected.predict(clean))
        assert model.score(masked) == expected.score(clean)
        assert_array_equal(model.recommend(masked, 3)[0], expected.recommend(clean, 3)[0])

    @pytest.mark.parametrize("value", [0, -1, 99.0])
    def test_a_number_for_holes(self, value):
        table = np.where(np.isnan(X), value, X)
        model, expected = make(missing_values=value).fit(table), make().fit(X)
        assert_same_fit(model, expected)
        assert_array_equal(model.predict(table), expected.predict(X))
        assert model.score(table) == expected.score(X)
        assert_array_equal(model.recommend(table)[0], expected.recommend(X)[0])
        with pytest.raises(ValueError, match="NaN"):
            make(missing_values=value).fit(X)

    def test_stored_zeros_are_observed(self):
        table = np.round(X)
        assert (table == 0).any()
        explicit = make().fit(stored(table))
        assert_same_fit(explicit, make().fit(table))
        implicit = stored(table)
        implicit.eliminate_zeros()
        assert make().fit(implicit).intercept_ != explicit.intercept_

    def test_float32_is_kept(self):
        one, other = make(tol=1e-6).fit(X.astype(np.float32)), make(tol=1e-6).fit(X)
        new = NEW.astype(np.float32)
        for name in ("components_", "column_bias_", "row_factors_", "row_bias_"):
            assert getattr(one, name).dtype == np.float32
            # Parameters are of size 1. In float32 the fit may stop a sweep apart, as BLAS rounds.
            assert_allclose(getattr(one, name), getattr(other, name), atol=2e-2)
        for result in (
            one.transform(new),
            one.row_biases(new),
            one.predict(new),
            one.predict_entries([0], [0]),
            one.inverse_transform(one.transform(new)),
            one.recommend(new)[1],
            one.similar_columns(0)[1],
        ):
            assert result.dtype == np.float32
        assert one.transform(NEW).dtype == np.float64
        assert_allclose(one.score(new), other.score(NEW), rtol=1e-3)

    def test_integers_become_float64(self):
        table = np.where(np.isnan(X), 0, np.round(X) + 20).astype(np.int64)
        assert make(missing_values=0).fit(table).components_.dtype == np.float64

    def test_frames(self):
        pandas = pytest.importorskip("pandas")
        names = [f"c{j}" for j in range(15)]
        frame = pandas.DataFrame(X, columns=names, index=[f"r{i}" for i in range(60)])
        model = make().fit(frame)
        assert_array_equal(model.feature_names_in_, names)
        assert_array_equal(model.components_, make().fit(X).components_)
        model.set_output(transform="pandas")
        for table in (
            model.transform(frame),
            make().set_output(transform="pandas").fit_transform(frame),
        ):
            assert list(table.columns) == ["maskedmf0", "maskedmf1"]
            assert list(table.index) == list(frame.index)
        assert_allclose(model.inverse_transform(table), model.inverse_transform(table.to_numpy()))
        assert isinstance(model.predict(frame), np.ndarray)
        with pytest.raises(ValueError, match="feature names should match"):
            model.predict(frame[names[::-1]])


class TestSymmetries:
    @pytest.mark.parametrize("factor", [-3.0, 10.0, 1e8, 1e-100])
    @pytest.mark.parametrize("bias", [False, True])
    def test_units(self, bias, factor):
        one, other = (make(bias=bias).fit(table) for table in (X, factor * X))
        assert_allclose(other.components_, one.components_, atol=1e-8)
        assert_allclose(other.row_factors_ / factor, one.row_factors_, atol=1e-8)
        assert_allclose(other.predict(factor * NEW) / factor, one.predict(NEW), atol=1e-8)
        assert_allclose(other.score(factor * NEW) / abs(factor), one.score(NEW), rtol=1e-8)
        assert other.n_iter_ == one.n_iter_

    @pytest.mark.skipif(IMPLEMENTATION == "numpy", reason="minutes on the NumPy fallback")
    @pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
    @pytest.mark.parametrize("early_stopping", [False, True])
    @pytest.mark.parametrize("bias", [False, True])
    def test_units_of_gradient_steps(self, bias, early_stopping):
        """Steps are as long in any units, and as close to the minimum."""
        options = {"bias": bias, "early_stopping": early_stopping, "n_jobs": 1}
        one = make(solver="sgd", **options).fit(X)
        for factor in (1e-10, 3.0, 100.0, 1e10):
            other = make(solver="sgd", **options).fit(factor * X)
            assert_allclose(other.predict(factor * NEW) / factor, one.predict(NEW), atol=1e-6)
            assert_allclose(np.array(other.loss_curve_) / factor**2, one.loss_curve_, rtol=1e-6)
            assert_allclose(other.components_, one.components_, atol=1e-6)
        if not early_stopping:
            assert one.loss_curve_[-1] < 1.1 * make(bias=bias).fit(X).loss_curve_[-1]

    def test_shift(self):
        one, other = make().fit(X), make().fit(X + 1000)
        assert_allclose(other.components_, one.components_, atol=1e-6)
        assert_allclose(other.predict(NEW + 1000) - 1000, one.predict(NEW), atol=1e-6)

    @kinds
    def test_order_of_rows(self, kind):
        """Permuting rows permutes factors."""
        order = np.random.default_rng(0).permutation(60)
        parameters = {**KINDS[kind], "tol": 1e-12, "max_iter": 5000}
        one, other = (make(**parameters).fit(table) for table in (X, X[order]))
        assert_allclose(other.loss_curve_[-1], one.loss_curve_[-1], rtol=1e-6)
        assert_allclose(other.components_, one.components_, atol=1e-3)
        assert_allclose(other.row_factors_, one.row_factors_[order], atol=5e-3)

    def test_order_of_columns(self):
        order = np.random.default_rng(0).permutation(15)
        one, other = (make(tol=1e-12, max_iter=5000).fit(table) for table in (X, X[:, order]))
        assert_allclose(np.abs(other.components_), np.abs(one.components_[:, order]), atol=1e-3)
        assert_allclose(other.predict(NEW[:, order]), one.predict(NEW)[:, order], atol=1e-3)

    def test_threads_change_no_bit(self):
        """With enough to do for a second thread to be woken."""
        table = stored(synthetic(shape=(2000, 100), rank=5, observed=0.3)[1])
        one, *others = (
            make(8, max_iter=100, tol=1e-3, n_jobs=n_jobs).fit(table) for n_jobs in (1, 2, 5)
        )
        for other in others:
            assert_same_fit(other, one)
            assert other.score(table) == one.score(table)
            assert_array_equal(other.transform(table), one.transform(table))

    def test_a_seed_fixes_every_bit(self):
        for parameters in ({}, {"early_stopping": True}, {"nonnegative": True}):
            assert_same_fit(make(3, **parameters).fit(X), make(3, **parameters).fit(X))


class TestWeights:
    weights = 0.2 + np.random.default_rng(3).random(X.shape)

    def test_of_one_change_nothing(self):
        weighted = make().fit(X, entry_weight=np.ones(X.shape))
        assert_same_fit(weighted, make().fit(X), rtol=1e-10, atol=1e-10)

    def test_rows_are_those_under_the_weights(self):
        model = make(tol=1e-8)
        W = model.fit_transform(X, entry_weight=self.weights)
        assert_array_equal(W, model.row_factors_)
        for i in (0, 30, 59):
            at = np.flatnonzero(~np.isnan(X[i]))
            w = self.weights[i, at]
            D = np.column_stack([model.components_.T[at], np.ones(len(at))])
            y = X[i, at] - model.intercept_ - model.column_bias_[at]
            x = naive_row(D, y, w, np.full(3, 0.3 * np.sqrt(w.sum())))
            assert_allclose(W[i], x[:2], atol=1e-8)
            assert_allclose(model.row_bias_[i], x[2], atol=1e-8)

    @pytest.mark.parametrize("container", [stored, sparse.csr_array, np.asarray])
    def test_containers(self, container):
        table = np.where(np.isnan(X), NAN, self.weights) if container is stored else self.weights
        model = make().fit(stored(X), entry_weight=container(table))
        assert_same_fit(model, make().fit(X, entry_weight=self.weights))

    def test_heavy_entries_are_fitted_closely(self):
        i, j = np.argwhere(~np.isnan(X))[10]
        heavy = np.ones(X.shape)
        heavy[i, j] = 1e4
        table = X.copy()
        table[i, j] += 5
        light, firm = make().fit(table), make(max_iter=5000).fit(table, entry_weight=heavy)
        assert abs(firm.predict_entries([i], [j]) - table[i, j]) < 0.1
        assert abs(light.predict_entries([i], [j]) - table[i, j]) > 1

    def test_with_early_stopping(self):
        model = make(early_stopping=True).fit(X, entry_weight=self.weights)
        assert np.isfinite(model.validation_rmse_).all()

    def test_columns_are_held_by_the_weights_behind_them(self):
        heavy = make().fit(X, entry_weight=np.full(X.shape, 30.0))
        light = make().fit(X)
        before = heavy.components_.copy(), light.components_.copy()
        for model in (heavy, light):
            model.partial_fit(NEW)
        moved = [
            np.linalg.norm(model.components_ - start)
            for model, start in zip((heavy, light), before, strict=True)
        ]
        assert moved[0] < 0.3 * moved[1]

    def test_must_be_positive(self):
        for wrong in (0.0, -1.0, NAN):
            weights = np.where(np.isnan(X), 1.0, wrong)
            estimator = make()
            with pytest.raises(ValueError, match="entry_weight must be positive and finite"):
                estimator.fit(X, entry_weight=weights)
            assert not learnt(estimator)


class TestPartialFit:
    @kinds
    def test_the_first_call_is_a_fit(self, kind):
        assert_same_fit(make(**KINDS[kind]).partial_fit(X), make(**KINDS[kind]).fit(X))

    @pytest.mark.parametrize("kind", ["plain", "no bias"])
    def test_further_rows_improve_the_columns(self, kind):
        whole, table = synthetic(shape=(700, 30), rank=2, observed=0.4, mean=0)
        rank = 4 if kind == "no bias" else 2  # of the factors and the planted biases
        strict = {"n_components": rank, "tol": 1e-6, "max_iter": 1000, **KINDS[kind]}
        model = make(**strict).fit(table[:40])
        hidden = np.isnan(table[500:])

        def error(fitted):
            return rmse(fitted.predict(table[500:]), whole[500:], hidden)

        errors = [error(model)]
        for start in range(40, 500, 115):
            errors.append(error(model.partial_fit(table[start : start + 115])))
        assert errors[-1] < 0.9 * errors[0]
        assert max(errors) == errors[0]
        # Most of what a fit of all rows gains.
        best = error(make(**strict).fit(table[:500]))
        assert errors[-1] - best < 0.35 * (errors[0] - best)

    @kinds
    def test_columns_without_new_entries_do_not_move(self, kind):
        model = make(**KINDS[kind]).fit(X)
        before = copy.deepcopy(model)
        new = NEW.copy()
        new[:, [2, 11]] = NAN
        model.partial_fit(new)
        assert_array_equal(model.components_[:, [2, 11]], before.components_[:, [2, 11]])
        assert_array_equal(model.column_bias_[[2, 11]], before.column_bias_[[2, 11]])
        moved = np.delete(model.components_ - before.components_, [2, 11], axis=1)
        stuck = np.abs(moved).max(axis=0) == 0
        assert stuck.sum() <= (2 if model.nonnegative else 0)  # those at zero may have to stay
        assert model.intercept_ == before.intercept_
        assert model.n_components_ == before.n_components_
        assert model.n_samples_seen_ == 69
        assert_array_equal(model.row_factors_[:60], before.row_factors_)
        assert_allclose(model.row_factors_[60:], model.transform(new), atol=1e-8)
        assert_allclose(model.row_bias_[60:], model.row_biases(new), atol=1e-8)
        assert_allclose(model.predict_entries([60], [1]), model.predict(new)[0, 1], atol=1e-8)
        if "nonnegative" in kind:
            assert (model.components_ >= 0).all()

    def test_a_column_never_seen_is_learnt(self):
        whole, table = synthetic(shape=(400, 12), rank=2, observed=0.7)
        first = table[:200].copy()
        first[:, 5] = NAN
        model = make().fit(first)
        assert_array_equal(model.components_[:, 5], 0)
        hidden = np.isnan(table[300:]) & (np.arange(12) == 5)
        before = rmse(model.predict(table[300:]), whole[300:], hidden)
        model.partial_fit(table[200:300])
        assert rmse(model.predict(table[300:]), whole[300:], hidden) < 0.5 * before

    def test_rows_without_entries(self):
        model = make().fit(X)
        before = model.components_.copy()
        for given in (np.full((3, 15), NAN), sparse.csr_array((2, 15))):
            model.partial_fit(given)
        assert_array_equal(model.components_, before)
        assert model.n_samples_seen_ == len(model.row_factors_) == len(model.row_bias_) == 65
        assert_array_equal(model.row_factors_[60:], 0)

    def test_without_penalty(self):
        model = make(reg=0.0, max_iter=2000, tol=1e-6).fit(X)
        model.partial_fit(NEW)
        assert np.isfinite(model.components_).all()
        assert np.isfinite(model.row_factors_).all()

    def test_of_another_precision(self):
        model = make().fit(X.astype(np.float32)).partial_fit(NEW)
        assert model.components_.dtype == model.row_factors_.dtype == np.float32
        assert model.column_bias_.dtype == model.row_bias_.dtype == np.float32
        model = make().fit(X).partial_fit(NEW.astype(np.float32))
        assert model.components_.dtype == model.row_factors_.dtype == np.float64

    def test_units(self):
        one, other = (make().fit(f * X).partial_fit(f * NEW) for f in (1.0, 1e6))
        assert_allclose(other.components_, one.components_, atol=1e-8)
        assert_allclose(other.column_bias_ / 1e6, one.column_bias_, atol=1e-8)

    def test_what_is_refused_leaves_the_model_as_it_was(self):
        model = make().fit(X)
        before = pickle.dumps(model)
        for wrong in (NEW[:, :3], np.full((2, 15), np.inf), np.full((2, 15), 1e200), "text"):
            with pytest.raises(ValueError):  # noqa: PT011 (the messages differ)
                model.partial_fit(wrong)
            assert pickle.dumps(model) == before

    def test_a_fit_afterwards_forgets(self):
        assert_same_fit(make().fit(NEW).partial_fit(X[:3]).fit(X), make().fit(X))


class TestWarmStart:
    whole, table = synthetic(shape=(200, 60), rank=5, observed=0.3, noise=0.5)
    strict = {"reg": 0.5, "tol": 1e-6, "max_iter": 2000}

    def test_continues(self):
        model = make(5, warm_start=True, **self.strict).fit(self.table)
        cold, objective = model.n_iter_, model.loss_curve_[-1]
        model.fit(self.table)
        assert model.n_iter_ <= 3 < cold
        assert_allclose(model.loss_curve_[-1], objective, rtol=1e-4)
        more = self.table.copy()
        more[0, :9] = self.whole[0, :9]
        model.fit(more)
        assert 2 * model.n_iter_ < make(5, **self.strict).fit(more).n_iter_

    def test_after_max_iter(self):
        model = make(5, warm_start=True, **{**self.strict, "max_iter": 2})
        curve = []
        for _ in range(3):
            with pytest.warns(ConvergenceWarning, match="2 sweeps did not bring the change"):
                model.fit(self.table)
            curve += model.loss_curve_
        assert (np.diff(curve) < 0).all()

    @pytest.mark.parametrize("bias", [False, True])
    def test_another_rank(self, bias):
        fixed = {**self.strict, "bias": bias}
        model = make(3, warm_start=True, **fixed).fit(self.table)
        for rank in (5, 2, 4):
            cold = make(rank, **fixed).fit(self.table)
            model.set_params(n_components=rank).fit(self.table)
            assert model.components_.shape == (rank, 60)
            assert model.n_iter_ < cold.n_iter_
            assert_allclose(model.loss_curve_[-1], cold.loss_curve_[-1], rtol=1e-3)

    def test_biases_come_and_go(self):
        model = make(3, warm_start=True, **self.strict).fit(self.table)
        for bias in (False, True):
            cold = make(3, bias=bias, **self.strict).fit(self.table)
            model.set_params(bias=bias).fit(self.table)
            assert_allclose(model.loss_curve_[-1], cold.loss_curve_[-1], rtol=1e-3)
            assert (model.intercept_ != 0) == bias
            assert model.column_bias_.any() == bias

    def test_nonnegative_after_any_sign(self):
        model = make(3, warm_start=True).fit(X)
        model.set_params(nonnegative=True, n_components=4).fit(X)
        assert (model.components_ >= 0).all()
        assert np.isfinite(model.loss_curve_).all()

    def test_other_columns_or_precision(self):
        model = make(3, warm_start=True, **self.strict).fit(self.table)
        model.fit(X)
        assert_same_fit(model, make(3, warm_start=True, **self.strict).fit(X))
        model.fit(X.astype(np.float32))
        assert model.components_.dtype == np.float32

    def test_without_it_a_fit_forgets(self):
        used = make(3).fit(self.table).fit(X).fit(self.table)
        assert_same_fit(used, make(3).fit(self.table))


class TestEarlyStopping:
    whole, table = synthetic(shape=(150, 50), rank=2, observed=0.3, noise=1.0)
    loose = {"reg": 1e-3, "tol": 0.0, "max_iter": 200}

    def test_keeps_the_best_and_stops_three_later(self):
        model = make(8, early_stopping=True, **self.loose).fit(self.table)
        errors = model.validation_rmse_
        assert len(errors) == len(model.loss_curve_) == model.n_iter_
        assert model.n_iter_ == np.argmin(errors) + 1 + 3 < 200

    def test_predicts_better_than_going_on(self):
        hidden = np.isnan(self.table)
        stopped = make(8, early_stopping=True, **self.loose).fit(self.table)
        with pytest.warns(ConvergenceWarning):
            on = make(8, **self.loose).fit(self.table)
        one, other = (rmse(m.predict(self.table), self.whole, hidden) for m in (stopped, on))
        assert one < 0.8 * other
        assert not hasattr(on, "validation_rmse_")

    def test_columns_are_those_of_the_best_sweep(self):
        """As a fit that is ended there has them."""
        model = make(8, early_stopping=True, **self.loose).fit(self.table)
        best = int(np.argmin(model.validation_rmse_)) + 1
        ended = make(8, early_stopping=True, **{**self.loose, "max_iter": best})
        with pytest.warns(ConvergenceWarning):
            ended.fit(self.table)
        assert_array_equal(ended.components_, model.components_)
        assert_array_equal(ended.row_factors_, model.row_factors_)

    def test_needs_two_entries(self):
        one = np.full((3, 4), NAN)
        one[1, 2] = 5
        with pytest.raises(ValueError, match=r"early_stopping=True holds out some.*only 1"):
            make(1, early_stopping=True).fit(one)
        one[0, 1] = 4
        assert np.isfinite(make(1, early_stopping=True).fit(one).predict(one)).all()


class TestProgress:
    def test_verbose_prints_a_line_for_each_sweep(self, capsys):
        model = make(verbose=1).fit(X)
        lines = capsys.readouterr().out.splitlines()
        assert len(lines) == model.n_iter_ >= 2
        for sweep, (line, objective) in enumerate(zip(lines, model.loss_curve_, strict=True), 1):
            assert line == f"[MaskedMF] step {sweep}, objective {objective:.6g}"
        make().fit(X)
        assert capsys.readouterr() == ("", "")

    def test_convergence_warning(self):
        with pytest.warns(ConvergenceWarning, match="3 sweeps did not bring .* tol=0"):
            model = make(max_iter=3, tol=0.0).fit(X)
        assert model.n_iter_ == 3
        with pytest.warns(ConvergenceWarning) as caught:
            make(max_iter=1).fit(X)
        assert caught[0].filename == __file__

    def test_loss_curve(self):
        model = make(tol=1e-9, max_iter=2000).fit(X)
        curve = np.array(model.loss_curve_)
        assert (np.diff(curve) <= 0).all()
        assert curve[-2] - curve[-1] <= 1e-9 * curve[-2]
        assert curve[-3] - curve[-2] > 1e-9 * curve[-3]

    def test_callbacks(self):
        pytest.importorskip("sklearn.callback")
        for stop_after in (None, 2):
            recorder = Recorder(stop_after)
            model = make(tol=1e-8, max_iter=1000).set_callbacks(recorder).fit(X)
            begun = [name for event, name in recorder.events if event == "begin"]
            ended = [name for event, name in recorder.events if event == "end"]
            assert sorted(begun) == sorted(ended)
            assert begun.count("step") == model.n_iter_
            assert recorder.events[0][0] == "setup"
            assert recorder.events[-1][0] == "teardown"
            assert (model.n_iter_ == 2) == (stop_after == 2)

    def test_a_callback_may_stop_beside_early_stopping(self):
        pytest.importorskip("sklearn.callback")
        model = make(early_stopping=True, tol=0.0).set_callbacks(Recorder(2)).fit(X)
        assert len(model.validation_rmse_) == model.n_iter_ == 2


class Recorder:
    """Writes down every event of a fit, and may ask to stop after some steps."""

    def __init__(self, stop_after=None):
        self.events, self.stop_after = [], stop_after

    def setup(self, estimator, context):
        self.events.append(("setup", context.task_name))

    def teardown(self, estimator, context):
        self.events.append(("teardown", context.task_name))

    def on_fit_task_begin(self, estimator, context, *, X=None, **kwargs):
        self.events.append(("begin", context.task_name))

    def on_fit_task_end(self, estimator, context, **kwargs):
        self.events.append(("end", context.task_name))
        return self.events.count(("end", "step")) == self.stop_after


class TestAmongOthers:
    def test_in_a_pipeline(self):
        y = np.nan_to_num(X[:, 0]) + X.shape[1]
        model = make_pipeline(make(), Ridge()).fit(X, y)
        assert model.predict(NEW).shape == (9,)
        grid = GridSearchCV(model, {"maskedmf__n_components": [1, 3]}, cv=3).fit(X, y)
        assert grid.best_params_["maskedmf__n_components"] in (1, 3)

    def test_cross_validation_in_processes(self):
        serial = cross_val_score(make(), stored(X), cv=3)
        assert_allclose(cross_val_score(make(), stored(X), cv=3, n_jobs=2), serial)
        assert (serial < 0).all()

    def test_copies(self):
        model = make().fit(X)
        for again in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
            assert_same_fit(again, model)
            assert_array_equal(again.predict(NEW), model.predict(NEW))
            assert_same_fit(again.partial_fit(NEW), copy.deepcopy(model).partial_fit(NEW))
        assert not learnt(clone(model))

    def test_is_small_when_pickled(self):
        """The data is not kept."""
        size = len(pickle.dumps(make().fit(synthetic(shape=(2000, 30))[1])))
        assert size < 3 * 2000 * 8 + 10_000

    def test_tags(self):
        tags = get_tags(MaskedMF())
        assert tags.input_tags.sparse
        assert tags.input_tags.allow_nan
        assert not get_tags(MaskedMF(missing_values=0)).input_tags.allow_nan
        assert tags.transformer_tags.preserves_dtype == ["float64", "float32"]


ONE = np.full((4, 3), NAN)
ONE[1, 2] = 5.0


class TestPoorData:
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    @pytest.mark.parametrize("reg", [0.0, 1.0])
    @kinds
    @pytest.mark.parametrize(
        "table",
        [
            ONE,
            np.full((4, 3), 3.3),
            np.full((4, 3), -0.1),
            np.zeros((4, 3)),
            np.where(np.eye(4) > 0, 2.0, NAN),
            np.array([[1.0, NAN], [NAN, NAN], [NAN, NAN]]),
            np.array([[1.0, 2.0, NAN]]),
            np.array([[1.0], [NAN], [3.0]]),
            np.array([[1.0]]),
            np.array([[1e-300, 2e-300], [3e-300, NAN]]),
            np.tile([1.0, 2.0, 3.0], (5, 1)),
            np.tile([[1.0], [2.0], [3.0]], (1, 4)),
        ],
        ids=[
            "one entry",
            "constant",
            "constant and inexact",
            "zeros",
            "a diagonal",
            "rows and a column without entries",
            "one row",
            "one column",
            "one cell",
            "tiny",
            "constant columns",
            "constant rows",
        ],
    )
    def test_gives_finite_results(self, table, kind, reg, dtype):
        table = table.astype(dtype)
        for k in {1, min(table.shape)}:
            model = make(k, reg=reg, tol=1e-3, **KINDS[kind]).fit(table)
            for name in ("components_", "column_bias_", "row_factors_", "row_bias_"):
                assert np.isfinite(getattr(model, name)).all(), name
            told = model.predict(table)
            assert np.isfinite(told).all()
            assert np.isfinite(model.loss_curve_).all()
            assert np.isfinite(model.score(table))
            assert np.isfinite(model.explain(table[0], 0).contributions).all()
            assert model.recommend(table, 2)[0].shape[1] <= 2
            assert np.isfinite(model.partial_fit(table).components_).all()
            if model.bias:
                assert np.abs(told).max() <= 3 * np.nanmax(np.abs(table)) + 1e-6

    def test_rows_and_columns_without_entries(self):
        table = X.copy()
        table[7], table[:, 3] = NAN, NAN
        model = make().fit(table)
        assert_array_equal(model.components_[:, 3], 0)
        assert model.column_bias_[3] == 0
        assert_array_equal(model.row_factors_[7], 0)
        assert model.row_bias_[7] == 0
        told = model.predict(table)
        assert_allclose(told[7], model.intercept_ + model.column_bias_)
        assert_allclose(told[:, 3], model.intercept_ + model.row_bias_)
        # They take no part: the others are fitted as if they were not there.
        without = np.delete(np.delete(table, 7, axis=0), 3, axis=1)
        fewer = make(tol=1e-12, max_iter=5000).fit(without)
        model = make(tol=1e-12, max_iter=5000).fit(table)
        assert_allclose(model.loss_curve_[-1], fewer.loss_curve_[-1], rtol=1e-6)

    def test_equal_ratings_are_predicted_everywhere(self):
        for value in (3.3, -0.1, 0.0, 7.0):
            table = np.where(np.isnan(X), NAN, value)
            model = make().fit(table)
            assert_allclose(model.predict(table), value, atol=1e-12)
            assert_allclose(model.score(table), 0, atol=1e-12)

    def test_one_entry(self):
        model = make(1).fit(ONE)
        assert_allclose(model.predict(ONE), 5.0)
        assert model.n_iter_ < 100

    def test_without_penalty_equations_are_mended_and_said_so(self):
        model = make(6, reg=0.0, tol=1e-3, max_iter=500).fit(X[:, :8])
        assert model.added_diagonal_ > 0
        assert make(6).fit(X[:, :8]).added_diagonal_ == 0

    def test_long_columns(self):
        """A column of more entries than one thread takes at a time."""
        rng = np.random.default_rng(0)
        table = rng.standard_normal((9000, 3)) + np.array([0, 5, -5])
        table[rng.random(table.shape) < 0.05] = NAN
        model = make(1).fit(table)
        assert_allclose(model.intercept_ + model.column_bias_, [0, 5, -5], atol=0.1)


class TestMistakes:
    @pytest.mark.parametrize("container", [np.asarray, sparse.csr_array, sparse.coo_matrix])
    @pytest.mark.parametrize("value", [np.inf, -np.inf])
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_infinity(self, container, value, dtype):
        table = WHOLE.astype(dtype)
        table[2, 3] = value
        given = container(table)
        model = make().fit(X)
        for method in (
            make().fit,
            make().fit_transform,
            make().partial_fit,
            model.partial_fit,
            model.transform,
            model.predict,
            model.row_biases,
            model.score,
            model.recommend,
        ):
            with pytest.raises(ValueError, match="infinity"):
                method(given)

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            (np.full((3, 2), NAN), r"X has no observed entry: MaskedMF needs one at least; check"),
            (sparse.csr_array((3, 2)), "X has no observed entry"),
            (np.ones(5), "Expected 2D array, got 1D array"),
            (np.ones((2, 2, 2)), "Found array with dim 3"),
            (np.empty((0, 3)), r"0 sample\(s\)"),
            (np.empty((3, 0)), r"0 feature\(s\)"),
            (sparse.csr_array((0, 3)), r"0 sample\(s\)"),
            (X + 1j, r"[Cc]omplex"),
            (np.array([["a", "b"]]), r"could not convert|Unable to convert|dtype"),
            (sparse.coo_array(([1.0, 2], ([0, 0], [1, 1])), shape=(3, 3)), "for 1 .*pairs"),
            (X[:1], r"n_components=2 must be between 1 and min\(n_samples=1, n_features=15\)=1"),
            (X[:, :1], "n_components=2 must be between 1 and"),
        ],
    )
    def test_data(self, given, message):
        for method in ("fit", "fit_transform", "partial_fit"):
            estimator = make()
            with pytest.raises(ValueError, match=message):
                getattr(estimator, method)(given)
            assert not learnt(estimator)
        fitted = make().fit(X)
        with pytest.raises(ValueError, match=message):
            fitted.fit(given)
        assert not learnt(fitted)

    def test_nothing_observed_because_of_missing_values(self):
        with pytest.raises(ValueError, match="check missing_values=3"):
            make(missing_values=3).fit(np.full((4, 4), 3.0))

    @pytest.mark.parametrize(
        ("parameter", "value"),
        [
            ("n_components", 0),
            ("n_components", 2.0),
            ("n_components", "gap"),
            ("n_components", None),
            ("reg", -1),
            ("reg", "1"),
            ("bias", "yes"),
            ("nonnegative", None),
            ("solver", "sparse"),
            ("max_iter", 0),
            ("tol", -1e-3),
            ("missing_values", "0"),
            ("missing_values", None),
            ("early_stopping", 0.1),
            ("warm_start", "no"),
            ("random_state", "seed"),
            ("n_jobs", 1.5),
            ("verbose", -1),
        ],
    )
    def test_parameters(self, parameter, value):
        for method in ("fit", "fit_transform", "partial_fit"):
            estimator = MaskedMF(**{parameter: value})
            with pytest.raises(ValueError, match=f"'{parameter}' parameter of MaskedMF"):
                getattr(estimator, method)(X)
            assert not learnt(estimator)

    def test_no_threads(self):
        with pytest.raises(ValueError, match="n_jobs=0 has no meaning"):
            make(n_jobs=0).fit(X)

    @pytest.mark.parametrize("container", [np.asarray, stored])
    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize(
        ("dtype", "scale"),
        [(np.float64, 1e160), (np.float64, 1e300), (np.float32, 1e37)],
    )
    def test_squares_that_overflow(self, dtype, scale, kind, container, capfd):
        huge = container((scale * X / np.nanmax(np.abs(X))).astype(dtype))
        for method in ("fit", "fit_transform", "partial_fit"):
            for reg in (0.0, 1.0):
                estimator = make(reg=reg, **KINDS[kind])
                with pytest.raises(ValueError, match=r"reach 1e\+\d+ .*too large.*divide"):
                    getattr(estimator, method)(huge)
                assert not learnt(estimator)
        assert capfd.readouterr() == ("", "")

    @kinds
    @pytest.mark.parametrize(("dtype", "scale"), [(np.float64, 1e300), (np.float32, 1e35)])
    def test_huge_new_rows(self, dtype, scale, kind):
        """Refused or answered, as the sums of squares are wide enough or not; never NaN."""
        model = make(**KINDS[kind]).fit(X.astype(dtype))
        huge = (scale * X / np.nanmax(np.abs(X))).astype(dtype)
        for method in (model.transform, model.predict, model.row_biases, model.score):
            try:
                answer = method(huge)
            except ValueError as error:
                answer = 0.0 if "too large for their squares" in str(error) else NAN
            assert not np.isnan(answer).any()

    def test_large_values_that_do_not_overflow(self):
        for dtype, scale in ((np.float64, 1e140), (np.float32, 1e33)):
            model = make().fit((scale * X).astype(dtype))
            assert_allclose(
                model.predict(scale * NEW) / scale, make().fit(X).predict(NEW), rtol=0.1, atol=0.05
            )

    def test_other_columns(self):
        model = make().fit(X)
        for method in ("transform", "predict", "row_biases", "score", "recommend", "partial_fit"):
            with pytest.raises(ValueError, match=r"X has 5 features, but MaskedMF is expecting 15"):
                getattr(model, method)(NEW[:, :5])

    def test_single_entries(self):
        model = make().fit(X)
        for rows, columns, message in (
            ([0], [15], "columns must hold indices from 0 to 14"),
            ([-1], [0], "rows must hold indices from 0 to 59"),
            ([60], [0], "rows must hold indices from 0 to 59"),
            ([0, 1], [0], "rows has 2 entries and columns 1"),
            ([0.0], [0], "rows must be a one-dimensional array of integers"),
            ([[0]], [0], "rows must be a one-dimensional"),
            ([True], [0], "rows must be a one-dimensional array of integers"),
            (0, 0, "rows must be a one-dimensional"),
        ):
            with pytest.raises(ValueError, match=message):
                model.predict_entries(rows, columns)
        with pytest.raises(ValueError, match="rows must hold indices from 0 to 8"):
            model.predict_entries([9], [0], NEW)

    def test_factors(self):
        model = make().fit(X)
        with pytest.raises(ValueError, match=r"X has 3 columns, but inverse_transform.* 2 factors"):
            model.inverse_transform(np.ones((4, 3)))
        with pytest.raises(ValueError, match=r"row_bias has shape \(3,\); it must have \(4,\)"):
            model.inverse_transform(np.ones((4, 2)), np.ones(3))
        with pytest.raises(ValueError, match="row_bias contains NaN"):
            model.inverse_transform(np.ones((1, 2)), [NAN])
        with pytest.raises(ValueError, match="NaN"):
            model.inverse_transform(np.full((1, 2), NAN))

    def test_before_any_fit(self):
        for call in (
            lambda m: m.transform(X),
            lambda m: m.row_biases(X),
            lambda m: m.predict(X),
            lambda m: m.predict_entries([0], [0]),
            lambda m: m.inverse_transform(X[:, :2]),
            lambda m: m.score(X),
            lambda m: m.recommend(X),
            lambda m: m.similar_columns(0),
            lambda m: m.explain(X[0], 0),
            lambda m: m.get_feature_names_out(),
        ):
            with pytest.raises(NotFittedError):
                call(make())


class TestNothingIsLeftBehind:
    @pytest.fixture(
        params=[ValueError("in the solver"), KeyboardInterrupt(), MemoryError()],
        ids=lambda error: type(error).__name__,
    )
    def error(self, request):
        return request.param

    @pytest.mark.parametrize("method", ["fit", "fit_transform", "partial_fit"])
    @pytest.mark.parametrize("place", ["masked_init", "als", "principal_directions"])
    def test_by_an_interrupted_fit(self, error, place, method, monkeypatch):
        def fail(*args, **kwargs):
            raise error

        used = make(warm_start=True).fit(X)
        if place == "als":
            monkeypatch.setitem(MaskedMF._solvers, "als", fail)
        else:
            monkeypatch.setattr(_masked_mf, place, fail)
        estimator = make()
        with pytest.raises(type(error)):
            getattr(estimator, method)(X)
        assert not learnt(estimator)
        if method != "partial_fit":
            with pytest.raises(type(error)):
                getattr(used, method)(X)
            assert not learnt(used)
        monkeypatch.undo()
        assert_same_fit(estimator.fit(X), make().fit(X))

    def test_by_an_interrupt_between_sweeps(self, monkeypatch):
        def interrupt(self, step, measured):
            if step == 2:
                raise KeyboardInterrupt
            return False

        monkeypatch.setattr(_masked_mf.FitProgress, "__call__", interrupt)
        estimator = make()
        with pytest.raises(KeyboardInterrupt):
            estimator.fit(X)
        assert not learnt(estimator)

    @pytest.mark.parametrize("place", ["update_columns", "SufficientStatistics"])
    def test_an_interrupted_update_leaves_the_model_as_it_was(self, error, place, monkeypatch):
        def fail(*args, **kwargs):
            raise error

        model = make().fit(X)
        before = pickle.dumps(model)
        if place == "update_columns":
            monkeypatch.setattr(_masked_mf, place, fail)
        else:
            monkeypatch.setattr(_masked_mf.SufficientStatistics, "from_entries", fail)
        with pytest.raises(type(error)):
            model.partial_fit(NEW)
        assert pickle.dumps(model) == before


class TestSmallTables:
    """Tables that low-rank factorization is often explained with; 0 for what is not known."""

    FOOD = np.array(
        [
            [5, 4, 0, 2, 0, 0],
            [5, 0, 5, 1, 4, 0],
            [1, 5, 1, 5, 2, 5],
            [0, 4, 0, 5, 0, 5],
            [4, 0, 5, 0, 5, 0],
        ]
    )

    def fitted(self, table, **parameters):
        options = {"reg": 0.1, "missing_values": 0, "random_state": 0, **parameters}
        return MaskedMF(2, **options).fit(table)

    def test_three_by_three(self):
        table = np.array([[5, 0, 4], [4, 2, 0], [0, 1, 2]])
        told = self.fitted(table, reg=0.02, max_iter=1000).predict(table)
        assert np.abs(told - table)[table > 0].max() < 0.3
        assert ((told > -1) & (told < 7)).all()

    def test_zeros_taken_for_ratings_hide_what_alice_likes(self):
        U, s, Vt = np.linalg.svd(self.FOOD)
        assert_allclose(s, [13.61, 10.69, 4.90, 1.25, 0.16], atol=0.005)
        filled = (U[:, :2] * s[:2]) @ Vt[:2]
        assert_allclose(filled[0, 2], 1.65, atol=0.005)
        model = self.fitted(self.FOOD)
        told = model.predict(self.FOOD)
        # She likes pizza as Bob and Eve do, who like steak and taco.
        assert told[0, 2] > 4.2
        assert told[0, 4] > 3.5
        columns, _ = model.recommend(self.FOOD[:1], 3)
        assert columns[0, 0] == 2

    def test_components_are_genres(self):
        table = np.array(
            [
                [5, 3, 0, 1, 0, 0],
                [4, 0, 0, 1, 0, 0],
                [1, 1, 0, 5, 4, 5],
                [0, 0, 0, 4, 5, 4],
                [0, 1, 5, 4, 0, 0],
            ]
        )
        assert (table == 0).sum() == 14
        parts = self.fitted(table, nonnegative=True, bias=False).components_
        # The last four films load on one part, the first two on the other.
        assert_array_equal(parts.argmax(axis=0), [1, 1, 0, 0, 0, 0])
        model = self.fitted(table, bias=False)
        assert set(model.similar_columns(3, 3)[0]) == {2, 4, 5}
        assert model.similar_columns(0, 1)[0] == 1

    def test_films_for_eve(self):
        table = np.array(
            [
                [5, 4, 1, 0, 5, 3],
                [4, 5, 0, 1, 4, 2],
                [1, 0, 5, 5, 2, 4],
                [0, 1, 4, 5, 1, 5],
                [5, 5, 1, 1, 0, 0],
            ]
        )
        model = self.fitted(table)
        columns, scores = model.recommend(table[4:], 10)
        assert_array_equal(columns, [[4, 5]])  # science fiction, as the others who like action
        assert scores[0, 0] > 4 > scores[0, 1]
        W = model.transform(table)
        W = W / np.linalg.norm(W, axis=1, keepdims=True)
        assert set(np.argsort(-(W @ W[0]))[1:3]) == {1, 4}  # Bob and Eve are like Alice


DATA = Path(os.environ.get("LRFACT_DATA", "")) / "movielens-100k" / "ratings.npz"


@pytest.mark.skipif(not DATA.is_file(), reason="LRFACT_DATA has no movielens-100k")
@pytest.mark.skipif(IMPLEMENTATION == "numpy", reason="minutes on the NumPy fallback")
def test_gradient_steps_on_movielens_in_any_units():
    with np.load(DATA) as file:
        rows, columns, ratings = file["user"] - 1, file["item"] - 1, file["rating"]
        test = file["fold"] == 1
    errors = []
    for factor in (1.0, 100.0):
        values = np.float32(factor) * ratings[~test]
        train = sparse.csr_array((values, (rows[~test], columns[~test])), shape=(943, 1682))
        model = MaskedMF(solver="sgd", random_state=0).fit(train)
        told = model.predict_entries(rows[test], columns[test]) / factor
        errors.append(np.sqrt(np.mean((told - ratings[test]) ** 2)))
    assert errors[1] == pytest.approx(errors[0], rel=1e-4)
    assert max(errors) < 0.9201
