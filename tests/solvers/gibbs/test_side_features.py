import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.preprocessing import StandardScaler

from lrfact.solvers.gibbs.side_features import with_side_features


def pattern(n=40, dtype=np.float64):
    rng = np.random.default_rng(0)
    U = np.linalg.qr(rng.standard_normal((n, 3)))[0]
    return (U * [2.0, 1.5, 1.0]).astype(dtype)


def told(n=40, dtype=np.float64):
    rng = np.random.default_rng(1)
    groups = np.eye(4)[rng.integers(0, 4, n)]
    return np.column_stack([groups, 1000 + 50 * rng.random(n)]).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_columns_are_orthogonal_and_distances_those_of_both(dtype):
    F = with_side_features(pattern(dtype=dtype), told(dtype=dtype), 100, n_threads=1)
    assert F.dtype == dtype
    gram = F.T @ F
    assert_allclose(gram, np.diag(np.diag(gram)), atol=1e-4 * gram.max())
    scaled = StandardScaler().fit_transform(told()) / np.sqrt(5)
    expected = pattern() @ pattern().T + scaled @ scaled.T
    # The components are found to some digits only, and the weakest left out.
    assert_allclose(F @ F.T, expected, atol=2e-2)


def test_units_do_not_matter():
    F = with_side_features(pattern(), told(), 100, n_threads=1)
    other = with_side_features(pattern(), 7 - 0.3 * told(), 100, n_threads=1)
    assert_allclose(other @ other.T, F @ F.T, atol=1e-8)


def test_a_sparse_matrix_is_its_dense_form():
    of_dense = with_side_features(pattern(), told(), 100, n_threads=1)
    of_sparse = with_side_features(pattern(), sparse.csr_array(told()), 100, n_threads=1)
    assert_allclose(of_sparse @ of_sparse.T, of_dense @ of_dense.T, atol=1e-2)


def test_no_more_components_than_asked_for():
    many = np.random.default_rng(0).standard_normal((40, 30))
    assert with_side_features(pattern(), many, 5, n_threads=1).shape == (40, 3 + 5)


@pytest.mark.parametrize("width", [1, 3])
def test_what_is_the_same_for_all_tells_nothing(width):
    assert_array_equal(
        with_side_features(pattern(), np.ones((40, width)), 5, n_threads=1), pattern()
    )


def test_no_pattern_is_needed():
    F = with_side_features(np.zeros((40, 0)), told(), 100, n_threads=1)
    # Four groups of which one follows from the others, and the number.
    assert F.shape == (40, 4)
