"""Rows solved each by itself on given components, to the minimum."""

import warnings
from itertools import product

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import nnls
from sklearn.exceptions import ConvergenceWarning

from lrfact.kernels import IMPLEMENTATION
from lrfact.solvers.nmf.nonnegative_fold_in import fold_in
from reference.naive_nonnegative import naive_divergence, naive_gradient
from reference.synthetic_parts import STORAGES, problem_of, synthetic_parts

BETAS = [2, 1, 0, 0.5, 1.5, 3]


def case(beta, dtype=np.float64, holes=0.0, shape=(12, 20), rank=3):
    X = synthetic_parts(shape, rank, holes=holes, zeros=0.3 if beta > 0 else 0).astype(dtype)
    rng = np.random.default_rng(9)
    columns = 0.02 + rng.random((shape[1], rank)) * (rng.random((shape[1], rank)) > 0.4)
    return X, columns.astype(dtype)


def side_of(X, beta, storage="C", penalty=(0, 0), n_threads=1):
    penalties = (penalty, (0, 0))
    return problem_of(X, storage=storage, beta=beta, penalties=penalties, n_threads=n_threads).rows


@pytest.mark.parametrize("holes", [0.0, 0.3])
@pytest.mark.parametrize("storage", STORAGES)
def test_squared_errors_are_those_of_nnls(storage, holes):
    X, columns = case(2, holes=holes)
    rows = fold_in(side_of(X, 2, storage), columns)
    for x, row in zip(X, rows, strict=True):
        shown = ~np.isnan(x)
        assert_allclose(row, nnls(columns[shown], x[shown])[0], atol=1e-7)
    assert (rows == 0).any()


PENALTIES = [(0, 0), (0.5, 0), (0, 0.7), (0.3, 0.2)]


@pytest.mark.parametrize(
    ("beta", "storage", "holes", "penalty"),
    [
        *product((2, 1), STORAGES, (0.0, 0.3), PENALTIES),
        # Multiplicative updates take their time.
        *product((0, 0.5, 1.5, 3), ("C", "csr"), (0.0,), ((0, 0), (0.3, 0.2))),
        *product((0, 0.5, 1.5, 3), ("C",), (0.3,), ((0.3, 0.2),)),
    ],
)
def test_conditions_of_the_minimum(beta, storage, holes, penalty):
    X, columns = case(beta, holes=holes)
    rows = fold_in(side_of(X, beta, storage, penalty), columns)
    slope = naive_gradient(X, rows, columns, beta, penalty)
    size = np.abs(naive_gradient(np.where(np.isnan(X), X, 0), rows, columns, beta, penalty))
    assert (rows >= 0).all()
    tol = 1e-5 if beta in (2, 1) else 2e-3
    # Where a factor is 0 or on its way there the slope is up, else it is flat.
    assert (slope >= -tol * size.max()).all()
    assert_allclose(rows * slope / size.max(), 0, atol=tol * rows.max())


@pytest.mark.parametrize("storage", ["C", "csr"])
@pytest.mark.parametrize("holes", [0.0, 0.3])
@pytest.mark.parametrize("beta", [2, 1, 0.5])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_row_does_not_depend_on_the_others(dtype, beta, holes, storage):
    """To the bit, but for what BLAS does."""
    X, columns = case(beta, dtype, holes, shape=(70, 20))
    whole = fold_in(side_of(X, beta, storage), columns)
    for i in (0, 33, 69):
        one = side_of(X[i : i + 1], beta, storage)
        if beta in (2, 1):
            exact = IMPLEMENTATION == "compiled" and storage == "csr"
            # BLAS rounds the products of one row in another way than those of many.
            rtol = 0 if exact else 1e-4 if dtype == np.float32 else 1e-10
            assert_allclose(fold_in(one, columns)[0], whole[i], rtol=rtol, atol=rtol)
        else:
            rtol = 1e-2 if dtype == np.float32 else 1e-4
            assert_allclose(fold_in(one, columns)[0], whole[i], rtol=rtol, atol=rtol)


@pytest.mark.parametrize("beta", [2, 1, 0.5])
def test_bits_do_not_depend_on_threads(beta):
    X, columns = case(beta, shape=(200, 30), rank=8 if beta != 0.5 else 3)
    results = {fold_in(side_of(X, beta, "C", n_threads=n), columns).tobytes() for n in (1, 2, 5)}
    assert len(results) == 1


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("holes", [0.0, 0.3])
@pytest.mark.parametrize("beta", BETAS)
def test_float32_comes_close_to_float64(beta, holes, storage):
    X, columns = case(beta, holes=holes)
    wide = fold_in(side_of(X, beta, storage), columns)
    narrow = X.astype(np.float32)
    its = fold_in(side_of(narrow, beta, storage), columns.astype(np.float32))
    assert its.dtype == np.float32
    S, T = wide @ columns.T, its.astype(np.float64) @ columns.T
    shown = ~np.isnan(X)
    losses = [naive_divergence(X[shown], model[shown], beta).sum() for model in (S, T)]
    assert_allclose(losses[1], losses[0], rtol=1e-3)


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("penalty", [(0, 0), (0.2, 0.1)])
@pytest.mark.parametrize("beta", [2, 1, 0.5])
def test_rows_of_zeros_and_missing_rows_are_zero(beta, penalty, storage):
    X, columns = case(beta)
    X[2], X[5] = 0, np.nan
    rows = fold_in(side_of(X, beta, storage, penalty), columns)
    assert_array_equal(rows[[2, 5]], 0)
    assert (rows[[0, 1, 3, 4]] > 0).any(axis=1).all()


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("beta", [2, 1])
def test_many_more_components_than_a_row_shows(beta, storage):
    """The minimum is not unique; the loss is, and it is 0."""
    X, _ = case(beta, shape=(6, 9))
    columns = np.random.default_rng(0).random((9, 15)) + np.eye(9, 15)
    X = np.random.default_rng(1).random((6, 15)) @ columns.T
    X[:, 4:] = np.nan
    rows = fold_in(side_of(X, beta, storage), columns)
    assert_allclose(rows @ columns[:4].T, X[:, :4], rtol=1e-4)


