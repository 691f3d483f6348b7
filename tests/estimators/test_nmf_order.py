"""Topics in falling order, where their shares are equal or not determined."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import ConvergenceWarning

from lrfact import NMFTopics


@pytest.mark.parametrize(
    ("X", "n_components", "random_state"),
    [
        (np.eye(2) + 0.3, 3, 1),
        (np.ones((2, 2)), 5, 0),
        (np.ones((2, 2)), 4, 1),
        (np.array([[1.0, 0], [0, 1], [1, 1], [1, 0]]), 4, 1),
    ],
)
@pytest.mark.parametrize("beta_loss", ["frobenius", "kullback-leibler"])
def test_more_components_than_the_matrix_has(X, n_components, random_state, beta_loss):
    """An order that changes itself ends all the same."""
    model = NMFTopics(
        n_components, init="random", beta_loss=beta_loss, random_state=random_state, max_iter=100
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        W = model.fit_transform(X)
        assert_array_equal(model.transform(X), W)
    assert_allclose(model.topic_share_.sum(), 1)
    assert model.components_.shape == (n_components, 2)
