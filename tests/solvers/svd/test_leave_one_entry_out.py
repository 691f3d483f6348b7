import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import sparse
from sklearn.datasets import load_digits, load_wine
from sklearn.model_selection import KFold
from sklearn.preprocessing import scale

from lrfact.linalg.as_operator import as_operator
from lrfact.solvers.svd.leave_one_entry_out import leave_one_entry_out_rmse
from reference.naive_leave_one_entry_out import naive_leave_one_entry_out_rmse
from reference.synthetic import synthetic_low_rank

CONTAINERS = [np.asarray, sparse.csr_array, sparse.csc_matrix, sparse.coo_array]


def orthonormal_rows(k, m, seed):
    rng = np.random.default_rng(seed)
    return np.linalg.qr(rng.normal(size=(m, k)))[0].T


def sparse_like(n, m, seed):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, m)) * (rng.random((n, m)) < 0.4)


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("centered", [False, True])
@pytest.mark.parametrize(("n", "m", "k"), [(9, 7, 3), (4, 8, 5), (1, 6, 2), (9, 7, 1), (6, 5, 5)])
def test_against_really_leaving_entries_out(container, centered, n, m, k):
    X, V = sparse_like(n, m, seed=k), orthonormal_rows(k, m, seed=n)
    mean = np.linspace(-1, 2, m) if centered else None
    expected = naive_leave_one_entry_out_rmse(X, V, mean)
    assert_allclose(
        leave_one_entry_out_rmse(container(X), V, mean=mean), expected, rtol=1e-9, atol=1e-9
    )


@given(st.integers(1, 6), st.integers(2, 6), st.integers(0, 2**16))
def test_any_shape(n, m, seed):
    k = 1 + seed % m
    X, V = sparse_like(n, m, seed), orthonormal_rows(k, m, seed + 1)
    expected = naive_leave_one_entry_out_rmse(X, V)
    assert_allclose(leave_one_entry_out_rmse(X, V), expected, rtol=1e-6, atol=1e-9)
    assert_allclose(
        leave_one_entry_out_rmse(sparse.csr_array(X), V), expected, rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("container", CONTAINERS)
def test_float32(container):
    X, V = sparse_like(30, 12, seed=0), orthonormal_rows(5, 12, seed=1)
    mean = X.mean(axis=0)
    result = leave_one_entry_out_rmse(
        container(X.astype(np.float32)), V.astype(np.float32), mean=mean.astype(np.float32)
    )
    assert result.dtype == np.float64
    assert_allclose(result, leave_one_entry_out_rmse(X, V, mean=mean), rtol=1e-5)


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_unpredictable_entries_are_their_own_residual(container, dtype):
    X = sparse_like(20, 4, seed=0).astype(dtype)
    mean = X.mean(axis=0)
    # Column 0 is a component by itself: from rank 2 on, nothing else says anything about it.
    V = np.zeros((3, 4), dtype=dtype)
    V[1, 0] = 1
    V[[0, 2], 1:] = orthonormal_rows(2, 3, seed=0)
    expected = naive_leave_one_entry_out_rmse(X, V, mean)
    assert_allclose(leave_one_entry_out_rmse(container(X), V, mean=mean), expected, rtol=1e-4)

    # As many components as columns: every column is unpredictable, the mean remains.
    V = orthonormal_rows(4, 4, seed=0).astype(dtype)
    full = leave_one_entry_out_rmse(container(X), V, mean=mean)
    assert full[4] == pytest.approx(full[0])
    assert full[0] == pytest.approx(X.std(axis=0).__pow__(2).mean() ** 0.5)


def test_limit_of_a_vanishing_ridge():
    """The rule for unpredictable entries is what a ridge penalty tends to, not a jump."""
    row, V = np.array([3.0, 1.0, -2.0]), np.eye(3)[:, :2] @ orthonormal_rows(2, 2, seed=3)
    others = V[1:]
    for penalty in (1e-3, 1e-6, 1e-9):
        weights = np.linalg.solve(others.T @ others + penalty * np.eye(2), others.T @ row[1:])
        assert V[0] @ weights == pytest.approx(0, abs=10 * penalty)
    squares = leave_one_entry_out_rmse(row[None], V.T)[2] ** 2 * 3
    assert squares == pytest.approx(np.sum(row**2))


def test_exact_fit_is_found_exact():
    V = orthonormal_rows(6, 30, seed=0)
    X = 100 * np.random.default_rng(1).normal(size=(40, 3)) @ V[:3]
    dense = leave_one_entry_out_rmse(X, V)
    assert np.all(dense[3:] < 1e-12)
    through_products = leave_one_entry_out_rmse(sparse.csr_array(X), V)
    assert_allclose(through_products[:3], dense[:3], rtol=1e-9)
    assert np.all(through_products[3:] < 1e-8 * np.sqrt(np.mean(X**2)) * 100)
    assert np.all(np.isfinite(through_products))


@pytest.mark.parametrize("container", CONTAINERS)
def test_no_component_leaves_the_entries(container):
    X = sparse_like(10, 4, seed=0)
    result = leave_one_entry_out_rmse(container(X), np.empty((0, 4)))
    assert_allclose(result, [np.sqrt(np.mean(X**2))])


def test_duplicate_entries_are_added_first():
    X = sparse.csr_array((np.array([1.0, 2.0, 4.0]), np.array([0, 0, 1]), np.array([0, 3])))
    V = orthonormal_rows(1, 2, seed=0)
    assert_allclose(
        leave_one_entry_out_rmse(X, V), leave_one_entry_out_rmse(np.array([[3.0, 4.0]]), V)
    )
    assert X.nnz == 3


def test_takes_an_operator():
    X, V = sparse_like(20, 6, seed=0), orthonormal_rows(3, 6, seed=1)
    mean = X.mean(axis=0)
    expected = leave_one_entry_out_rmse(X, V, mean=mean)
    for matrix in (X, sparse.csr_array(X)):
        A = as_operator(matrix).centered(mean)
        assert_allclose(leave_one_entry_out_rmse(A, V), expected, rtol=1e-12)


def test_many_blocks():
    X, V = sparse_like(7000, 90, seed=0), orthonormal_rows(4, 90, seed=1)
    dense = leave_one_entry_out_rmse(X, V)
    assert_allclose(dense, leave_one_entry_out_rmse(sparse.csr_array(X), V), rtol=1e-10)
    halves = [leave_one_entry_out_rmse(half, V) ** 2 for half in (X[:3500], X[3500:])]
    assert_allclose(dense**2, np.mean(halves, axis=0), rtol=1e-12)


def best_rank(X, center=False):
    curves = []
    for train, test in KFold(5, shuffle=True, random_state=0).split(X):
        mean = X[train].mean(axis=0) if center else None
        A = X[train] - mean if center else X[train]
        V = np.linalg.svd(A, full_matrices=False)[2]
        curves.append(leave_one_entry_out_rmse(X[test], V, mean=mean))
    return int(np.mean(curves, axis=0).argmin())


@pytest.mark.parametrize("rank", [5, 12])
@pytest.mark.parametrize("center", [False, True])
def test_finds_the_synthetic_rank(rank, center, global_random_seed):
    X = synthetic_low_rank(200, 60, rank, seed=global_random_seed)
    assert best_rank(X, center) == rank


def test_finds_a_sensible_rank_on_real_data():
    assert 15 <= best_rank(load_digits().data) <= 22
    assert best_rank(scale(load_wine().data)) == 3
    assert best_rank(scale(load_wine().data), center=True) == 3
