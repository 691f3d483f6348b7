"""Non-negative least squares of one row by an active set."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.linalg import LinAlgError, LinAlgWarning

from lrfact.solvers.nmf import active_set
from lrfact.solvers.nmf.active_set import active_set_minimum


def violation(gram, target, x):
    """How far the gradient is from that of a minimum, in units of the target."""
    gradient = gram @ x - target
    at_fault = np.where(x > 0, np.abs(gradient), np.maximum(-gradient, 0))
    return at_fault.max() / np.abs(target).max()


@pytest.mark.parametrize("n", [1, 2, 7, 40])
def test_is_a_minimum(n):
    rng = np.random.default_rng(n)
    design = rng.standard_normal((n + 5, n))
    gram, target = design.T @ design, design.T @ rng.standard_normal(n + 5)
    x = active_set_minimum(gram, target)
    assert (x >= 0).all()
    assert violation(gram, target, x) < 1e-12


def test_of_nearly_dependent_columns():
    for seed in range(10):
        rng = np.random.default_rng(seed)
        design = rng.random((50, 5)) @ rng.random((5, 60)) + 1e-6 * rng.random((50, 60))
        gram = design.T @ design
        target = design.T @ rng.random(50)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            x = active_set_minimum(gram, target)
        assert (x >= 0).all()
        # The Gram matrix has twice the digits to lose; descent goes on from there.
        assert violation(gram, target, x) < 1e-6


def test_copies_of_a_column_share_nothing_lost():
    gram = np.full((3, 3), 2.0)
    x = active_set_minimum(gram, np.full(3, 4.0))
    assert_allclose(x.sum(), 2)


def test_without_curvature_it_is_zero():
    assert_array_equal(active_set_minimum(np.zeros((4, 4)), np.zeros(4)), np.zeros(4))


@pytest.mark.parametrize(
    "error", [RuntimeError("too many"), LinAlgError("singular"), ValueError("zero-size array")]
)
def test_says_when_it_has_no_end(monkeypatch, error):
    def nnls(*_, **__):
        raise error

    monkeypatch.setattr(active_set, "nnls", nnls)
    assert active_set_minimum(np.eye(2), np.ones(2)) is None


def test_warnings_of_scipy_are_its_own(monkeypatch):
    def nnls(factor, *_, **__):
        warnings.warn("ill-conditioned", LinAlgWarning, stacklevel=2)
        return np.ones(factor.shape[1]), 0.0

    monkeypatch.setattr(active_set, "nnls", nnls)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert_array_equal(active_set_minimum(np.eye(2), np.ones(2)), np.ones(2))
