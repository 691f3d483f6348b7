"""Hierarchical alternating least squares: where it ends, and on the way there."""

import warnings
from functools import cache

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.decomposition import NMF
from sklearn.exceptions import ConvergenceWarning

from lrfact.solvers.nmf.hals import hals, inner_stopping
from reference.naive_nonnegative import naive_gradient, naive_objective
from reference.synthetic_parts import STORAGES, problem_of, random_init, synthetic_parts

PENALTIES = [
    ((0, 0), (0, 0)),
    ((0.3, 0), (0.2, 0)),
    ((0, 0.4), (0, 0.3)),
    ((0.2, 0.1), (0.1, 0.3)),
]


def solve(problem, start, *, tol=1e-6, max_iter=2000, **options):
    return hals(problem, *start, tol=tol, max_iter=max_iter, **options)


def assert_stationary(X, result, penalties, atol):
    """The conditions of Karush, Kuhn and Tucker of either factor."""
    for matrix, factors, design, penalty in (
        (X, result.rows, result.columns, penalties[0]),
        (X.T, result.columns, result.rows, penalties[1]),
    ):
        slope = naive_gradient(matrix, factors, design, 2, penalty)
        assert (factors >= 0).all()
        assert_allclose(slope[factors > 0], 0, atol=atol)
        assert (slope[factors == 0] >= -atol).all()
        assert (factors == 0).any()  # else there was nothing to test


@pytest.mark.parametrize("holes", [0.0, 0.3])
@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("penalties", PENALTIES)
def test_ends_at_a_stationary_point(penalties, storage, holes):
    X = synthetic_parts(holes=holes, zeros=0.2)
    result = solve(problem_of(X, storage=storage, penalties=penalties), random_init(X, 3), tol=1e-9)
    assert result.converged
    assert_stationary(X, result, penalties, 1e-5)
    expected = naive_objective(X, result.rows, result.columns, 2, penalties)
    assert_allclose(result.objective[-1], expected, rtol=1e-8)
    assert len(result.objective) == result.n_iter < 2000


