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
    ("variances", "noise", "singular"),
    [
        ([1.0], 0.0, True),
        ([1.0], 0.1, False),
        ([1.0, 0.0], 0.1, False),
        ([1.0, 1, 1, 1, 1, 1], 0.0, False),
        ([1.0, 1, 1, 1, 1, 0], 0.0, True),
    ],
)
def test_singular_densities_are_known_and_refused(variances, noise, singular):
    density = GaussianDensity(np.array(variances), noise, 6)
    assert density.is_singular == singular
    V = DIRECTIONS[: len(variances)]
    if singular:
        with pytest.raises(ValueError, match="no variance in some directions"):
            density.precision(V)
        with pytest.raises(ValueError, match=f"lower n_components .now {len(variances)}"):
            density.log_density((ROWS @ V.T) ** 2, np.sum(ROWS**2, axis=1))
    else:
        assert np.isfinite(density.precision(V)).all()
    assert np.isfinite(density.covariance(V)).all()


def test_all_ranks_at_once_equal_each_alone():
    variances = np.array([4.0, 2.0, 0.5, 0.0])
    ranks = np.array([1, 3, 4, 2])
    noise = np.array([0.3, 0.1, 0.0, 1.0])
    squares, norm = np.array([3.0, 1.0, 0.2, 0.0]), 6.0
    together = log_density_by_rank(variances, noise, ranks, 6, squares, norm)
    for found, k, sigma in zip(together, ranks, noise, strict=True):
        density = GaussianDensity(variances[:k], sigma, 6)
        if density.is_singular:
            assert np.isnan(found)
        else:
            alone = density.log_density(squares[np.newaxis, :k], np.array([norm]))
            assert_allclose(found, alone[0])
