import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from lrfact.solvers.implicit.spectral_filter import spectral_filter
from reference.synthetic_clicks import synthetic_clicks


@pytest.mark.parametrize("reg", [0.0, 0.2])
def test_scores_are_those_of_dense_singular_vectors(reg):
    entries = synthetic_clicks()
    dense = entries.toarray()
    found = spectral_filter(entries, 3, reg=reg, rng=np.random.RandomState(0), n_threads=1)
    with np.errstate(divide="ignore"):
        r, d = 1 / np.sqrt(dense.sum(axis=1)), 1 / np.sqrt(dense.sum(axis=0))
    r[~np.isfinite(r)] = d[~np.isfinite(d)] = 0
    _, s, Vt = np.linalg.svd(r[:, None] * dense * d)
    assert s[0] > s[1] > s[2] > s[3]
    inverse = np.divide(1, d, out=np.zeros_like(d), where=d > 0)
    filtered = Vt[:3].T * (s[:3] ** 2 / (s[:3] ** 2 + reg))
    expected = (dense * d) @ filtered @ (Vt[:3] * inverse)
    rows = found.fold_in(entries, n_threads=2)
    assert_allclose(rows @ found.factors.T, expected, atol=2e-2 * np.abs(expected).max())
    assert_array_equal(rows[3], 0)
    assert_array_equal(found.factors[5], 0)
    assert (found.factors.max(axis=0) >= -found.factors.min(axis=0)).all()


def test_it_is_the_ridge_regression_of_a_matrix_on_itself_where_the_rank_is_full():
    entries = synthetic_clicks()[:, :12]
    reg = 0.3
    found = spectral_filter(entries, 12, reg=reg, rng=np.random.RandomState(0), n_threads=1)
    dense = entries.toarray()
    r, d = dense.sum(axis=1), dense.sum(axis=0)
    r[r == 0] = d[d == 0] = 1
    X = dense / np.sqrt(r)[:, None] / np.sqrt(d)
    P = np.linalg.solve(X.T @ X + reg * np.eye(12), X.T @ X)
    rows = found.fold_in(entries, n_threads=1)
    expected = (dense / np.sqrt(d)) @ P * np.sqrt(d)
    assert_allclose(rows @ found.factors.T, expected, atol=2e-2 * np.abs(expected).max())


def test_a_direction_that_only_zeros_fill_is_left_out():
    entries = synthetic_clicks()[:, [0, 0, 1]].tocsr()
    found = spectral_filter(entries, 3, reg=0.0, rng=np.random.RandomState(0), n_threads=1)
    assert np.isfinite(found.factors).all()


def test_contributions_add_up():
    entries = synthetic_clicks()
    found = spectral_filter(entries, 3, reg=0.1, rng=np.random.RandomState(0), n_threads=1)
    score = found.fold_in(entries[[7]], n_threads=1) @ found.factors[9]
    assert_allclose(found.contributions(entries[[7]], 9).sum(), score[0])


@pytest.mark.parametrize(("dtype", "unit"), [(np.float64, 1e-309), (np.float32, 1e-41)])
def test_entries_without_a_finite_inverse(dtype, unit):
    entries = synthetic_clicks().astype(dtype)
    tiny = sparse.csr_array((entries.data * dtype(unit), entries.indices, entries.indptr))
    tiny.resize(entries.shape)
    found, expected = (
        spectral_filter(X, 3, reg=0.1, rng=np.random.RandomState(0), n_threads=1)
        for X in (tiny, entries)
    )
    rows, unscaled = (
        one.fold_in(X, n_threads=1) @ one.factors.T
        for one, X in ((found, tiny), (expected, entries))
    )
    assert_allclose(rows / unit, unscaled, rtol=1e-2, atol=1e-2 * np.abs(unscaled).max())