@cache
def objective_of_scikit_learn(seed, dtype, max_iter, shuffle):
    """Where it ends, whatever the storage."""
    X = synthetic_parts((60, 40), 4, noise=0.2, seed=seed).astype(dtype)
    start = random_init(X, 4, seed)
    theirs = NMF(4, init="custom", tol=0, max_iter=max_iter, shuffle=shuffle, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        # It overwrites what it starts from.
        W = theirs.fit_transform(X, W=start[0].copy(), H=start[1].T.copy())
    return naive_objective(X, W, theirs.components_.T, 2)


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("max_iter", [3, 10, 50])
def test_ends_no_higher_than_scikit_learn(max_iter, dtype, storage, shuffle):
    for seed in range(3):
        X = synthetic_parts((60, 40), 4, noise=0.2, seed=seed).astype(dtype)
        start = random_init(X, 4, seed)
        expected = objective_of_scikit_learn(seed, dtype, max_iter, shuffle)
        result = solve(
            problem_of(X, storage=storage),
            start,
            tol=0,
            max_iter=max_iter,
            shuffle=np.random.RandomState(0) if shuffle else None,
        )
        ours = naive_objective(X, result.rows, result.columns, 2)
        assert result.n_iter == max_iter
        # Stationary points may differ; none of these is worse by more than the thousandth part.
        assert ours <= expected * (1 + 1e-3)


@pytest.mark.parametrize("l1_ratio", [0.0, 0.4, 1.0])
def test_minima_with_penalties_are_those_of_scikit_learn(l1_ratio):
    """From the same start, near the minimum: planted parts, well apart."""
    X = synthetic_parts((30, 20), 2, seed=2)  # where squares alone leave no rotation free
    start = random_init(X, 2)
    # In scikit-learn's units: of W times the number of columns, of H times that of rows.
    of_rows, of_columns = 20 * 0.01, 30 * 0.005
    penalties = (
        (of_rows * l1_ratio, of_rows * (1 - l1_ratio)),
        (of_columns * l1_ratio, of_columns * (1 - l1_ratio)),
    )
    theirs = NMF(
        2, init="custom", tol=1e-12, max_iter=20000, alpha_W=0.01, alpha_H=0.005, l1_ratio=l1_ratio
    )
    W = theirs.fit_transform(X, W=start[0].copy(), H=start[1].T.copy())
    result = solve(problem_of(X, penalties=penalties), start, tol=1e-10, max_iter=5000)
    H = theirs.components_
    # The two halves of an iteration come in another order, and may swap the components.
    by_size, its = (np.argsort(factors.sum(axis=0)) for factors in (result.rows, W))
    assert_allclose(result.rows[:, by_size], W[:, its], atol=1e-4)
    assert_allclose(result.columns[:, by_size], H[its].T, atol=1e-4)
    expected = naive_objective(X, W, H.T, 2, penalties)
    assert_allclose(result.objective[-1], expected, rtol=1e-7)


@pytest.mark.parametrize("storage", STORAGES)
def test_values_at_hidden_places_do_not_count(storage):
    """What is not stored there is not read; what is predicted there is not judged."""
    X = synthetic_parts((50, 30), 2, noise=0.0, holes=0.4)
    whole = synthetic_parts((50, 30), 2, noise=0.0)
    result = solve(problem_of(X, storage=storage), random_init(X, 2), tol=1e-10, max_iter=3000)
    assert result.objective[-1] < 1e-3
    predicted = result.rows @ result.columns.T
    assert_allclose(predicted[np.isnan(X)], whole[np.isnan(X)], atol=0.05)


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("holes", [0.0, 0.3])
def test_objective_is_that_of_the_factors_on_the_way(holes, storage):
    """Once the extrapolation is over: what is returned has the objective that was told last."""
    X = synthetic_parts(holes=holes, zeros=0.2)
    problem, start = problem_of(X, storage=storage), random_init(X, 3)
    first = solve(problem, start, tol=0, max_iter=1)
    expected = naive_objective(X, first.rows, first.columns, 2)
    assert_allclose(first.objective, [expected], rtol=1e-10)
    result = solve(problem, start, tol=0, max_iter=60)
    # It may rise where the extrapolation went too far, and comes back then.
    assert result.objective[-1] <= result.objective[:-1].min() * (1 + 1e-3)
    assert result.objective[-1] < 0.7 * result.objective[0]


@pytest.mark.parametrize("storage", STORAGES)
def test_missing_rows_and_columns(storage):
    X = synthetic_parts(holes=0.2)
    X[4], X[:, 7] = np.nan, np.nan
    penalties = ((0.1, 0.0), (0.0, 0.1))
    for choice in (penalties, ((0, 0), (0, 0))):
        result = solve(problem_of(X, storage=storage, penalties=choice), random_init(X, 3))
        assert_array_equal(result.rows[4], 0)
        assert_allclose(result.columns[7], 0, atol=1e-12)


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("holes", [0.0, 0.3])
def test_float32_comes_close_to_float64(holes, storage):
    X = synthetic_parts(holes=holes)
    ends = []
    for dtype in (np.float32, np.float64):
        narrow = X.astype(dtype)
        result = solve(
            problem_of(narrow, storage=storage), random_init(narrow, 3), tol=1e-4, max_iter=500
        )
        assert result.rows.dtype == result.columns.dtype == dtype
        assert result.objective.dtype == np.float64
        ends.append(naive_objective(X, result.rows, result.columns, 2))
    assert_allclose(ends[0], ends[1], rtol=1e-3)


@pytest.mark.parametrize("holes", [0.0, 0.3])
@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_bits_do_not_depend_on_threads(dtype, storage, holes):
    """With enough to do for a second thread to be woken."""
    X = synthetic_parts((1500, 100), 8, holes=holes, zeros=0.5).astype(dtype)
    start = random_init(X, 20)
    results = set()
    for n_threads in (1, 2, 5):
        problem = problem_of(X, storage=storage, n_threads=n_threads)
        result = solve(problem, start, tol=0, max_iter=3)
        results.add(result.rows.tobytes() + result.columns.tobytes() + result.objective.tobytes())
    assert len(results) == 1


def test_shuffle_follows_the_generator_and_comes_to_the_same_minimum():
    X = synthetic_parts((30, 20), 2)
    problem, start = problem_of(X, penalties=PENALTIES[2]), random_init(X, 2)
    one, same, other = (
        solve(problem, start, tol=1e-9, shuffle=np.random.RandomState(seed)) for seed in (0, 0, 1)
    )
    plain = solve(problem, start, tol=1e-9)
    assert_array_equal(one.rows, same.rows)
    assert one.objective[0] != other.objective[0] or one.objective[1] != other.objective[1]
    for result in (one, other):
        assert_allclose(result.objective[-1], plain.objective[-1], rtol=1e-8)


@pytest.mark.parametrize("holes", [0.0, 0.3])
def test_the_transpose_is_the_same_problem(holes):
    X = synthetic_parts(holes=holes)
    rows, columns = random_init(X, 3)
    penalties = ((0, 0.1), (0, 0.3))  # under l1 other components die
    one = solve(problem_of(X, penalties=penalties), (rows, columns), tol=1e-9)
    mirrored = problem_of(X.T.copy(), penalties=penalties[::-1])
    other = solve(mirrored, (columns, rows), tol=1e-9)
    assert_allclose(other.objective[-1], one.objective[-1], rtol=1e-8)


@pytest.mark.parametrize("factor", [1e-20, 1e-8, 1e8, 1e20])
def test_units_do_not_matter(factor):
    """float32 throughout; that squares of the entries leave its range does not matter."""
    X = synthetic_parts().astype(np.float32)
    start = random_init(X, 3)
    one = solve(problem_of(X), start, tol=0, max_iter=30)
    X = X * np.float32(factor)
    root = np.float32(np.sqrt(factor))
    other = solve(problem_of(X), (start[0] * root, start[1] * root), tol=0, max_iter=30)
    assert_allclose(other.objective / factor**2, one.objective, rtol=1e-3)
    assert_allclose(
        (other.rows / root) @ (other.columns / root).T, one.rows @ one.columns.T, atol=0.02
    )


def test_squares_that_overflow_are_refused():
    X = synthetic_parts() * 1e200
    with pytest.raises(ValueError, match="divide X by its largest"):
        solve(problem_of(X), random_init(X, 2))


def test_components_that_die_or_never_lived():
    X = synthetic_parts()
    rows, columns = random_init(X, 4)
    rows[:, 1], columns[:, 2] = 0, 0
    rows[:, 3] = columns[:, 3] = 0
    result = solve(problem_of(X), (rows, columns), max_iter=50, tol=0)
    assert_array_equal(result.rows[:, 3], 0)
    assert_array_equal(result.columns[:, 3], 0)
    assert np.isfinite(result.objective).all()
    # Both others have come to life.
    assert (result.rows[:, 1] > 0).any()
    assert (result.columns[:, 2] > 0).any()


def test_penalties_that_leave_nothing():
    X = synthetic_parts()
    result = solve(problem_of(X, penalties=((1e6, 0), (1e6, 0))), random_init(X, 3))
    assert_array_equal(result.rows, 0)
    assert_array_equal(result.columns, 0)
    assert result.converged
    assert_allclose(result.objective[-1], np.sum(X**2) / 2)


def test_progress_may_stop_and_the_start_is_not_written_to():
    X = synthetic_parts()
    start = random_init(X, 3)
    for factors in start:
        factors.setflags(write=False)
    seen = []

    def progress(step, objective):
        seen.append((step, objective))
        return step == 4

    result = solve(problem_of(X), start, tol=0, progress=progress)
    assert [step for step, _ in seen] == [1, 2, 3, 4]
    assert_array_equal(result.objective, [objective for _, objective in seen])
    assert result.n_iter == 4
    assert not result.converged


def test_tolerance_does_not_depend_on_the_sizes_of_columns():
    """Scale-free without a penalty: columns of both factors count as if of equal norms."""
    X = synthetic_parts()
    rows, columns = random_init(X, 3)
    loose, tight = (solve(problem_of(X), (rows, columns), tol=tol) for tol in (1e-2, 1e-4))
    assert 1 < loose.n_iter < tight.n_iter
    scales = np.array([1e3, 1.0, 1e-4])
    other = solve(problem_of(X), (rows * scales, columns / scales), tol=1e-2)
    assert other.n_iter == loose.n_iter
    assert_allclose(other.objective, loose.objective, rtol=1e-6)


def test_passes_are_fewer_where_they_take_longer_than_a_product():
    X = np.zeros((40, 200))
    X[:, :8] = 1
    for storage in STORAGES:
        problem = problem_of(X, storage=storage)
        for width, of_rows, of_columns in ((2, 20, 9), (10, 9, 2), (80, 2, 1)):
            # Dense or sparse, so that both end in the same factors.
            assert inner_stopping(problem.rows, width).most_passes == of_rows
            assert inner_stopping(problem.columns, width).most_passes == of_columns
    # Rows with holes have a Gram matrix each, which takes longer than either.
    X[3, 5] = np.nan
    assert inner_stopping(problem_of(X, storage="csr").rows, 80).most_passes == 20


def relative_gradient(X, rows, columns):
    """The projected gradient of both factors, as a fraction of the two sums that it consists of."""
    sizes = np.sqrt(np.linalg.norm(rows, axis=0) / np.linalg.norm(columns, axis=0))
    rows, columns = rows / sizes, columns * sizes
    gradient, sums = 0.0, 0.0
    for matrix, factors, design in ((X, rows, columns), (X.T, columns, rows)):
        slope = naive_gradient(matrix, factors, design, 2, (0, 0))
        gradient += np.abs(np.where(factors > 0, slope, np.minimum(slope, 0))).sum()
        sums += (factors @ (design.T @ design) + matrix @ design).sum()
    return gradient / sums


@pytest.mark.parametrize("size", [1e-3, 1.0, 1e3])
def test_the_stopping_criterion_does_not_depend_on_the_initialization(size):
    """Factors of other sizes have another first gradient, and the same criterion at the end."""
    X = synthetic_parts((60, 40), noise=0.3)
    rows, columns = random_init(X, 6)
    problem, start = problem_of(X), (size * rows, size * columns)
    result = solve(problem, start, tol=1e-4)
    best = solve(problem, start, tol=1e-10, max_iter=20_000)
    assert result.converged
    assert result.n_iter < best.n_iter
    assert result.objective[-1] <= 1.002 * best.objective[-1]
    # It is measured ahead of the last update, which moves little.
    assert relative_gradient(X, result.rows, result.columns) <= 2e-4


def test_a_fit_that_starts_where_one_has_converged_stops_soon():
    """Its first gradient is small; a fraction of it would take as long again."""
    X = synthetic_parts((60, 40), noise=0.3)
    problem = problem_of(X)
    result = solve(problem, random_init(X, 6), tol=1e-4)
    again = solve(problem, (result.rows, result.columns), tol=1e-4)
    assert again.converged
    assert again.n_iter <= 5 < result.n_iter
    assert_allclose(again.objective[-1], result.objective[-1], rtol=1e-3)


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_stopping_criterion_has_no_unit(dtype, storage):
    X = synthetic_parts((60, 40), noise=0.3, zeros=0.2).astype(dtype)
    start = random_init(X, 6)
    one = solve(problem_of(X, storage=storage), start, tol=1e-4)
    assert one.converged
    for root in (dtype(2.0**10), dtype(2.0**-10)):
        scaled = problem_of(X * root**2, storage=storage)
        other = solve(scaled, (start[0] * root, start[1] * root), tol=1e-4)
        assert other.n_iter == one.n_iter
        assert_array_equal(other.rows, one.rows * root)
        assert_array_equal(other.columns, one.columns * root)
