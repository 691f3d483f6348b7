"""Displays refuse data where an estimator is expected, without printing the data."""

import numpy as np
import pytest
from scipy import sparse

from lrfact import (
    ComponentsDisplay,
    PCAFromSVD,
    RankSearchDisplay,
    ScreeDisplay,
    TopicsDisplay,
)

X = np.random.default_rng(0).normal(size=(30, 8))
DISPLAYS = {
    ScreeDisplay: {},
    RankSearchDisplay: {},
    TopicsDisplay: {},
    ComponentsDisplay: {"image_shape": (2, 4)},
}


@pytest.mark.parametrize("Display", DISPLAYS)
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
def test_data_instead_of_an_estimator(Display, container):
    given = container(X)
    message = (
        rf"{Display.__name__}.from_estimator takes a fitted estimator, and got an object of type "
        rf"{type(given).__name__} of shape \(30, 8\); fit an estimator"
    )
    with pytest.raises(TypeError, match=message) as raised:
        Display.from_estimator(given, **DISPLAYS[Display])
    assert len(str(raised.value)) < 300


@pytest.mark.parametrize("Display", DISPLAYS)
def test_class_instead_of_an_estimator(Display):
    with pytest.raises(TypeError, match=r"got the class PCAFromSVD; give PCAFromSVD\(\).fit\(X\)"):
        Display.from_estimator(PCAFromSVD, **DISPLAYS[Display])


@pytest.mark.parametrize(
    ("factory", "message"),
    [
        ("from_selection", r"takes the return value of select_rank.*type {}; pass sel"),
        ("from_cv_results", r"takes the attribute cv_results_ .*type {}; pass search.cv_results_"),
    ],
)
@pytest.mark.parametrize("given", [X, sparse.csr_array(X), PCAFromSVD(), PCAFromSVD, None, "abc"])
def test_data_instead_of_a_table_of_ranks(factory, message, given):
    with pytest.raises(TypeError, match=message.format(type(given).__name__)):
        getattr(RankSearchDisplay, factory)(given)
