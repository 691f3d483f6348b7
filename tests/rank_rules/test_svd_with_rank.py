"""A rank rule is served with as few triplets as it needs, and never with too few."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from lrfact import PCAFromSVD, TruncatedSVDReducer
from lrfact.linalg.as_operator import as_operator
from lrfact.rank_rules import rank_rule
from lrfact.rank_rules._svd_with_rank import svd_with_rank
from lrfact.solvers.svd.exact_svd import exact_svd
from reference.spectra import synthetic_matrix
from reference.synthetic import synthetic_low_rank


def choose(X, n_components, *, asked_for=None, max_rank=None):
    A = as_operator(X)

    def factorize(k):
        if asked_for is not None:
            asked_for.append(k)
        return exact_svd(A, k, want_left=False)

    return svd_with_rank(
        A,
        rank_rule(n_components, X=X, random_state=np.random.RandomState(0)),
        factorize,
        total_energy=float(np.sum(X**2)),
        centered=False,
        max_rank=max_rank or min(X.shape),
    )


@pytest.mark.parametrize("share", [0.3, 0.9, 0.999])
def test_energy_share_on_a_large_matrix(share):
    """The rank doubles until the share is exceeded, the total being known."""
    s = 0.97 ** np.arange(560)
    X = synthetic_matrix((600, 560), s, seed=0)
    needed = int(np.searchsorted(np.cumsum(s**2) / np.sum(s**2), share, side="right")) + 1
    asked_for = []
    result, k = choose(X, share, asked_for=asked_for)
    assert k == needed
    assert len(result.s) >= k
    assert asked_for[0] == 32
    assert asked_for == sorted(set(asked_for))
    assert asked_for[-1] < 4 * max(k, 32)


def test_small_matrices_are_factorized_once():
    asked_for = []
    choose(synthetic_low_rank(60, 40, 3, seed=0), "gavish-donoho", asked_for=asked_for)
    assert asked_for == [40]


@pytest.mark.parametrize("rule", ["gap", "gavish-donoho", "parallel"])
def test_rules_find_a_synthetic_rank(rule, global_random_seed):
    _, k = choose(synthetic_low_rank(120, 60, 4, seed=global_random_seed), rule)
    assert k == 4


def test_nothing_but_noise_leaves_one_direction():
    X = np.random.default_rng(0).standard_normal((200, 50))
    _, k = choose(X, "gavish-donoho")
    assert k == 1


@pytest.mark.parametrize("solver", ["exact", "gram", "randomized", "lanczos"])
@pytest.mark.parametrize("Estimator", [TruncatedSVDReducer, PCAFromSVD])
def test_every_solver_serves_every_rule(Estimator, solver):
    X = synthetic_low_rank(120, 60, 4, seed=0)
    for n_components in (0.5, "gap", "gavish-donoho", "parallel"):
        found = Estimator(n_components, solver=solver, tol=1e-6, random_state=0)
        if solver == "gram" or n_components != "parallel":
            reference = Estimator(n_components, solver="exact", random_state=0).fit(X)
            found.fit(X)
            assert found.components_.shape == reference.components_.shape
            assert_allclose(found.singular_values_, reference.singular_values_, rtol=1e-5)
            assert found.n_components == n_components  # the parameter stays what it was
