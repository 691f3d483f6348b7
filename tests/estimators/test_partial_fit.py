"""Batches of any size, in any order and container, add up to the fit of all rows at once."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse

from lrfact import PCAFromSVD, TruncatedSVDReducer
from lrfact.linalg.as_operator import as_operator
from lrfact.solvers.svd.incremental_svd import update_svd
from reference.spectra import synthetic_matrix

ESTIMATORS = [TruncatedSVDReducer, PCAFromSVD]
ATTRIBUTES = [
    "components_",
    "singular_values_",
    "explained_variance_",
    "explained_variance_ratio_",
    "mean_",
    "noise_variance_",
    "explained_energy_ratio_",
]


def low_rank(shape=(60, 30), rank=3, seed=0, mean=0.0):
    """Of exactly this rank plus a row of means, and half of its columns empty."""
    rng = np.random.default_rng(seed)
    X = synthetic_matrix(shape, np.arange(rank, 0, -1.0) * 10, seed=seed)
    X = X + mean * rng.standard_normal(shape[1])
    X[:, ::2] = 0
    return X


def batches(X, size):
    """All rows: in batches of one size, or of a list of sizes."""
    sizes = [size] * len(X) if isinstance(size, int) else size
    stops = np.cumsum(sizes)
    return [part for part in np.split(X, stops[stops < len(X)]) if len(part)]


def fitted_on(Estimator, parts, k=3, **options):
    estimator = Estimator(k, random_state=0, **options)
    for part in parts:
        assert estimator.partial_fit(part) is estimator
    return estimator


def assert_same_fit(ours, reference, *, rtol=1e-8, atol=1e-8):
    for name in ATTRIBUTES:
        if hasattr(reference, name):
            value = getattr(reference, name)
            scale = max(1.0, np.abs(value).max())
            assert_allclose(getattr(ours, name), value, rtol, atol * scale, err_msg=name)


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array, sparse.csc_matrix])
@pytest.mark.parametrize("size", [1, 2, 7, 59, 60, [5, 1, 30, 2, 22], [58, 1, 1]], ids=str)
@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_equals_fit_where_the_rank_allows_it(Estimator, size, container):
    X = low_rank(mean=2.0)
    reference = Estimator(3, tol=1e-12).fit(X)
    ours = fitted_on(Estimator, [container(part) for part in batches(X, size)])
    assert_same_fit(ours, reference)
    assert_allclose(ours.transform(X), reference.transform(X), atol=1e-6)


@pytest.mark.parametrize("size", [1, 4, [9, 1, 30]], ids=str)
@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_full_rank_is_kept_while_the_columns_are_few(Estimator, size, global_random_seed):
    """Twice the components and ten are remembered: with 12 columns everything is."""
    X = np.random.default_rng(global_random_seed).standard_normal((50, 12)) + 3
    reference = Estimator(3, tol=1e-12).fit(X)
    assert_same_fit(fitted_on(Estimator, batches(X, size)), reference)


@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_order_of_batches_does_not_matter(Estimator, global_random_seed):
    X = low_rank(seed=global_random_seed, mean=1.0)
    parts = batches(X, [4, 20, 1, 35])
    forward, backward = (fitted_on(Estimator, p) for p in (parts, parts[::-1]))
    assert_same_fit(forward, backward)
    mixed = fitted_on(Estimator, [sparse.csr_array(parts[0]), *parts[1:]])
    assert_same_fit(mixed, forward)


@pytest.mark.parametrize("mean", [0.0, 1.0, 1e6])
def test_means_and_variances_are_exact_whatever_is_dropped(mean, global_random_seed):
    """Sixty directions, of which twelve are remembered: moments do not depend on them."""
    X = np.random.default_rng(global_random_seed).standard_normal((200, 60)) + mean
    pca = fitted_on(PCAFromSVD, batches(X, [1, 13, 70, 116]), k=1)
    assert_allclose(pca.mean_, X.mean(axis=0), rtol=1e-13, atol=1e-13)
    total = pca.explained_variance_[0] / pca.explained_variance_ratio_[0]
    assert_allclose(total, X.var(axis=0, ddof=1).sum(), rtol=1e-10 + 1e-15 * mean)
    assert pca.n_samples_ == 200

    reducer = fitted_on(TruncatedSVDReducer, batches(X, [1, 13, 70, 116]), k=1)
    energy = reducer.singular_values_[0] ** 2 / reducer.explained_energy_ratio_[0]
    assert_allclose(energy, np.sum(X**2), rtol=1e-12)
    assert reducer.n_samples_seen_ == 200


@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_nearly_optimal_where_directions_are_dropped(Estimator, global_random_seed):
    X = synthetic_matrix((300, 80), 0.9 ** np.arange(80), seed=global_random_seed)
    ours, best = fitted_on(Estimator, batches(X, 25), k=5), Estimator(5).fit(X)
    for estimator in (ours, best):
        A = X - X.mean(axis=0) if Estimator is PCAFromSVD else X
        V = estimator.components_
        estimator.loss = np.linalg.norm(A - A @ V.T @ V)
    assert ours.loss <= 1.001 * best.loss
    assert (ours.singular_values_ <= best.singular_values_ * (1 + 1e-10)).all()


@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_components_come_with_the_rows(Estimator):
    X = np.random.default_rng(0).standard_normal((8, 20))
    estimator = Estimator(5)
    for n, row in enumerate(X, start=1):
        estimator.partial_fit(row[np.newaxis])
        k = min(n, 5)
        assert estimator.components_.shape == (k, 20)
        assert_allclose(estimator.components_ @ estimator.components_.T, np.eye(k), atol=1e-10)
        assert estimator.transform(X).shape == (8, k)
        assert estimator.n_iter_ == n
        assert estimator.solver_ == "incremental"
        assert len(estimator.get_feature_names_out()) == k
        assert not hasattr(estimator, "singular_value_error_")


@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_goes_on_from_a_fit(Estimator):
    X = low_rank(mean=1.0)
    k = 3 if Estimator is PCAFromSVD else 4  # all there is, means included
    estimator = Estimator(k, tol=1e-12).fit(X[:40]).partial_fit(X[40:])
    assert_same_fit(estimator, Estimator(k, tol=1e-12).fit(X))
    assert estimator.solver_ == "incremental"


@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_goes_on_after_pickling_and_truncating(Estimator):
    X = low_rank(mean=1.0)
    first, second = X[:25], X[25:]
    reference = fitted_on(Estimator, [first, second], k=4)
    copy = pickle.loads(pickle.dumps(fitted_on(Estimator, [first], k=4)))
    assert_same_fit(copy.partial_fit(second), reference)
    shorter = Estimator(4, tol=1e-12).fit(X).truncate(2)
    again = shorter.partial_fit(X)
    assert again.components_.shape == (2, 30)
    assert_allclose(again.components_, reference.components_[:2], atol=1e-6)


@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_all_components(Estimator):
    X = np.random.default_rng(0).standard_normal((40, 6))
    ours = fitted_on(Estimator, batches(X, 7), k=6)
    assert_same_fit(ours, Estimator(6, tol=1e-12).fit(X))
    if Estimator is PCAFromSVD:
        assert_same_fit(fitted_on(PCAFromSVD, batches(X, 7), k=None), ours)


@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_float32(Estimator):
    X = low_rank(mean=1.0).astype(np.float32)
    ours = fitted_on(Estimator, batches(X, 13))
    assert ours.components_.dtype == np.float32
    assert ours.transform(X).dtype == np.float32
    assert_same_fit(ours, Estimator(3, tol=1e-6).fit(X), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("first", [np.float32, np.float64])
@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_dtypes_may_change_between_batches(Estimator, first):
    X = low_rank(mean=1.0)
    second = np.float64 if first == np.float32 else np.float32
    ours = fitted_on(Estimator, [X[:30].astype(first), X[30:].astype(second)])
    assert_same_fit(ours, Estimator(3).fit(X), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_batches_without_variance(Estimator):
    """Zeros and constants before, between and after: no NaN, and nothing is forgotten."""
    X = low_rank()
    zeros, ones = np.zeros((3, 30)), np.ones((2, 30))
    parts = [zeros, X[:20], zeros[:1], X[20:], ones, ones]
    ours = fitted_on(Estimator, parts, k=4)
    assert_same_fit(ours, Estimator(4, tol=1e-12).fit(np.vstack(parts)))
    alone = fitted_on(Estimator, [zeros, zeros], k=2)
    for name in ATTRIBUTES:
        if hasattr(alone, name):
            assert np.isfinite(getattr(alone, name)).all(), name
    assert_allclose(alone.components_ @ alone.components_.T, np.eye(2), atol=1e-12)


def test_batches_are_not_made_dense():
    X = sparse.random(50, 10_000, density=1e-3, format="csr", random_state=0)
    running = update_svd(
        None,
        as_operator(X),
        n_retained=3,
        centered=True,
        rng=np.random.RandomState(0),
    )
    centered = X.toarray() - X.toarray().mean(axis=0)
    assert_allclose(running.s, np.linalg.svd(centered, compute_uv=False)[:3], rtol=1e-8)
    assert running.Vt.shape == (3, 10_000)
