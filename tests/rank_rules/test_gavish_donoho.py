import numpy as np
import pytest
from numpy.testing import assert_allclose

from lrfact.rank_rules import Spectrum, gavish_donoho_rank
from lrfact.rank_rules._gavish_donoho import (
    marchenko_pastur_median,
    threshold_for_known_noise,
    threshold_for_unknown_noise,
)
from reference.synthetic import five_sensors, synthetic_low_rank


def spectrum_of(X, n_values=None, center=False):
    A = X - X.mean(axis=0) if center else X
    s = np.linalg.svd(A, compute_uv=False)[:n_values]
    return Spectrum(s, X.shape, total_energy=np.sum(A**2), centered=center)


def test_published_constants():
    assert threshold_for_known_noise(1.0) == pytest.approx(4 / np.sqrt(3))
    assert threshold_for_known_noise(1e-12) == pytest.approx(np.sqrt(2))
    assert threshold_for_unknown_noise(1.0) == pytest.approx(2.858, abs=5e-4)
    # Of the paper's table.
    for beta, omega in [(0.05, 1.5194), (0.5, 2.1711)]:
        assert threshold_for_unknown_noise(beta) == pytest.approx(omega, abs=2e-4)


@pytest.mark.parametrize("beta", [1e-6, 0.01, 0.1, 0.5, 0.9, 1.0])
def test_median_of_the_law_halves_its_density(beta):
    median = marchenko_pastur_median(beta)
    lower, upper = (1 - np.sqrt(beta)) ** 2, (1 + np.sqrt(beta)) ** 2
    # Midpoints of cells that are dense at the edges, where the density has its root (or pole).
    angle = (np.arange(400_000) + 0.5) * np.pi / 400_000
    x = (lower + upper) / 2 - (upper - lower) / 2 * np.cos(angle)
    density = np.sqrt((upper - x) * (x - lower)) / (2 * np.pi * beta * x)
    mass = density * (upper - lower) / 2 * np.sin(angle) * np.pi / 400_000
    assert mass.sum() == pytest.approx(1.0, abs=1e-4)
    assert mass[x <= median].sum() == pytest.approx(0.5, abs=1e-4)


def test_median_of_real_noise():
    X = np.random.default_rng(0).normal(size=(1000, 400))
    median = np.median(np.linalg.svd(X, compute_uv=False))
    assert median == pytest.approx(np.sqrt(1000 * marchenko_pastur_median(0.4)), rel=2e-3)


def test_polynomial_of_the_paper_is_close():
    for beta in np.linspace(0.05, 1, 20):
        approximate = 0.56 * beta**3 - 0.95 * beta**2 + 1.82 * beta + 1.43
        assert threshold_for_unknown_noise(beta) == pytest.approx(approximate, abs=0.03)


@pytest.mark.parametrize("shape", [(300, 60), (60, 300), (120, 120)])
@pytest.mark.parametrize("rank", [0, 1, 7])
@pytest.mark.parametrize("center", [False, True])
def test_synthetic_rank(shape, rank, center, global_random_seed):
    X = synthetic_low_rank(*shape, rank, seed=global_random_seed, noise=2.0)
    spectrum = spectrum_of(X, center=center)
    for noise in (None, "median", "residual", 2.0):
        choice = gavish_donoho_rank(spectrum, noise)
        assert choice.n_components == rank
        assert choice.is_settled
        # The signal lifts the median a little: by 5 % at 7 directions of 60.
        expected = gavish_donoho_rank(spectrum, 2.0).threshold
        assert choice.threshold == pytest.approx(expected, rel=0.08)
    assert gavish_donoho_rank(spectrum_of(X, 20, center)).n_components == rank


def test_scales_with_the_data():
    X = synthetic_low_rank(80, 40, 3, seed=0)
    small, large = (gavish_donoho_rank(spectrum_of(scale * X)) for scale in (1e-8, 1e8))
    assert small.n_components == large.n_components == 3
    assert large.threshold == pytest.approx(1e16 * small.threshold)


def test_no_noise():
    X = synthetic_low_rank(50, 30, 4, seed=0, noise=0.0)
    for noise in (None, 0.0, "residual"):
        assert gavish_donoho_rank(spectrum_of(X), noise).n_components == 4
    assert gavish_donoho_rank(Spectrum([0.0, 0.0], (5, 2))).n_components == 0


def test_asks_for_more_values():
    X = synthetic_low_rank(200, 80, 12, seed=0)
    choice = gavish_donoho_rank(spectrum_of(X, 8))
    assert choice.n_components == 8
    assert not choice.is_settled
    assert gavish_donoho_rank(spectrum_of(X, 13)).is_settled


def test_five_sensors_with_two_waves_under_the_noise():
    clean, noisy = five_sensors()
    U, s, Vt = np.linalg.svd(noisy, full_matrices=False)

    def snr(rank):
        error = (U[:, :rank] * s[:rank]) @ Vt[:rank] - clean
        return 10 * np.log10(np.sum(clean**2) / np.sum(error**2))

    assert_allclose([snr(5), snr(1), snr(2), snr(3)], [6.27, 12.51, 9.01, 7.96], atol=0.005)
    for noise in (None, "residual", 0.3):
        assert gavish_donoho_rank(Spectrum(s, noisy.shape), noise).n_components == 1


def test_bad_input():
    truncated = Spectrum([3.0, 2.0], shape=(10, 5))
    with pytest.raises(ValueError, match=r"noise=-1 .* finite and non-negative"):
        gavish_donoho_rank(truncated, -1)
    with pytest.raises(ValueError, match=r"noise='mean' .* must be a number, 'median', 'residual'"):
        gavish_donoho_rank(truncated, "mean")
    with pytest.raises(ValueError, match="needs the whole spectrum, but only 2 of 5"):
        gavish_donoho_rank(truncated, "median")
    with pytest.raises(ValueError, match="needs the total energy, but only 2 of 5"):
        gavish_donoho_rank(truncated)
    with pytest.raises(ValueError, match=r"beta=2 must lie in \(0, 1\]"):
        marchenko_pastur_median(2)
