"""Stochastic gradient descent on observed entries: objective, planted truth, extremes."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from lrfact.kernels import IMPLEMENTATION
from lrfact.solvers.observed.masked_init import masked_init
from lrfact.solvers.observed.masked_problem import MaskedModel, MaskedProblem
from lrfact.solvers.observed.masked_sgd import masked_sgd
from reference.naive_masked_least_squares import masked_least_squares, masked_objective

pytestmark = pytest.mark.skipif(IMPLEMENTATION == "numpy", reason="minutes on the NumPy twin")


def synthetic(
    seed, *, shape=(150, 90), rank=3, noise=0.1, density=0.4, dtype=np.float64, reg=0.02,
    bias=True, weighted=False, nonnegative=False, n_components=3,
):  # fmt: skip
    """A problem with planted factors and biases, and all values without noise."""
    rng = np.random.default_rng(seed)
    draw = rng.random if nonnegative else rng.standard_normal
    truth = draw((shape[0], rank)) @ draw((rank, shape[1]))
    if bias:
        truth += 3 + rng.standard_normal((shape[0], 1)) + rng.standard_normal((1, shape[1]))
    kept = rng.random(shape) < density
    kept[0], kept[:, 1] = False, False  # a row and a column without entries
    observed = (truth + noise * rng.standard_normal(shape)).astype(dtype)
    rows, columns = np.nonzero(kept)
    ratings = sparse.csr_array((observed[kept], (rows, columns)), shape=shape)
    penalty = np.full(n_components + bias, reg, dtype=dtype)
    problem = MaskedProblem(
        ratings=ratings,
        weights=rng.uniform(0.5, 2, ratings.nnz).astype(dtype) if weighted else None,
        row_scale=kept.sum(axis=1).astype(dtype),
        column_scale=kept.sum(axis=0).astype(dtype),
        row_penalty=penalty,
        column_penalty=penalty * 1.5,
        bias=bias,
        nonnegative=nonnegative,
    )
    return problem, truth, kept


def fit(problem, *, start=None, seed=0, learning_rate=0.1, tol=0.0, max_iter=60, n_threads=1,
        monitor=None):  # fmt: skip
    start = start or masked_init(problem, np.random.RandomState(7), n_threads=1)
    return masked_sgd(
        problem,
        start,
        learning_rate=learning_rate,
        tol=tol,
        max_iter=max_iter,
        rng=np.random.RandomState(seed),
        n_threads=n_threads,
        monitor=monitor or (lambda sweep, objective, model: False),
    )


def predictions(problem, model):
    k = problem.n_components
    told = model.intercept + model.rows[:, :k] @ model.columns[:, :k].T
    if problem.bias:
        told = told + model.rows[:, k:] + model.columns[:, k:].T
    return told


def same(first, second):
    return (
        np.array_equal(first.model.rows, second.model.rows)
        and np.array_equal(first.model.columns, second.model.columns)
        and first.model.intercept == second.model.intercept
        and np.array_equal(first.objective, second.objective)
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("bias", [False, True])
def test_synthetic_factors_are_found(bias, dtype, global_random_seed):
    problem, truth, kept = synthetic(global_random_seed, bias=bias, dtype=dtype, reg=1e-3)
    found = fit(problem, max_iter=150)
    assert found.model.rows.dtype == found.model.columns.dtype == dtype
    error = (predictions(problem, found.model) - truth)[1:, np.arange(truth.shape[1]) != 1]
    # Of noise of size 0.1, each of the 7 or so parameters of a row of 36 entries lets some in.
    hidden = error[~kept[1:, np.arange(truth.shape[1]) != 1]]
    assert np.sqrt(np.mean(hidden**2)) < 0.1 < 0.1 * np.std(truth)
    assert_array_equal(found.model.rows[0], 0)
    assert_array_equal(found.model.columns[1], 0)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("bias", [False, True])
def test_the_objective_comes_close_to_that_of_least_squares(bias, weighted):
    problem, _, _ = synthetic(1, bias=bias, weighted=weighted, noise=0.5, reg=0.05)
    start = masked_init(problem, np.random.RandomState(7), n_threads=1)
    best = masked_least_squares(problem, start.columns, start.intercept, 40)
    lowest = masked_objective(problem, *best)
    found = fit(problem, start=start, max_iter=150)
    model = found.model
    reached = masked_objective(problem, model.rows, model.columns, model.intercept)
    assert lowest * 0.999 < reached < 1.002 * lowest
    # What the epochs saw on their way is a little more.
    assert reached < found.objective[-1] < 1.03 * reached
    assert (np.diff(found.objective[:10]) < 0).all()
    # Later the order of the entries makes noise in it.
    assert (np.diff(found.objective) < 2e-3 * lowest).all()


def test_penalties_are_those_of_each_factor():
    """A factor with a large penalty ends small; a penalty on biases alone leaves these small."""
    problem, _, _ = synthetic(2)
    penalty = np.array([0.01, 0.01, 10.0, 0.01])
    found = fit(replace(problem, row_penalty=penalty, column_penalty=penalty))
    sizes = np.abs(found.model.columns[:, :3]).mean(axis=0)
    assert sizes[2] < 0.05 * sizes[:2].min()
    penalty = np.array([0.01, 0.01, 0.01, 100.0])
    stiff = fit(replace(problem, row_penalty=penalty, column_penalty=penalty))
    assert np.abs(stiff.model.rows[:, 3]).max() < 0.05
    assert np.abs(found.model.rows[:, 3]).max() > 0.5


def test_scales_are_those_of_each_row():
    problem, _, _ = synthetic(3)
    scale = problem.row_scale.copy()
    scale[10] *= 1e6
    found = fit(replace(problem, row_scale=scale))
    sizes = np.abs(found.model.rows).max(axis=1)
    assert sizes[10] < 1e-3
    assert np.median(sizes) > 0.5


def test_weights_count_as_repeated_entries_do():
    """Two weightings of a rank-one row: the heavier entry is fitted closer."""
    values = np.array([[1.0, -1.0]])
    problem = MaskedProblem(
        ratings=sparse.csr_array(values),
        weights=np.array([3.0, 1.0]),
        row_scale=np.ones(1),
        column_scale=np.ones(2),
        row_penalty=np.array([1e3, 1e-9]),
        column_penalty=np.array([1e3, 1e9]),
        bias=True,
        nonnegative=False,
    )
    start = MaskedModel(np.full((1, 2), 0.1), np.full((2, 2), 0.1), 0.0)
    found = fit(problem, start=start, max_iter=3000)
    # Only intercept and row bias are free: their sum is the weighted mean.
    assert_allclose(found.model.intercept + found.model.rows[0, 1], 0.5, atol=0.01)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nonnegative_factors(dtype):
    problem, truth, _ = synthetic(4, nonnegative=True, dtype=dtype, reg=1e-3, noise=0.02)
    found = fit(problem, max_iter=200)
    k = problem.n_components
    assert (found.model.rows[:, :k] >= 0).all()
    assert (found.model.columns[:, :k] >= 0).all()
    assert (found.model.rows[:, k] < 0).any()
    error = (predictions(problem, found.model) - truth)[1:, 2:]
    assert np.sqrt(np.mean(error**2)) < 0.1


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_seed_fixes_the_digits_for_every_number_of_threads(dtype):
    problem, _, _ = synthetic(5, shape=(400, 300), dtype=dtype)
    results = [fit(problem, max_iter=4, n_threads=n) for n in (1, 1, 2, 5)]
    assert all(same(results[0], other) for other in results[1:])
    assert not same(results[0], fit(problem, max_iter=4, seed=1))


def test_the_start_is_not_changed():
    problem, _, _ = synthetic(6)
    start = masked_init(problem, np.random.RandomState(7), n_threads=1)
    rows, columns = start.rows.copy(), start.columns.copy()
    data = problem.ratings.data.copy()
    fit(problem, start=start, max_iter=3)
    assert_array_equal(start.rows, rows)
    assert_array_equal(start.columns, columns)
    assert_array_equal(problem.ratings.data, data)


def test_a_finished_model_is_a_good_start():
    problem, _, _ = synthetic(7)
    first = fit(problem, max_iter=80)
    again = fit(problem, start=first.model, max_iter=5, learning_rate=0.01)
    fresh = fit(problem, max_iter=5, learning_rate=0.01)
    assert again.objective[0] < 1.05 * first.objective[-1] < 0.5 * fresh.objective[0]


def test_it_stops_where_the_objective_rests():
    problem, _, _ = synthetic(8)
    found = fit(problem, tol=1e-2, max_iter=500)
    assert found.converged
    assert 3 <= len(found.objective) < 500
    changes = np.abs(np.diff(found.objective)) / found.objective[:-1]
    assert (changes[-2:] <= 1e-2).all()
    assert not any((changes[i : i + 2] <= 1e-2).all() for i in range(len(changes) - 2))
    assert not fit(problem, max_iter=3).converged


def test_the_monitor_sees_each_epoch_and_can_stop():
    problem, _, _ = synthetic(9)
    seen = []

    def monitor(sweep, objective, model):
        seen.append((sweep, objective, model))
        return sweep == 4

    found = fit(problem, monitor=monitor)
    assert [sweep for sweep, _, _ in seen] == [1, 2, 3, 4]
    assert_array_equal([objective for _, objective, _ in seen], found.objective)
    assert_array_equal(seen[-1][2].rows, found.model.rows)
    assert found.converged


def test_no_epoch_gives_the_start():
    problem, _, _ = synthetic(10)
    start = masked_init(problem, np.random.RandomState(7), n_threads=1)
    found = fit(problem, start=start, max_iter=0)
    assert found.model is start
    assert len(found.objective) == 0


@pytest.mark.parametrize("size", [4.0**-20, 4.0**20])  # exact roots
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_units_do_not_matter(dtype, size):
    """Values times a number: factors times its root where penalties go with it."""
    problem, _, _ = synthetic(11, dtype=dtype)
    ratings = problem.ratings.copy()
    ratings.data = ratings.data * dtype(size)
    scale = np.array([size] * problem.n_components + [1.0], dtype=dtype)
    scaled = replace(
        problem,
        ratings=ratings,
        row_penalty=problem.row_penalty * scale,
        column_penalty=problem.column_penalty * scale,
    )
    start = masked_init(problem, np.random.RandomState(7), n_threads=1)
    factor = np.array([size**0.5] * problem.n_components + [size], dtype=dtype)
    larger = MaskedModel(start.rows * factor, start.columns * factor, start.intercept * size)
    found = fit(scaled, start=larger, max_iter=5)
    expected = fit(problem, start=start, max_iter=5)
    rtol = 1e-3 if dtype == np.float32 else 1e-9
    assert_allclose(
        predictions(problem, found.model) / size, predictions(problem, expected.model),
        rtol=rtol, atol=rtol,
    )  # fmt: skip
    assert_allclose(found.objective / size**2, expected.objective, rtol=rtol)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "case", ["outlier", "weight", "penalty", "scale", "long steps", "no penalty"]
)
def test_outsized_numbers_end_in_finite_ones(case, dtype):
    problem, _, _ = synthetic(12, dtype=dtype, weighted=True)
    learning_rate = 0.1
    if case == "outlier":
        problem.ratings.data[17] = 1e12
    elif case == "weight":
        problem.weights[17] = 1e12
    elif case == "penalty":
        problem.row_penalty[0] = 1e30
    elif case == "scale":
        problem.column_scale[5] = 1e30
    elif case == "long steps":
        learning_rate = 1e4
    else:
        problem.row_penalty[:] = 0
        problem.column_penalty[:] = 0
    found = fit(problem, learning_rate=learning_rate, max_iter=30)
    assert np.isfinite(found.objective).all()
    assert np.isfinite(found.model.rows).all()
    assert np.isfinite(found.model.columns).all()
    assert np.isfinite(found.model.intercept)


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("value", [0.0, 3.5])
def test_equal_values(value, bias):
    problem, _, _ = synthetic(13, bias=bias)
    problem.ratings.data[:] = value
    start = masked_init(problem, np.random.RandomState(7), n_threads=1)
    found = fit(problem, start=start, max_iter=200)
    told = predictions(problem, found.model)[1:, 2:]
    assert_allclose(told, value, atol=0.02 if bias else 0.5)
    assert_allclose(np.mean(told), value, atol=0.15)


def test_a_single_entry():
    ratings = sparse.csr_array(([4.0], ([1], [2])), shape=(3, 4))
    one = np.ones(2)
    problem = MaskedProblem(ratings, None, np.ones(3), np.ones(4), one, one, True, False)
    found = fit(problem, max_iter=5)
    assert_allclose(predictions(problem, found.model)[1, 2], 4.0, rtol=1e-6)
    assert_array_equal(found.model.rows[[0, 2]], 0)


def test_values_beyond_squaring_are_refused():
    problem, _, _ = synthetic(14)
    start = masked_init(problem, np.random.RandomState(7), n_threads=1)
    problem.ratings.data *= 1e200
    with pytest.raises(ValueError, match=r"the loss does not stay finite.*lower learning_rate"):
        fit(problem, start=start)


def test_steps_too_long_are_shortened():
    """The result is that of the learning rate to which it was lowered, or at least sensible."""
    problem, truth, _ = synthetic(15)
    found = fit(problem, learning_rate=100.0, max_iter=100)
    error = (predictions(problem, found.model) - truth)[1:, 2:]
    assert np.sqrt(np.mean(error**2)) < 0.5 * np.std(truth)
