import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.decomposition import PCA

from lrfact.rank_rules import Spectrum, energy_rank


def test_a_share_equal_to_the_target_is_not_enough():
    spectrum = Spectrum([1.0, 1.0, 1.0, 1.0], shape=(9, 4))
    assert energy_rank(spectrum, 0.5).n_components == 3
    assert energy_rank(spectrum, 0.499).n_components == 2
    assert energy_rank(spectrum, 0.75).n_components == 4


@pytest.mark.parametrize("load", [load_digits, load_wine, load_breast_cancer])
@pytest.mark.parametrize("target", [0.1, 0.5, 0.9, 0.95, 0.99, 0.9999])
def test_same_as_scikit_learn(load, target):
    X = load().data
    s = np.linalg.svd(X - X.mean(axis=0), compute_uv=False)
    expected = PCA(n_components=target, svd_solver="full").fit(X).n_components_
    choice = energy_rank(Spectrum(s, X.shape, centered=True), target)
    assert choice.n_components == expected
    assert choice.is_settled


@given(
    st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=20),
    st.floats(0.01, 0.999),
    st.integers(1, 20),
)
def test_truncated_spectra_agree_or_ask_for_more(values, target, n_known):
    values = np.sort(values)[::-1]
    shape = (50, values.size)
    complete = energy_rank(Spectrum(values, shape), target)
    assert (
        complete.curve[complete.n_components - 1] > target or complete.n_components == values.size
    )
    assert complete.n_components == 1 or complete.curve[complete.n_components - 2] <= target

    known = values[:n_known]
    choice = energy_rank(Spectrum(known, shape, total_energy=np.sum(values**2)), target)
    if choice.is_settled:
        # The two totals may differ in the last digit.
        assert np.isclose(complete.curve[choice.n_components - 1], target) or (
            choice.n_components == complete.n_components
        )
    else:
        assert choice.n_components == known.size + 1


def test_near_one_never_exceeds_the_rank():
    s = np.linspace(1, 0.1, 7)
    assert energy_rank(Spectrum(s, (9, 7)), 1 - 1e-16).n_components == 7


def test_zero_matrix():
    assert energy_rank(Spectrum([0.0, 0.0], (4, 2))).n_components == 0


def test_bad_input():
    spectrum = Spectrum([2.0], shape=(5, 3))
    with pytest.raises(ValueError, match=r"target=1.5 .* strictly between 0 and 1"):
        energy_rank(spectrum, 1.5)
    with pytest.raises(ValueError, match="'energy' needs the total energy, but only 1 of 3"):
        energy_rank(spectrum)
