"""SoftImpute: holes filled, new rows, the penalty chosen, input that is out of the ordinary."""

import os
import warnings
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from lrfact import SoftImpute
from lrfact.solvers.completion.entry_scaling import (
    entry_scaling,
    row_offset_penalty,
    shrunken_spreads,
)
from reference.naive_soft_impute import naive_soft_impute


def holes(truth, share=0.5, seed=0):
    lost = np.random.default_rng(seed).random(truth.shape) < share
    return np.where(lost, np.nan, truth), lost


def synthetic(shape=(60, 20), rank=3, noise=0.1, seed=0):
    """Low rank plus levels of rows and columns plus noise."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(shape[0], rank)) @ rng.normal(size=(rank, shape[1]))
    return (
        X
        + 5
        + rng.normal(size=(shape[0], 1))
        + rng.normal(size=shape[1])
        + noise * (rng.normal(size=shape))
    )


def as_sparse(X):
    """What is not NaN, stored."""
    rows, columns = np.nonzero(~np.isnan(X))
    return sparse.csr_array((X[rows, columns], (rows, columns)), shape=X.shape)


def rmse(filled, truth, where):
    return np.sqrt(np.mean((filled - truth)[where] ** 2))


TRUTH = synthetic()
X, LOST = holes(TRUTH, 0.4)


@pytest.mark.parametrize("center", ["both", "columns", None])
@pytest.mark.parametrize("scale", ["both", "columns", None])
class TestUnits:
    def test_fits_what_the_formula_says(self, center, scale):
        """From the fitted means, scales and penalties, the filled iteration finds the same."""
        imputer = SoftImpute(reg=2.0, center=center, scale=scale, tol=1e-8, max_iter=1000).fit(X)
        Y = (X - imputer.mean_) / imputer.scale_
        tau = np.ones(len(X))
        if scale == "both":
            squares = np.nansum((Y - np.nanmean(Y, axis=1, keepdims=True)) ** 2, axis=1)
            counts = np.sum(~np.isnan(Y), axis=1)
            tau = np.sqrt((squares + 5 * imputer.row_spread_**2) / (counts + 5))
        Z, offsets = naive_soft_impute(Y / tau[:, None], 2.0, imputer.offset_reg_)
        s = np.linalg.svd(Z, compute_uv=False)
        assert_allclose(imputer.singular_values_, s[: imputer.n_components_], atol=2e-3 * s[0])
        expected = imputer.mean_ + imputer.scale_ * tau[:, None] * (Z + offsets[:, None])
        filled = imputer.transform(X)
        assert_allclose(filled[LOST], expected[LOST], atol=0.01)
        assert_array_equal(filled[~LOST], X[~LOST])
        assert np.isinf(imputer.offset_reg_) == (center != "both")

    def test_fills_better_than_means(self, center, scale):
        filled = SoftImpute(center=center, scale=scale, random_state=0).fit_transform(X)
        means = np.broadcast_to(np.nanmean(X, axis=0), X.shape)
        assert rmse(filled, TRUTH, LOST) < 0.75 * rmse(means, TRUTH, LOST)

    def test_score_leaves_entries_out(self, center, scale):
        """Against a fold-in of each row without one entry, row scales and all else held."""
        imputer = SoftImpute(reg=2.0, center=center, scale=scale, tol=1e-6).fit(X)
        B = np.sqrt(imputer.singular_values_) * imputer.components_.T
        penalty = np.full(B.shape[1], imputer.reg_)
        if center == "both":
            B = np.column_stack([B, np.ones(len(B))])
            penalty = np.append(penalty, imputer.offset_reg_)
        errors = []
        for row in X[:15]:
            seen = np.flatnonzero(~np.isnan(row))
            y = (row - imputer.mean_) / imputer.scale_
            tau = 1.0
            if scale == "both":
                squares = np.sum((y[seen] - y[seen].mean()) ** 2)
                tau = np.sqrt((squares + 5 * imputer.row_spread_**2) / (len(seen) + 5))
            for j in seen:
                others = seen[seen != j]
                D = B[others]
                w = np.linalg.solve(D.T @ D + np.diag(penalty), D.T @ (y[others] / tau))
                errors.append(row[j] - imputer.mean_[j] - imputer.scale_[j] * tau * (B[j] @ w))
        assert imputer.score(X[:15]) == pytest.approx(-np.sqrt(np.mean(np.square(errors))))


class TestPenalty:
    def test_chosen_on_held_out_entries(self):
        imputer = SoftImpute(random_state=0).fit(X)
        assert imputer.reg_ == imputer.reg_path_[np.argmin(imputer.validation_rmse_)]
        assert len(imputer.reg_path_) == len(imputer.validation_rmse_)
        # Close to the best that hindsight finds.
        found = rmse(imputer.transform(X), TRUTH, LOST)
        best = min(
            rmse(SoftImpute(reg=reg, random_state=0).fit_transform(X), TRUTH, LOST)
            for reg in np.geomspace(0.1, 30, 10)
        )
        assert found < 1.1 * best
        again = SoftImpute(reg=imputer.reg_, random_state=0).fit(X)
        assert_allclose(again.transform(X), imputer.transform(X), atol=0.05)
        assert not hasattr(again, "reg_path_")

    def test_grid_search_finds_a_penalty_too(self):
        truth = synthetic(noise=1.0)
        given, lost = holes(truth, 0.4)
        search = GridSearchCV(SoftImpute(random_state=0), {"reg": [0.5, 1, 2, 4, 8, 100]}, cv=3)
        search.fit(given)
        assert search.best_params_["reg"] in (1, 2, 4, 8)
        by_path = SoftImpute(random_state=0).fit_transform(given)
        ours = rmse(search.transform(given), truth, lost)
        assert ours == pytest.approx(rmse(by_path, truth, lost), rel=0.05)

    def test_rank_falls_as_the_penalty_rises(self):
        ranks = [SoftImpute(reg=reg).fit(X).n_components_ for reg in (0.5, 5.0, 20.0, 1000.0)]
        assert ranks == sorted(ranks, reverse=True)
        assert ranks[0] > 3
        assert ranks[-1] == 0

    def test_max_rank(self):
        imputer = SoftImpute(reg=0.5, max_rank=2).fit(X)
        assert imputer.components_.shape == (2, 20)
        assert np.isnan(imputer.duality_gap_)
        assert SoftImpute(reg=0.5, max_rank=500).fit(X).n_components_ > 2

    def test_gap_and_iterations(self):
        imputer = SoftImpute(reg=2.0, tol=1e-5).fit(X)
        assert 0 <= imputer.duality_gap_ <= 1e-5
        assert 1 < imputer.n_iter_ < 100
        with pytest.warns(ConvergenceWarning, match="2 iterations did not prove"):
            SoftImpute(reg=2.0, tol=1e-5, max_iter=2).fit(X)


class TestRows:
    imputer = SoftImpute(reg=2.0, random_state=0).fit(X)

    def test_new_rows_are_completed(self):
        other = synthetic(seed=0)[:1] + np.zeros((4, 20))
        given, _ = holes(other, 0.5, seed=3)
        filled = self.imputer.transform(given)
        assert_array_equal(filled[~np.isnan(given)], given[~np.isnan(given)])
        assert np.isfinite(filled).all()

    def test_a_row_without_entries_gets_the_means(self):
        nothing = np.full((2, 20), np.nan)
        assert_allclose(self.imputer.transform(nothing), [self.imputer.mean_] * 2)
        empty = sparse.csr_array((2, 20))
        assert_allclose(self.imputer.transform(empty), [self.imputer.mean_] * 2)
        with pytest.raises(ValueError, match="no observed entry"):
            self.imputer.score(nothing)

    def test_a_whole_row_comes_back(self):
        assert_array_equal(self.imputer.transform(TRUTH), TRUTH)

    def test_sparse_is_what_is_stored(self):
        filled = self.imputer.transform(as_sparse(X))
        assert isinstance(filled, np.ndarray)
        assert_allclose(filled, self.imputer.transform(X), rtol=1e-12)
        stored_zero = sparse.csr_array((np.zeros(1), ([0], [3])), shape=(1, 20))
        assert self.imputer.transform(stored_zero)[0, 3] == 0
        again = SoftImpute(reg=2.0, random_state=0).fit(as_sparse(X))
        assert_allclose(again.components_, self.imputer.components_, atol=1e-10)

    def test_many_rows_in_blocks(self, monkeypatch):
        from lrfact.solvers.completion import completion_model

        whole = self.imputer.transform(X)
        monkeypatch.setattr(completion_model, "_BLOCK_BYTES", 1000)
        assert_allclose(self.imputer.transform(X), whole, rtol=1e-12)

    def test_float32_rows_on_a_float64_fit(self):
        filled = self.imputer.transform(X.astype(np.float32))
        assert filled.dtype == np.float32
        assert_allclose(filled, self.imputer.transform(X), rtol=1e-4)

    def test_frames(self):
        pandas = pytest.importorskip("pandas")
        frame = pandas.DataFrame(X, columns=[f"c{j}" for j in range(20)])
        imputer = SoftImpute(reg=2.0, random_state=0).set_output(transform="pandas")
        filled = imputer.fit_transform(frame)
        assert list(filled.columns) == list(frame.columns)
        assert_allclose(filled.to_numpy(), self.imputer.transform(X))


class TestUnusualInput:
    def test_nothing_observed(self):
        for given in (np.full((3, 2), np.nan), sparse.csr_array((3, 2))):
            imputer = SoftImpute()
            with pytest.raises(ValueError, match=r"X has no observed entry.*missing_values=nan"):
                imputer.fit(given)
            assert not hasattr(imputer, "components_")

    @pytest.mark.parametrize("center", ["both", "columns", None])
    @pytest.mark.parametrize("scale", ["both", "columns", None])
    def test_one_entry_in_all(self, center, scale):
        given = np.full((3, 4), np.nan)
        given[1, 2] = 7.0
        imputer = SoftImpute(center=center, scale=scale, random_state=0).fit(given)
        filled = imputer.transform(given)
        assert filled[1, 2] == 7
        assert_allclose(np.delete(filled.ravel(), 6), 0 if center is None else 7)
        assert np.isfinite(imputer.score(given))

    def test_empty_rows_and_columns(self):
        given = X.copy()
        given[5], given[:, 7] = np.nan, np.nan
        for center in ("both", "columns", None):
            imputer = SoftImpute(center=center, random_state=0).fit(given)
            filled = imputer.transform(given)
            assert np.isfinite(filled).all()
            assert_allclose(filled[5], imputer.mean_)
            if center is not None:
                assert imputer.mean_[7] == pytest.approx(np.nanmean(given), rel=0.05)
            if center == "columns":
                assert_allclose(filled[:, 7], imputer.mean_[7])

    @pytest.mark.parametrize("scale", ["both", "columns", None])
    def test_equal_values(self, scale):
        for value in (0.0, 3.0, 0.1):
            given = np.where(LOST, np.nan, value)
            imputer = SoftImpute(scale=scale, random_state=0).fit(given)
            assert_allclose(imputer.transform(given), value, rtol=1e-12)
            assert imputer.n_components_ == 0
            assert imputer.score(given) == pytest.approx(0, abs=1e-12)

    @pytest.mark.parametrize("center", ["both", "columns", None])
    @pytest.mark.parametrize("scale", ["both", None])
    @pytest.mark.parametrize("reg", ["auto", 2.0])
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_huge_values(self, dtype, reg, scale, center):
        factor = 1e25 if dtype == np.float32 else 1e140
        imputer = SoftImpute(reg=reg, scale=scale, center=center, random_state=0)
        if reg != "auto" and scale is None:
            imputer.set_params(reg=factor * reg)  # in the units of X
        large = (factor * X).astype(dtype)
        assert np.isfinite(imputer.fit(large).transform(large)).all()
        huge = ((1e36 if dtype == np.float32 else 1e200) * X).astype(dtype)
        with pytest.raises(ValueError, match=r"too large for their squares.*divide X"):
            imputer.fit(huge)

    def test_infinite_values(self):
        given = X.copy()
        given[np.unravel_index(np.nanargmax(X), X.shape)] = np.inf
        with pytest.raises(ValueError, match="infinity"):
            SoftImpute().fit(given)

    def test_nan_where_it_is_not_missing(self):
        with pytest.raises(ValueError, match="NaN"):
            SoftImpute(missing_values=0).fit(X)

    @pytest.mark.parametrize(
        "wrong",
        [
            {"reg": -1.0},
            {"reg": 0},
            {"reg": "best"},
            {"center": "rows"},
            {"scale": True},
            {"max_rank": 0},
            {"validation_fraction": 1.0},
            {"n_regs": 1},
        ],
    )
    def test_wrong_parameters(self, wrong):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            SoftImpute(**wrong).fit(X)

    def test_a_failed_fit_leaves_nothing(self):
        imputer = SoftImpute(random_state=0).fit(X)
        with pytest.raises(ValueError, match="no observed"):
            imputer.fit(np.full((3, 2), np.nan))
        assert not [name for name in vars(imputer) if name.endswith("_")]

    def test_scale_of_the_data_does_not_matter(self):
        for scale in (None, "columns"):
            one = SoftImpute(scale=scale, random_state=0, tol=1e-6).fit(X)
            other = SoftImpute(scale=scale, random_state=0, tol=1e-6).fit(1000 * X)
            assert_allclose(other.transform(1000 * X), 1000 * one.transform(X), rtol=1e-3)
            unit = 1000 if scale is None else 1
            assert other.reg_ == pytest.approx(unit * one.reg_)


class TestVerbose:
    def test_prints_errors_then_objectives(self, capsys):
        imputer = SoftImpute(random_state=0, verbose=1).fit(X)
        lines = capsys.readouterr().out.splitlines()
        n_path = len(imputer.reg_path_)
        assert len(lines) == n_path + imputer.n_iter_
        assert all("error on entries held out" in line for line in lines[:n_path])
        assert all("objective" in line for line in lines[n_path:])


class TestRealData:
    @pytest.mark.parametrize(
        ("load", "lost", "most"), [(load_wine, 0.3, 0.85), (load_breast_cancer, 0.2, 0.5)]
    )
    def test_columns_in_different_units(self, load, lost, most):
        truth = load().data[::2]
        given, lost = holes(truth, lost)
        spread = truth.std(axis=0)
        filled = SoftImpute(random_state=0).fit_transform(given)
        means = np.broadcast_to(np.nanmean(given, axis=0), truth.shape)
        error = rmse(filled / spread, truth / spread, lost)
        assert error < most * rmse(means / spread, truth / spread, lost)

    def test_digits_before_a_classifier(self):
        truth, y = load_digits(return_X_y=True)
        given, lost = holes(truth)
        model = make_pipeline(SoftImpute(random_state=0), LogisticRegression(C=0.01, max_iter=500))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # of the classifier
            accuracy = model.fit(given[:900], y[:900]).score(given[900:], y[900:])
        assert rmse(model[0].transform(given[:900]), truth[:900], lost[:900]) < 3.2
        assert accuracy > 0.75

    def test_movielens(self):
        file = Path(os.environ.get("LRFACT_DATA", "")) / "movielens-100k" / "ratings.npz"
        if not os.environ.get("LRFACT_DATA") or not file.exists():
            pytest.skip("LRFACT_DATA has no movielens-100k")
        data = np.load(file)
        test = data["fold"] == 1
        users, items = data["user"] - 1, data["item"] - 1
        given = sparse.csr_array(
            (data["rating"][~test], (users[~test], items[~test])), shape=(943, 1682)
        )
        filled = SoftImpute(random_state=0).fit_transform(given)
        errors = data["rating"][test] - filled[users[test], items[test]]
        assert np.sqrt(np.mean(errors**2)) < 0.926


class TestScaling:
    """Means, spreads and the penalty of offsets that are learnt before."""

    def test_columns(self):
        units = 10.0 ** np.arange(-10, 10)
        scaling = entry_scaling(as_sparse(X * units), center="columns", scale="columns")
        assert_allclose(scaling.mean, np.nanmean(X, axis=0) * units)
        assert_allclose(scaling.scale, np.nanstd(X, axis=0) * units, rtol=0.05)
        assert scaling.row_spread == 0

    def test_without_centring_the_scale_is_about_zero(self):
        units = 10.0 ** np.arange(-10, 10)
        scaling = entry_scaling(as_sparse(X * units), center=None, scale="columns")
        assert not scaling.mean.any()
        assert_allclose(scaling.scale, np.sqrt(np.nanmean(X**2, axis=0)) * units, rtol=0.05)

    def test_spreads_of_few_entries_shrink_where_the_others_are_alike(self):
        rng = np.random.default_rng(0)
        given = rng.normal(size=(200, 30)) * rng.uniform(0.9, 1.1, size=30)
        given[3:, :10] = np.nan
        alike = entry_scaling(as_sparse(given), center="columns", scale="columns").scale
        assert_allclose(alike, 1, rtol=0.25)
        given *= 10.0 ** rng.uniform(-6, 6, size=30)
        apart = entry_scaling(as_sparse(given), center="columns", scale="columns").scale
        assert_allclose(apart[10:], np.nanstd(given, axis=0)[10:], rtol=0.05)

    def test_spreads_are_nearer_to_the_truth_than_those_observed(self):
        rng = np.random.default_rng(0)
        truth = np.exp(0.3 * rng.normal(size=5000))
        squares = truth**2 * rng.chisquare(4, size=5000)
        found = shrunken_spreads(squares, np.full(5000, 4))
        errors = [np.std(np.log(of / truth)) for of in (found, np.sqrt(squares / 4))]
        assert errors[0] < 0.7 * errors[1]
        assert abs(np.mean(np.log(found / truth))) < 0.02

    def test_a_column_of_equal_entries_stays_in_proportion(self):
        """It has no spread of its own, and none in the units of the numbers either."""
        given = X.copy()
        given[:, 2] = 7.0
        given[LOST[:, 2], 2] = np.nan
        for center in ("both", "columns", None):
            one, other = (
                SoftImpute(center=center, random_state=0).fit_transform(s * given)
                for s in (1.0, 2.0**30)
            )
            assert_allclose(other / 2**30, one, rtol=1e-9)
            if center is not None:
                assert_allclose(one[:, 2], 7, rtol=0.05)

    def test_columns_beside_rows(self):
        """With rows of very different levels, seen in some columns only, means mislead."""
        rng = np.random.default_rng(0)
        rows, columns = 10 * rng.normal(size=200), rng.normal(size=30)
        truth = rows[:, None] + columns + 0.1 * rng.normal(size=(200, 30))
        seen = rng.random((200, 30)) < np.where(rows[:, None] > 0, 0.7, 0.1)
        seen[:, :15] = rng.random((200, 15)) < 0.3
        given = as_sparse(np.where(seen, truth, np.nan))
        beside = entry_scaling(given, center="both", scale=None).mean
        plain = entry_scaling(given, center="columns", scale=None).mean
        wanted = columns - columns.mean()
        assert np.std(beside - beside.mean() - wanted) < 0.2
        assert np.std(plain - plain.mean() - wanted) > 2

    def test_units_of_other_columns_do_not_shift_a_mean(self):
        rng = np.random.default_rng(0)
        given = np.column_stack([13 + 0.8 * rng.normal(size=100), 700 + 300 * rng.normal(size=100)])
        mean = entry_scaling(as_sparse(given), center="both", scale=None).mean
        assert abs(mean[0] - given[:, 0].mean()) < 0.1

    def test_penalty_of_offsets_is_the_ratio_of_variances(self):
        rng = np.random.default_rng(0)
        given = 2 * rng.normal(size=(3000, 1)) + 6 * rng.normal(size=(3000, 8))
        assert row_offset_penalty(as_sparse(given)) == pytest.approx(9, rel=0.15)
        assert row_offset_penalty(as_sparse(rng.normal(size=(5, 400)))) > 100
        alike = np.repeat(rng.normal(size=(20, 1)), 5, axis=1)
        assert row_offset_penalty(as_sparse(alike)) == 0.01
