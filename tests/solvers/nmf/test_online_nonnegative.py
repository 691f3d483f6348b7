"""Factorization of rows that come in batches."""

import warnings
from itertools import product

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import ConvergenceWarning

from lrfact.solvers.nmf.hals import hals
from lrfact.solvers.nmf.multiplicative_update import multiplicative_update
from lrfact.solvers.nmf.nonnegative_fold_in import fold_in
from lrfact.solvers.nmf.online_nonnegative import PastRows, learn_batch, no_evidence
from reference.naive_nonnegative import naive_descent, naive_objective
from reference.synthetic_parts import STORAGES, problem_of, random_init, synthetic_parts

BETAS = [2, 1, 0.5]


def learn(batches, columns, beta=2, storage="C", penalties=((0, 0), (0, 0))):
    evidence = no_evidence(columns, beta)
    for X in batches:
        problem = problem_of(X, beta=beta, storage=storage, penalties=penalties)
        columns, evidence = learn_batch(problem, columns, evidence)
    return columns, evidence


def first_fit(problem, columns):
    rows = fold_in(problem.rows, columns)
    return hals(problem, rows, columns, tol=1e-3, max_iter=100).columns


def loss_of_all(X, columns, beta):
    with warnings.catch_warnings():
        # A row that is slow is near enough to judge by.
        warnings.simplefilter("ignore", ConvergenceWarning)
        rows = fold_in(problem_of(X, beta=beta).rows, columns)
    return naive_objective(X, rows, columns, beta, floor=1e-9)


@pytest.mark.parametrize("penalty", [(0, 0), (0.01, 0.02)])
@pytest.mark.parametrize("storage", STORAGES)
def test_one_batch_is_a_fit_and_three_rounds_of_alternation(storage, penalty):
    X = synthetic_parts((30, 12), 2)
    start = random_init(X, 2)[1]
    whole = problem_of(X, storage=storage, penalties=((0, 0), (30 * penalty[0], 30 * penalty[1])))
    columns = first_fit(whole, start)
    for _ in range(3):
        rows = fold_in(problem_of(X).rows, columns)
        gram, cross = rows.T @ rows + 30 * penalty[1] * np.eye(2), X.T @ rows - 30 * penalty[0]
        columns = np.array(
            [
                naive_descent(gram, target, x, range(2), np.ones(2), 1e-3, True, 20)[0]
                for target, x in zip(cross, columns, strict=True)
            ]
        )
    its, evidence = learn([X], start, storage=storage, penalties=((0, 0), penalty))
    assert_allclose(its, columns, atol=1e-7)
    assert evidence.n_rows == evidence.weight == 30
    assert_allclose(evidence.denominator, rows.T @ rows, rtol=1e-7)
    assert_allclose(evidence.numerator, X.T @ rows, rtol=1e-7)
    assert_allclose(evidence.mass, rows.sum(axis=0), rtol=1e-7)


@pytest.mark.parametrize(("beta", "storage"), [*product((2, 1), STORAGES), (0.5, "C")])
def test_batches_come_close_to_the_fit_of_all_rows(beta, storage):
    X = synthetic_parts((240, 20), 3, noise=0.3)
    start = random_init(X, 3)
    problem = problem_of(X, beta=beta)
    solver = hals if beta == 2 else multiplicative_update
    whole = solver(problem, *start, tol=1e-4, max_iter=300)
    best = loss_of_all(X, whole.columns, beta)
    columns, evidence = learn(np.array_split(X, 8), start[1], beta, storage)
    assert evidence.n_rows == 240
    assert evidence.weight < 240
    assert loss_of_all(X, columns, beta) < 1.25 * best
    assert loss_of_all(X, columns, beta) < 0.5 * loss_of_all(X, start[1], beta)


@pytest.mark.parametrize("beta", BETAS)
def test_more_batches_are_better(beta):
    X = synthetic_parts((240, 20), 3, noise=0.3)
    start = random_init(X, 3)[1]
    losses = [
        loss_of_all(X, learn(np.array_split(X, 8)[:n], start, beta)[0], beta) for n in (1, 3, 8)
    ]
    assert losses[2] < losses[1] < losses[0]


