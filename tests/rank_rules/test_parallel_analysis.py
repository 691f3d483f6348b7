import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from lrfact.rank_rules import Spectrum, parallel_analysis_rank
from lrfact.rank_rules._parallel_analysis import (
    flip_signs,
    gaussian_singular_values,
    leading_singular_values,
    permute_within_columns,
)
from reference.synthetic import five_sensors, random_sparse, synthetic_low_rank


def rank_of(X, *, center=False, n_values=None, data=True, **options):
    dense = X.toarray() if sparse.issparse(X) else X
    A = dense - dense.mean(axis=0) if center else dense
    s = np.linalg.svd(A, compute_uv=False)[:n_values]
    spectrum = Spectrum(s, X.shape, total_energy=np.sum(A**2), centered=center)
    return parallel_analysis_rank(spectrum, X if data else None, **{"random_state": 0, **options})


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array, sparse.csc_matrix])
@pytest.mark.parametrize("center", [False, True])
@pytest.mark.parametrize("mean", [0.0, 3.0])
def test_synthetic_rank(container, center, mean, global_random_seed):
    X = synthetic_low_rank(150, 40, 4, seed=global_random_seed) + mean
    # Without centering the means are one more direction.
    expected = 4 + int(mean != 0 and not center)
    assert rank_of(container(X), center=center).n_components == expected


@pytest.mark.parametrize("null", ["permutation", "signs", "gaussian"])
@pytest.mark.parametrize("shape", [(150, 40), (40, 150)])
def test_every_null(null, shape, global_random_seed):
    X = synthetic_low_rank(*shape, 4, seed=global_random_seed)
    assert rank_of(X, center=True, null=null).n_components == 4
    assert rank_of(X, null=null).n_components == 4
    assert rank_of(sparse.csr_array(X), null=null).n_components == 4


def test_singular_values_alone(global_random_seed):
    X = synthetic_low_rank(150, 40, 4, seed=global_random_seed)
    assert rank_of(X, data=False).n_components == 4
    assert rank_of(X, data=False, n_values=9).n_components == 4


@pytest.mark.parametrize("center", [False, True])
@pytest.mark.parametrize("null", ["permutation", "signs"])
def test_false_alarms_are_rare_in_noise(center, null):
    rng = np.random.default_rng(0)
    found = [
        rank_of(rng.normal(size=(60, 15)), center=center, null=null, random_state=i).n_components
        for i in range(80)
    ]
    # One in 21 is expected: 3.8 of 80, and 11 or more has a chance of 0.2 %.
    assert np.count_nonzero(found) <= 10
    assert max(found) <= 2


def test_no_false_alarm_in_sparse_noise():
    X = random_sparse(300, 100, 0.05, seed=3)
    assert rank_of(X, center=True).n_components == 0


def test_five_sensors():
    _, noisy = five_sensors()
    assert rank_of(noisy.T).n_components == 1
    assert rank_of(noisy, data=False).n_components == 1


def test_seeded_and_independent_of_how_many_values_are_needed():
    X = synthetic_low_rank(100, 80, 3, seed=0, noise=0.1)
    few, many = rank_of(X, n_values=10), rank_of(X)
    assert few.n_components == many.n_components == 3
    assert_allclose(few.threshold, many.threshold[:10], rtol=1e-6)
    again = rank_of(X)
    assert_array_equal(again.threshold, many.threshold)


def test_asks_for_more_values():
    X = synthetic_low_rank(100, 50, 6, seed=0, noise=0.1)
    choice = rank_of(X, n_values=4)
    assert choice.n_components == 4
    assert not choice.is_settled


def test_zero_matrix_and_exact_rank():
    assert rank_of(np.zeros((6, 4))).n_components == 0
    X = synthetic_low_rank(60, 30, 3, seed=0, noise=0.0)
    assert rank_of(X).n_components <= 3
    assert rank_of(X[:, :1]).n_components == 0  # one column has no other to go with


