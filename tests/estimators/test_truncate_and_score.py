"""Fewer components without a refit, and scores that find a finite rank."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from lrfact import PCAFromSVD, TruncatedSVDReducer
from reference.naive_leave_one_entry_out import naive_leave_one_entry_out_rmse
from reference.spectra import synthetic_matrix
from reference.synthetic import synthetic_low_rank

ESTIMATORS = [TruncatedSVDReducer, PCAFromSVD]
X = synthetic_matrix((40, 12), 0.7 ** np.arange(12), seed=0) + 0.1


class TestTruncate:
    @pytest.mark.parametrize("k", [1, 2, 5, 8])
    @pytest.mark.parametrize("Estimator", ESTIMATORS)
    def test_equals_a_fit_with_that_rank(self, Estimator, k):
        full = Estimator(8, tol=1e-12).fit(X)
        shorter, fitted = full.truncate(k), Estimator(k, tol=1e-12).fit(X)
        assert shorter.get_params() == fitted.get_params()
        assert set(vars(shorter)) == set(vars(fitted))
        for name in vars(fitted):
            # How the directions were found, and how well, is a matter of the fit that found them.
            of_the_fit = name in ("solver_", "n_iter_", "singular_value_error_")
            if name.endswith("_") and not of_the_fit:
                mine, its = getattr(shorter, name), getattr(fitted, name)
                if isinstance(its, np.ndarray | float):
                    assert_allclose(mine, its, rtol=1e-9, atol=1e-10, err_msg=name)
                else:
                    assert mine == its, name
        assert shorter.singular_value_error_.shape == (k,)
        assert_allclose(shorter.transform(X), fitted.transform(X), atol=1e-10)
        assert_allclose(shorter.score(X), fitted.score(X))
        assert len(shorter.get_feature_names_out()) == k

    @pytest.mark.parametrize("Estimator", ESTIMATORS)
    def test_leaves_the_original_alone(self, Estimator):
        full = Estimator(8).fit(X)
        before = {name: np.copy(value) for name, value in vars(full).items() if name != "_"}
        shorter = full.truncate(3)
        shorter.components_[:] = 0
        shorter.set_params(n_components=1)
        assert full.n_components == 8
        assert_array_equal(full.components_, before["components_"])
        assert full.truncate(np.int64(8)).components_.shape == (8, 12)

    @pytest.mark.parametrize("Estimator", ESTIMATORS)
    def test_of_a_rule(self, Estimator):
        full = Estimator(0.99).fit(X)
        assert full.truncate(2).n_components == 2

    def test_after_batches_shows_what_was_shown(self):
        pca = PCAFromSVD(4).partial_fit(X[:20]).partial_fit(X[20:])
        assert_allclose(pca.truncate(2).components_, pca.components_[:2])
        with pytest.raises(ValueError, match="between 1 and 4"):
            pca.truncate(5)

    def test_keeps_the_output_container(self):
        pandas = pytest.importorskip("pandas")
        pca = PCAFromSVD(4).set_output(transform="pandas").fit(X)
        assert isinstance(pca.truncate(2).transform(X), pandas.DataFrame)


class TestReducerScore:
    @pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
    @pytest.mark.parametrize("k", [1, 3, 11, 12])
    def test_against_really_leaving_entries_out(self, k, container):
        rng = np.random.default_rng(1)
        data = X * (rng.random(X.shape) < 0.6)
        reducer = TruncatedSVDReducer(k, solver="exact").fit(container(data))
        rows = data[:6] + 0.01  # rows that were not learnt from
        expected = naive_leave_one_entry_out_rmse(rows, reducer.components_)[-1]
        score = reducer.score(container(rows))
        assert isinstance(score, float)
        assert_allclose(score, -expected, rtol=1e-6)

    def test_by_hand(self):
        """One component in two columns: an entry is told by the other one."""
        reducer = TruncatedSVDReducer(1).fit(np.array([[3.0, 4.0], [6.0, 8.0]]))
        row = np.array([[3.0, 5.0]])  # 5 says 3.75, 3 says 4
        expected = np.sqrt((0.75**2 + 1**2) / 2)
        assert_allclose(reducer.score(row), -expected)

    @pytest.mark.parametrize("rank", [2, 5])
    def test_grid_search_finds_the_synthetic_rank(self, rank, global_random_seed):
        data = synthetic_low_rank(150, 40, rank, seed=global_random_seed)
        search = GridSearchCV(
            TruncatedSVDReducer(solver="exact"),
            {"n_components": range(1, 11)},
            cv=KFold(5, shuffle=True, random_state=0),
        ).fit(data)
        assert search.best_params_ == {"n_components": rank}

    def test_in_a_pipeline(self):
        pipeline = make_pipeline(StandardScaler(), TruncatedSVDReducer(3))
        scores = cross_val_score(pipeline, load_digits().data, cv=3)
        assert scores.shape == (3,)
        assert (scores < 0).all()


class TestPCAScore:
    def test_grid_search_agrees_with_scikit_learn(self):
        data = synthetic_low_rank(150, 20, 3, seed=0)
        grid = {"n_components": range(1, 9)}
        ours, theirs = (
            GridSearchCV(estimator, grid, cv=5).fit(data)
            for estimator in (PCAFromSVD(tol=1e-10), PCA(svd_solver="full"))
        )
        assert ours.best_params_ == theirs.best_params_ == {"n_components": 3}
        name = "mean_test_score"
        assert_allclose(ours.cv_results_[name], theirs.cv_results_[name], rtol=1e-8)

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_little_noise_in_many_columns_is_noise(self, dtype):
        """Each of 3000 columns has less than eps of the total variance, together they count."""
        rng = np.random.default_rng(0)
        signal = rng.standard_normal((60, 2)) @ rng.standard_normal((2, 3000))
        data = (signal + 0.01 * rng.standard_normal(signal.shape)).astype(dtype)
        pca = PCAFromSVD(2).fit(data)
        # In all directions of the noise, of which there are fewer than columns.
        assert_allclose(pca.noise_variance_, 0.01**2 * 3000 / 58, rtol=0.05)
        assert np.isfinite(pca.score(data))

    def test_log_density_is_that_of_a_gaussian(self):
        from scipy.stats import multivariate_normal

        pca = PCAFromSVD(3).fit(X)
        density = multivariate_normal(pca.mean_, pca.get_covariance())
        assert_allclose(pca.score_samples(X), density.logpdf(X), rtol=1e-8)


class TestVariances:
    @pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    @pytest.mark.parametrize("mean", [0.0, 1.0, 1e3])
    @pytest.mark.parametrize("solver", ["exact", "randomized"])
    def test_of_the_reducer_are_those_of_its_scores(self, solver, mean, dtype, container):
        """Also where the first direction is the mean, and its variance is next to nothing."""
        rng = np.random.default_rng(0)
        data = (mean * (1 + rng.random(15)) + rng.standard_normal((300, 15))).astype(dtype)
        reducer = TruncatedSVDReducer(4, solver=solver, random_state=0).fit(container(data))
        scores = data.astype(np.float64) @ reducer.components_.T.astype(np.float64)
        # Sparse means are subtracted from products, which know them to eps only.
        rtol = 1e-3 if dtype == np.float64 or container is np.asarray else 0.05
        assert_allclose(reducer.explained_variance_, scores.var(axis=0), rtol=rtol)
        total = data.astype(np.float64).var(axis=0).sum()
        assert_allclose(reducer.explained_variance_ratio_, scores.var(axis=0) / total, rtol=rtol)

    @pytest.mark.parametrize("Estimator", ESTIMATORS)
    def test_large_means_do_not_matter_to_pca(self, Estimator):
        rng = np.random.default_rng(0)
        spread = rng.standard_normal((300, 8)) * np.arange(8, 0, -1)
        shifted = PCAFromSVD(3, tol=1e-10).fit(spread + 1e6)
        plain = PCAFromSVD(3, tol=1e-10).fit(spread)
        assert_allclose(shifted.explained_variance_, plain.explained_variance_, rtol=1e-9)
        assert_allclose(shifted.components_, plain.components_, atol=1e-6)
        assert_allclose(shifted.transform(spread + 1e6), plain.transform(spread), atol=1e-6)
        assert_allclose(shifted.score(spread + 1e6), plain.score(spread), rtol=1e-9)

    def test_float32_with_large_means(self):
        """The fit of float32 values, not of values less a mean rounded to float32."""
        rng = np.random.default_rng(0)
        data = (rng.standard_normal((2000, 6)) * np.arange(6, 0, -1) + 1e6).astype(np.float32)
        exact = np.linalg.svd(data.astype(float) - data.astype(float).mean(axis=0))[1]
        for solver in ("exact", "gram", "randomized", "lanczos"):
            pca = PCAFromSVD(3, solver=solver, random_state=0).fit(data)
            assert_allclose(pca.singular_values_, exact[:3], rtol=1e-5)

    def test_whitening_gives_unit_variance(self):
        scores = PCAFromSVD(5, whiten=True).fit_transform(X)
        assert_allclose(np.cov(scores.T), np.eye(5), atol=1e-8)
