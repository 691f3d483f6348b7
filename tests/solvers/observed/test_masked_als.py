"""Alternating least squares on observed entries, against its definition written out."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.optimize import minimize

from lrfact.solvers.observed.early_stopping import HeldOutMonitor, hold_out_entries
from lrfact.solvers.observed.masked_als import masked_als
from lrfact.solvers.observed.masked_fold_in import ColumnModel
from lrfact.solvers.observed.masked_init import masked_init
from lrfact.solvers.observed.masked_problem import (
    MaskedModel,
    MaskedProblem,
    entry_residuals,
    penalty,
    predict_entries,
)
from lrfact.solvers.observed.masked_update import SufficientStatistics, update_columns
from reference.naive_masked import (
    naive_half_sweep,
    naive_objective,
    naive_predictions,
    naive_row,
    naive_sweep,
)


def table(shape=(30, 12), rank=2, observed=0.5, noise=0.3, mean=3.0, seed=0, dtype=np.float64):
    """Planted factors and biases under noise, NaN where nothing is observed."""
    rng = np.random.default_rng(seed)
    n, m = shape
    X = rng.standard_normal((n, rank)) @ rng.standard_normal((rank, m))
    X += rng.standard_normal((n, 1)) + rng.standard_normal(m) + mean
    X += noise * rng.standard_normal(shape)
    X[rng.random(shape) >= observed] = np.nan
    return X.astype(dtype)


def entries_of(X, index_dtype=np.int32):
    rows, columns = np.nonzero(~np.isnan(X))
    indptr = np.searchsorted(rows, np.arange(len(X) + 1)).astype(index_dtype)
    data = (X[rows, columns], columns.astype(index_dtype), indptr)
    entries = sparse.csr_array(data, shape=X.shape)
    entries.indices, entries.indptr = data[1:]
    return entries


def problem_of(X, k=2, *, W=None, reg=0.5, bias=True, nonnegative=False, index_dtype=np.int32):
    weights = None if W is None else W[~np.isnan(X)].astype(X.dtype)
    return MaskedProblem.with_count_scaled_penalty(
        entries_of(X, index_dtype),
        weights,
        n_components=k,
        reg=reg,
        bias=bias,
        nonnegative=nonnegative,
    )


def never_stop(sweep, objective, model):
    return False


def solve(problem, *, seed=0, tol=1e-12, max_iter=3000, n_threads=1, start=None, monitor=None):
    rng = np.random.RandomState(seed)
    start = masked_init(problem, rng, n_threads=n_threads) if start is None else start
    return masked_als(
        problem,
        start,
        tol=tol,
        max_iter=max_iter,
        n_threads=n_threads,
        monitor=monitor or never_stop,
    )


def random_init(problem, seed=0):
    rng = np.random.default_rng(seed)
    (n, m), width = problem.ratings.shape, len(problem.row_penalty)
    dtype = problem.ratings.dtype
    columns = 0.1 * rng.standard_normal((m, width))
    if problem.nonnegative:
        columns = np.abs(columns)
    intercept = problem.weighted_mean if problem.bias else 0.0
    return MaskedModel(np.zeros((n, width), dtype), columns.astype(dtype), intercept)


def some_weights(X, seed=9):
    return 0.2 + 3 * np.random.default_rng(seed).random(X.shape)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("nonnegative", [False, True])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_objective_is_that_of_the_definition(dtype, bias, nonnegative, weighted):
    X = table(dtype=dtype)
    X[3], X[:, 5] = np.nan, np.nan
    W = some_weights(X) if weighted else np.ones(X.shape)
    problem = problem_of(X, W=W if weighted else None, bias=bias, nonnegative=nonnegative)
    seen = []

    def watch(sweep, objective, model):
        assert sweep == len(seen) + 1
        seen.append(objective)
        its = naive_objective(
            X.astype(np.float64), W, 0.5, model.rows, model.columns, model.intercept, bias
        )
        # float32: a sum of squares of some hundreds, each term rounded to 6e-8 of it.
        assert_allclose(objective, its, rtol=1e-5 if dtype == np.float32 else 1e-10)
        residuals = entry_residuals(problem, model, n_factors=problem.n_components).astype(
            np.float64
        )
        weights = 1 if problem.weights is None else problem.weights
        from_parts = np.sum(weights * residuals**2) + penalty(problem, model.rows, model.columns)
        assert_allclose(objective, from_parts, rtol=1e-5 if dtype == np.float32 else 1e-10)
        return False

    result = solve(problem, tol=1e-6, monitor=watch)
    assert_array_equal(result.objective, seen)
    assert result.converged
    assert (np.diff(result.objective) <= 1e-6 * result.objective[:-1]).all()
    assert result.model.rows.dtype == result.model.columns.dtype == dtype
    assert_array_equal(result.model.rows[3], 0)
    assert_array_equal(result.model.columns[5], 0)
    if nonnegative:
        k = 2
        assert (result.model.rows[:, :k] >= 0).all()
        assert (result.model.columns[:, :k] >= 0).all()
    if not bias:
        assert result.model.intercept == 0


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("nonnegative", [False, True])
@pytest.mark.parametrize("bias", [False, True])
def test_no_sweep_raises_the_objective(bias, nonnegative, seed):
    X = table(shape=(20, 10), seed=seed, observed=0.4)
    for reg in (0.0, 0.01, 1.0, 100.0):
        problem = problem_of(X, 3, reg=reg, bias=bias, nonnegative=nonnegative)
        result = solve(problem, tol=0, max_iter=15, start=random_init(problem, seed))
        rises = np.diff(result.objective)
        # Without penalty some systems are singular, and solved with something added.
        share = 1e-10 if reg else 1e-6
        assert (rises <= share * result.objective[0]).all()
        assert np.isfinite(result.objective).all()


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("nonnegative", [False, True])
@pytest.mark.parametrize("bias", [False, True])
def test_sweeps_are_those_of_the_definition(bias, nonnegative, weighted):
    X = table(shape=(15, 9))
    W = some_weights(X) if weighted else np.ones(X.shape)
    problem = problem_of(X, 3, W=W if weighted else None, bias=bias, nonnegative=nonnegative)
    start = random_init(problem)
    columns, intercept = start.columns, start.intercept
    parts = problem.row_scale, problem.column_scale, problem.row_penalty, problem.column_penalty
    for n_sweeps in (1, 2, 3):
        rows, columns, intercept = naive_sweep(
            X, W, columns, intercept, bias, parts, nonnegative=nonnegative
        )
        model = solve(problem, tol=0, max_iter=n_sweeps, start=start).model
        assert_allclose(model.rows, rows, atol=1e-7)
        assert_allclose(model.columns, columns, atol=1e-7)
        assert_allclose(model.intercept, intercept, atol=1e-7)


def test_penalties_are_those_of_the_documentation():
    X = table()
    X[0] = np.nan
    W = some_weights(X)
    observed = ~np.isnan(X)
    for weighted in (False, True):
        of = np.where(observed, W if weighted else 1.0, 0)
        problem = problem_of(X, 2, W=W if weighted else None, reg=0.7)
        assert_allclose(problem.row_scale, np.sqrt(of.sum(axis=1)))
        assert_allclose(problem.column_scale, np.sqrt(of.sum(axis=0)))
        mean = np.average(X[observed], weights=of[observed])
        variance = np.average((X[observed] - mean) ** 2, weights=of[observed])
        assert_allclose(problem.row_penalty, [0.7] * 3)
        assert_allclose(problem.column_penalty, [0.7 * variance] * 2 + [0.7])
        plain = problem_of(X, 2, W=W if weighted else None, reg=0.7, bias=False)
        square = np.average(X[observed] ** 2, weights=of[observed])
        assert_allclose(plain.column_penalty, [0.7 * square] * 2)


@pytest.mark.parametrize("bias", [False, True])
def test_the_end_is_stationary(bias):
    """Central differences of the definition vanish in every parameter, the intercept too."""
    X = table(shape=(8, 6), observed=0.7)
    W = some_weights(X)
    problem = problem_of(X, 2, W=W, bias=bias)
    model = solve(problem, tol=0, max_iter=20000).model
    parameters = np.concatenate([model.rows.ravel(), model.columns.ravel(), [model.intercept]])
    n_rows = model.rows.size

    def objective(flat):
        rows, columns = flat[:n_rows].reshape(8, -1), flat[n_rows:-1].reshape(6, -1)
        return naive_objective(X, W, 0.5, rows, columns, flat[-1], bias)

    size = objective(parameters)
    step = 1e-5
    for i in range(len(parameters) - (not bias)):
        moved = np.zeros(len(parameters))
        moved[i] = step
        slope = (objective(parameters + moved) - objective(parameters - moved)) / (2 * step)
        assert abs(slope) < 1e-5 * size, i
    # And it is a minimum: scipy finds nothing lower around it.
    n_free = len(parameters) - (not bias)
    found = minimize(
        lambda free: objective(np.concatenate([free, parameters[n_free:]])),
        parameters[:n_free],
        method="L-BFGS-B",
        options={"maxfun": 400},
    )
    assert found.fun >= size * (1 - 1e-6)


def test_a_weight_of_two_counts_as_two_entries():
    """In the loss and, as the count of a row or column, in the penalty."""
    X = table(shape=(20, 8))
    doubled = problem_of(X, 2, W=np.full(X.shape, 2.0), reg=0.5)
    plain = problem_of(X, 2, reg=0.5 / np.sqrt(2))
    # 2 loss + reg sqrt(2 n) |.|^2 = 2 (loss + reg / sqrt(2) sqrt(n) |.|^2)
    two, one = solve(doubled), solve(plain)
    assert_allclose(two.objective[-1], 2 * one.objective[-1], rtol=1e-8)
    rows, columns = np.indices(X.shape).reshape(2, -1)
    its, other = (predict_entries(result.model, rows, columns, bias=True) for result in (two, one))
    assert_allclose(its, other, atol=1e-4)
    ones = solve(problem_of(X, 2, W=np.ones(X.shape)))
    assert_allclose(ones.objective[-1], solve(problem_of(X, 2)).objective[-1], rtol=1e-12)


def test_a_weight_near_zero_is_nearly_a_hole():
    X = table(shape=(20, 8), observed=0.8)
    outlier = X.copy()
    i, j = np.argwhere(~np.isnan(X))[17]
    outlier[i, j] = 1e3
    W = np.ones(X.shape)
    W[i, j] = 1e-12
    X[i, j] = np.nan
    light, without = solve(problem_of(outlier, W=W)), solve(problem_of(X))
    assert_allclose(light.model.intercept, without.model.intercept, atol=1e-3)
    assert_allclose(light.objective[-1], without.objective[-1], rtol=1e-4)


def test_the_intercept_is_estimated_anew():
    """Not the mean of what is observed: rows of high values are observed more."""
    rng = np.random.default_rng(0)
    levels = np.repeat([0.0, 10.0], 100)
    X = levels[:, np.newaxis] + 0.1 * rng.standard_normal((200, 40))
    share = np.where(levels > 5, 0.9, 0.1)
    X[rng.random(X.shape) >= share[:, np.newaxis]] = np.nan
    problem = problem_of(X, 1, reg=1.0)
    model = solve(problem, tol=1e-9).model
    assert problem.weighted_mean > 8.5
    assert abs(model.intercept - problem.weighted_mean) > 0.5
    # At the end no shift of it would lower the loss: the residuals have mean zero.
    assert abs(entry_residuals(problem, model, n_factors=problem.n_components).mean()) < 1e-8
    wrong = replace(model, intercept=problem.weighted_mean)
    assert abs(entry_residuals(problem, wrong, n_factors=problem.n_components).mean()) > 0.5


class TestStart:
    def test_spectral_directions_are_better_than_random_ones(self):
        X = table(shape=(400, 150), rank=8, observed=0.15, noise=1.0)
        problem = problem_of(X, 8)
        spectral = solve(problem, tol=1e-4).objective
        for seed in range(3):
            random = solve(problem, tol=1e-4, start=random_init(problem, seed)).objective
            assert 3 * len(spectral) < 2 * len(random)
            assert spectral[2] < random[5]

    def test_holds_finite_numbers_of_its_dtype(self):
        for dtype in (np.float32, np.float64):
            for bias in (False, True):
                for X in (
                    table(dtype=dtype),
                    np.full((4, 3), 7, dtype),
                    np.zeros((4, 3), dtype),
                    np.where(np.eye(4, dtype=bool), dtype(2), dtype(np.nan)),
                ):
                    k = min(X.shape)
                    problem = problem_of(X, k, bias=bias)
                    start = masked_init(problem, np.random.RandomState(0), n_threads=1)
                    assert start.columns.shape == (X.shape[1], k + bias)
                    assert start.columns.dtype == start.rows.dtype == dtype
                    assert np.isfinite(start.columns).all()
                    # All factors start somewhere: none is lost at zero.
                    assert (np.abs(start.columns[:, :k]).sum(axis=0) > 0).all()

    def test_a_known_model_is_taken_up(self):
        X = table(shape=(80, 30), rank=3)
        problem = problem_of(X, 3)
        first = solve(problem, tol=1e-9)
        known = replace(first.model, rows=first.model.rows[:0])
        start = masked_init(problem, np.random.RandomState(1), n_threads=1, known=known)
        assert_array_equal(start.columns, first.model.columns)
        assert start.intercept == first.model.intercept
        again = solve(problem, tol=1e-9, start=start)
        assert len(again.objective) <= 3
        assert_allclose(again.objective[-1], first.objective[-1], rtol=1e-8)

    def test_added_factors_are_not_those_that_are_known(self):
        """They point where the residuals of the known ones do."""
        rng = np.random.default_rng(0)
        V = np.linalg.qr(rng.standard_normal((40, 2)))[0]
        U = rng.standard_normal((100, 2))
        X = U * [30, 5] @ V.T + 0.01 * rng.standard_normal((100, 40))
        X[rng.random(X.shape) < 0.3] = np.nan
        for bias in (False, True):
            one, two = (problem_of(X, k, reg=0.01, bias=bias) for k in (1, 2))
            known = solve(one, tol=1e-3).model
            start = masked_init(two, np.random.RandomState(0), n_threads=1, known=known)
            assert_array_equal(start.columns[:, 0], known.columns[:, 0])
            added = start.columns[:, 1] / np.linalg.norm(start.columns[:, 1])
            assert abs(added @ V[:, 1]) > 0.9
            assert abs(added @ V[:, 0]) < 0.3

    def test_fewer_factors_than_are_known(self):
        X = table()
        known = solve(problem_of(X, 3)).model
        problem = problem_of(X, 2)
        start = masked_init(problem, np.random.RandomState(0), n_threads=1, known=known)
        assert_array_equal(start.columns[:, :2], known.columns[:, :2])
        assert_array_equal(start.columns[:, 2], known.columns[:, 3])  # the bias

    def test_without_biases_there_is_no_intercept(self):
        """Whatever the known model had."""
        X = table()
        known = solve(problem_of(X, 2)).model
        columns = np.ascontiguousarray(known.columns[:, :2])
        problem = problem_of(X, 2, bias=False)
        start = masked_init(
            problem, np.random.RandomState(0), n_threads=1, known=replace(known, columns=columns)
        )
        assert start.intercept == 0
        assert solve(problem, start=start).model.intercept == 0


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_synthetic_factors_are_recovered(dtype, bias):
    """Every missing entry, where there is no noise and next to no penalty."""
    rng = np.random.default_rng(1)
    whole = rng.standard_normal((120, 3)) @ rng.standard_normal((3, 50))
    if bias:
        whole = whole + rng.standard_normal((120, 1)) + rng.standard_normal(50) + 4
    X = whole.astype(dtype)
    X[rng.random(X.shape) < 0.6] = np.nan
    result = solve(problem_of(X, 3, reg=1e-6, bias=bias), tol=1e-5, max_iter=2000)
    model = result.model
    predicted = naive_predictions(model.rows, model.columns, model.intercept, bias)
    assert np.abs(predicted - whole).max() < 1e-2 * whole.std()
    assert result.added_diagonal == 0


@pytest.mark.parametrize("nonnegative", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_threads_and_width_of_indices_change_no_bit(dtype, nonnegative):
    """With enough to do for a second thread to be woken."""
    X = table(shape=(1500, 120), rank=6, observed=0.3, dtype=dtype)
    results = set()
    for n_threads, index_dtype in ((1, np.int32), (2, np.int32), (5, np.int64), (1, np.int64)):
        problem = problem_of(X, 8, nonnegative=nonnegative, index_dtype=index_dtype)
        assert problem.ratings.indices.dtype == index_dtype
        model = solve(problem, tol=0, max_iter=2 - nonnegative, n_threads=n_threads).model
        results.add(model.rows.tobytes() + model.columns.tobytes() + str(model.intercept).encode())
    assert len(results) == 1


@pytest.mark.parametrize("factor", [-3.0, 10.0, 1e-100, 1e100])
@pytest.mark.parametrize("bias", [False, True])
def test_units_of_the_values_do_not_matter(bias, factor):
    X = table()
    one = solve(problem_of(X, 2, bias=bias), tol=1e-8)
    other = solve(problem_of(factor * X, 2, bias=bias), tol=1e-8)
    assert len(one.objective) == len(other.objective)
    assert_allclose(other.objective / factor**2, one.objective, rtol=1e-8)
    assert_allclose(other.model.intercept / factor, one.model.intercept, rtol=1e-6)
    its, other = (
        naive_predictions(r.model.rows, r.model.columns, r.model.intercept, bias)
        for r in (one, other)
    )
    assert_allclose(other / factor, its, rtol=1e-6, atol=1e-6)


def test_a_shift_goes_into_the_intercept():
    X = table()
    one, other = solve(problem_of(X, 2), tol=1e-9), solve(problem_of(X + 1000, 2), tol=1e-9)
    assert_allclose(other.objective, one.objective, rtol=1e-6)
    assert_allclose(other.model.intercept - 1000, one.model.intercept, atol=1e-6)
    assert_allclose(other.model.rows, one.model.rows, atol=1e-5)


def test_the_transpose_has_the_same_minimum():
    """But for the units of the factors, which are those of the rows."""
    X = table(shape=(25, 14), observed=0.6)
    one, other = solve(problem_of(X, 2)), solve(problem_of(X.T.copy(), 2))
    its = naive_predictions(one.model.rows, one.model.columns, one.model.intercept, True)
    of_other = naive_predictions(other.model.rows, other.model.columns, other.model.intercept, True)
    assert_allclose(other.objective[-1], one.objective[-1], rtol=1e-6)
    assert_allclose(of_other.T, its, atol=1e-3)


def test_a_column_with_everything_and_one_with_one_entry():
    """A long column is shared by the threads; nothing else changes."""
    rng = np.random.default_rng(0)
    X = np.full((9000, 4), np.nan)
    X[:, 0] = rng.standard_normal(9000)
    X[::7, 1] = X[::7, 0] + 0.1 * rng.standard_normal(len(X[::7]))
    X[5, 2] = 1.0
    result = solve(problem_of(X, 1), tol=1e-6)
    model = result.model
    expected = naive_half_sweep(
        X.T[:1],
        np.ones((1, 9000)),
        model.rows,
        # The intercept has moved since the columns were solved for; nothing else has.
        model.intercept,
        True,
        problem_of(X, 1).column_scale,
        problem_of(X, 1).column_penalty,
    )
    assert_allclose(model.columns[:1], expected, atol=1e-2)
    assert_array_equal(model.columns[3], 0)
    assert (np.diff(result.objective) <= 1e-9 * result.objective[0]).all()


def test_the_monitor_may_stop():
    problem = problem_of(table())
    result = solve(problem, tol=0, monitor=lambda sweep, objective, model: sweep == 4)
    assert len(result.objective) == 4
    assert result.converged
    result = solve(problem, tol=0, max_iter=4)
    assert len(result.objective) == 4
    assert not result.converged


def test_the_start_is_not_written_to():
    problem = problem_of(table())
    start = random_init(problem)
    for array in (start.rows, start.columns):
        array.setflags(write=False)
    solve(problem, start=start, max_iter=2)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("bias", [False, True])
def test_without_penalty_systems_may_be_singular(dtype, bias):
    """More factors than entries in a row: solved all the same, and said so."""
    X = table(shape=(12, 10), observed=0.3, dtype=dtype)
    result = solve(problem_of(X, 6, reg=0.0, bias=bias), tol=1e-6, max_iter=50)
    assert result.added_diagonal > 0
    assert np.isfinite(result.model.rows).all()
    assert np.isfinite(result.model.columns).all()
    assert result.objective[-1] < 1e-3 * np.nansum(X**2)


class TestUpdate:
    """Columns moved by new rows: the problem that the documentation states."""

    @staticmethod
    def fitted(bias, seed=0):
        X = table(shape=(60, 12), observed=0.6, seed=seed)
        X[:, 7] = np.nan  # never seen
        problem = problem_of(X, 2, bias=bias)
        model = solve(problem, tol=1e-9).model
        factors = np.ascontiguousarray(model.columns[:, :2])
        columns = ColumnModel(
            factors, model.columns[:, 2].copy() if bias else None, model.intercept, 0.5, False
        )
        variance = float(problem.column_penalty[0] / 0.5)
        return columns, SufficientStatistics.from_entries(
            problem.ratings, model.rows[:, :2], variance
        )

    @pytest.mark.parametrize("bias", [False, True])
    def test_evidence(self, bias):
        _, evidence = self.fitted(bias)
        assert evidence.counts[7] == 0
        assert evidence.counts.sum() == evidence.n_entries
        other = SufficientStatistics(evidence.counts, 3.0, 5.0, 2 * evidence.n_entries)
        both = evidence.and_also(other)
        assert both.n_entries == 3 * evidence.n_entries
        assert_allclose(both.row_energy, (evidence.row_energy + 6) / 3)
        assert_allclose(both.variance, (evidence.variance + 10) / 3)

    @pytest.mark.parametrize("bias", [False, True])
    def test_moves_lower_the_stated_objective(self, bias):
        model, evidence = self.fitted(bias)
        new = table(shape=(40, 12), observed=0.5, seed=5)
        new[:, 3] = np.nan
        entries = entries_of(new)
        energy = evidence.row_energy
        counts = np.diff(entries.T.tocsr().indptr)
        hold = evidence.counts + 0.5 * evidence.variance / energy * np.sqrt(counts)

        def objective(columns):
            rows = columns.fold_in(entries, n_threads=1)
            of_rows = 0.5 * np.sqrt(np.diff(entries.indptr)) @ (rows.solution**2).sum(axis=1)
            moved = energy * ((columns.factors - model.factors) ** 2).sum(axis=1)
            if bias:
                moved = moved + (columns.column_bias - model.column_bias) ** 2
            return rows.loss + of_rows + hold @ moved

        updated = update_columns(model, evidence, entries, n_threads=1)
        assert objective(updated) < objective(model)
        again = update_columns(updated, evidence, entries, n_threads=1)
        # Three sweeps come close to the minimum: what is left to gain is little.
        gained = objective(model) - objective(updated)
        assert objective(updated) - objective(again) < gained
        assert_array_equal(updated.factors[3], model.factors[3])
        assert np.abs(updated.factors[7]).max() > 0
        assert_array_equal(model.factors[7], 0)
        assert updated.intercept == model.intercept

    @pytest.mark.parametrize("bias", [False, True])
    def test_is_three_sweeps_of_the_definition(self, bias):
        model, evidence = self.fitted(bias)
        new = table(shape=(40, 12), observed=0.5, seed=5)
        new[:, 3] = np.nan
        energy, old_bias = evidence.row_energy, model.column_bias if bias else np.zeros(12)
        factors, column_bias = model.factors.copy(), old_bias.copy()
        for _ in range(3):
            design = np.column_stack([factors, column_bias]) if bias else factors
            row_scale = np.sqrt((~np.isnan(new)).sum(axis=1))
            rows = naive_half_sweep(
                new,
                np.ones(new.shape),
                design,
                model.intercept,
                bias,
                row_scale,
                [0.5] * (2 + bias),
            )
            for j in range(12):
                (at,) = np.nonzero(~np.isnan(new[:, j]))
                left = new[at, j] - model.intercept - old_bias[j] - rows[at, :2] @ model.factors[j]
                D = rows[at].copy()
                if bias:
                    left, D[:, -1] = left - rows[at, -1], 1
                hold = evidence.counts[j] + 0.5 * evidence.variance / energy * np.sqrt(len(at))
                penalty = hold * np.array([energy, energy, 1.0][: 2 + bias])
                moved = naive_row(D, left, np.ones(len(at)), penalty) if len(at) else 0 * penalty
                factors[j] = model.factors[j] + moved[:2]
                column_bias[j] = old_bias[j] + (moved[-1] if bias else 0)
        updated = update_columns(model, evidence, entries_of(new), n_threads=1)
        assert_allclose(updated.factors, factors, atol=1e-8)
        if bias:
            assert_allclose(updated.column_bias, column_bias, atol=1e-8)
        else:
            assert updated.column_bias is None

    def test_columns_with_much_behind_them_move_less(self):
        model, evidence = self.fitted(True)
        entries = entries_of(table(shape=(40, 12), observed=0.5, seed=5))
        firm = replace(evidence, counts=1000 * evidence.counts)
        moves = [
            np.linalg.norm(
                update_columns(model, behind, entries, n_threads=1).factors[:7] - model.factors[:7]
            )
            for behind in (evidence, firm)
        ]
        assert moves[1] < 0.02 * moves[0]


class TestHeldOut:
    entries = entries_of(table())

    def test_splits_entries(self):
        weights = np.arange(self.entries.nnz) + 1.0
        kept, of_kept, out, of_out = hold_out_entries(
            self.entries, weights, 0.1, np.random.RandomState(0)
        )
        assert out.nnz == round(0.1 * self.entries.nnz)
        assert kept.nnz + out.nnz == self.entries.nnz == len(of_kept) + out.nnz
        assert_array_equal((kept + out).toarray(), self.entries.toarray())
        assert kept.multiply(out).nnz == 0
        full = self.entries.copy()
        full.data = weights
        assert_array_equal(full.toarray()[kept.toarray() != 0], of_kept)
        assert_array_equal(full.toarray()[out.toarray() != 0], of_out)
        without = hold_out_entries(self.entries, None, 0.1, np.random.RandomState(0))
        assert without[1] is without[3] is None

    def test_at_least_one_on_either_side(self):
        two = entries_of(np.array([[1.0, 2.0]]))
        for share in (1e-9, 0.5, 1 - 1e-9):
            kept, _, out, _ = hold_out_entries(two, None, share, np.random.RandomState(0))
            assert kept.nnz == out.nnz == 1
        with pytest.raises(ValueError, match=r"but there is only 1; pass more data or early"):
            hold_out_entries(entries_of(np.array([[1.0]])), None, 0.1, np.random.RandomState(0))

    def test_keeps_a_copy_of_the_best_and_asks_to_stop(self):
        held_out = entries_of(np.array([[1.0, 2.0], [np.nan, 3.0]]))
        monitor = HeldOutMonitor(held_out, None, False, 2)
        rows, columns = np.ones((2, 1)), np.zeros((2, 1))
        answers = []
        for scale in (1.0, 2.0, 9.0, 9.0):
            columns[:] = scale
            answers.append(monitor(len(answers) + 1, 0.0, MaskedModel(rows, columns, 0.0)))
        assert answers == [False, False, False, True]
        expected = [np.sqrt(np.mean((np.array([1, 2, 3]) - s) ** 2)) for s in (1, 2, 9, 9)]
        assert_allclose(monitor.errors, expected)
        assert_array_equal(monitor.best.columns, 2)

    def test_an_entry_of_weight_two_counts_as_two(self):
        held_out = entries_of(np.array([[1.0, 2.0], [np.nan, 3.0]]))
        monitor = HeldOutMonitor(held_out, np.array([1.0, 1.0, 2.0]), False, 2)
        monitor(1, 0.0, MaskedModel(np.zeros((2, 1)), np.zeros((2, 1)), 0.0))
        assert_allclose(monitor.errors, np.sqrt((1 + 4 + 9 + 9) / 4))


@pytest.mark.parametrize(("dtype", "reg"), [(np.float32, 1e39), (np.float64, 1e308)])
@pytest.mark.parametrize("unit", [1e-3, 1.0, 1e4])
def test_a_regularization_beyond_the_dtype_is_named(dtype, reg, unit):
    X = np.arange(12, dtype=dtype).reshape(4, 3) * dtype(10 * unit)
    with pytest.raises(ValueError, match=rf"reg.* too large for {X.dtype}; lower"):
        solve(problem_of(X, 2, reg=reg))