@pytest.mark.parametrize("density", [0.02, 0.2, 0.9])
def test_permutation_keeps_the_values_of_each_column(density):
    rng = np.random.default_rng(0)
    X = random_sparse(200, 30, density, seed=1).tocsc()
    permuted = permute_within_columns(X, rng)
    assert permuted.nnz == X.nnz
    assert_allclose(np.sort(permuted.toarray(), axis=0), np.sort(X.toarray(), axis=0))
    assert not np.array_equal(permuted.toarray(), X.toarray())
    assert permuted.dtype == X.dtype
    # toarray would add up entries that fell on the same row
    assert np.count_nonzero(permuted.toarray()) == X.nnz

    dense = permute_within_columns(X.toarray(), rng)
    assert_allclose(np.sort(dense, axis=0), np.sort(X.toarray(), axis=0))


def test_permutation_of_sparse_columns_is_uniform():
    X = sparse.csc_array(np.array([[1.0], [2.0], [0.0], [0.0], [0.0], [0.0], [0.0], [0.0], [0.0]]))
    rng = np.random.default_rng(0)
    places = np.zeros((9, 9))
    for _ in range(3000):
        column = permute_within_columns(X, rng).toarray().ravel()
        places[np.flatnonzero(column == 1)[0], np.flatnonzero(column == 2)[0]] += 1
    assert np.all(np.diagonal(places) == 0)
    off_diagonal = places[~np.eye(9, dtype=bool)]
    expected = 3000 / 72
    assert np.sum((off_diagonal - expected) ** 2 / expected) < 120  # chi-squared, 71 degrees


def test_signs_keep_sizes():
    rng = np.random.default_rng(0)
    X = random_sparse(50, 20, 0.3, seed=1, dtype=np.float32)
    for matrix in (X, X.toarray()):
        flipped = flip_signs(matrix, rng)
        assert flipped.dtype == np.float32
        assert_array_equal(abs(flipped).sum(), abs(matrix).sum())
    assert (flip_signs(X, rng) != X).nnz > X.nnz / 4


@pytest.mark.parametrize("shape", [(40, 15), (15, 40), (20, 20), (30, 1)])
def test_gaussian_values_without_the_matrix(shape):
    rng = np.random.default_rng(0)
    k = min(3, *shape)
    drawn = np.mean([gaussian_singular_values(*shape, k, rng) for _ in range(400)], axis=0)
    real = [np.linalg.svd(rng.normal(size=shape), compute_uv=False)[:k] for _ in range(400)]
    assert_allclose(drawn, np.mean(real, axis=0), rtol=0.02)


@pytest.mark.parametrize("shape", [(400, 15), (15, 400), (300, 250)])
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
def test_leading_values(shape, container):
    rng = np.random.default_rng(0)
    X = rng.normal(size=shape) + 2
    mean = X.mean(axis=0)
    plain, centered = (np.linalg.svd(A, compute_uv=False)[:3] for A in (X, X - mean))
    for n_threads in (1, 2):
        values = leading_singular_values(container(X), 3, None, rng, n_threads)
        assert_allclose(values, plain, rtol=2e-3)
        values = leading_singular_values(container(X), 3, mean, rng, n_threads)
        assert_allclose(values, centered, rtol=2e-3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"quantile": 0}, r"quantile=0 .* must lie in \(0, 1\]"),
        ({"n_permutations": 0}, "n_permutations=0 .* at least 1"),
        ({"null": "bootstrap"}, "null='bootstrap' .* must be one of"),
        ({"null": "signs", "center": True}, "would fill the zeros"),
        ({"null": "signs", "data": False}, "rearranges the data"),
    ],
)
def test_bad_input(options, message):
    X = random_sparse(20, 8, 0.4, seed=0)
    with pytest.raises(ValueError, match=message):
        rank_of(X, **options)


def test_bad_data():
    spectrum = Spectrum([2.0, 1.0], shape=(5, 3))
    with pytest.raises(ValueError, match="needs the total energy"):
        parallel_analysis_rank(spectrum)
    with pytest.raises(ValueError, match=r"X of shape \(4, 3\) is not the matrix"):
        parallel_analysis_rank(spectrum, np.ones((4, 3)))
