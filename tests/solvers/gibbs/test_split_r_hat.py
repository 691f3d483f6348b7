import numpy as np
import pytest

from lrfact.solvers.gibbs.split_r_hat import relative_drift, split_r_hat


def test_by_hand():
    # Halves 1, 3 and 5, 7: variances 2 and 2, means 2 and 6 with variance 8.
    assert split_r_hat([1, 3, 5, 7]) == pytest.approx(np.sqrt((1 * 2 + 2 * 8) / (2 * 2)))
    assert split_r_hat([99, 1, 3, 5, 7]) == split_r_hat([1, 3, 5, 7])


def test_near_one_at_rest_and_above_where_it_drifts():
    noise = np.random.default_rng(0).standard_normal(2000)
    assert abs(split_r_hat(noise) - 1) < 0.01
    assert split_r_hat(noise + np.linspace(0, 3, 2000)) > 1.2


def test_chains_that_say_nothing():
    assert np.isnan(split_r_hat([]))
    assert np.isnan(split_r_hat([1.0, 2.0, 3.0]))
    assert split_r_hat(np.ones(10)) == 1
    assert split_r_hat([0, 0, 1, 1]) == np.inf


def test_drift_is_a_share_of_the_larger_mean():
    assert relative_drift([99, 1, 3, 7, 9]) == relative_drift([7, 9, 1, 3]) == 0.75
    assert relative_drift([]) == relative_drift([1.0]) == relative_drift([0, 0, 0, 0]) == 0
