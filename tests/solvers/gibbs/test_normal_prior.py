import numpy as np
import pytest
from numpy.testing import assert_allclose

from lrfact.solvers.gibbs.feature_link import FeatureLink, draw_feature_link
from lrfact.solvers.gibbs.normal_prior import NormalPrior, draw_normal_prior

N_DRAWS = 4000


def prior_of(rng, p):
    A = rng.standard_normal((p, p))
    return NormalPrior(rng.standard_normal(p), np.linalg.cholesky(A @ A.T + np.eye(p)))


@pytest.mark.parametrize("p", [1, 2, 5])
def test_whitened_products_are_those_of_the_vectors(p):
    rng = np.random.default_rng(0)
    prior, x, D = prior_of(rng, p), rng.standard_normal((7, p)), rng.standard_normal((4, p))
    assert_allclose(prior.unwhiten(prior.whiten(x)), x)
    assert_allclose(prior.whiten(x) @ prior.whiten_design(D).T, x @ D.T)
    size = np.einsum("np,pq,nq->n", x, prior.root @ prior.root.T, x)
    assert_allclose((prior.whiten(x) ** 2).sum(axis=1), size)
    assert prior.whiten_design(D.astype(np.float32)).dtype == np.float32


@pytest.mark.parametrize("n_features", [0, 3])
def test_mean_and_precision_have_the_moments_of_the_normal_wishart(n_features):
    rng = np.random.default_rng(0)
    n, p, link_precision = 12, 3, 0.7
    x = rng.standard_normal((n, p)) + np.array([1, 0, -2])
    link = rng.standard_normal((n_features, p))
    average = x.mean(axis=0)
    scatter = np.eye(p) + (x - average).T @ (x - average) + link_precision * link.T @ link
    scatter += n / (n + 1) * np.outer(average, average)
    freedom = n + p + n_features
    draws = [draw_normal_prior(x, link, link_precision, rng) for _ in range(N_DRAWS)]
    precisions = np.array([draw.root @ draw.root.T for draw in draws])
    expected = freedom * np.linalg.inv(scatter)
    # Var of an entry: freedom (W_ij^2 + W_ii W_jj).
    W = np.linalg.inv(scatter)
    spread = np.sqrt(freedom * (W**2 + np.outer(np.diag(W), np.diag(W))))
    assert (abs(precisions.mean(axis=0) - expected) < 5 * spread / np.sqrt(N_DRAWS)).all()
    assert_allclose(precisions.std(axis=0), spread, rtol=0.1)
    means = np.array([draw.mean for draw in draws])
    # Covariance of the mean: that of the vectors, averaged, over n + 1.
    covariance = scatter / (freedom - p - 1) / (n + 1)
    assert_allclose(
        means.mean(axis=0),
        n / (n + 1) * average,
        atol=5 * np.sqrt(np.diag(covariance).max() / N_DRAWS),
    )
    assert_allclose(np.cov(means.T), covariance, atol=0.1 * np.diag(covariance).max())


def test_root_is_triangular_with_a_positive_diagonal():
    rng = np.random.default_rng(0)
    draw = draw_normal_prior(rng.standard_normal((3, 4)), np.zeros((0, 4)), 1.0, rng)
    assert_allclose(np.triu(draw.root, 1), 0)
    assert (np.diag(draw.root) > 0).all()


def test_link_has_the_moments_of_the_regression():
    rng = np.random.default_rng(0)
    n, r, p = 15, 3, 2
    prior = prior_of(rng, p)
    features = np.linalg.qr(rng.standard_normal((n, r))).Q * [3.0, 1.0, 0.3]
    x = rng.standard_normal((n, p))
    before = FeatureLink(np.zeros((r, p)), 0.5)
    energies = (features**2).sum(axis=0)
    draws = [draw_feature_link(x, features, energies, prior, before, rng) for _ in range(N_DRAWS)]
    weights = np.array([draw.weights for draw in draws])
    of_features = np.linalg.inv(features.T @ features + 0.5 * np.eye(r))
    expected = of_features @ features.T @ (x - prior.mean)
    covariance = np.kron(of_features, np.linalg.inv(prior.root @ prior.root.T))
    spread = np.sqrt(np.diag(covariance)).reshape(r, p)
    assert (abs(weights.mean(axis=0) - expected) < 5 * spread / np.sqrt(N_DRAWS)).all()
    found = np.cov(weights.reshape(N_DRAWS, -1).T)
    assert_allclose(found, covariance, atol=0.1 * covariance.max())
    # The precision given the weights: Gamma((1 + r p) / 2) over (1 + their size) / 2.
    size = np.einsum("drp,pq,drq->d", weights, prior.root @ prior.root.T, weights)
    ratio = [d.precision * (1 + s) / (1 + r * p) for d, s in zip(draws, size, strict=True)]
    assert np.mean(ratio) == pytest.approx(1, abs=5 * np.sqrt(2 / (1 + r * p) / N_DRAWS))


def test_what_is_linked():
    link = FeatureLink(np.array([[1.0, 2.0]]), 1.0)
    assert_allclose(link.expected(np.array([[3.0], [0.0]])), [[3, 6], [0, 0]])
    assert FeatureLink(np.zeros((0, 2)), 1.0).expected(np.zeros((3, 0))).shape == (3, 2)
