import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from lrfact.solvers.implicit.confidence_columns import ConfidenceColumns, confidence_weights
from lrfact.solvers.implicit.implicit_als import implicit_als, implicit_init
from lrfact.solvers.implicit.implicit_problem import ImplicitProblem, total_confidence
from reference.naive_implicit import naive_implicit_als, naive_implicit_rows
from reference.synthetic_clicks import synthetic_clicks


def fit(problem, k=5, *, n_sweeps=4, n_threads=1, tol=0.0, seed=0, monitor=lambda *_: False):
    rng = np.random.RandomState(seed)
    start = implicit_init(problem.weights.shape[1], k, rng, problem.weights.dtype)
    options = {"tol": tol, "max_iter": n_sweeps, "n_threads": n_threads, "monitor": monitor}
    return start, implicit_als(problem, start, **options)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("reg_exponent", [0.0, 0.5, 1.0])
def test_sweeps_are_those_of_dense_least_squares(dtype, reg_exponent):
    weights = confidence_weights(synthetic_clicks(dtype=dtype), 3.0)
    problem = ImplicitProblem.with_confidence_scaled_penalty(weights, 0.1, reg_exponent)
    # After two sweeps columns are extrapolated.
    start, found = fit(problem, n_sweeps=2)
    W, V, objective = naive_implicit_als(
        weights.toarray().astype(float),
        start.astype(float),
        problem.row_penalty,
        problem.column_penalty,
        2,
    )
    rtol = 1e-4 if dtype == np.float32 else 1e-9
    assert_allclose(found.objective, objective, rtol=rtol)
    assert_allclose(found.rows @ found.columns.T, W @ V.T, atol=rtol * 10)
    assert found.rows.dtype == found.columns.dtype == dtype


def test_penalties_grow_with_the_total_confidence():
    weights = confidence_weights(synthetic_clicks(), 3.0)
    dense = 1 + weights.toarray()
    assert_allclose(total_confidence(weights), dense.sum(axis=1))
    problem = ImplicitProblem.with_confidence_scaled_penalty(weights, 0.2, 0.5)
    assert_allclose(problem.row_penalty, 0.2 * np.sqrt(dense.sum(axis=1)))
    assert_allclose(problem.column_penalty, 0.2 * np.sqrt(dense.sum(axis=0)))


def test_no_sweep_raises_the_objective_where_rows_take_steps_only():
    """With more factors than steps of conjugate gradients would need for an exact solution."""
    weights = confidence_weights(synthetic_clicks(150, 400, 0.5), 3.0)
    problem = ImplicitProblem.with_confidence_scaled_penalty(weights, 0.01, 1.0)
    _, found = fit(problem, k=120, n_sweeps=8)
    assert (np.diff(found.objective) < 0).all()
    assert_array_equal(found.rows[3], 0)
    assert_array_equal(found.columns[5], 0)


def test_it_takes_fewer_sweeps_than_plain_ones_and_undoes_none_twice():
    taken = []
    for seed in range(3):
        weights = confidence_weights(synthetic_clicks(100, 60, seed=seed), 3.0)
        problem = ImplicitProblem.with_confidence_scaled_penalty(weights, 0.005, 1.0)
        start, found = fit(problem, k=8, n_sweeps=60, seed=seed)
        penalties = problem.row_penalty, problem.column_penalty
        plain = np.array(naive_implicit_als(weights.toarray(), start, *penalties, 60)[2])
        assert (np.diff(found.objective) <= 1e-12 * found.objective[-1]).all()
        assert (np.diff(found.objective) < 0).mean() > 0.8
        goal = 1.001 * plain[-1]
        taken.append((np.argmax(found.objective <= goal), np.argmax(plain <= goal)))
    ours, plain = np.sum(taken, axis=0)
    assert 3 < ours < 0.8 * plain


def test_bits_do_not_depend_on_threads():
    weights = confidence_weights(synthetic_clicks(300, 200, dtype=np.float32), 3.0)
    problem = ImplicitProblem.with_confidence_scaled_penalty(weights, 0.01, 1.0)
    (_, one), (_, four) = fit(problem, 20), fit(problem, 20, n_threads=4)
    for name in ("rows", "columns", "objective"):
        assert_array_equal(getattr(one, name), getattr(four, name))


def test_it_stops():
    problem = ImplicitProblem.with_confidence_scaled_penalty(synthetic_clicks(), 0.1, 1.0)
    _, found = fit(problem, n_sweeps=100, tol=1e-3)
    assert found.converged
    assert 2 < len(found.objective) < 50
    assert found.objective[-2] - found.objective[-1] <= 1e-3 * found.objective[-2]
    seen = []
    _, found = fit(problem, n_sweeps=9, monitor=lambda sweep, _: seen.append(sweep) or sweep == 3)
    assert found.converged
    assert seen == [1, 2, 3]
    _, found = fit(problem, n_sweeps=3)
    assert not found.converged


class TestFoldIn:
    columns = ConfidenceColumns(
        np.random.default_rng(0).standard_normal((40, 4)), alpha=2.0, reg=0.3, reg_exponent=0.7
    )

    def test_it_is_weighted_ridge_regression(self):
        entries = synthetic_clicks()
        found = self.columns.fold_in(entries, n_threads=2)
        weights = 2.0 * entries.toarray()
        penalty = 0.3 * (1 + weights).sum(axis=1) ** 0.7
        assert_allclose(found, naive_implicit_rows(weights, self.columns.factors, penalty))
        assert_array_equal(found[3], 0)

    def test_contributions_add_up(self):
        entries = synthetic_clicks()[[7]]
        score = self.columns.fold_in(entries, n_threads=1) @ self.columns.factors[9]
        assert_allclose(self.columns.contributions(entries, 9).sum(), score[0])

    def test_a_row_does_not_depend_on_others(self):
        entries = synthetic_clicks()
        whole = self.columns.fold_in(entries, n_threads=1)
        assert_allclose(self.columns.fold_in(entries[[8]], n_threads=1)[0], whole[8], rtol=1e-12)

    def test_weights_that_overflow_are_refused(self):
        entries = synthetic_clicks(dtype=np.float32) * np.float32(1e38)
        with pytest.raises(ValueError, match=r"alpha=100.0 times .* overflows float32"):
            confidence_weights(entries, 100.0)
