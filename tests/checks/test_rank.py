"""`n_components` against the shape of the data."""

import re

import numpy as np
import pytest

from lrfact.checks._rank import check_rank


@pytest.mark.parametrize("n_components", [1, 3, np.int64(2), np.int8(3)])
@pytest.mark.parametrize("shape", [(3, 9), (9, 3)])
def test_what_fits_becomes_an_int(n_components, shape):
    rank = check_rank(n_components, shape)
    assert rank == n_components
    assert type(rank) is int


@pytest.mark.parametrize("n_components", [0, -1, 4, 1.0, "2", None])
def test_what_does_not_fit_is_refused_with_all_that_matters(n_components):
    message = (
        f"n_components={n_components!r} must be between 1 and min(n_samples=9, n_features=3)=3; "
        "lower it or pass more data"
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        check_rank(n_components, (9, 3))
