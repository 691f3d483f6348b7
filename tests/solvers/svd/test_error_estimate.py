"""The error that a solver states is not less than the one it makes."""

from functools import cache

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from lrfact.linalg.as_operator import as_operator
from lrfact.solvers.svd._accuracy import requested_error, residual_error, rounding_error
from lrfact.solvers.svd.truncated_svd import truncated_svd
from reference.spectra import spectrum, synthetic_matrix

SHAPES = [(150, 100), (100, 150), (1000, 60)]
KINDS = [
    "exponential",
    "fast exponential",
    "1/i",
    "1/sqrt(i)",
    "1/i^2",
    "step",
    "line",
    "pairs",
    "noise",
]


@cache
def matrix(kind, shape, seed, dtype):
    """Made once for all solvers and tolerances; none may write to it."""
    if kind == "noise":
        X = np.random.default_rng(seed).standard_normal(shape).astype(dtype)
    else:
        X = synthetic_matrix(shape, spectrum(kind, min(shape)), seed=seed, dtype=dtype)
    X.setflags(write=False)
    return X


@cache
def with_repeated_value(height, n_copies, n_others, seed):
    """A matrix, and its singular values: the largest several times, others spread below."""
    s = np.concatenate([np.full(n_copies, height), np.linspace(1, 0.5, n_others)])
    X = synthetic_matrix((len(s) + 50, len(s)), s, seed=seed)
    X.setflags(write=False)
    return X, s


def true_singular_values(X, *, centered=False):
    X = X.astype(np.longdouble)
    if centered:
        X = X - X.mean(axis=0)
    return np.linalg.svd(X.astype(np.float64), compute_uv=False)


@cache
def singular_values_of(kind, shape, seed, dtype):
    return true_singular_values(matrix(kind, shape, seed, dtype))


@pytest.mark.parametrize("tol", [1e-4, 1e-8, 0])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("solver", ["exact", "gram", "randomized", "lanczos", "sketch"])
def test_stated_error_is_not_less_than_the_true_one(solver, kind, dtype, tol, global_random_seed):
    options = {"n_iter": 3} if solver == "sketch" else {}
    name = "randomized" if solver == "sketch" else solver
    for shape in SHAPES:
        X = matrix(kind, shape, global_random_seed, dtype)
        true = singular_values_of(kind, shape, global_random_seed, dtype)
        for k in (1, 7, 25):
            rng = np.random.RandomState(global_random_seed)
            result = truncated_svd(X, k, solver=name, tol=tol, rng=rng, **options)
            # Where rounding hides a value altogether, nothing is stated about it.
            known = true[:k] > 100 * np.finfo(dtype).eps * true[0]
            wrong = np.abs(result.s - true[:k]) / true[:k]
            assert (wrong[known] <= result.error[known]).all(), (shape, k)
            assert not np.isnan(result.error).any()
            if solver != "sketch":
                # What was asked for, or what rounding allows.
                allowed = np.maximum(tol, 100 * np.finfo(dtype).eps * true[0] / true[:k])
                assert (wrong[known] <= allowed[known]).all(), (shape, k)
                assert result.converged


@pytest.mark.parametrize("solver", ["auto", "exact", "randomized", "lanczos"])
@pytest.mark.parametrize("tol", [1e-4, 0])
@pytest.mark.parametrize("height", [10.0, 1.1, 1.02])
def test_no_copy_of_a_repeated_value_is_missed(height, tol, solver, global_random_seed):
    """One vector finds one copy, a chain of blocks as many as a block has columns."""
    for n_copies, n_others in ((20, 80), (20, 400), (60, 200)):
        X, s = with_repeated_value(height, n_copies, n_others, global_random_seed)
        for k in (5, n_copies):
            rng = np.random.RandomState(global_random_seed)
            result = truncated_svd(X, k, solver=solver, tol=tol, rng=rng)
            assert_allclose(result.s, s[:k], rtol=max(tol, 1e-12))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mean", [0.1, 1.0, 100.0])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("solver", ["exact", "gram", "randomized"])
def test_of_centred_matrices(solver, dtype, mean, kind, global_random_seed):
    for shape in ((600, 40), (40, 600)):
        X = matrix(kind, shape, global_random_seed, np.float64)
        rows = np.random.default_rng(0).standard_normal(shape[1])
        X = (X + mean * rows * X.std()).astype(dtype)
        true = true_singular_values(X, centered=True)
        A = as_operator(X)
        A = A.centered(A.column_means())
        for k in (1, 10, 30):
            rng = np.random.RandomState(global_random_seed)
            result = truncated_svd(A, k, solver=solver, tol=1e-4, rng=rng)
            known = true[:k] > 100 * np.finfo(dtype).eps * (1 + mean) * true[0]
            wrong = np.abs(result.s - true[:k]) / true[:k]
            assert (wrong[known] <= result.error[known]).all(), (shape, k)


def test_loose_tolerances_are_kept_even_where_the_estimate_is_optimistic(global_random_seed):
    """At 1 % the estimate may be several times too small; the tolerance asked for still holds."""
    for kind in KINDS:
        for shape in SHAPES:
            X = matrix(kind, shape, global_random_seed, np.float64)
            rng = np.random.RandomState(global_random_seed)
            result = truncated_svd(X, 20, solver="randomized", tol=1e-2, rng=rng)
            true = singular_values_of(kind, shape, global_random_seed, np.float64)
            assert_allclose(result.s, true[:20], rtol=1e-2)


class TestFormulas:
    def test_asked_error_is_never_below_rounding(self):
        assert requested_error(1e-4, np.float64) == 1e-4
        assert requested_error(0, np.float64) == 16 * np.finfo(np.float64).eps
        assert requested_error(1e-9, np.float32) == 16 * np.finfo(np.float32).eps

    def test_rounding_error_grows_with_the_condition_number(self):
        s = np.array([1.0, 0.1, 0.0])
        error = rounding_error(s, 1e-16)
        assert_allclose(error[1], 10 * error[0])
        assert error[2] == np.inf
        squared = rounding_error(s, 1e-16, squared=True)
        assert_allclose(squared[1], 100 * squared[0])
        assert_array_equal(rounding_error(np.zeros(2), 1e-16), 0)

    def test_residual_error(self):
        """Of first order where that is less, else of second; infinite for what is not there."""
        residuals, s = np.array([0.0, 1e-4, 1e-3, 1.0, 1.0]), np.array([1.0, 1.0, 1.0, 1.0, 0.0])
        error = residual_error(residuals, s)
        assert_allclose(error[[0, 3, 4]], [0, 1, np.inf])
        assert_allclose(error[2], 100 * error[1])
        assert 1e-6 < error[2] < 1e-3
        assert residual_error(np.array([0.0]), np.array([0.0]))[0] == 0
