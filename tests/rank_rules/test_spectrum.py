import numpy as np
import pytest
from numpy.testing import assert_allclose

from lrfact.rank_rules import Spectrum


def test_complete_and_truncated():
    complete = Spectrum([3.0, 2.0, 1.0], shape=(5, 3))
    assert complete.is_complete
    assert complete.total_energy == 14.0
    assert complete.tail_energy == 0.0
    assert_allclose(complete.energy_share, [9 / 14, 13 / 14, 1.0])

    truncated = Spectrum([3.0, 2.0], shape=(5, 3), total_energy=14.0)
    assert not truncated.is_complete
    assert_allclose(truncated.energy_share, [9 / 14, 13 / 14])
    assert truncated.tail_energy == pytest.approx(1.0)
    assert np.isnan(Spectrum([3.0, 2.0], shape=(5, 3)).total_energy)


@pytest.mark.parametrize(
    ("shape", "centered", "max_rank"),
    [
        ((5, 3), False, 3),
        ((5, 3), True, 3),
        ((3, 5), True, 2),
        ((4, 4), True, 3),
        ((1, 4), True, 0),
    ],
)
def test_centring_costs_a_row(shape, centered, max_rank):
    spectrum = Spectrum([1.0], shape=shape, centered=centered)
    assert spectrum.max_rank == max_rank
    assert spectrum.degrees_of_freedom == shape[0] - centered


def test_the_last_value_of_a_wide_centred_matrix_is_no_value():
    X = np.random.default_rng(0).normal(size=(4, 7))
    s = np.linalg.svd(X - X.mean(axis=0), compute_uv=False)
    spectrum = Spectrum(s, X.shape, centered=True)
    assert spectrum.is_complete
    assert spectrum.numerical_rank == 3
    assert spectrum.energies.size == 3


def test_zero_matrix_is_fully_represented_by_anything():
    assert_allclose(Spectrum([0.0, 0.0], shape=(3, 2)).energy_share, [1.0, 1.0])


def test_values_are_copied_and_read_only():
    values = np.array([2.0, 1.0])
    spectrum = Spectrum(values, shape=(2, 2))
    values[0] = 7.0
    assert spectrum.singular_values[0] == 2.0
    with pytest.raises(ValueError, match="read-only"):
        spectrum.singular_values[0] = 1.0


@pytest.mark.parametrize(
    ("values", "options", "message"),
    [
        ([1.0, 2.0], {}, "descending order"),
        ([1.0, -1.0], {}, "non-negative, got -1"),
        ([np.inf, 1.0], {}, "finite"),
        ([[1.0]], {}, "one-dimensional"),
        ([1.0] * 4, {}, "more than a matrix of shape=.* has"),
        ([1.0], {"shape": (0, 3)}, "at least one of each"),
        ([2.0, 1.0], {"total_energy": 3.0}, "less than the energy 5"),
        ([2.0, 1.0], {"total_energy": -1.0}, "less than the energy"),
    ],
)
def test_bad_input(values, options, message):
    with pytest.raises(ValueError, match=message):
        Spectrum(values, **{"shape": (5, 3), **options})