def test_rows_that_do_not_come_to_rest_are_told(monkeypatch):
    import lrfact.solvers.nmf.nonnegative_fold_in as module

    monkeypatch.setattr(module, "_PASSES_IN_TURN", 1)
    monkeypatch.setattr(module, "_MOST_TURNS", 1)
    monkeypatch.setattr(module, "_MOST_POISSON_PASSES", 1)
    monkeypatch.setattr(module, "_MOST_UPDATES", 3)
    for beta in (2, 1, 0.5):
        X, columns = case(beta)
        with pytest.warns(ConvergenceWarning, match="12 of 12 rows did not come to rest"):
            fold_in(side_of(X, beta), columns)


@pytest.mark.parametrize("n_turns", [2, 50])
@pytest.mark.parametrize("holes", [0.0, 0.2])
@pytest.mark.parametrize("storage", STORAGES)
def test_steps_between_passes_lead_to_the_same_minimum(storage, holes, n_turns, monkeypatch):
    """Of two turns the first ends with an active set, of many most with Newton's method."""
    import lrfact.solvers.nmf.nonnegative_fold_in as module

    X, columns = case(2, holes=holes)
    expected = fold_in(side_of(X, 2, storage=storage), columns)
    monkeypatch.setattr(module, "_PASSES_IN_TURN", 2)
    monkeypatch.setattr(module, "_MOST_TURNS", n_turns)
    whole = fold_in(side_of(X, 2, storage=storage), columns)
    assert_allclose(whole, expected, rtol=1e-7, atol=1e-9 * expected.max())
    monkeypatch.setattr(module, "_GRAMS", 20)  # one row
    for n_threads in (1, 3):
        side = side_of(X, 2, storage=storage, n_threads=n_threads)
        assert_array_equal(fold_in(side, columns), whole)


def test_blocks_change_nothing(monkeypatch):
    import lrfact.solvers.nmf.nonnegative_fold_in as module

    X, columns = case(1, holes=0.2)
    whole = fold_in(side_of(X, 1), columns)
    monkeypatch.setattr(module, "_BLOCK", 45)  # two rows
    assert_array_equal(fold_in(side_of(X, 1), columns), whole)


@pytest.mark.parametrize("factor", [1e-15, 1e15])
@pytest.mark.parametrize("beta", [2, 1])
def test_units_of_rows_do_not_matter(beta, factor):
    """float32, rows of a size that the components do not have."""
    X, columns = case(beta, np.float32)
    rows = fold_in(side_of(X, beta), columns)
    its = fold_in(side_of(X * np.float32(factor), beta), columns)
    assert_allclose(its / np.float32(factor), rows, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("beta", [2, 1])
def test_nearly_dependent_components(beta):
    """Slow, but there in the end; or said not to be."""
    X, columns = case(beta)
    fallback = columns[:, :1] * (1 + 1e-4 * np.random.default_rng(0).random((20, 1)))
    columns = np.ascontiguousarray(np.hstack([columns, fallback]))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        rows = fold_in(side_of(X, beta), columns)
    assert all(w.category is ConvergenceWarning for w in caught)
    slope = naive_gradient(X, rows, columns, beta)
    assert_allclose(np.minimum(slope, rows), 0, atol=1e-3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("unit", [1e7, 1e12])
@pytest.mark.parametrize("storage", ["C", "csr"])
def test_counts_beside_a_column_of_other_units_are_fitted(dtype, unit, storage):
    """The divergence of the small columns is that of their own fit, not lost in the large one's."""
    rng = np.random.default_rng(21)
    X = rng.poisson(3, (25, 9)).astype(dtype)
    columns = np.zeros((9, 3), dtype=dtype)
    columns[0, 0], columns[1:, 1:] = unit, 0.1 + rng.random((8, 2))
    alone = fold_in(side_of(X[:, 1:], 1), columns[1:, 1:])
    expected = naive_divergence(X[:, 1:], alone @ columns[1:, 1:].T, 1).sum()
    X[:, 0] *= dtype(unit)
    rows = fold_in(side_of(X, 1, storage), columns)
    found = naive_divergence(X[:, 1:], rows[:, 1:] @ columns[1:, 1:].T, 1).sum()
    assert found < 1.001 * expected
    assert_allclose(rows[:, 0], X[:, 0] / dtype(unit), rtol=1e-4)
