"""Deprecations of the packages that lrfact builds on are errors in every test."""

import warnings

import numpy as np
import pandas as pd
import pytest

ANNOUNCEMENTS = [
    DeprecationWarning,
    PendingDeprecationWarning,
    FutureWarning,
    np.exceptions.VisibleDeprecationWarning,
    # pandas 3 has a class for each release that will change something, below one common base.
    *(
        kind
        for name, kind in sorted(vars(pd.errors).items())
        if name.startswith("Pandas") and name != "PandasChangeWarning"
    ),
]


@pytest.mark.parametrize("category", ANNOUNCEMENTS)
@pytest.mark.filterwarnings("ignore")
def test_a_deprecation_is_an_error_where_other_warnings_are_ignored(category):
    warnings.warn("something else", UserWarning, stacklevel=1)
    with pytest.raises(category):
        warnings.warn("this will stop working", category, stacklevel=1)


def test_every_other_warning_is_an_error():
    with pytest.raises(UserWarning):
        warnings.warn("something else", UserWarning, stacklevel=1)
