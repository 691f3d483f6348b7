"""Whitened coordinates have variance one in any units, but for components of rounding errors."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse

from lrfact import PCAFromSVD

CONTAINERS = [np.asarray, sparse.csr_array]


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize(
    ("dtype", "scale"),
    [
        *((np.float64, scale) for scale in (1e-150, 1e-30, 1e-16, 1e-8, 1.0, 1e8, 1e30, 1e150)),
        *((np.float32, scale) for scale in (1e-35, 1e-20, 1e-8, 1.0, 1e8, 1e16)),
    ],
)
def test_spread_is_one(dtype, scale, container):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((80, 5)) @ rng.standard_normal((5, 5)) + 3
    X = (X * scale).astype(dtype)
    pca = PCAFromSVD(whiten=True, solver="exact").fit(container(X))
    W = pca.transform(container(X))
    rtol = 1e-3 if dtype == np.float32 else 1e-10
    assert_allclose(W.std(axis=0, ddof=1, dtype=np.float64), 1, rtol=rtol)
    back = pca.inverse_transform(W).astype(np.float64) / scale
    assert_allclose(back, X.astype(np.float64) / scale, rtol=rtol, atol=rtol)


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("factor", [1.0, 3.0, 1e3, 1.7e5, 1e9])
@pytest.mark.parametrize("mean", [0.0, 1.0, 1000.0])
def test_copies_of_columns_add_no_directions(mean, factor, dtype, container):
    rng = np.random.default_rng(0)
    X = (rng.standard_normal((100, 4)) @ rng.standard_normal((4, 4)) + mean).astype(dtype)
    X = np.hstack([X, dtype(factor) * X[:, ::-1]])
    for scale in (1e-8, 1.0, 1e3):
        scaled = (dtype(scale) * X).astype(dtype)
        pca = PCAFromSVD(whiten=True, solver="exact").fit(container(scaled))
        W = pca.transform(container(scaled)).astype(np.float64)
        spread = W.std(axis=0, ddof=1)
        assert_allclose(spread[:4], 1, rtol=2e-2 if dtype == np.float32 else 1e-6)
        assert (spread[4:] < 1e-3).all()
        back = pca.inverse_transform(W.astype(dtype))
        assert_allclose(back, scaled, rtol=0, atol=1e3 * np.finfo(dtype).eps * scaled.max())


@pytest.mark.parametrize("container", CONTAINERS)
def test_constant_columns_and_rows(container):
    X = np.zeros((6, 3))
    X[:, 0] = 0.1
    assert_allclose(PCAFromSVD(whiten=True).fit_transform(container(X)), 0, atol=1e-15)
    X[:, 1] = [1e-9, 3e-9, 2e-9, 7e-9, 5e-9, 4e-9]
    W = PCAFromSVD(whiten=True).fit_transform(container(X))
    assert_allclose(W.std(axis=0, ddof=1), [1, 0, 0], atol=1e-6)


@pytest.mark.parametrize("container", CONTAINERS)
def test_after_batches_and_truncation(container):
    rng = np.random.default_rng(0)
    X = 1e-9 * (rng.standard_normal((60, 6)) @ rng.standard_normal((6, 6)))
    pca = PCAFromSVD(4, whiten=True)
    for part in np.split(X, 3):
        pca.partial_fit(container(part))
    assert_allclose(pca.transform(X).std(axis=0, ddof=1), 1, rtol=1e-2)
    shorter = pca.truncate(2)
    assert_allclose(shorter.transform(X), pca.transform(X)[:, :2])
