"""The loss of predicted entries, against explicit loops."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import nnls

import lrfact.solvers.nmf.heldout_columns as module
from lrfact.solvers.nmf.heldout_columns import heldout_column_loss, typical_entry
from lrfact.solvers.nmf.nonnegative_fold_in import fold_in
from reference.naive_nonnegative import naive_divergence
from reference.synthetic_parts import STORAGES, problem_of, synthetic_parts


def case(holes=0.0, zeros=0.3, shape=(9, 13), rank=2):
    X = synthetic_parts(shape, rank, holes=holes, zeros=zeros, noise=0.2)
    return X, 0.05 + np.random.default_rng(3).random((shape[1], rank))


@pytest.mark.parametrize("holes", [0.0, 0.3])
@pytest.mark.parametrize("storage", STORAGES)
def test_squared_errors_of_columns_left_out(storage, holes):
    X, V = case(holes)
    total = 0.0
    for x in X:
        for held_out in range(5):
            asked = np.arange(13) % 5 == held_out
            shown = ~asked & ~np.isnan(x)
            w = nnls(V[shown], x[shown])[0]
            total += np.nansum((x[asked] - V[asked] @ w) ** 2) / 2
    assert_allclose(
        heldout_column_loss(problem_of(X, storage=storage).rows, V, 1.0), total, rtol=1e-7
    )


@pytest.mark.parametrize("penalty", [(0, 0), (0.3, 0.2)])
@pytest.mark.parametrize("beta", [2, 1, 0.5])
@pytest.mark.parametrize("storage", STORAGES)
def test_losses_of_columns_left_out(storage, beta, penalty):
    """The penalty is of the rows: it is not part of the loss."""
    X, V = case(0.2)
    problem = problem_of(X, storage=storage, beta=beta, penalties=(penalty, (0, 0)))
    total = 0.0
    for held_out in range(5):
        asked = np.arange(13) % 5 == held_out
        shown = np.where(asked, np.nan, X)
        W = fold_in(problem_of(shown, beta=beta, penalties=(penalty, (0, 0))).rows, V)
        # A share of 2^-7 of the typical entry is added, but for squared errors.
        predicted = W @ V.T + (0 if beta == 2 else 0.5 * 2.0**-7)
        counts = asked & ~np.isnan(X)
        total += naive_divergence(X[counts], predicted[counts], beta).sum()
    rtol = 1e-6 if beta in (2, 1) else 1e-3
    assert_allclose(heldout_column_loss(problem.rows, V, 0.5), total, rtol=rtol)


def test_fewer_columns_than_groups():
    X, V = case(shape=(6, 3), rank=1)
    total = 0.0
    for j in range(3):
        others = np.arange(3) != j
        w = np.array([nnls(V[others], x[others])[0][0] for x in X])
        total += np.sum((X[:, j] - w * V[j, 0]) ** 2) / 2
    assert_allclose(heldout_column_loss(problem_of(X).rows, V, 1.0), total, rtol=1e-7)
    # A single column is predicted from none: by 0.
    one, alone = X[:, :1].copy(), V[:1].copy()
    loss = heldout_column_loss(problem_of(one).rows, alone, 1.0)
    assert_allclose(loss, np.sum(one**2) / 2)


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("holes", [0.0, 0.3])
def test_blocks_of_rows_change_nothing(holes, storage, monkeypatch):
    X, V = case(holes)
    side = problem_of(X, storage=storage).rows
    whole = heldout_column_loss(side, V, 1.0)
    monkeypatch.setattr(module, "_BLOCK_BYTES", 250)
    assert_allclose(heldout_column_loss(side, V, 1.0), whole, rtol=1e-10)


def test_noise_is_not_predicted():
    """Components beyond those that are planted do not help."""
    X = synthetic_parts((200, 40), 3, noise=0.5, seed=1)
    rng = np.random.default_rng(0)
    true = np.random.default_rng(1)
    true.random((200, 3)), true.random((200, 3))
    V = true.random((40, 3)) * (true.random((40, 3)) > 0.4)
    V = np.hstack([V, np.ones((40, 1))])
    losses = [
        heldout_column_loss(problem_of(X).rows, np.ascontiguousarray(components), 1.0)
        for components in (V[:, :2], V, np.hstack([V, rng.random((40, 8)) ** 4]))
    ]
    assert losses[1] < losses[0]
    assert losses[1] < losses[2]


@pytest.mark.parametrize("storage", STORAGES)
def test_typical_entry(storage):
    X = np.array([[0.5, np.nan, 2.0], [0.25, 4.0, 0.0]])
    matrix = problem_of(X, storage=storage).rows.matrix
    assert typical_entry(matrix, 5, 1) == pytest.approx(6.75 / 5)
    assert typical_entry(matrix, 5, 0) == 0.25
    for beta in (1, 0):
        assert typical_entry(0 * matrix, 6, beta) == 1
