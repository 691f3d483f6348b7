"""The density behind probabilistic PCA, against SciPy's Gaussian of the same covariance."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import multivariate_normal

from lrfact.estimators._gaussian_density import GaussianDensity, log_density_by_rank

RNG = np.random.default_rng(0)
DIRECTIONS = np.linalg.qr(RNG.standard_normal((6, 6)))[0]
ROWS = RNG.standard_normal((9, 6))


@pytest.mark.parametrize(
    ("variances", "noise"),
    [([3.0, 2.0], 0.5), ([3.0, 0.1], 0.5), ([5.0, 4, 3, 2, 1, 0.5], 0.0), ([1e-8], 1e-9)],
)
def test_against_scipy(variances, noise):
    """A direction with less variance than the noise has the noise's."""
    V = DIRECTIONS[: len(variances)]
    density = GaussianDensity(np.array(variances), noise, 6)
    strong = np.maximum(variances, noise)
    covariance = (V.T * (strong - noise)) @ V + noise * np.eye(6)
    scale = covariance.max()
    assert_allclose(density.covariance(V), covariance, atol=1e-14 * scale)
    assert_allclose(density.precision(V) @ covariance, np.eye(6), atol=1e-9)
    rows = ROWS * np.sqrt(scale)
    expected = multivariate_normal(np.zeros(6), covariance).logpdf(rows)
    found = density.log_density((rows @ V.T) ** 2, np.sum(rows**2, axis=1))
    assert_allclose(found, expected, rtol=1e-10)


@pytest.mark.parametrize(
    ("variances", "noise"),
    [
        ([1.0], 0.0),
        ([1.0, 0.0], 0.1),
        ([1.0, 1, 1, 1, 1, 1], 0.0),
        ([1.0, 1, 1, 1, 1, 0], 0.0),
        ([1.0, 0, 0], 0.0),
    ],
)
@pytest.mark.parametrize("eps", [np.finfo(np.float32).eps, np.finfo(np.float64).eps])
def test_what_rounding_hides_makes_no_difference(variances, noise, eps):
    """Variances of zero and such as rounding leaves instead give the same finite density."""
    V = DIRECTIONS[: len(variances)]
    variances = np.array(variances)
    rounded = np.where(variances == 0, eps**2, variances)
    squares, norms = (ROWS @ V.T) ** 2, np.sum(ROWS**2, axis=1)
    exact, known = (GaussianDensity(v, noise, 6, float(eps)) for v in (variances, rounded))
    assert not exact.is_singular
    density = exact.log_density(squares, norms)
    assert np.isfinite(density).all()
    assert_allclose(known.log_density(squares, norms), density, rtol=1e-9)
    assert_allclose(known.precision(V), exact.precision(V), rtol=1e-9, atol=1e-12)
    # What rounding leaves of a coordinate or of a difference of squares makes none either.
    inside = squares * (variances > 0)
    outside = norms * 0.0 if noise == 0 else norms
    base = exact.log_density(inside, inside.sum(axis=1) + outside)
    shaken = exact.log_density(inside + eps**2, (inside.sum(axis=1) + outside) * (1 + eps))
    assert_allclose(shaken, base, atol=1e-3)
    assert np.isfinite(exact.covariance(V)).all()


@pytest.mark.parametrize("k", [2, 6])
def test_without_any_variance_there_is_no_density(k):
    density = GaussianDensity(np.zeros(k), 0.0, 6)
    assert density.is_singular
    V = DIRECTIONS[:k]
    with pytest.raises(ValueError, match=r"have no variance.*fit rows that differ"):
        density.precision(V)
    with pytest.raises(ValueError, match="have no variance"):
        density.log_density((ROWS @ V.T) ** 2, np.sum(ROWS**2, axis=1))
    assert_allclose(density.covariance(V), 0)
    assert np.isnan(
        log_density_by_rank(np.zeros(k), np.zeros(1), np.array([k]), 6, np.zeros(k), 1.0)
    )


def test_all_ranks_at_once_equal_each_alone():
    variances = np.array([4.0, 2.0, 0.5, 0.0])
    ranks = np.array([1, 3, 4, 2])
    noise = np.array([0.3, 0.1, 0.0, 0.0])
    squares, norm = np.array([3.0, 1.0, 0.2, 0.0]), 6.0
    together = log_density_by_rank(variances, noise, ranks, 6, squares, norm)
    for found, k, sigma in zip(together, ranks, noise, strict=True):
        density = GaussianDensity(variances[:k], sigma, 6)
        alone = density.log_density(squares[np.newaxis, :k], np.array([norm]))
        assert_allclose(found, alone[0])
