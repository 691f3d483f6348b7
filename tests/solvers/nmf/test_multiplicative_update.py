"""Multiplicative updates: where they end, and that they fall as fast as scikit-learn's."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.decomposition import NMF
from sklearn.exceptions import ConvergenceWarning

from lrfact.solvers.nmf.beta_divergence import divergence_sums
from lrfact.solvers.nmf.multiplicative_update import (
    extrapolated,
    lifted_to,
    multiplicative_update,
    next_momentum,
    update_exponent,
    updated,
)
from reference.naive_nonnegative import naive_gradient, naive_objective
from reference.synthetic_parts import STORAGES, problem_of, random_init, synthetic_parts

BETAS = [2, 1, 0, 0.5, 1.5, 3, -1]


def zeros_for(beta):
    return 0.3 if beta > 0 else 0.0


def solve(problem, start, *, tol=0.0, max_iter=200, **options):
    return multiplicative_update(problem, *start, tol=tol, max_iter=max_iter, **options)


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("beta", BETAS)
def test_ends_no_higher_than_scikit_learn(beta, storage):
    zeros = zeros_for(beta)
    for max_iter in (20, 100):
        X = synthetic_parts((40, 25), 3, noise=0.2, zeros=zeros, seed=1)
        start = random_init(X, 3)
        theirs = NMF(3, solver="mu", beta_loss=beta, init="custom", tol=0, max_iter=max_iter)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            W = theirs.fit_transform(X, W=start[0].copy(), H=start[1].T.copy())
        floor = 1e-9  # scikit-learn's factors may be 0 where X is not
        expected = naive_objective(X, W, theirs.components_.T, beta, floor=floor)
        result = solve(problem_of(X, storage=storage, beta=beta), start, max_iter=max_iter)
        ours = naive_objective(X, result.rows, result.columns, beta, floor=floor)
        assert_allclose(result.objective[-1], ours, rtol=1e-5)
        assert ours <= expected * (1 + 1e-3)
        assert result.n_iter == max_iter


@pytest.mark.parametrize("holes", [0.0, 0.3])
@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("beta", BETAS)
def test_objective_falls_and_is_that_of_the_definition(beta, storage, holes):
    X = synthetic_parts(holes=holes, zeros=zeros_for(beta))
    penalties = ((0.05, 0.1), (0.02, 0.03))
    problem = problem_of(X, storage=storage, beta=beta, penalties=penalties)
    start = random_init(X, 3)
    result = solve(problem, start, max_iter=35)
    assert_allclose(result.objective[0], naive_objective(X, *start, beta, penalties), rtol=1e-9)
    expected = naive_objective(X, result.rows, result.columns, beta, penalties)
    assert_allclose(result.objective[-1], expected, rtol=1e-9)
    assert len(result.objective) == 5  # before 1, 11, 21 and 31, and at the end
    assert (np.diff(result.objective) < 0).all()
    assert result.n_iter == 35
    assert not result.converged


@pytest.mark.parametrize(("beta", "holes"), [*((beta, 0.0) for beta in BETAS), (1, 0.3), (0, 0.3)])
def test_ends_at_a_stationary_point(beta, holes):
    X = synthetic_parts((15, 10), 2, noise=0.2, holes=holes)
    penalties = ((0.05, 0.1), (0.02, 0.03))
    result = solve(problem_of(X, beta=beta, penalties=penalties), random_init(X, 2), max_iter=500)
    for matrix, factors, design, penalty in (
        (X, result.rows, result.columns, penalties[0]),
        (X.T, result.columns, result.rows, penalties[1]),
    ):
        slope = naive_gradient(matrix, factors, design, beta, penalty)
        # A factor on its way to zero gets there like 1 / t at worst.
        size = np.abs(slope).max() + naive_gradient(0 * matrix, factors, design, beta, penalty)
        assert_allclose(factors * slope / size.max(), 0, atol=3e-4)
        # A small one may be on its way up.
        assert (slope / size.max() >= -5e-3).all()


@pytest.mark.parametrize("beta", [2, 1, 0.5])
def test_minima_with_penalties_are_those_of_scikit_learn(beta):
    X = synthetic_parts((20, 15), 2, seed=2)
    start = random_init(X, 2)
    ratio = 0.3
    of_rows, of_columns = 15 * 0.01, 20 * 0.02
    penalties = (
        (of_rows * ratio, of_rows * (1 - ratio)),
        (of_columns * ratio, of_columns * (1 - ratio)),
    )
    theirs = NMF(
        # With a tolerance it would stop where the loss rises, which the penalties make it do.
        2, solver="mu", beta_loss=beta, init="custom", tol=0, max_iter=1000,
        alpha_W=0.01, alpha_H=0.02, l1_ratio=ratio,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        W = theirs.fit_transform(X, W=start[0].copy(), H=start[1].T.copy())
    result = solve(problem_of(X, beta=beta, penalties=penalties), start, max_iter=400)
    expected = naive_objective(X, W, theirs.components_.T, beta, penalties)
    assert result.objective[-1] <= expected * (1 + 1e-5)
    assert_allclose(result.objective[-1], expected, rtol=1e-3)  # theirs is still falling


@pytest.mark.parametrize("beta", BETAS)
def test_one_update_is_that_of_the_definition(beta):
    """Without extrapolation, as the first is."""
    X = synthetic_parts(holes=0.2, zeros=zeros_for(beta))
    rows, columns = random_init(X, 3)
    problem = problem_of(X, beta=beta, penalties=((0.3, 0.2), (0, 0)))
    S, shown = rows @ columns.T, ~np.isnan(X)
    up = np.where(shown, np.nan_to_num(X) * S ** (beta - 2), 0) @ columns
    down = np.where(shown, S ** (beta - 1), 0) @ columns + 0.3 + 0.2 * rows
    power = {0: 1 / 2, 0.5: 1 / 1.5, -1: 1 / 3, 3: 1 / 2}.get(beta, 1)
    assert update_exponent(beta) == power
    expected = rows * (up / down) ** power
    its = updated(problem.rows, rows, divergence_sums(problem.rows, rows, columns))
    assert_allclose(its, expected, rtol=1e-10)
    result = solve(problem, (rows, columns), max_iter=1)
    assert_allclose(result.rows, expected, rtol=1e-10)


@pytest.mark.parametrize("beta", [2, 1])
def test_values_at_hidden_places_do_not_count(beta):
    """They are what the others say."""
    X = synthetic_parts((40, 25), 2, noise=0.0, holes=0.3)
    whole = synthetic_parts((40, 25), 2, noise=0.0)
    ends = [
        solve(problem_of(X, storage=storage, beta=beta), random_init(X, 2), max_iter=300)
        for storage in STORAGES
    ]
    for result in ends:
        predicted = result.rows @ result.columns.T
        assert_allclose(predicted[np.isnan(X)], whole[np.isnan(X)], atol=0.05)
        assert_allclose(result.rows, ends[0].rows, atol=1e-3)


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("beta", BETAS)
def test_float32_comes_close_to_float64(beta, storage):
    X = synthetic_parts(zeros=zeros_for(beta), noise=0.2)
    ends = []
    for dtype in (np.float32, np.float64):
        narrow = X.astype(dtype)
        result = solve(problem_of(narrow, storage=storage, beta=beta), random_init(narrow, 3))
        assert result.rows.dtype == result.columns.dtype == dtype
        ends.append(naive_objective(X, result.rows, result.columns, beta, floor=1e-9))
    assert_allclose(ends[0], ends[1], rtol=2e-3)


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("beta", [2, 1, 0])
def test_bits_do_not_depend_on_threads(beta, storage):
    X = synthetic_parts((400, 100), 5, holes=0.1, zeros=zeros_for(beta))
    start = random_init(X, 6)
    results = set()
    for n_threads in (1, 2, 5):
        problem = problem_of(X, storage=storage, beta=beta, n_threads=n_threads)
        result = solve(problem, start, max_iter=11)
        results.add(result.rows.tobytes() + result.columns.tobytes() + result.objective.tobytes())
    assert len(results) == 1


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("beta", [2, 1, 0.5])
def test_rows_and_columns_that_say_nothing(beta, storage):
    """Of zeros, and missing ones: factors of 0, and nothing that is not finite."""
    X = synthetic_parts(holes=0.2, zeros=0.3)
    X[3], X[:, 5] = 0, 0
    X[7], X[:, 11] = np.nan, np.nan
    result = solve(problem_of(X, storage=storage, beta=beta), random_init(X, 3), max_iter=60)
    for i, j in ((3, 5), (7, 11)):
        assert_array_equal(result.rows[i], 0)
        assert_array_equal(result.columns[j], 0)
    assert np.isfinite(result.objective).all()


@pytest.mark.parametrize("beta", BETAS)
@pytest.mark.parametrize("factor", [1e-12, 1e12])
def test_units_do_not_matter(factor, beta):
    """The divergence is multiplied by a power of the unit, the factors follow it."""
    if abs(beta) == 3:
        factor = np.sqrt(factor)
    X = synthetic_parts(zeros=zeros_for(beta), noise=0.2).astype(np.float32)
    rows, columns = random_init(X, 3)
    one = solve(problem_of(X, beta=beta), (rows, columns), max_iter=30)
    root = np.float32(np.sqrt(factor))
    other = solve(
        problem_of(X * np.float32(factor), beta=beta), (rows * root, columns * root), max_iter=30
    )
    assert_allclose(other.objective[-1] / float(factor) ** beta, one.objective[-1], rtol=1e-2)


def test_what_is_zero_stays_zero():
    X = synthetic_parts()
    rows, columns = random_init(X, 3)
    rows[4], columns[:, 1] = 0, 0
    for beta in (2, 1):
        result = solve(problem_of(X, beta=beta), (rows, columns), max_iter=25)
        assert_array_equal(result.rows[4], 0)
        assert_array_equal(result.columns[:, 1], 0)
        assert np.isfinite(result.objective).all()


def test_tolerance_and_progress():
    X = synthetic_parts()
    start = random_init(X, 3)
    for factors in start:
        factors.setflags(write=False)
    problem = problem_of(X, beta=1)
    loose, tight = (solve(problem, start, tol=tol, max_iter=5000) for tol in (1e-2, 1e-4))
    assert loose.converged
    assert tight.converged
    assert 10 <= loose.n_iter < tight.n_iter < 5000
    for result, tol in ((loose, 1e-2), (tight, 1e-4)):
        errors = np.sqrt(result.objective[:-1])
        assert errors[-2] - errors[-1] < tol * errors[0]
        assert (errors[:-2] - errors[1:-1] >= tol * errors[0]).all()
    seen = []

    def progress(step, objective):
        seen.append((step, objective))
        return step == 20

    result = solve(problem, start, progress=progress)
    assert [step for step, _ in seen] == [0, 10, 20]
    assert result.n_iter == 20
    assert_array_equal(result.objective[:3], [objective for _, objective in seen])
    assert not result.converged


class TestExtrapolation:
    def test_is_the_power_of_the_ratio(self):
        factors, before = np.array([[2.0, 3.0]]), np.array([[1.6, 4.5]])
        expected = factors * (factors / before) ** 0.7
        assert_allclose(extrapolated(factors, before, 0.7), expected)
        of_rows = extrapolated(np.vstack([factors] * 2), before, np.array([[0.0], [0.7]]))
        assert_allclose(of_rows, np.vstack([factors, expected]))

    def test_goes_no_further_than_twice_or_half(self):
        factors, before = np.array([[5.0, 1.0, 2.0]]), np.array([[1.0, 5.0, 0.0]])
        expected = [[5 * 2**0.5, 1 / 2**0.5, 2.0]]
        assert_allclose(extrapolated(factors, before, 0.5), expected)
        # Momentum has a ceiling.
        at_most = extrapolated(factors, before, 1.0)
        assert_allclose(at_most, [[5 * 2**0.9, 1 / 2**0.9, 2.0]])

    def test_lifts_what_is_small_but_not_what_is_zero(self):
        """To a share of the component, spread as the sums of the rows are."""
        factors = np.array([[1.0, 0.0, 4.0], [1e-20, 2e-9, 0.0]])
        X = np.array([[3e10, 1e10], [3.0, 1.0]])
        least = lifted_to(problem_of(X, beta=1).rows, factors)
        assert_allclose(least, 1e-4 * np.outer([1, 1e-10], [1, 2e-9, 4]), rtol=1e-8)
        ahead = extrapolated(factors, factors, 0.5, least)
        assert_allclose(ahead, [[1, 0, 4], [1e-14, 2e-9, 0]])
        narrow = problem_of(X.astype(np.float32), beta=1).rows
        assert lifted_to(narrow, factors.astype(np.float32)).dtype == np.float32
        assert lifted_to(problem_of(X, beta=0).rows, factors) == 0
        assert extrapolated(factors, 0.5 * factors, 0.0, least) is factors

    def test_momentum_begins_at_zero_and_grows_to_one(self):
        step, momentum = next_momentum(1.0)
        momenta = [momentum]
        for _ in range(200):
            step, momentum = next_momentum(step)
            momenta.append(momentum)
        assert momenta[0] == 0
        assert (np.diff(momenta) > 0).all()
        assert 0.98 < momenta[-1] < 1


def independence_model(X):
    """The product of row and column sums, as factors of one component."""
    root = np.sqrt(X.sum())
    return X.sum(axis=1, keepdims=True) / root, X.sum(axis=0)[:, np.newaxis] / root


@pytest.mark.parametrize("size", [1.0, 1e3])
@pytest.mark.parametrize("beta", [2, 1, 0.5])
def test_the_stopping_criterion_does_not_depend_on_the_initialization(beta, size):
    """Stops the first time that ten iterations gain little beside the independence model."""
    X = synthetic_parts((40, 25), 3, noise=0.2, seed=1)
    rows, columns = random_init(X, 3)
    problem, start = problem_of(X, beta=beta), (size * rows, columns)
    result = solve(problem, start, tol=1e-3, max_iter=2000)
    best = solve(problem, start, tol=1e-9, max_iter=20_000)
    assert result.converged
    assert result.n_iter < best.n_iter
    assert result.objective[-1] <= 1.05 * best.objective[-1]
    penalties = ((0, 0), (0, 0))
    reference = np.sqrt(naive_objective(X, *independence_model(X), beta, penalties))
    gained = -np.diff(np.sqrt(result.objective[:-1]))
    assert 0 <= gained[-1] < 1e-3 * reference
    assert ((gained[:-1] < 0) | (gained[:-1] >= 1e-3 * reference)).all()


def test_a_fit_that_starts_where_one_has_converged_stops_soon():
    """Its first loss is small; a fraction of it would take longer."""
    X = synthetic_parts((40, 25), 3, noise=0.2, seed=1)
    problem = problem_of(X, beta=1)
    result = solve(problem, random_init(X, 3), tol=1e-3, max_iter=2000)
    again = solve(problem, (result.rows, result.columns), tol=1e-3, max_iter=2000)
    assert again.converged
    assert again.n_iter <= 21 < result.n_iter
    assert again.objective[-1] <= result.objective[-1]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("beta", [2, 1])
def test_the_stopping_criterion_has_no_unit(beta, dtype):
    X = synthetic_parts((40, 25), 3, noise=0.2, zeros=0.2, seed=1).astype(dtype)
    start = random_init(X, 3)
    for storage in STORAGES:
        one = solve(problem_of(X, beta=beta, storage=storage), start, tol=1e-3)
        assert one.converged
        for root in (dtype(2.0**10), dtype(2.0**-10)):
            scaled = problem_of(X * root**2, beta=beta, storage=storage)
            other = solve(scaled, (start[0] * root, start[1] * root), tol=1e-3)
            assert other.n_iter == one.n_iter
            assert_array_equal(other.rows, one.rows * root)
            assert_array_equal(other.columns, one.columns * root)