@pytest.mark.parametrize("beta", BETAS)
def test_evidence_does_not_grow(beta):
    X = synthetic_parts((60, 10), 2)
    columns = random_init(X, 2)[1]
    sizes = set()
    for n in (1, 4):
        evidence = learn(np.array_split(X, n), columns, beta)[1]
        sizes.add(tuple(a.shape for a in (evidence.numerator, evidence.denominator, evidence.mass)))
    assert sizes == {((10, 2), (2, 2) if beta == 2 else (10, 2), (2,))}


@pytest.mark.parametrize("storage", STORAGES)
def test_missing_entries_count_as_predicted(storage):
    """The sums of squares are those of the filled batch, after each round."""
    X = synthetic_parts((30, 12), 2, holes=0.3)
    start = random_init(X, 2)[1]
    columns = first_fit(problem_of(X, storage=storage), start)
    for _ in range(3):
        rows = fold_in(problem_of(X).rows, columns)
        filled = np.where(np.isnan(X), rows @ columns.T, X)
        gram, cross = rows.T @ rows, filled.T @ rows
        columns = np.array(
            [
                naive_descent(gram, target, x, range(2), np.ones(2), 1e-3, True, 20)[0]
                for target, x in zip(cross, columns, strict=True)
            ]
        )
    its, evidence = learn([X], start, storage=storage)
    assert_allclose(its, columns, atol=1e-6)
    assert_allclose(evidence.numerator, cross, rtol=1e-6)


@pytest.mark.parametrize("beta", BETAS)
def test_a_batch_that_says_nothing_changes_little(beta):
    """All missing: the components are where they were, up to what they had still to go."""
    X = synthetic_parts((60, 10), 2)
    columns, evidence = learn([X] * 6, random_init(X, 2)[1], beta)
    silent = np.full((5, 10), np.nan)
    silent[0] = X[0]  # a scale to go by
    its, after = learn_batch(problem_of(silent, beta=beta), columns, evidence)
    assert np.isfinite(its).all()
    assert_allclose(its, columns, atol=0.05 * columns.max())
    assert after.n_rows == evidence.n_rows + 5


@pytest.mark.parametrize("beta", BETAS)
def test_a_finished_fit_is_a_past(beta):
    """Under its evidence components are where they should be; the same rows move them little."""
    X = synthetic_parts((80, 12), 2)
    start = random_init(X, 2)
    solver = hals if beta == 2 else multiplicative_update
    columns = solver(problem_of(X, beta=beta), *start, tol=1e-8, max_iter=2000).columns
    rows = fold_in(problem_of(X, beta=beta).rows, columns)
    past = PastRows.from_rows(rows)
    assert_allclose(past.gram, rows.T @ rows)
    assert_allclose(past.mass, rows.sum(axis=0))
    evidence = past.as_evidence(columns, beta)
    assert evidence.n_rows == past.n_rows == 80
    if beta == 2:
        assert_allclose(evidence.numerator, columns @ past.gram)
    its, _ = learn_batch(problem_of(X, beta=beta), columns, evidence)
    assert_allclose(its, columns, atol=0.01 * columns.max())


@pytest.mark.parametrize("storage", ["C", "csr"])
@pytest.mark.parametrize("beta", BETAS)
def test_float32_comes_close_to_float64_and_threads_change_no_bit(beta, storage):
    X = synthetic_parts((60, 12), 2, holes=0.1)
    start = random_init(X, 2)[1]
    wide, _ = learn(np.array_split(X, 2), start, beta, storage)
    narrow, _ = learn(
        np.array_split(X.astype(np.float32), 2), start.astype(np.float32), beta, storage
    )
    assert narrow.dtype == np.float32
    assert_allclose(narrow, wide, atol=5e-3 * wide.max())
    ends = {
        learn_batch(
            problem_of(X, beta=beta, storage=storage, n_threads=n), start, no_evidence(start, beta)
        )[0].tobytes()
        for n in (1, 2, 5)
    }
    assert len(ends) == 1


def test_nothing_given_is_written_to():
    X = synthetic_parts((20, 8), 2)
    columns, evidence = learn([X], random_init(X, 2)[1])
    for array in (columns, evidence.numerator, evidence.denominator, evidence.mass):
        array.setflags(write=False)
    again, _ = learn_batch(problem_of(X), columns, evidence)
    assert not np.array_equal(again, columns)
    assert_array_equal(no_evidence(columns, 2).numerator, 0)
