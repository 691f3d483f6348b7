import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse

from lrfact.solvers.gibbs.pattern_features import PatternFeatures


def table(dtype=np.float64, shape=(60, 30), share=0.3):
    rng = np.random.default_rng(0)
    likes = rng.random((shape[0], 2)) @ rng.random((2, shape[1]))
    X = np.where(rng.random(shape) < share * likes, rng.standard_normal(shape), 0).astype(dtype)
    X[3] = 0
    return sparse.csr_array(X)


def naive(X):
    """Principal components of the pattern, one over the root of the entries each."""
    P = (X.toarray() != 0) / np.sqrt(np.maximum(np.diff(X.indptr), 1))[:, np.newaxis]
    return P - P.mean(axis=0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_features_are_orthogonal_and_span_the_components(dtype):
    X = table(dtype)
    features = PatternFeatures.from_entries(X, 29, n_threads=1)
    F = features(X)
    assert F.dtype == dtype
    gram = F.T @ F
    assert_allclose(gram, np.diag(np.diag(gram)), atol=1e-4 * gram.max())
    with_entries = np.diff(X.indptr) > 0
    P = naive(X)[with_entries]
    # All components there are: distances between rows are kept, but for what is too weak to tell.
    assert_allclose(F[with_entries] @ F[with_entries].T, P @ P.T, atol=2e-2)
    assert_allclose(F[3], 0)


def test_fewer_are_asked_for():
    X = table()
    F = PatternFeatures.from_entries(X, 3, n_threads=1)(X)
    assert F.shape == (60, 3)
    energies = np.linalg.svd(naive(X), compute_uv=False)[:3] ** 2
    assert_allclose(np.sort(np.linalg.eigvalsh(F.T @ F))[::-1], energies, rtol=0.05)


def test_values_do_not_matter_and_new_rows_stand_where_old_ones_do():
    X = table()
    features = PatternFeatures.from_entries(X, 5, n_threads=1)
    other = X.copy()
    other.data = np.random.default_rng(1).standard_normal(X.nnz)
    assert_allclose(PatternFeatures.from_entries(other, 5, n_threads=1)(other), features(X))
    assert_allclose(features(X[7:9]), features(X)[7:9], atol=1e-12)


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (5, 1), (4, 3)])
def test_without_holes_there_are_none(shape):
    X = sparse.csr_array(np.ones(shape))
    features = PatternFeatures.from_entries(X, 10, n_threads=1)
    assert features(X).shape == (shape[0], 0)
