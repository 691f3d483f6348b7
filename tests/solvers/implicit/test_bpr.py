"""Bayesian personalized ranking: its loss, planted preferences, seeds and threads."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse

from lrfact.kernels import IMPLEMENTATION
from lrfact.solvers.implicit import bpr as module
from lrfact.solvers.implicit.bpr import bpr
from reference.naive_ranking_loss import mean_bpr_loss
from reference.synthetic_preferences import mean_rank, synthetic_preferences

pytestmark = pytest.mark.skipif(IMPLEMENTATION == "numpy", reason="minutes on the NumPy twin")


def fit(interactions, *, seed=0, n_components=4, reg=0.01, learning_rate=0.2, max_iter=40,
        tol=None, n_threads=1, bias=True, monitor=None):  # fmt: skip
    return bpr(
        interactions,
        n_components=n_components,
        reg=reg,
        learning_rate=learning_rate,
        max_iter=max_iter,
        tol=tol,
        rng=np.random.RandomState(seed),
        n_threads=n_threads,
        bias=bias,
        monitor=monitor,
    )


def scores_of(found):
    return found.row_factors @ found.column_factors.T + found.column_bias


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("bias", [False, True])
def test_synthetic_preferences_are_ranked_better_than_by_popularity(
    bias, dtype, global_random_seed
):
    interactions, held = synthetic_preferences(global_random_seed, dtype=dtype)
    found = fit(interactions, bias=bias)
    for factors in (found.row_factors, found.column_factors, found.column_bias):
        assert factors.dtype == dtype
        assert np.isfinite(factors).all()
    popularity = np.broadcast_to(interactions.sum(axis=0), interactions.shape)
    by_popularity = mean_rank(popularity, interactions, held)
    assert mean_rank(scores_of(found), interactions, held) < 0.5 * by_popularity < 0.2
    assert (found.column_bias == 0).all() == (not bias)


def test_the_loss_falls_to_what_it_is_for_all_pairs():
    interactions, _ = synthetic_preferences(1)
    found = fit(interactions, max_iter=80)
    assert found.loss.dtype == np.float64
    assert len(found.loss) == 80
    # The first epoch sees scores that are all alike at its start.
    assert 0.4 < found.loss[0] < np.log(2)
    assert (np.diff(found.loss[:8]) < 0).all()
    exact = mean_bpr_loss(
        interactions.toarray() > 0, found.row_factors, found.column_factors, found.column_bias
    )
    # A sample of one negative for each of 6000 positives, seen before the steps.
    assert abs(found.loss[-5:].mean() / exact - 1) < 0.1


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_digits_are_those_of_the_seed_whatever_the_threads(dtype):
    interactions, _ = synthetic_preferences(2, shape=(600, 200), per_row=60, dtype=dtype)
    assert module._number_of_ranges(interactions, 32) > 1
    expected = fit(interactions, max_iter=5, n_threads=1)
    for n_threads in (2, 4):
        found = fit(interactions, max_iter=5, n_threads=n_threads)
        for name in ("row_factors", "column_factors", "column_bias", "loss"):
            assert_array_equal(getattr(found, name), getattr(expected, name))
    other = fit(interactions, max_iter=5, seed=1)
    assert (other.row_factors != expected.row_factors).all()


def test_values_do_not_matter_nor_the_type_of_indices():
    interactions, _ = synthetic_preferences(3)
    expected = fit(interactions, max_iter=3)
    other = interactions.copy()
    other.data[:] = np.random.default_rng(0).standard_normal(other.nnz)
    other.indices, other.indptr = other.indices.astype(np.int64), other.indptr.astype(np.int64)
    assert_array_equal(fit(other, max_iter=3).row_factors, expected.row_factors)


def test_a_penalty_keeps_parameters_small():
    interactions, _ = synthetic_preferences(4)
    sizes = [
        np.abs(fit(interactions, reg=reg).column_factors).mean() for reg in (0.001, 0.05, 10.0)
    ]
    assert sizes[0] > sizes[1] > 20 * sizes[2]


def test_it_stops_at_rest_and_when_told():
    interactions, _ = synthetic_preferences(5)
    found = fit(interactions, tol=0.02, max_iter=300)
    assert found.converged
    assert 3 <= len(found.loss) < 300
    changes = np.abs(np.diff(found.loss)) / found.loss[:-1]
    assert (changes[-2:] <= 0.02).all()
    assert not fit(interactions, tol=1e-9, max_iter=4).converged
    seen = []

    def monitor(epoch, loss, model):
        seen.append((epoch, loss, model))
        return epoch == 3

    found = fit(interactions, monitor=monitor)
    assert found.converged
    assert [epoch for epoch, _, _ in seen] == [1, 2, 3]
    assert_array_equal([loss for _, loss, _ in seen], found.loss)
    assert_array_equal(seen[-1][2].row_factors, found.row_factors)
    # A copy: what comes later does not change it.
    assert (seen[0][2].row_factors != found.row_factors).any()


def test_rows_and_columns_without_entries():
    interactions, _ = synthetic_preferences(6, per_row=5)
    dense = interactions.toarray()
    dense[[0, 7]] = 0
    dense[:, 3] = 0
    found = fit(sparse.csr_array(dense))
    assert_array_equal(found.row_factors[[0, 7]], 0)
    # Nobody has it: below what anybody has.
    ranks = scores_of(found)[1:7]
    assert (ranks[:, 3] < np.median(ranks, axis=1)).all()


@pytest.mark.parametrize("shape", [(0, 0), (3, 0), (0, 3), (3, 4), (1, 1)])
def test_nothing_to_learn(shape):
    for dense in (np.zeros(shape), np.ones(shape)):
        found = fit(sparse.csr_array(dense), max_iter=5)
        assert found.converged
        assert_array_equal(found.loss, [0.0])
        assert found.row_factors.shape == (shape[0], 4)
        assert found.column_factors.shape == (shape[1], 4)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("learning_rate", "reg"), [(300.0, 0.0), (50.0, 0.01), (0.1, 1e6)])
def test_steps_far_too_long_are_shortened(learning_rate, reg, dtype):
    interactions, _ = synthetic_preferences(7, shape=(60, 40), per_row=10, dtype=dtype)
    found = fit(interactions, learning_rate=learning_rate, reg=reg, max_iter=30)
    assert np.isfinite(scores_of(found)).all()
    assert found.loss[-1] < 1


def test_steps_beyond_all_measure_are_refused():
    interactions, _ = synthetic_preferences(8, shape=(60, 40), per_row=10)
    with pytest.raises(ValueError, match=r"even at learning_rate=2.44e\+06; lower learning_rate"):
        fit(interactions, learning_rate=1e10, reg=0.0, max_iter=10)


def test_no_learning_rate_helps(monkeypatch):
    """Where a loss is never finite, the message says what to do."""
    interactions, _ = synthetic_preferences(8, shape=(20, 15), per_row=4)
    monkeypatch.setattr(module, "_is_finite", lambda *parameters: False)
    with pytest.raises(ValueError, match=r"learning_rate=4.88e-05; lower learning_rate or reg"):
        fit(interactions)


@pytest.mark.parametrize("n_components", [1, 7, 9, 16])
def test_any_number_of_components(n_components):
    interactions, _ = synthetic_preferences(9)
    found = fit(interactions, n_components=n_components, max_iter=20)
    assert found.row_factors.shape == (300, n_components)
    assert found.loss[-1] < 0.8 * found.loss[0]
