"""Starts of non-negative factorizations, against scikit-learn's."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.decomposition._nmf import _initialize_nmf

from lrfact.solvers.nmf.nonnegative_init import STARTS, nonnegative_init
from reference.synthetic_parts import synthetic_parts


def start_of(X, k, init, *, beta=2, storage="C", seed=0, n_threads=1):
    hidden = sparse.csr_array(np.isnan(X)) if np.isnan(X).any() else None
    filled = np.where(np.isnan(X), 0, X).astype(X.dtype)
    matrix = sparse.csr_array(filled) if storage == "csr" else np.array(filled, order=storage)
    return nonnegative_init(
        matrix,
        k,
        init,
        hidden=hidden,
        beta=beta,
        rng=np.random.RandomState(seed),
        n_threads=n_threads,
    )


@pytest.mark.parametrize("storage", ["C", "F", "csr"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_random_is_that_of_scikit_learn(dtype, storage):
    X = synthetic_parts(zeros=0.3).astype(dtype)
    rows, columns = start_of(X, 30, "random", storage=storage, seed=3)
    W, H = _initialize_nmf(X, 30, init="random", random_state=np.random.RandomState(3))
    assert_allclose(rows, W, rtol=1e-6)
    assert_allclose(columns, H.T, rtol=1e-6)


@pytest.mark.parametrize("storage", ["C", "F", "csr"])
@pytest.mark.parametrize("init", ["nndsvd", "nndsvda"])
def test_nndsvd_is_that_of_scikit_learn(init, storage):
    """Where the singular values are well apart, so that both find the same vectors."""
    rng = np.random.default_rng(0)
    U, V = (np.linalg.qr(rng.standard_normal((n, 5)))[0] for n in (40, 25))
    U[:, 0], V[:, 0] = np.abs(U[:, 0]), np.abs(V[:, 0])
    X = np.maximum(U * [100, 20, 9, 4, 2] @ V.T, 0)
    W, H = _initialize_nmf(X, 3, init="nndsvd", random_state=0)
    # What fills zeros is another: scikit-learn's has the unit of X, not of its root.
    for its, expected in zip(start_of(X, 3, init, storage=storage), (W, H.T), strict=True):
        own = expected > 0 if init == "nndsvda" else np.ones_like(expected, dtype=bool)
        assert_allclose(its[own], expected[own], atol=1e-2 * expected.max())
        assert_array_equal(its[expected == 0] > 0, init == "nndsvda")


@pytest.mark.parametrize("shape", [(40, 25), (25, 40)])
def test_nndsvd_is_the_better_part_of_each_triplet(shape):
    X = synthetic_parts(shape, 4, noise=0.3)
    rows, columns = start_of(X, 4, "nndsvd")
    U, s, Vt = np.linalg.svd(X)
    for f in range(4):
        parts = []
        for sign in (1, -1):
            u, v = np.maximum(sign * U[:, f], 0), np.maximum(sign * Vt[f], 0)
            parts.append((np.linalg.norm(u) * np.linalg.norm(v), u, v))
        size, u, v = max(parts, key=lambda part: part[0])
        its = np.outer(rows[:, f], columns[:, f])
        expected = s[f] * size * np.outer(u, v) / np.linalg.norm(u) / np.linalg.norm(v)
        # The singular vectors are asked for to a hundredth.
        assert np.linalg.norm(its - expected) < 0.02 * s[f]
        assert_allclose(np.linalg.norm(rows[:, f]), np.linalg.norm(columns[:, f]))


def test_what_fills_the_zeros():
    X = synthetic_parts(zeros=0.4)
    X[3], X[:, 4] = 0, 0
    plain = start_of(X, 4, "nndsvd")
    filled = start_of(X, 4, "nndsvda")
    drawn = start_of(X, 4, "nndsvdar")
    for axis, (zeros, even, random) in enumerate(zip(plain, filled, drawn, strict=True)):
        empty = zeros == 0
        assert 0 < empty.sum() < empty.size
        for factors in (even, random):
            assert_array_equal(factors[~empty], zeros[~empty])
        # 3/2 of what has, over all components, the mean of row and column as a product.
        means = X.mean(axis=1 - axis)
        expected = np.broadcast_to(1.5 * means[:, np.newaxis] / np.sqrt(4 * X.mean()), zeros.shape)
        assert_allclose(even[empty], expected[empty])
        shown = empty & (expected > 0)
        assert (random[shown] > 0).all()
        assert_array_equal(random[expected == 0], 0)
        ratio = random[shown].mean() / expected[shown].mean()
        assert 0.3 < 1.5 * ratio / (0.01 * np.sqrt(2 / np.pi)) < 3


@pytest.mark.parametrize("beta", [1, 0.5, 1.5])
@pytest.mark.parametrize("storage", ["C", "csr"])
def test_divergences_see_small_entries_beside_huge_ones(beta, storage):
    """A block of small entries has a component of its own, and so has a huge entry."""
    X = np.array([[1e10, 0, 0], [0, 2, 1], [0, 1, 3.0]])
    rows, columns = start_of(X, 2, "nndsvda", storage=storage, beta=beta)
    huge = int(columns[0].argmax())
    assert columns[0, huge] == pytest.approx(1e5, rel=0.5)
    block = np.outer(rows[:, 1 - huge], columns[:, 1 - huge])
    assert_allclose(block[1:, 1:].sum(), 7, rtol=0.5)
    assert block.sum() < 20


@pytest.mark.parametrize("beta", [2, 1, 0])
@pytest.mark.parametrize("init", STARTS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_units_do_not_matter(dtype, init, beta):
    """To the last bit, for a unit that is the square of a power of two."""
    X = synthetic_parts(zeros=0.3 if beta else 0.0).astype(dtype)
    one = start_of(X, 4, init, beta=beta)
    for unit in (dtype(2.0**-20), dtype(2.0**20)):
        for its, expected in zip(start_of(X * unit, 4, init, beta=beta), one, strict=True):
            assert_array_equal(its / np.sqrt(unit), expected)


@pytest.mark.parametrize("holes", [0.0, 0.3])
@pytest.mark.parametrize("beta", [2, 1])
@pytest.mark.parametrize("init", STARTS)
@pytest.mark.parametrize("shape", [(60, 25), (300, 400)])
def test_storage_does_not_matter(shape, init, beta, holes):
    """Whether singular vectors come from a Gram matrix or a Krylov space."""
    X = synthetic_parts(shape, 4, zeros=0.7, noise=0.3, holes=holes)
    dense, by_columns, rows = (
        start_of(X, 4, init, beta=beta, storage=storage) for storage in ("C", "F", "csr")
    )
    for other in (by_columns, rows):
        for its, expected in zip(other, dense, strict=True):
            assert_allclose(its, expected, rtol=1e-8, atol=1e-10 * expected.max())


@pytest.mark.parametrize("storage", ["C", "F", "csr"])
@pytest.mark.parametrize("init", STARTS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_order_sign_and_repetition(dtype, init, storage):
    X = synthetic_parts(zeros=0.3).astype(dtype)
    rows, columns = start_of(X, 5, init, storage=storage)
    assert rows.shape == (40, 5)
    assert columns.shape == (25, 5)
    for factors in (rows, columns):
        assert factors.dtype == dtype
        assert factors.flags.c_contiguous
        assert (factors >= 0).all()
        assert (factors.max(axis=0) > 0).all()
    again = start_of(X, 5, init, storage=storage, n_threads=3)
    assert_array_equal(again[0], rows)
    assert_array_equal(again[1], columns)
    other = start_of(X, 5, init, storage=storage, seed=1)
    if init in ("random", "nndsvdar"):
        assert not np.array_equal(other[0], rows)


@pytest.mark.parametrize("storage", ["C", "csr"])
def test_missing_entries_count_as_the_mean_of_their_column(storage):
    X = synthetic_parts(holes=0.3)
    X[:, 6] = np.nan
    shown = ~np.isnan(X)
    # Zero for a column without entries.
    means = np.nansum(X, axis=0) / np.maximum(shown.sum(axis=0), 1)
    filled = np.where(shown, X, means)
    rows, columns = start_of(X, 3, "nndsvd", storage=storage)
    its_rows, its_columns = nonnegative_init(
        filled, 3, "nndsvd", rng=np.random.RandomState(0), n_threads=1
    )
    assert_allclose(rows, its_rows, atol=1e-10)
    assert_allclose(columns, its_columns, atol=1e-10)


@pytest.mark.parametrize("storage", ["C", "csr"])
@pytest.mark.parametrize("init", STARTS)
def test_all_zero_and_one_entry(init, storage):
    for X in (np.zeros((4, 3)), np.ones((1, 1)), np.eye(3)):
        k = min(2, *X.shape)
        for factors in start_of(X, k, init, storage=storage):
            assert np.isfinite(factors).all()
            assert (factors >= 0).all()
