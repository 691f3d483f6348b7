import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from lrfact.linalg.sparse_rows import absent_columns, as_sparse_rows
from lrfact.solvers.search import latent_space
from lrfact.solvers.search.latent_space import LatentSpace, decomposed, merged, term_masses
from lrfact.solvers.svd.truncated_svd import truncated_svd
from reference import naive_correspondence

K = 3


def matrix(n=30, m=12, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.poisson(rng.gamma(0.4, 2, size=(n, 4)) @ rng.gamma(0.4, size=(4, m))).astype(float)
    X[n // 2] = 0
    X[:, m // 2] = 0
    return X


def space_of(X, power=1.0, *, by_correspondence=False, k=K):
    A = sparse.csr_array(X)
    masses = term_masses(A) if by_correspondence else None
    result = truncated_svd(decomposed(A, masses), k, solver="exact")
    return LatentSpace(result.s, result.Vt, power, masses), A


@pytest.mark.parametrize("power", [-0.5, 0, 1, 2])
@pytest.mark.parametrize("by_correspondence", [False, True])
def test_documents_lie_at_the_rows_of_u_times_powers_of_s(power, by_correspondence):
    X = matrix()
    space, A = space_of(X, power, by_correspondence=by_correspondence)
    if by_correspondence:
        s, expected = naive_correspondence.coordinates(X, K, power)
    else:
        U, s, _ = np.linalg.svd(X, full_matrices=False)
        expected, s = U[:, :K] * s[:K] ** power, s[:K]
    found = space.coordinates(A)
    assert_allclose(space.s, s, rtol=1e-10)
    assert_allclose(np.abs(found), np.abs(expected), atol=1e-10 * np.abs(expected).max())
    assert not found[15].any()
    if not by_correspondence:
        assert_allclose(space.coordinates(X), found, atol=1e-12)


def test_directions_that_a_matrix_has_not():
    X = np.outer(np.arange(5.0), np.arange(4.0))
    space, A = space_of(X, power=0.0, k=3)
    found = space.coordinates(A)
    assert np.isfinite(found).all()
    assert_allclose(found[:, 1:], 0, atol=1e-12)


def test_blocks_that_share_no_word():
    """The first direction tells them apart, with a singular value of 1: that of independence is
    left out, although its singular value is the same."""
    X = np.kron(np.eye(2), np.ones((3, 4))) + np.kron(
        np.eye(2), np.diag([1.0, 0, 2])[:, [0, 1, 2, 0]]
    )
    X[3, 5] += 3  # of two equal blocks the second component would be any mixture
    space, A = space_of(X, by_correspondence=True, k=2)
    s, expected = naive_correspondence.coordinates(X, 2)
    assert_allclose(space.s, s, rtol=1e-10)
    assert space.s[0] == pytest.approx(1)
    assert_allclose(np.abs(space.coordinates(A)), np.abs(expected), atol=1e-10)


@pytest.mark.parametrize("by_correspondence", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_few_words_take_another_way_to_the_same_bits(by_correspondence, dtype, monkeypatch):
    X = matrix(n=40, m=30)
    space, A = space_of(X.astype(dtype), by_correspondence=by_correspondence)
    query = A[[1]]
    expected = space.coordinates(query)
    for few in (0, 1000):
        monkeypatch.setattr(latent_space, "_FEW_ENTRIES", few)
        assert_array_equal(space.coordinates(query), expected)
    nothing = sparse.csr_array((2, 30), dtype=dtype)
    monkeypatch.setattr(latent_space, "_FEW_ENTRIES", 0)
    assert_array_equal(space.coordinates(nothing), np.zeros((2, K)))


def test_leading_directions():
    space, A = space_of(matrix())
    assert_allclose(space.leading(2).coordinates(A), space.coordinates(A)[:, :2], atol=1e-12)


@pytest.mark.parametrize("power", [0.5, 1])
def test_merging_is_exact_where_nothing_is_left_out(power):
    rng = np.random.default_rng(0)
    X = rng.random((50, 4)) @ rng.random((4, 15))
    whole, _ = space_of(X, power, k=4)
    old, A = space_of(X[:30], power, k=4)
    batch = decomposed(sparse.csr_array(X[30:]), None)
    new = merged(old, batch, tol=1e-10, rng=np.random.RandomState(0))
    assert_allclose(new.s, whole.s, rtol=1e-8)
    assert_allclose(new.Vt.T @ new.Vt, whole.Vt.T @ whole.Vt, atol=1e-8)
    # And the documents so far are moved to where they would be found.
    moved = old.coordinates(A) @ new.moved_from(old)
    assert_allclose(moved, new.coordinates(A), atol=1e-8)


def test_columns_that_say_nothing():
    X = matrix()
    expected = ~X.any(axis=0)
    stored_zero = sparse.csr_array(X)
    stored_zero.data[stored_zero.indices == 1] = 0
    assert_array_equal(absent_columns(X), expected)
    assert_array_equal(absent_columns(sparse.csr_array(X)), expected)
    assert absent_columns(stored_zero)[1]
    space, _ = space_of(X)
    assert not space.without(expected).Vt[:, expected].any()


def test_rows_without_duplicates():
    twice = sparse.coo_array(([1.0, 2.0], ([0, 0], [1, 1])), shape=(2, 3)).tocsr(copy=True)
    unsummed = sparse.csr_array((np.ones(2), np.array([1, 1]), np.array([0, 2, 2])), shape=(2, 3))
    assert_array_equal(as_sparse_rows(unsummed).toarray(), [[0, 2, 0], [0, 0, 0]])
    assert unsummed.nnz == 2
    assert_array_equal(as_sparse_rows(twice).toarray(), as_sparse_rows(twice.toarray()).toarray())
