"""Pickles, copies and clones; what is kept, and what is not."""

import copy
import gc
import pickle
import weakref

import joblib
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.utils import get_tags

from lrfact import PCAFromSVD, TruncatedSVDReducer
from reference.spectra import synthetic_matrix

ESTIMATORS = [TruncatedSVDReducer, PCAFromSVD]
X = synthetic_matrix((80, 60), 0.9 ** np.arange(60), seed=0)


def through_joblib(estimator, tmp_path, **options):
    joblib.dump(estimator, tmp_path / "estimator.joblib")
    return joblib.load(tmp_path / "estimator.joblib", **options)


COPIES = {
    "pickle": lambda estimator, tmp_path: pickle.loads(pickle.dumps(estimator)),
    "joblib": through_joblib,
    "memory map": lambda estimator, tmp_path: through_joblib(estimator, tmp_path, mmap_mode="r"),
    "copy": lambda estimator, tmp_path: copy.copy(estimator),
    "deepcopy": lambda estimator, tmp_path: copy.deepcopy(estimator),
}


@pytest.mark.parametrize("way", COPIES)
@pytest.mark.parametrize("Estimator", ESTIMATORS)
@pytest.mark.parametrize("fit", ["fit", "partial_fit"])
def test_a_copy_is_as_good(Estimator, way, fit, tmp_path):
    estimator = getattr(Estimator(20), fit)(X)
    again = COPIES[way](estimator, tmp_path)
    assert again.get_params() == estimator.get_params()
    assert set(vars(again)) == set(vars(estimator))
    assert_array_equal(again.components_, estimator.components_)
    assert_array_equal(again.transform(X), estimator.transform(X))
    assert again.score(X) == estimator.score(X)
    assert_array_equal(again.truncate(3).components_, estimator.truncate(3).components_)
    one, other = again.partial_fit(X[:5]), estimator.partial_fit(X[:5])
    assert_array_equal(one.components_, other.components_)


@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_components_are_stored_once(Estimator, tmp_path):
    estimator = Estimator(50).fit(X)
    size = estimator.components_.nbytes
    joblib.dump(estimator, tmp_path / "estimator.joblib")
    assert len(pickle.dumps(estimator)) < 1.4 * size
    assert (tmp_path / "estimator.joblib").stat().st_size < 1.4 * size


@pytest.mark.parametrize("solver", ["auto", "exact", "gram", "randomized", "lanczos"])
@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_no_larger_array_is_kept_alive(Estimator, solver):
    """A slice of all singular vectors would keep them all in memory."""
    estimator = Estimator(2, solver=solver, random_state=0).fit(X)
    for name, value in vars(estimator).items():
        while isinstance(value, np.ndarray):
            assert value.size <= 4 * 60, name
            value = value.base


@pytest.mark.parametrize("container", [np.array, sparse.csr_array])
@pytest.mark.parametrize("solver", ["auto", "exact", "gram", "randomized", "lanczos"])
@pytest.mark.parametrize("n_components", [2, 0.5, "parallel"])
@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_no_data_is_kept(Estimator, n_components, solver, container):
    given = container(X)
    reference = weakref.ref(given)
    estimator = Estimator(n_components, solver=solver, random_state=0)
    estimator.fit(given)
    estimator.transform(given)
    estimator.partial_fit(given) if n_components == 2 else None
    del given
    gc.collect()
    assert reference() is None
    assert len(pickle.dumps(estimator)) < X.nbytes


@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_clone_has_the_parameters_only(Estimator):
    estimator = Estimator(3, tol=1e-3, n_jobs=2).fit(X)
    again = clone(estimator)
    assert again.get_params() == estimator.get_params()
    assert set(vars(again)) == set(estimator.get_params())


@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_tags(Estimator):
    tags = get_tags(Estimator())
    assert tags.input_tags.sparse
    assert not tags.input_tags.allow_nan
    assert tags.transformer_tags.preserves_dtype == ["float64", "float32"]
    assert tags.requires_fit


@pytest.mark.parametrize("Estimator", ESTIMATORS)
def test_representations(Estimator):
    estimator = Estimator(3, solver="exact")
    assert repr(estimator) == f"{Estimator.__name__}(n_components=3, solver='exact')"
    assert Estimator.__name__ in estimator._repr_html_()
    assert Estimator.__name__ in estimator.fit(X)._repr_html_()
