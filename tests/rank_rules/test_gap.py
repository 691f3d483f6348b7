import numpy as np
import pytest

from lrfact.rank_rules import Spectrum, gap_rank
from reference.synthetic import synthetic_low_rank


def spectrum_of(X, **options):
    return Spectrum(np.linalg.svd(X, compute_uv=False), X.shape, **options)


def test_synthetic_rank():
    for rank in (1, 4, 9):
        X = synthetic_low_rank(120, 40, rank, seed=rank)
        assert gap_rank(spectrum_of(X)).n_components == rank


def test_exactly_low_rank():
    X = synthetic_low_rank(60, 30, 6, seed=0, noise=0.0)
    choice = gap_rank(spectrum_of(X))
    assert choice.n_components == 6
    assert np.all(np.isfinite(choice.curve))


def test_zero_tail_of_constant_columns_is_no_gap():
    X = synthetic_low_rank(200, 20, 3, seed=0)
    X[:, 12:] = 0.0
    wide_window = gap_rank(spectrum_of(X), max_share=1.0)
    assert wide_window.n_components == 12
    assert gap_rank(spectrum_of(X)).n_components == 3


def test_short_spectra_are_searched_up_to_three():
    assert gap_rank(Spectrum([10.0, 9.0, 8.0, 0.1], (30, 4))).n_components == 3
    assert gap_rank(Spectrum([10.0, 1.0], (30, 2))).n_components == 1
    assert gap_rank(Spectrum([10.0], (30, 1))).n_components == 1


def test_ties_go_to_the_smaller_rank():
    assert gap_rank(Spectrum([8.0, 4.0, 2.0, 1.0], (30, 4))).n_components == 1


def test_zero_matrix():
    assert gap_rank(Spectrum([0.0, 0.0, 0.0], (4, 3))).n_components == 0


def test_truncated():
    values = [10.0, 9.0, 2.0, 1.9, 1.8]
    assert not gap_rank(Spectrum(values, (100, 40))).is_settled
    assert gap_rank(Spectrum(values, (100, 40)), max_rank=5).is_settled
    assert gap_rank(Spectrum(values, (100, 6))).is_settled
    assert gap_rank(Spectrum([3.0, 2.0, 0.0], (100, 40))).is_settled  # the rest is zero too
    assert gap_rank(Spectrum(values, (100, 40)), max_rank=1).n_components == 1


def test_bad_input():
    spectrum = Spectrum([2.0, 1.0], (5, 2))
    with pytest.raises(ValueError, match=r"max_share=0 .* must lie in \(0, 1\]"):
        gap_rank(spectrum, max_share=0)
    with pytest.raises(ValueError, match=r"max_rank=0 .* at least 1"):
        gap_rank(spectrum, max_rank=0)
