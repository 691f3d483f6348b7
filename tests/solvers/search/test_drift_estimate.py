import numpy as np
import pytest
from numpy.testing import assert_allclose

from lrfact.linalg.as_operator import as_operator
from lrfact.solvers.search import drift_estimate as drift_estimate
from lrfact.solvers.search.drift_estimate import DriftEstimate, expected_share


def svd(X, k):
    _, s, Vt = np.linalg.svd(X, full_matrices=False)
    return s[:k], Vt[:k]


def documents(n, seed, topics=4, m=60, size=3):
    rng = np.random.default_rng(seed)
    of_topics = np.random.default_rng(99).gamma(0.2, size=(topics, m))
    return rng.poisson(rng.gamma(0.5, size=(n, topics)) @ of_topics * size).astype(float)


def mean_share(X, Vt):
    X = X[X.any(axis=1)]
    return np.mean((X @ Vt.T) ** 2 / np.sum(X**2, axis=1, keepdims=True), axis=0)


def test_directions_without_a_document_by_the_definition():
    X = documents(12, seed=0)[:, :9]
    X[3] = 0
    s, Vt = svd(X, 3)
    U = X @ Vt.T / s
    total = np.zeros(3)
    for i in np.flatnonzero(X.any(axis=1)):
        for j in range(3):
            others = sum(U[other, j] * X[other] for other in range(12) if other != i)
            along = X[i] @ others * np.sign(U[i, j])
            total[j] += max(along, 0) ** 2 / (others @ others) / (X[i] @ X[i])
    found = expected_share(as_operator(X), s, Vt).expected
    assert_allclose(found, total / X.any(axis=1).sum(), rtol=1e-8)


def test_it_expects_about_what_is_held_of_others():
    """Within a third, where what is held of the documents themselves is too much by more."""
    X, new = documents(150, 1, size=0.5), documents(2000, 2, size=0.5)
    s, Vt = svd(X, 12)
    truth = mean_share(new, Vt).sum()
    expected = expected_share(as_operator(X), s, Vt).expected.sum()
    assert 2 / 3 < expected / truth < 1.1
    assert mean_share(X, Vt).sum() > 1.1 * truth


def test_additions_in_any_batches(monkeypatch):
    monkeypatch.setattr(drift_estimate, "_ROWS", 7)
    X, new = documents(40, seed=1), documents(30, seed=2)
    new[4] = 0
    s, Vt = svd(X, 3)
    held = expected_share(as_operator(X), s, Vt)
    assert held.drift == 0
    once = held.with_added(as_operator(new), s, Vt)
    twice = held.with_added(as_operator(new[:11]), s, Vt).with_added(as_operator(new[11:]), s, Vt)
    assert once.n_added == twice.n_added == new.any(axis=1).sum()
    assert_allclose(once.of_added / once.n_added, mean_share(new, Vt), rtol=1e-10)
    assert_allclose(twice.of_added, once.of_added, rtol=1e-10)
    first = once.leading(2)
    assert_allclose(
        first.drift, max(0, 1 - mean_share(new, Vt)[:2].sum() / held.expected[:2].sum())
    )


def test_drift_is_of_what_is_not_held():
    held = DriftEstimate(np.array([0.3, 0.1]), np.array([2.0, 0.0]), 10)
    assert held.drift == pytest.approx(0.5)
    assert DriftEstimate(np.array([0.3]), np.array([9.0]), 10).drift == 0
    assert DriftEstimate(np.array([0.3]), np.zeros(1), 10).drift == 1
    assert DriftEstimate(np.zeros(1), np.zeros(1), 10).drift == 0


@pytest.mark.parametrize("X", [np.zeros((3, 4)), np.eye(3, 4), np.ones((1, 4)), 1e-200 * np.eye(3)])
def test_what_has_nothing_in_common(X):
    s, Vt = svd(X, 1)
    held = expected_share(as_operator(X), s, Vt)
    assert np.isfinite(held.expected).all()
    assert np.isfinite(held.with_added(as_operator(X), s, Vt).drift)
