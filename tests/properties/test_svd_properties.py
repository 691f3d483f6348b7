"""What holds for the SVD of any matrix, on matrices that hypothesis makes up."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import sparse

from lrfact import PCAFromSVD, TruncatedSVDReducer
from lrfact.solvers.svd.truncated_svd import truncated_svd

SOLVERS = ["auto", "exact", "randomized"]


@st.composite
def matrices(draw, min_rows=2):
    """Small matrices of small whole numbers, many of them zero or alike: ranks of every kind."""
    n, m = draw(st.integers(min_rows, 9)), draw(st.integers(2, 9))
    entries = st.sampled_from([0.0, 0.0, 0.0, 1.0, -1.0, 2.0, 5.0, 0.5])
    values = draw(st.lists(entries, min_size=n * m, max_size=n * m))
    return np.array(values).reshape(n, m)


def solve(X, k, solver):
    return truncated_svd(X, k, solver=solver, tol=1e-10, rng=np.random.RandomState(0))


def scale_of(X):
    return max(1.0, np.linalg.norm(X))


@pytest.mark.parametrize("solver", SOLVERS)
@given(X=matrices())
def test_triplets_are_those_of_lapack(solver, X):
    k = max(1, min(X.shape) - 1)
    result = solve(X, k, solver)
    s = np.linalg.svd(X, compute_uv=False)
    assert_allclose(result.s, s[:k], atol=1e-9 * scale_of(X))
    assert_allclose(result.U.T @ result.U, np.eye(k), atol=1e-9)
    assert_allclose(result.Vt @ result.Vt.T, np.eye(k), atol=1e-9)
    # The error of the approximation is the tail of the spectrum.
    loss = np.linalg.norm(X - (result.U * result.s) @ result.Vt)
    assert_allclose(loss, np.linalg.norm(s[k:]), atol=1e-7 * scale_of(X))


@pytest.mark.parametrize("solver", SOLVERS)
@given(X=matrices())
def test_the_transpose_has_the_same_values(solver, X):
    k = min(X.shape)
    assert_allclose(solve(X, k, solver).s, solve(X.T, k, solver).s, atol=1e-9 * scale_of(X))


@given(X=matrices(), factor=st.sampled_from([-3.0, 1e-30, 1e-8, 0.5, 1e8, 1e30]))
def test_scaling_scales_the_values(X, factor):
    k = min(X.shape)
    scaled = solve(factor * X, k, "auto")
    expected = abs(factor) * np.linalg.svd(X, compute_uv=False)
    assert_allclose(scaled.s, expected, atol=1e-9 * abs(factor) * scale_of(X))


@given(X=matrices(), n_zeros=st.integers(1, 5))
def test_zero_rows_and_columns_add_nothing(X, n_zeros):
    k = min(X.shape)
    wider = np.hstack([X, np.zeros((len(X), n_zeros))])
    for larger in (np.vstack([X, np.zeros((n_zeros, X.shape[1]))]), wider):
        assert_allclose(solve(larger, k, "auto").s, solve(X, k, "auto").s, atol=1e-9 * scale_of(X))


@given(X=matrices())
def test_dense_and_sparse_have_the_same_values(X):
    k = min(X.shape)
    for solver in SOLVERS:
        found = solve(sparse.csr_array(X), k, solver).s
        assert_allclose(found, solve(X, k, solver).s, atol=1e-9 * scale_of(X))


def well_separated(X, k, *, centered=False):
    """Whether the k leading directions are determined by the matrix."""
    s = np.linalg.svd(X - X.mean(axis=0) if centered else X, compute_uv=False)
    gaps = s[:k] - np.append(s[1:], 0)[:k]
    return (gaps > 1e-2 * s[0]).all() and s[0] > 0


def signs_are_determined(components):
    """Whether the largest loading of each direction is larger than the others."""
    ordered = np.sort(np.abs(components), axis=1)
    return (ordered[:, -1] - ordered[:, -2] > 1e-6).all()


@pytest.mark.parametrize("Estimator", [TruncatedSVDReducer, PCAFromSVD])
@given(X=matrices(), seed=st.integers(0, 99))
def test_permuted_rows_have_permuted_scores(Estimator, X, seed):
    k = 1
    assume(well_separated(X, k, centered=Estimator is PCAFromSVD))
    order = np.random.default_rng(seed).permutation(len(X))
    estimator, permuted = Estimator(k, tol=1e-10).fit(X), Estimator(k, tol=1e-10).fit(X[order])
    assume(signs_are_determined(estimator.components_))
    assert_allclose(permuted.components_, estimator.components_, atol=1e-6)
    assert_allclose(permuted.transform(X[order]), estimator.transform(X)[order], atol=1e-5)


@pytest.mark.parametrize("Estimator", [TruncatedSVDReducer, PCAFromSVD])
@given(X=matrices(), seed=st.integers(0, 99))
def test_permuted_columns_have_permuted_components(Estimator, X, seed):
    k = 1
    assume(well_separated(X, k, centered=Estimator is PCAFromSVD))
    order = np.random.default_rng(seed).permutation(X.shape[1])
    estimator, permuted = Estimator(k, tol=1e-10).fit(X), Estimator(k, tol=1e-10).fit(X[:, order])
    assume(signs_are_determined(estimator.components_))
    assert_allclose(permuted.components_, estimator.components_[:, order], atol=1e-6)
    assert_allclose(permuted.transform(X[:, order]), estimator.transform(X), atol=1e-5)


@pytest.mark.parametrize("Estimator", [TruncatedSVDReducer, PCAFromSVD])
@given(X=matrices(), a=st.floats(-5, 5), b=st.floats(-5, 5))
def test_transform_is_affine(Estimator, X, a, b):
    """Linear without a mean; with one, weights that add up to one go through."""
    estimator = Estimator(1).fit(X)
    one, other = X[:1], X[1:2]
    if Estimator is PCAFromSVD:
        b = 1 - a
    combined = estimator.transform(a * one + b * other)
    expected = a * estimator.transform(one) + b * estimator.transform(other)
    assert_allclose(combined, expected, atol=1e-10 * scale_of(X) * 36)


@given(X=matrices(), shift=st.floats(-100, 100))
def test_pca_does_not_see_a_shift(X, shift):
    k = min(X.shape)
    plain, shifted = PCAFromSVD(k, tol=1e-10).fit(X), PCAFromSVD(k, tol=1e-10).fit(X + shift)
    atol = 1e-7 * scale_of(X)
    assert_allclose(shifted.explained_variance_, plain.explained_variance_, atol=atol)
    assert_allclose(shifted.mean_, plain.mean_ + shift, atol=1e-10)


@given(X=matrices())
def test_shares_add_up(X):
    k = min(X.shape)
    pca, reducer = PCAFromSVD(k).fit(X), TruncatedSVDReducer(k).fit(X)
    for share in (
        pca.explained_variance_ratio_,
        reducer.explained_energy_ratio_,
        reducer.explained_variance_ratio_,
    ):
        assert (share >= 0).all()
        # All directions there are: all or, of nothing, nothing.
        assert_allclose(share.sum(), 0 if not share.any() else 1, atol=1e-6)


@given(X=matrices(), cut=st.integers(1, 8))
def test_batches_add_up(X, cut):
    """With fewer than ten columns nothing is dropped."""
    k = 1
    cut = min(cut, len(X) - 1)
    for Estimator in (TruncatedSVDReducer, PCAFromSVD):
        whole = Estimator(k, tol=1e-10).fit(X)
        batches = Estimator(k).partial_fit(X[:cut]).partial_fit(X[cut:])
        atol = 1e-7 * scale_of(X)
        assert_allclose(batches.singular_values_, whole.singular_values_, atol=atol)
        if well_separated(X, k, centered=Estimator is PCAFromSVD):
            alignment = np.abs(batches.components_ @ whole.components_.T)
            assert_allclose(alignment, [[1]], atol=1e-6)


@given(X=matrices(), k=st.integers(1, 8))
def test_truncating_equals_fitting(X, k):
    k = min(k, *X.shape)
    for Estimator in (TruncatedSVDReducer, PCAFromSVD):
        full = Estimator(min(X.shape), solver="exact").fit(X)
        fitted = Estimator(k, solver="exact").fit(X)
        assert_allclose(full.truncate(k).singular_values_, fitted.singular_values_, atol=1e-12)
        assert_allclose(full.truncate(k).components_, fitted.components_, atol=1e-12)
