"""Principal components and singular vectors beside column means much larger than the spread."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse

from lrfact import PCAFromSVD, RankSearchCV, ScreeDisplay, TruncatedSVDReducer
from lrfact.model_selection import select_rank

CONTAINERS = [np.asarray, sparse.csr_array, sparse.csc_array, sparse.coo_array]

# One column of 1e9, two of small numbers: centered, 4.75 + 2 in squares, in all units exact.
SMALL = np.array([[1e9, 1, 0], [1e9, 0, 2], [1e9, 3, 1], [1e9, 1, 1]])


def mostly_zeros(shape=(300, 40), *, mean=1e6, seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    scores = rng.standard_normal((shape[0], 3)) * [4, 3, 2]
    X = scores @ rng.standard_normal((3, shape[1])) + rng.standard_normal(shape)
    X *= rng.random(shape) < 0.3
    X[:, 5] = mean + 5 * rng.standard_normal(shape[0])
    X[:, 9] = mean / 3  # without any spread
    return X.astype(dtype)


def true_values(X):
    exact = X.astype(np.longdouble)
    exact = exact - exact.mean(axis=0)
    return exact, np.linalg.svd(exact.astype(np.float64), compute_uv=False)


class TestPCA:
    @pytest.mark.parametrize("container", CONTAINERS)
    @pytest.mark.parametrize("solver", ["auto", "exact", "gram", "randomized"])
    def test_small_example(self, solver, container):
        X = container(SMALL)
        pca = PCAFromSVD(2, solver=solver, random_state=0).fit(X)
        _, s = true_values(SMALL)
        assert_allclose(pca.singular_values_, s[:2], rtol=1e-14)
        assert_allclose(pca.explained_variance_ratio_, s[:2] ** 2 / 6.75, rtol=1e-14)
        assert_allclose(pca.explained_variance_ratio_, [0.752, 0.248], atol=5e-4)
        dense = PCAFromSVD(1).fit(SMALL)
        pca = PCAFromSVD(1, solver=solver, random_state=0).fit(X)
        assert_allclose(pca.score(X), dense.score(SMALL), rtol=1e-12)
        assert_allclose(pca.score_samples(X), dense.score_samples(SMALL), rtol=1e-12)

    @pytest.mark.parametrize("container", CONTAINERS)
    def test_small_example_in_batches(self, container):
        whole = PCAFromSVD(2).fit(SMALL)
        pca = PCAFromSVD(2)
        for start in (0, 2):
            pca.partial_fit(container(SMALL[start : start + 2]))
        for name in ("singular_values_", "explained_variance_ratio_", "mean_"):
            assert_allclose(getattr(pca, name), getattr(whole, name), rtol=1e-14)
        assert_allclose(pca.score(container(SMALL)), whole.score(SMALL), rtol=1e-12)

    @pytest.mark.parametrize("solver", ["exact", "gram", "randomized", "lanczos"])
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    @pytest.mark.parametrize("shape", [(300, 40), (40, 300)])
    def test_digits(self, shape, dtype, solver):
        X = mostly_zeros(shape, mean=1e4 if dtype == np.float32 else 1e8, dtype=dtype)
        exact, s = true_values(X)
        eps = float(np.finfo(dtype).eps)
        pca = PCAFromSVD(4, solver=solver, tol=1e-10, random_state=0)
        W = pca.fit_transform(sparse.csr_array(X))
        assert_allclose(pca.singular_values_, s[:4], rtol=10 * eps)
        assert_allclose(pca.explained_variance_ratio_, s[:4] ** 2 / (s @ s), rtol=20 * eps)
        V = pca.components_.astype(np.float64)
        assert_allclose(V @ V.T, np.eye(4), atol=10 * eps)
        # A mean of 1e8 is known to 1e-8, the coordinates are of order 10.
        true = (exact @ V.T).astype(np.float64)
        assert_allclose(W, true, rtol=0, atol=20 * eps * np.abs(true).max() + 1e-8)
        assert_allclose(pca.transform(sparse.csr_array(X)), W)
        assert_allclose(pca.transform(X), W, atol=20 * eps * np.abs(true).max() + 1e-8)
        back = pca.inverse_transform(W)
        mean = X.astype(np.float64).mean(axis=0)
        assert_allclose(back, true @ V + mean, rtol=4 * eps, atol=100 * eps + 1e-8)

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_rows_not_seen_in_the_fit(self, dtype):
        mean = 1e4 if dtype == np.float32 else 1e7
        X = mostly_zeros(mean=mean, dtype=dtype)
        new = mostly_zeros((7, 40), mean=mean, seed=1, dtype=dtype)
        new[3] = 0
        new[5, 5] = 0
        ours, dense = PCAFromSVD(4).fit(sparse.csr_array(X)), PCAFromSVD(4).fit(X)
        dense.components_[:] = ours.components_
        options = {"rtol": 1e-5 if dtype == np.float32 else 1e-8}
        for rows in (new, new[:1], new[3:4]):
            W = ours.transform(sparse.csr_array(rows))
            assert_allclose(W, dense.transform(rows), atol=mean * np.finfo(dtype).eps, **options)
            assert_allclose(
                ours.score_samples(sparse.csr_array(rows)), dense.score_samples(rows), rtol=1e-4
            )

    def test_share_of_the_variance(self):
        """A constant column of 1e8 takes no part in it."""
        rng = np.random.default_rng(0)
        X = rng.standard_normal((200, 200)) * (rng.random((200, 200)) < 0.05)
        without = PCAFromSVD(0.9).fit(X[:, 1:]).n_components_
        X[:, 0] = 1e8
        assert PCAFromSVD(0.9).fit(sparse.csr_array(X)).n_components_ == without
        assert PCAFromSVD(0.9).fit(X).n_components_ == without
        assert 80 < without < 120

    @pytest.mark.parametrize("sizes", [(100, 100, 100), (2, 298), (299, 1)])
    def test_batches_equal_the_whole(self, sizes):
        X = mostly_zeros(mean=1e6)
        whole = PCAFromSVD(40).fit(X)
        pca = PCAFromSVD(40)
        for part in np.split(X, np.cumsum(sizes)[:-1]):
            pca.partial_fit(sparse.csr_array(part))
        assert_allclose(pca.singular_values_[:38], whole.singular_values_[:38], rtol=1e-9)
        ratios = whole.explained_variance_ratio_
        assert_allclose(pca.explained_variance_ratio_, ratios, rtol=1e-8, atol=1e-12)


class TestTruncatedSVD:
    @pytest.mark.parametrize("container", CONTAINERS)
    @pytest.mark.parametrize("batches", [False, True])
    def test_variances(self, batches, container):
        """The first direction is that of the means: its variance is a small difference."""
        for X in (SMALL, mostly_zeros(mean=1e6)):
            exact, _ = true_values(X)
            k = X.shape[1]
            reducer = TruncatedSVDReducer(k, random_state=0)
            if batches:
                half = len(X) // 2
                reducer.partial_fit(container(X[:half])).partial_fit(container(X[half:]))
            else:
                reducer.fit(container(X))
            k = 2  # the others follow
            variances = ((exact @ reducer.components_[:k].T) ** 2).mean(axis=0).astype(float)
            assert_allclose(reducer.explained_variance_[:k], variances, rtol=1e-6, atol=1e-17)
            total = float((exact**2).mean(axis=0).sum())
            assert_allclose(
                reducer.explained_variance_ratio_[:k], variances / total, rtol=1e-6, atol=1e-17
            )

    def test_variances_go_on_from_a_fit(self):
        X = mostly_zeros(mean=1e6)
        exact, _ = true_values(X)
        reducer = TruncatedSVDReducer(40, solver="exact").fit(X[:200]).partial_fit(X[200:])
        variances = ((exact @ reducer.components_[:2].T) ** 2).mean(axis=0).astype(float)
        assert_allclose(reducer.explained_variance_[:2], variances, rtol=1e-6)

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_score(self, dtype):
        X = mostly_zeros(mean=3e3 if dtype == np.float32 else 1e6, dtype=dtype)
        dense = TruncatedSVDReducer(4, solver="exact").fit(X)
        true = dense.score(X)
        assert_allclose(dense.score(sparse.csr_array(X)), true, rtol=1e-6)
        ranks = np.arange(1, 5)
        assert_allclose(
            dense._scores_by_rank(sparse.csr_array(X), ranks),
            dense._scores_by_rank(X, ranks),
            rtol=1e-6,
        )


@pytest.mark.parametrize("method", ["energy", "gavish-donoho", "gap", "mle", "parallel", "cv"])
def test_rank_rules(method):
    X = mostly_zeros(mean=1e8)
    options = {"center": True, "n_permutations": 5, "compare": None, "random_state": 0}
    dense = select_rank(X, method, **options)
    ours = select_rank(sparse.csr_array(X), method, **options)
    assert ours.n_components == dense.n_components
    assert_allclose(ours.curve, dense.curve, rtol=1e-6, atol=1e-12)


def test_scree_plot():
    pytest.importorskip("matplotlib").use("agg")
    X = sparse.csr_array(SMALL)
    pca = PCAFromSVD(2).fit(X)
    _, s = true_values(SMALL)
    for rows in (None, X, SMALL):
        share = ScreeDisplay.from_estimator(pca, rows).share
        assert_allclose(share[:2], s[:2] ** 2 / 6.75, rtol=1e-14)


@pytest.mark.parametrize("Estimator", [PCAFromSVD, TruncatedSVDReducer])
def test_rank_search(Estimator):
    X = mostly_zeros(mean=1e6)
    searches = [
        RankSearchCV(Estimator(solver="exact"), ranks=[1, 2, 4, 6], cv=3).fit(rows)
        for rows in (X, sparse.csr_array(X))
    ]
    scores = [search.cv_results_["mean_test_score"] for search in searches]
    assert_allclose(scores[1], scores[0], rtol=1e-7)
    assert searches[0].best_rank_ == searches[1].best_rank_
