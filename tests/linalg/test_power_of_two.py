"""Values of any size in units that keep every digit, and their root mean square."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from lrfact.linalg.power_of_two import times_power_of_two, unit_exponent
from lrfact.linalg.root_mean_square import root_mean_square


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_ordinary_values_stay_as_they_are(dtype):
    values = np.array([1e-5, -3, 1e5], dtype=dtype)
    assert unit_exponent(values) == 0
    assert times_power_of_two(values, 0) is values
    for nothing in (np.zeros(3, dtype), np.zeros(0, dtype)):
        assert unit_exponent(nothing) == 0


@pytest.mark.parametrize(
    ("dtype", "sizes"), [(np.float32, (1e-44, 1e-30, 1e35)), (np.float64, (5e-324, 1e-300, 1e147))]
)
def test_other_values_come_to_between_a_half_and_one(dtype, sizes):
    for size in sizes:
        for values in (np.array([0.3 * size, -size], dtype), np.array([size], dtype)):
            exponent = unit_exponent(values)
            scaled = times_power_of_two(values, -exponent)
            assert scaled.dtype == dtype
            assert 0.5 <= np.abs(scaled).max() < 1
            assert_array_equal(times_power_of_two(scaled, exponent), values)


@pytest.mark.parametrize(("dtype", "size"), [(np.float32, 1e37), (np.float64, 1e150)])
def test_what_would_overflow_is_refused(dtype, size):
    with pytest.raises(ValueError, match=r"reach 1e\+\d+ .* divide X by its largest absolute"):
        unit_exponent(np.array([1.0, -size], dtype=dtype))


@pytest.mark.parametrize("size", [5e-324, 1e-200, 1.0, 1e200, 1e308])
def test_root_mean_square(size):
    assert root_mean_square(np.array([size, -size, size])) == pytest.approx(size, rel=1e-12)
    assert root_mean_square(np.array([0.0, 0.0])) == 0
    assert root_mean_square(np.float32([3, 4])) == pytest.approx(12.5**0.5)
