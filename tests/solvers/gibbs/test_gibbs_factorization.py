from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from lrfact._threads import single_threaded_blas
from lrfact.solvers.gibbs.gibbs_factorization import (
    GibbsProblem,
    first_state,
    gibbs_factorization,
)
from reference.naive_bayes import naive_gibbs


def make_problem(n=9, m=7, k=1, n_features=0, dtype=np.float64, seed=0):
    rng = np.random.default_rng(seed)
    Y = rng.standard_normal((n, k)) @ rng.standard_normal((k, m))
    Y += rng.standard_normal((n, 1)) + rng.standard_normal(m) + 0.3 * rng.standard_normal((n, m))
    Y = (Y - Y.mean()) / Y.std()
    Y[rng.random((n, m)) < 0.3] = np.nan
    features = [np.linalg.qr(rng.standard_normal((side, n_features))).Q for side in (n, m)]
    entries = sparse.csr_array(np.nan_to_num(Y).astype(dtype))
    of_dtype = [F.astype(dtype) for F in features]
    return GibbsProblem(entries, entries.T.tocsr(), *of_dtype), Y, features


def run(problem, start, rng, n_sweeps, every=1, n_threads=1, monitor=lambda sweep, error: False):
    return gibbs_factorization(
        problem,
        start,
        rng,
        n_sweeps=n_sweeps,
        keep=lambda sweep, state: state if sweep % every == 0 else None,
        n_threads=n_threads,
        monitor=monitor,
    )


def predicted(state):
    W, V = state.rows.vectors, state.columns.vectors
    return W[:, :-1] @ V[:, :-1].T + W[:, -1:] + V[:, -1]


@pytest.mark.parametrize("n_features", [0, 2])
def test_posterior_is_that_of_the_slow_chain(n_features):
    """Means over two long chains, one of which draws from each conditional by its inverse."""
    problem, Y, features = make_problem(n_features=n_features)
    rng = np.random.default_rng(0)
    found = run(problem, first_state(problem, 1, rng), rng, 1600)
    draws = found.draws[160:]
    told = np.array([predicted(state) for state in draws])
    noise = np.mean([state.noise for state in draws])
    mean, spread, its_noise = naive_gibbs(Y, features, 1, 700, np.random.default_rng(1))
    # Neighbouring draws are alike: some hundred of the slow chain count as independent.
    assert (abs(told.mean(axis=0) - mean) < 0.4 * spread).all()
    assert_allclose(told.std(axis=0), spread, rtol=0.3)
    assert_allclose(np.mean(told.std(axis=0) / spread), 1, atol=0.06)
    assert noise == pytest.approx(its_noise, rel=0.06)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_residuals_are_those_of_the_draws(dtype):
    problem, Y, _ = make_problem(n_features=2, dtype=dtype)
    rng = np.random.default_rng(0)
    found = run(problem, first_state(problem, 2, rng), rng, 5)
    seen = ~np.isnan(Y)
    for state, told in zip(found.draws, found.residuals, strict=True):
        errors = (Y - predicted(state))[seen]
        assert told == pytest.approx(np.sqrt(np.mean(errors**2)), rel=1e-4)
        assert state.rows.vectors.dtype == state.columns.vectors.dtype == dtype


def test_bits_depend_neither_on_threads_nor_on_being_interrupted():
    problem, _, _ = make_problem(60, 50, 3, n_features=4)
    whole, parts = [], []
    for n_threads in (1, 3):
        rng = np.random.default_rng(0)
        whole.append(run(problem, first_state(problem, 3, rng), rng, 8, n_threads=n_threads).last)
    rng = np.random.default_rng(0)
    state = first_state(problem, 3, rng)
    for n_sweeps in (3, 5):
        parts.append(run(problem, state, rng, n_sweeps))
        state = parts[-1].last
    for other in (whole[1], state):
        assert_array_equal(other.rows.vectors, whole[0].rows.vectors)
        assert_array_equal(other.columns.vectors, whole[0].columns.vectors)
        assert other.noise == whole[0].noise


def test_the_monitor_may_end_it():
    problem, _, _ = make_problem()
    rng = np.random.default_rng(0)
    seen = []

    def monitor(sweep, error):
        seen.append((sweep, error))
        return sweep == 3

    found = run(problem, first_state(problem, 1, rng), rng, 10, every=2, monitor=monitor)
    assert [sweep for sweep, _ in seen] == [1, 2, 3]
    assert [error for _, error in seen] == found.residuals.tolist()
    assert len(found.draws) == 2


def test_values_without_noise_are_no_trouble():
    rng = np.random.default_rng(0)
    Y = rng.standard_normal((30, 2)) @ rng.standard_normal((2, 20))
    for dtype in (np.float32, np.float64):
        entries = sparse.csr_array((Y / Y.std()).astype(dtype))
        none = [np.zeros((n, 0), dtype) for n in Y.shape]
        problem = GibbsProblem(entries, entries.T.tocsr(), *none)
        found = run(problem, first_state(problem, 2, rng), rng, 150)
        assert np.isfinite(found.residuals).all()
        assert found.residuals[-1] < 0.02
        assert found.last.noise > 0


def test_the_start_knows_the_means():
    problem, Y, _ = make_problem(200, 40, n_features=1)
    start = first_state(problem, 3, np.random.default_rng(0))
    counts = (~np.isnan(Y)).sum(axis=1)
    assert_allclose(start.rows.vectors[:, 3], np.nansum(Y, axis=1) / (counts + 1))
    left = Y - start.rows.vectors[:, 3:]
    counts = (~np.isnan(Y)).sum(axis=0)
    assert_allclose(start.columns.vectors[:, 3], np.nansum(left, axis=0) / (counts + 1))
    assert 0.05 < start.rows.vectors[:, :3].std() < 0.2


def test_weights_count_as_observations():
    """With all weights k and no scatter between, a chain is as sure as of k times the entries."""
    problem, _, _ = make_problem(40, 30, 2)
    ones = np.ones(problem.by_rows.nnz)
    noises = []
    for weights, scatter in ((None, 0.0), (ones, 0.0), (16 * ones, 0.0), (16 * ones, 15.0)):
        entries_scatter = scatter * problem.by_rows.nnz
        weighted = replace(
            problem, row_weights=weights, column_weights=weights, scatter=entries_scatter
        )
        rng = np.random.default_rng(0)
        with single_threaded_blas():
            found = run(weighted, first_state(weighted, 2, rng), rng, 60)
        noises.append([state.noise for state in found.draws[20:]])
        if weights is ones:
            assert_allclose(noises[-1], noises[-2], rtol=1e-9)
    spreads = np.std(noises, axis=1)
    assert spreads[2] < 0.5 * spreads[0]
    # 15 observations of variance 1 about each mean leave little doubt of the noise.
    assert np.mean(noises[3]) == pytest.approx(1, abs=0.1)
    assert np.mean(noises[2]) < 0.5
