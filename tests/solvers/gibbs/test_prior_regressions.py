from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse

from lrfact.solvers.gibbs.normal_prior import NormalPrior
from lrfact.solvers.gibbs.prior_regressions import PriorRegressions
from reference.naive_bayes import naive_left_out, naive_posterior

N, M, P, NOISE = 8, 12, 4, 0.6


@pytest.fixture(params=[np.float32, np.float64])
def dtype(request):
    return request.param


@pytest.fixture
def regressions(dtype):
    rng = np.random.default_rng(0)
    A = rng.standard_normal((P, P))
    prior = NormalPrior(rng.standard_normal(P), np.linalg.cholesky(A @ A.T + np.eye(P)))
    X = np.where(rng.random((N, M)) < 0.5, rng.standard_normal((N, M)), 0)
    X[2] = 0  # a row of which nothing is known
    return PriorRegressions(
        sparse.csr_array(X.astype(dtype)),
        rng.standard_normal((M, P)).astype(dtype),
        rng.standard_normal((N, P)).astype(dtype),
        prior,
        NOISE,
        n_threads=2,
    )


def posterior(regressions, i):
    row = regressions.entries[[i]]
    prior = regressions.prior
    return (
        row.data,
        regressions.columns[row.indices].astype(float),
        prior.mean + regressions.expected[i],
        prior.root @ prior.root.T,
        NOISE,
    )


def test_mean_is_that_of_the_posterior(regressions, dtype):
    found = regressions.solve()
    rtol = 1e-3 if dtype == np.float32 else 1e-9
    for i in range(N):
        expected, _ = naive_posterior(*posterior(regressions, i))
        assert_allclose(found.solution[i], expected, rtol=rtol, atol=rtol)
    assert found.solution.dtype == dtype


def test_draws_have_the_covariance_of_the_posterior(regressions):
    """Exactly: it is the sum over unit perturbations, as a draw is linear in them."""
    mean = regressions.solve().solution.astype(float)
    moved = []
    for unit in np.eye(P, dtype=mean.dtype):
        perturbation = np.tile(unit, (N, 1)).astype(regressions.columns.dtype)
        moved.append(regressions.solve(perturbation).solution - mean)
    for i in range(N):
        _, expected = naive_posterior(*posterior(regressions, i))
        found = sum(np.outer(step[i], step[i]) for step in moved)
        assert_allclose(found, expected, atol=1e-3 * expected.max())


def test_losses_are_those_of_what_was_drawn(regressions):
    perturbation = np.random.default_rng(1).standard_normal((N, P))
    found = regressions.solve(perturbation.astype(regressions.columns.dtype))
    x, V = found.solution.astype(float), regressions.columns.astype(float)
    X = regressions.entries.toarray()
    errors = (X - x[:, :-1] @ V[:, :-1].T - x[:, -1:] - V[:, -1])[X != 0]
    assert found.loss == pytest.approx(errors @ errors, rel=1e-4)


def test_what_is_left_out(regressions, dtype):
    found = regressions.leave_one_out()
    expected = [naive_left_out(*posterior(regressions, i)) for i in range(N)]
    rtol = 2e-3 if dtype == np.float32 else 1e-8
    assert_allclose(found, np.concatenate(expected), rtol=rtol, atol=rtol)


def test_an_entry_of_weight_k_is_the_mean_of_k(regressions, dtype):
    """The same as k columns of the same factors, of which entries have that mean."""
    rng = np.random.default_rng(1)
    entries = regressions.entries
    counts = rng.integers(1, 4, size=entries.nnz)
    weighted = replace(regressions, weights=counts.astype(dtype))
    # Each column three times; an entry of weight k is in the first k of them.
    lines = np.repeat(np.arange(entries.nnz), counts)
    place = np.arange(len(lines)) - np.repeat(np.cumsum(counts) - counts, counts)
    rows = np.repeat(np.arange(N), np.diff(entries.indptr))[lines]
    values = entries.data[lines] + place - (counts[lines] - 1) / 2
    repeated = sparse.csr_array(
        (values.astype(dtype), (rows, entries.indices[lines] + M * place)), shape=(N, 3 * M)
    )
    columns = np.tile(regressions.columns, (3, 1))
    alone = replace(regressions, entries=repeated, columns=columns)
    perturbation = rng.standard_normal((N, P)).astype(dtype)
    rtol = 1e-3 if dtype == np.float32 else 1e-9
    for noise in (None, perturbation):
        found, expected = weighted.solve(noise), alone.solve(noise)
        assert_allclose(found.solution, expected.solution, rtol=rtol, atol=rtol)
        scatter = np.sum((place - (counts[lines] - 1) / 2) ** 2)
        assert_allclose(found.loss + scatter, expected.loss, rtol=rtol)
