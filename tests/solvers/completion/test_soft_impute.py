"""Nuclear-norm completion against the iteration on the filled matrix, and how it proves itself."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from lrfact.solvers.completion.nuclear_norm_problem import (
    NuclearNormProblem,
    largest_singular_value,
    relative_duality_gap,
)
from lrfact.solvers.completion.soft_impute import soft_impute, zero_state
from lrfact.solvers.completion.soft_impute_path import largest_useful_penalty, penalty_path
from reference.naive_soft_impute import naive_objective, naive_soft_impute

# Rows or columns without entries occur in the thin ones.
CASES = {
    "tall": ((60, 12), 0.6),
    "wide": ((12, 60), 0.6),
    "thin": ((40, 30), 0.1),
    "whole": ((20, 15), 1.0),
    "one column": ((9, 1), 0.8),
    "one row": ((1, 9), 0.8),
}


def table(case, dtype=np.float64, seed=0):
    """A planted matrix of rank 3 with noise, NaN where it is not observed; and as entries."""
    shape, share = CASES[case]
    rng = np.random.default_rng(seed)
    Y = rng.normal(size=(shape[0], 3)) @ rng.normal(size=(3, shape[1])) + rng.normal(size=shape)
    Y += rng.normal(size=(shape[0], 1))
    Y[rng.random(shape) >= share] = np.nan
    rows, columns = np.nonzero(~np.isnan(Y))
    Y = Y.astype(dtype)
    return Y, sparse.csr_array((Y[rows, columns], (rows, columns)), shape=shape)


def solve(problem, reg, *, max_rank=1000, tol=1e-6, max_iter=2000, certify=True, seed=0, **options):
    rng = np.random.RandomState(seed)
    start = options.pop("start", None) or zero_state(problem, rng)
    return soft_impute(
        problem,
        reg,
        start,
        max_rank=min(max_rank, *problem.entries.shape),
        tol=tol,
        max_iter=max_iter,
        certify=certify,
        rng=rng,
        n_threads=options.pop("n_threads", 1),
        **options,
    )


def dense(state):
    return state.U * state.s @ state.V.T


@pytest.mark.parametrize("rho", [None, 2.0])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
@pytest.mark.parametrize("case", CASES)
def test_solves_what_the_filled_iteration_solves(case, share, rho):
    Y, entries = table(case)
    problem = NuclearNormProblem(entries, rho)
    zero = zero_state(problem, np.random.RandomState(0))
    reg = share * largest_useful_penalty(problem, zero, n_threads=1)
    fit = solve(problem, reg, tol=1e-9)
    Z, offsets = naive_soft_impute(Y, reg, np.inf if rho is None else rho, n_iter=2000)
    least = naive_objective(Y, Z, offsets, reg, np.inf if rho is None else rho)
    ours = naive_objective(
        Y, dense(fit.state), fit.state.offsets, reg, np.inf if rho is None else rho
    )
    assert ours <= least * (1 + 1e-8)
    assert fit.objective[-1] == pytest.approx(ours, rel=1e-6)
    # F is strongly convex in the observed entries only: two points within 1e-9 of the minimum
    # differ there by some 1e-4; elsewhere that takes entries enough.
    shown = ~np.isnan(Y) if case == "thin" else np.full(Y.shape, True)
    assert_allclose(dense(fit.state)[shown], Z[shown], atol=2e-3 * np.abs(Z).max())
    assert_allclose(fit.state.offsets, offsets, atol=2e-3 * max(np.abs(offsets).max(), 1e-10))
    assert fit.converged
    assert fit.gap <= 1e-9
    assert_allclose(fit.state.U.T @ fit.state.U, np.eye(fit.state.rank), atol=1e-10)
    assert_allclose(fit.state.V.T @ fit.state.V, np.eye(fit.state.rank), atol=1e-10)


def test_a_whole_matrix_is_its_svd_shrunk():
    Y, entries = table("whole")
    s = np.linalg.svd(Y, compute_uv=False)
    reg = (s[3] + s[4]) / 2
    state = solve(NuclearNormProblem(entries, None), reg, tol=1e-10).state
    assert_allclose(state.s, s[:4] - reg, rtol=1e-4)


@pytest.mark.parametrize("rho", [None, 2.0])
def test_no_iteration_raises_the_objective(rho):
    for case in CASES:
        problem = NuclearNormProblem(table(case)[1], rho)
        told = []
        fit = solve(problem, 2.0, progress=lambda step, value, told=told: told.append(value))
        assert (np.diff(fit.objective) <= 1e-12 * fit.objective[0]).all()
        assert told == fit.objective.tolist()


@pytest.mark.parametrize("rho", [None, 2.0])
def test_the_gap_bounds_what_is_left(rho):
    problem = NuclearNormProblem(table("tall")[1], rho)
    least = solve(problem, 3.0, tol=1e-10).objective[-1]
    for n_iter in range(1, 12):
        fit = solve(problem, 3.0, tol=0, max_iter=n_iter)
        assert not fit.converged
        residuals = problem.residuals(
            fit.state.predict(problem.row_of_entry, problem.entries.indices)
        )
        value = problem.objective(3.0, residuals.data, fit.state.s, fit.state.offsets)
        gap = relative_duality_gap(problem, 3.0, value, residuals, tol=1e-6, n_threads=1)
        assert (value - least) / value <= gap + 1e-9
        assert 0 <= gap <= 1
    assert gap < 0.05


@pytest.mark.parametrize("rho", [None, 2.0])
def test_above_the_largest_useful_penalty_there_is_nothing(rho):
    problem = NuclearNormProblem(table("tall")[1], rho)
    zero = zero_state(problem, np.random.RandomState(0))
    largest = largest_useful_penalty(problem, zero, n_threads=1)
    above, below = solve(problem, 1.0001 * largest), solve(problem, 0.99 * largest)
    assert above.state.rank == 0
    assert above.gap <= 1e-6
    assert below.state.rank == 1
    assert_array_equal(above.state.offsets, zero.offsets)


def test_a_capped_rank():
    problem = NuclearNormProblem(table("tall")[1], None)
    free = solve(problem, 2.0)
    capped = solve(problem, 2.0, max_rank=2)
    assert free.state.rank > 2
    assert capped.state.rank == 2
    assert capped.converged
    assert np.isnan(capped.gap)
    assert capped.objective[-1] > free.objective[-1]
    # A cap that does not bind changes nothing.
    assert_allclose(solve(problem, 2.0, max_rank=11).objective[-1], free.objective[-1], rtol=1e-5)


def test_noiseless_low_rank_is_found():
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(80, 2)) @ rng.normal(size=(2, 50))
    seen = rng.random(truth.shape) < 0.4
    rows, columns = np.nonzero(seen)
    problem = NuclearNormProblem(
        sparse.csr_array((truth[seen], (rows, columns)), shape=truth.shape), None
    )
    state = solve(problem, 0.01, tol=1e-4).state
    assert state.rank <= 4
    assert_allclose(dense(state), truth, atol=0.01)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("index", [np.int32, np.int64])
def test_dtypes_and_threads(dtype, index):
    entries = table("tall", dtype)[1]
    entries.indices, entries.indptr = entries.indices.astype(index), entries.indptr.astype(index)
    entries.data.setflags(write=False)
    problem = NuclearNormProblem(entries, 1.5)
    one, four = (solve(problem, 2.0, tol=1e-4, n_threads=n) for n in (1, 4))
    assert one.converged
    for name in ("U", "s", "V", "offsets", "candidates"):
        assert getattr(one.state, name).dtype == dtype
        assert_array_equal(getattr(one.state, name), getattr(four.state, name), err_msg=name)
    assert one.objective.dtype == np.float64


def test_many_directions_enter_at_once():
    """More than are tried at a time, from a cold start."""
    Y = np.random.default_rng(0).normal(size=(70, 60))
    problem = NuclearNormProblem(sparse.csr_array(Y), None)
    fit = solve(problem, 0.5, tol=1e-8)
    s = np.linalg.svd(Y, compute_uv=False)
    assert fit.state.rank == np.count_nonzero(s > 0.5) > 50
    assert len(fit.objective) < 40


def test_largest_singular_value():
    Y, entries = table("whole")
    assert largest_singular_value(entries, tol=1e-8, n_threads=1) == pytest.approx(
        np.linalg.norm(Y, 2)
    )
    assert largest_singular_value(0 * entries, tol=1e-8, n_threads=1) == 0


class TestPath:
    def path(self, problem, held_out, **changes):
        options = {
            "n_regs": 25,
            "max_rank": min(held_out.shape),
            "rng": np.random.RandomState(0),
            "n_threads": 1,
            "progress": lambda step, error: False,
            **changes,
        }
        return penalty_path(problem, held_out, **options)

    def split(self, case="tall"):
        _, entries = table(case)
        out = np.random.default_rng(0).random(entries.nnz) < 0.2
        coo = entries.tocoo()
        parts = [
            sparse.csr_array((coo.data[chosen], (coo.row[chosen], coo.col[chosen])), coo.shape)
            for chosen in (~out, out)
        ]
        return NuclearNormProblem(parts[0], 1.0), parts[1]

    def test_takes_the_least_error_and_stops_after_it(self):
        problem, held_out = self.split()
        path = self.path(problem, held_out)
        assert path.best == path.regs[np.argmin(path.rmse)]
        assert len(path.regs) == len(path.rmse) < 25
        assert (np.diff(path.regs) < 0).all()
        assert path.rmse.min() < 0.8 * path.rmse[0]
        assert len(path.rmse) - 1 - np.argmin(path.rmse) == 2
        told = path.state.predict(*held_out.nonzero())
        assert np.sqrt(np.mean((held_out.data - told) ** 2)) == pytest.approx(path.rmse.min())

    def test_errors_are_those_of_solutions(self):
        problem, held_out = self.split()
        path = self.path(problem, held_out)
        for reg, error in list(zip(path.regs, path.rmse, strict=True))[1:6]:
            told = solve(problem, reg).state.predict(*held_out.nonzero())
            assert np.sqrt(np.mean((held_out.data - told) ** 2)) == pytest.approx(error, rel=0.01)

    def test_stops_when_asked(self):
        problem, held_out = self.split()
        assert len(self.path(problem, held_out, progress=lambda step, error: step == 3).regs) == 3

    def test_nothing_to_explain(self):
        problem, held_out = self.split()
        nothing = NuclearNormProblem(0 * problem.entries, 1.0)
        path = self.path(nothing, held_out)
        assert path.best == 0
        assert path.state.rank == 0
