"""Data whose rank is known."""

import numpy as np
from scipy import sparse


def synthetic_low_rank(n_samples, n_features, rank, seed, noise=1.0):
    """Standard normal factors of the given rank plus white noise."""
    rng = np.random.default_rng(seed)
    signal = rng.normal(size=(n_samples, rank)) @ rng.normal(size=(rank, n_features))
    return signal + noise * rng.normal(size=(n_samples, n_features))


def five_sensors():
    """Three waves of falling strength mixed into five sensors: (clean, noisy), rows are sensors."""
    t = np.linspace(0, 4 * np.pi, 100)
    waves = np.stack([np.sin(t), 0.5 * np.cos(2 * t), 0.3 * np.sin(3 * t)])
    mixing = [[1, 0.5, 0.3], [0.8, 0.7, 0.2], [0.6, 0.4, 0.5], [0.9, 0.3, 0.4], [0.7, 0.6, 0.3]]
    clean = np.array(mixing) @ waves
    return clean, clean + 0.3 * np.random.RandomState(42).standard_normal(clean.shape)


def random_sparse(n_samples, n_features, density, seed, dtype=np.float64):
    """A csr_array of uniform values in (0, 1]; independent of SciPy's changing ways to seed one."""
    rng = np.random.default_rng(seed)
    values = 1 - rng.random((n_samples, n_features))
    kept = rng.random((n_samples, n_features)) < density
    return sparse.csr_array((values * kept).astype(dtype))
