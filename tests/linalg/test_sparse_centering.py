"""Products and energies of centered sparse matrices keep their digits beside a large mean."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from lrfact.linalg import sparse_operator
from lrfact.linalg.as_operator import as_operator
from lrfact.linalg.exact_differences import exactly_summable_parts

# Means of the first four columns beside a spread of about 1. The others are mostly zeros.
MEANS = (1e7, -3e4, 5.0, 2.5)


def with_large_means(dtype, shape=(60, 15), seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal(shape) * (rng.random(shape) < 0.2)
    X[:, :4] = rng.standard_normal((shape[0], 4)) + MEANS
    X[:, 4] = 12345.678  # constant
    X[:, 5] = 0  # empty
    X[3:5, 0] = 0  # absent entries, far from the mean
    X[min(7, len(X) - 1)] = X.mean(axis=0)  # a row at the center
    return X.astype(dtype)


def centered_exactly(X):
    wide = X.astype(np.longdouble)
    mean = wide.mean(axis=0)
    return wide - mean, mean


@pytest.fixture(params=[np.float32, np.float64])
def case(request):
    X = with_large_means(request.param)
    A = as_operator(sparse.csr_array(X))
    exact, mean = centered_exactly(X)
    return A.centered(A.column_means()), exact, mean


def test_means_of_columns(case):
    A, _, mean = case
    # Half of the last digit, and no more for a sum of many.
    assert_allclose(A.column_means(), mean.astype(float), rtol=2.3e-16, atol=1e-16)


def test_products_are_those_of_the_centered_matrix(case):
    A, exact, _ = case
    rng = np.random.default_rng(1)
    for width in (1, 5):
        right = rng.standard_normal((A.shape[1], width)).astype(A.dtype)
        left = rng.standard_normal((A.shape[0], width)).astype(A.dtype)
        before = right.copy(), left.copy()
        for transposed, block, result in ((0, right, A.matmat(right)), (1, left, A.rmatmat(left))):
            true = (exact.T if transposed else exact) @ block.astype(np.longdouble)
            size = (np.abs(exact.T) if transposed else np.abs(exact)) @ np.abs(block)
            error = np.abs(result - true).astype(float)
            assert result.dtype == A.dtype
            # The largest deviations are those of the absent entries of a column: the mean. Digits
            # of rows and columns that have none of them do not suffer.
            assert (error <= 8 * np.finfo(A.dtype).eps * size.astype(float) + 1e-8).all()
        assert_array_equal(right, before[0])
        assert_array_equal(left, before[1])


def test_blocks_are_those_of_the_centered_matrix(case):
    A, exact, _ = case
    for block, true in (
        (A.row_block(2, 40), exact[2:40]),
        (A.column_block(0, 9), exact[:, :9]),
        (A.T.row_block(0, 9), exact.T[:9]),
    ):
        assert_allclose(block, true.astype(float), rtol=4 * np.finfo(A.dtype).eps, atol=2e-9)


def test_energies_are_those_of_the_centered_matrix(case):
    A, exact, _ = case
    squares = exact**2
    # Of a deviation of 1 from a mean of 1e7, float64 knows nine digits.
    options = {"rtol": 1e-8, "atol": 1e-16}
    assert_allclose(A.column_energies(), squares.sum(axis=0).astype(float), **options)
    assert_allclose(A.row_energies(), squares.sum(axis=1).astype(float), **options)
    assert_allclose(A.squared_norm(), float(squares.sum()), **options)


def test_energy_of_a_row_beside_many_large_absent_ones():
    """Half of the entries are absent: no column is nearly full, and no difference may cancel."""
    rng = np.random.default_rng(0)
    X = np.zeros((8, 2000))
    X[:4] = 2
    X[0] += 1e-6 * rng.standard_normal(2000)
    A = as_operator(sparse.csr_array(X)).centered(np.full(2000, 2.0))
    true = ((X - 2) ** 2).sum(axis=1)
    assert_allclose(A.row_energies(), true, rtol=1e-12, atol=0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_of_another_matrix(dtype):
    """Rows that a mean was not taken of, single ones too, with columns that they do not store."""
    X = with_large_means(dtype)
    _, mean = centered_exactly(X)
    mean = mean.astype(np.float64)
    new = with_large_means(dtype, (6, 15), seed=1)
    new[2] = 0
    new[4, :3] = 0
    V = np.linalg.qr(np.random.default_rng(2).standard_normal((15, 3)))[0].astype(dtype)
    for rows in (new, new[:1], new[2:3], new[3:5]):
        A = as_operator(sparse.csr_array(rows)).centered(mean)
        exact = rows.astype(np.longdouble) - mean
        true = (exact @ V.astype(np.longdouble)).astype(float)
        size = (np.abs(exact) @ np.abs(V)).astype(float)
        assert (np.abs(A.matmat(V) - true) <= 8 * np.finfo(dtype).eps * size.max()).all()
        assert_allclose(A.row_energies(), (exact**2).sum(axis=1).astype(float), rtol=1e-9)


def test_nothing_is_copied_where_means_are_small():
    """Of text and ratings, a column is hardly ever three quarters full."""
    X = sparse.random_array((500, 80), density=0.3, random_state=0, format="csr") + 0.0
    A = as_operator(X)
    A = A.centered(A.column_means())
    assert A._deviations is None


def test_little_is_copied_where_one_mean_is_large():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((500, 80)) * (rng.random((500, 80)) < 0.3)
    X[:, 7] = 100 + rng.standard_normal(500)
    A = as_operator(sparse.csr_array(X))
    deviations = A.centered(A.column_means())._deviations
    assert_array_equal(deviations.columns, [7])
    assert deviations.values.shape == (500, 1)
    assert deviations.others is A


@pytest.mark.parametrize("limit", [0.0, 1.0])
def test_with_and_without_the_entries_of_the_columns_held_apart(limit, monkeypatch):
    monkeypatch.setattr(sparse_operator, "_WORTH_LEAVING_OUT", limit)
    X = with_large_means(np.float64)
    A = as_operator(sparse.csr_array(X))
    A = A.centered(A.column_means())
    exact, _ = centered_exactly(X)
    right = np.random.default_rng(0).standard_normal((15, 4))
    A.prepare_products(2**20)
    assert_allclose(A.matmat(right), (exact @ right).astype(float), rtol=1e-10, atol=1e-8)
    left = np.random.default_rng(0).standard_normal((60, 4))
    assert_allclose(A.rmatmat(left), (exact.T @ left).astype(float), rtol=1e-10, atol=1e-8)


@pytest.mark.parametrize("scale", [1e-300, 1e-10, 1.0, 1e290])
def test_parts_add_up_without_rounding(scale, global_random_seed):
    rng = np.random.default_rng(global_random_seed)
    terms = scale * rng.random(1000) ** 8
    leading, rest = exactly_summable_parts(terms)
    assert_array_equal(leading + rest, terms)
    assert leading.sum() == leading[rng.permutation(1000)].sum() == leading[::-1].cumsum()[-1]
    assert np.abs(rest).max() <= 4.5e-16 * terms.sum()


def test_parts_of_nothing():
    for terms in (np.zeros(3), np.zeros(0)):
        leading, rest = exactly_summable_parts(terms)
        assert_array_equal(leading, terms)
        assert_array_equal(rest, terms)
