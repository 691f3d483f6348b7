"""Rows folded in: the minimum that they are at, and how they rank."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from lrfact.kernels import IMPLEMENTATION
from lrfact.solvers.implicit.bpr import bpr
from lrfact.solvers.implicit.bpr_fold_in import bpr_fold_in, draw_negatives
from reference.naive_ranking_loss import best_bpr_row
from reference.synthetic_preferences import mean_rank, synthetic_preferences


def fold(interactions, columns, bias, negatives, *, reg=0.05, tol=1e-6, max_iter=100, n_threads=1):
    return bpr_fold_in(
        interactions,
        columns,
        bias,
        negatives,
        reg=reg,
        tol=tol,
        max_iter=max_iter,
        n_threads=n_threads,
    )


def problem(seed, *, shape=(8, 30), width=3, dtype=np.float64):
    rng = np.random.default_rng(seed)
    interactions = sparse.csr_array((rng.random(shape) < 0.2).astype(dtype))
    columns = rng.standard_normal((shape[1], width)).astype(dtype)
    bias = rng.standard_normal(shape[1]).astype(dtype)
    return interactions, columns, bias, draw_negatives(shape[1], 12, np.random.RandomState(seed))


@pytest.mark.parametrize(("dtype", "tol"), [(np.float32, 1e-4), (np.float64, 1e-8)])
def test_rows_are_those_of_a_general_minimizer(dtype, tol):
    interactions, columns, bias, negatives = problem(0, dtype=dtype)
    found = fold(interactions, columns, bias, negatives, tol=tol)
    assert found.row_factors.dtype == dtype
    assert found.at_rest.all()
    for i, row in enumerate(found.row_factors):
        own = interactions.indices[interactions.indptr[i] : interactions.indptr[i + 1]]
        others = np.setdiff1d(negatives, own)
        expected = best_bpr_row(own, others, columns, bias, 0.05) if len(own) else 0
        assert_allclose(row, expected, rtol=1e-2, atol=20 * tol)


def test_a_row_is_the_same_alone_and_for_any_number_of_threads():
    interactions, columns, bias, negatives = problem(1, shape=(60, 30), width=9)
    expected = fold(interactions, columns, bias, negatives).row_factors
    found = fold(interactions, columns, bias, negatives, n_threads=4).row_factors
    assert_array_equal(found, expected)
    for i in (0, 31, 59):
        alone = fold(interactions[[i]], columns, bias, negatives).row_factors
        assert_array_equal(alone[0], expected[i])


def test_the_sample_is_without_repetition_and_as_large_as_can_be():
    for size, n_columns in ((5, 20), (20, 20), (50, 20), (3, 0)):
        drawn = draw_negatives(n_columns, size, np.random.RandomState(0))
        assert drawn.dtype == np.int32
        assert len(drawn) == min(size, n_columns)
        assert (np.diff(drawn) > 0).all()
    counts = np.zeros(20)
    for seed in range(2000):
        counts[draw_negatives(20, 5, np.random.RandomState(seed))] += 1
    assert np.abs(counts / 500 - 1).max() < 0.2


@pytest.mark.skipif(IMPLEMENTATION == "numpy", reason="minutes on the NumPy twin")
def test_rows_folded_in_rank_as_well_as_those_trained(global_random_seed):
    interactions, held = synthetic_preferences(global_random_seed)
    trained = bpr(
        interactions,
        n_components=4,
        reg=0.01,
        learning_rate=0.2,
        max_iter=40,
        tol=None,
        rng=np.random.RandomState(0),
        n_threads=1,
        bias=True,
    )
    negatives = draw_negatives(interactions.shape[1], 60, np.random.RandomState(0))
    columns, bias = trained.column_factors, trained.column_bias
    rows = fold(interactions, columns, bias, negatives, reg=0.01).row_factors
    by_training, by_fold_in = (
        mean_rank(each @ columns.T + bias, interactions, held)
        for each in (trained.row_factors, rows)
    )
    # Against half of the columns, where training saw all.
    assert by_fold_in < 1.2 * by_training


def test_degenerate_columns():
    interactions, columns, bias, negatives = problem(2)
    for factors in (np.zeros_like(columns), np.ones_like(columns)):
        found = fold(interactions, factors, bias, negatives)
        assert_allclose(found.row_factors, 0, atol=1e-12)
        assert np.isfinite(fold(interactions, factors, bias, negatives, reg=0.0).row_factors).all()
    for few in (negatives[:1], negatives[:0]):
        assert np.isfinite(fold(interactions, columns, bias, few).row_factors).all()
    without = fold(interactions, columns, bias, negatives, reg=0.0, max_iter=30)
    assert np.isfinite(without.row_factors).all()
