"""`solver="gram"`, alias "covariance_eigh", gives every result, and says who found it."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse
from sklearn.datasets import load_digits

from lrfact import LSASearch, PCAFromSVD, TruncatedSVDReducer
from lrfact.rank_rules import RANK_RULES

DIGITS = load_digits().data[:400]  # some columns are constant


def test_share_of_the_variance():
    X = load_digits().data
    pca = PCAFromSVD(0.95, svd_solver="covariance_eigh").fit(X)
    assert pca.n_components_ == 29
    assert pca.solver_ in ("gram", "exact")
    assert_allclose(pca.singular_values_, PCAFromSVD(29).fit(X).singular_values_, rtol=1e-4)


@pytest.mark.parametrize("rule", [0.9, *RANK_RULES])
@pytest.mark.parametrize("Estimator", [PCAFromSVD, TruncatedSVDReducer])
def test_every_rule(Estimator, rule):
    gram = Estimator(rule, solver="gram", random_state=0).fit(DIGITS)
    exact = Estimator(rule, solver="exact", random_state=0).fit(DIGITS)
    assert len(gram.components_) == len(exact.components_)
    assert gram.solver_ in ("gram", "exact")


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("Estimator", [PCAFromSVD, TruncatedSVDReducer])
def test_all_components_of_a_matrix_of_low_rank(Estimator, container):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((30, 3)) @ rng.standard_normal((3, 8))
    fitted = Estimator(8, solver="gram").fit(container(X))
    assert fitted.solver_ == "exact"
    assert_allclose(fitted.components_ @ fitted.components_.T, np.eye(8), atol=1e-12)
    assert_allclose(fitted.inverse_transform(fitted.transform(X)), X, atol=1e-12)


def test_search_by_meaning():
    texts = ["red apple pie", "green apple", "blue car", "red car wheel", "car pie wheel"] * 3
    gram, exact = (LSASearch(0.9, solver=solver).fit(texts) for solver in ("gram", "exact"))
    assert_allclose(gram.singular_values_, exact.singular_values_, rtol=1e-4)
