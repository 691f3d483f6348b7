"""Starts of non-negative factorizations, against scikit-learn's."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.decomposition._nmf import _initialize_nmf

from lrfact.solvers.nonnegative_start import STARTS, nonnegative_start
from reference.planted_parts import planted_parts


def start_of(X, k, init, *, storage="C", seed=0, n_threads=1):
    hidden = sparse.csr_array(np.isnan(X)) if np.isnan(X).any() else None
    filled = np.where(np.isnan(X), 0, X).astype(X.dtype)
    matrix = sparse.csr_array(filled) if storage == "csr" else np.array(filled, order=storage)
    return nonnegative_start(
        matrix,
        k,
        init,
        hidden=hidden,
        mean=float(np.nanmean(X)),
        rng=np.random.RandomState(seed),
        n_threads=n_threads,
    )


@pytest.mark.parametrize("storage", ["C", "F", "csr"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_random_is_that_of_scikit_learn(dtype, storage):
    X = planted_parts(zeros=0.3).astype(dtype)
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
    rows, columns = start_of(X, 3, init, storage=storage)
    W, H = _initialize_nmf(X, 3, init=init, random_state=0)
    assert_allclose(rows, W, atol=1e-2 * W.max())
    assert_allclose(columns, H.T, atol=1e-2 * H.max())
    assert_array_equal(rows == 0, W == 0)


@pytest.mark.parametrize("shape", [(40, 25), (25, 40)])
def test_nndsvd_is_the_better_part_of_each_triplet(shape):
    X = planted_parts(shape, 4, noise=0.3)
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
    X = planted_parts(zeros=0.4)
    X[3], X[:, 4] = 0, 0
    plain = start_of(X, 4, "nndsvd")
    filled = start_of(X, 4, "nndsvda")
    drawn = start_of(X, 4, "nndsvdar")
    for zeros, mean, random in zip(plain, filled, drawn, strict=True):
        empty = zeros == 0
        assert 0 < empty.sum() < empty.size
        for factors in (mean, random):
            assert_array_equal(factors[~empty], zeros[~empty])
        assert_allclose(mean[empty], X.mean())
        assert (random[empty] > 0).all()
        assert 0.3 < random[empty].mean() / (X.mean() / 100 * np.sqrt(2 / np.pi)) < 3


@pytest.mark.parametrize("storage", ["C", "F", "csr"])
@pytest.mark.parametrize("init", STARTS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_order_sign_and_repetition(dtype, init, storage):
    X = planted_parts(zeros=0.3).astype(dtype)
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


@pytest.mark.parametrize("init", ["nndsvd", "nndsvda"])
def test_missing_entries_count_as_the_mean_of_their_column(init):
    X = planted_parts(holes=0.3)
    X[:, 6] = np.nan
    shown = ~np.isnan(X)
    # Zero for a column without entries.
    means = np.nansum(X, axis=0) / np.maximum(shown.sum(axis=0), 1)
    filled = np.where(shown, X, means)
    rows, columns = start_of(X, 3, init)
    its_rows, its_columns = nonnegative_start(
        filled, 3, init, mean=float(np.nanmean(X)), rng=np.random.RandomState(0), n_threads=1
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
