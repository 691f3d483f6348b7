import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.decomposition import PCA
from sklearn.preprocessing import scale

from lrfact.rank_rules import Spectrum, _minka, minka_rank
from reference.naive_minka import naive_log_evidence
from reference.synthetic import synthetic_low_rank

DATA = {
    "digits": lambda: load_digits().data,
    "wine": lambda: load_wine().data,
    "scaled wine": lambda: scale(load_wine().data),
    "cancer": lambda: load_breast_cancer().data,
    "noise": lambda: np.random.default_rng(0).normal(size=(400, 20)),
    "planted": lambda: synthetic_low_rank(300, 40, 6, seed=0),
    "square": lambda: synthetic_low_rank(50, 50, 3, seed=1),
}


def centred_spectrum(X, n_values=None):
    A = X - X.mean(axis=0)
    s = np.linalg.svd(A, compute_uv=False)[:n_values]
    return Spectrum(s, X.shape, total_energy=np.sum(A**2), centered=True)


@pytest.mark.parametrize("name", DATA)
def test_same_rank_as_scikit_learn(name):
    X = DATA[name]()
    expected = PCA(n_components="mle", svd_solver="full").fit(X).n_components_
    assert minka_rank(centred_spectrum(X)).n_components == expected


@pytest.mark.parametrize("name", sorted(set(DATA) - {"square"}))
def test_same_evidence_as_the_formula(name):
    X = DATA[name]()
    spectrum = centred_spectrum(X)
    eigenvalues = spectrum.singular_values**2 / (X.shape[0] - 1)
    # Beyond, the noise is zero and the formula is held at a floor.
    n_sure = np.count_nonzero(eigenvalues > 1e-12 * eigenvalues[0]) - 1
    expected = [naive_log_evidence(eigenvalues, k, X.shape[0]) for k in range(1, n_sure + 1)]
    choice = minka_rank(spectrum)
    assert_allclose(choice.curve[:n_sure], expected, rtol=1e-10)
    assert_allclose(choice.ranks, np.arange(1, X.shape[1]))


def test_blocks_do_not_matter(monkeypatch):
    spectrum = centred_spectrum(DATA["planted"]())
    expected = minka_rank(spectrum).curve
    monkeypatch.setattr(_minka, "_BLOCK_ENTRIES", 100)
    assert_allclose(minka_rank(spectrum).curve, expected, rtol=1e-13)


@pytest.mark.parametrize("factor", [1e-9, 1e9])
@pytest.mark.parametrize("name", ["planted", "digits"])
def test_units_do_not_matter(name, factor):
    X = DATA[name]()
    expected = minka_rank(centred_spectrum(X)).n_components
    assert minka_rank(centred_spectrum(factor * X)).n_components == expected


@pytest.mark.parametrize("shape", [(50, 200), (30, 1000), (100, 120)])
@pytest.mark.parametrize("rank", [1, 3, 8])
def test_fewer_samples_than_features(shape, rank, global_random_seed):
    X = synthetic_low_rank(*shape, rank, seed=global_random_seed)
    choice = minka_rank(centred_spectrum(X))
    assert choice.n_components == rank
    assert choice.ranks[-1] == shape[0] - 2


@pytest.mark.parametrize("shape", [(300, 40), (60, 200)])
def test_truncated_spectrum(shape, global_random_seed):
    X = synthetic_low_rank(*shape, 5, seed=global_random_seed)
    complete, truncated = minka_rank(centred_spectrum(X)), minka_rank(centred_spectrum(X, 12))
    assert truncated.n_components == complete.n_components == 5
    assert truncated.is_settled
    # The noise is exact, the unknown eigenvalues enter through their mean.
    assert_allclose(truncated.curve, complete.curve[:12], rtol=1e-2)
    short = minka_rank(centred_spectrum(X, 4))
    assert short.n_components == 4
    assert not short.is_settled


@pytest.mark.parametrize(
    ("values", "rank"),
    [
        ([10, 5, 1, 1, 1, 1], 2),
        ([10, 5, 5, 1, 1, 1], 3),
        ([1, 1, 1, 1], 1),
        ([9, 9, 9, 1, 1, 1], 3),
        ([9, 9, 9, 0, 0, 0], 3),
        ([1, 0, 0, 0], 1),
    ],
)
def test_equal_and_zero_eigenvalues(values, rank):
    choice = minka_rank(Spectrum(np.array(values, dtype=float), (1000, len(values))))
    assert choice.n_components == rank
    assert not np.any(np.isnan(choice.curve))
    assert np.isfinite(choice.curve[rank - 1])


def test_nothing_to_choose_from():
    assert minka_rank(Spectrum([0.0, 0.0], (5, 2))).n_components == 0
    assert minka_rank(Spectrum([2.0], (5, 1))).n_components == 0
    assert minka_rank(Spectrum([2.0, 0.0], (2, 4), centered=True)).n_components == 0


def test_bad_input():
    with pytest.raises(ValueError, match="'mle' needs the total energy, but only 1 of 3"):
        minka_rank(Spectrum([2.0], shape=(5, 3)))
