"""What every test shares: hypothesis profiles, seeds, strict warnings, a quiet matplotlib."""

import gc
import os
import sys
import warnings
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

# No test may open a window; read by matplotlib when it is first imported.
os.environ["MPLBACKEND"] = "Agg"

# A slow machine is no failure, and an ordinary run must not depend on luck.
_COMMON = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow], "print_blob": True}
settings.register_profile("deterministic", derandomize=True, database=None, **_COMMON)
settings.register_profile("searching", derandomize=False, max_examples=2000, **_COMMON)
settings.load_profile(os.environ.get("LRFACT_HYPOTHESIS", "deterministic"))


def pytest_configure(config: pytest.Config) -> None:
    if os.environ.get("LRFACT_TEST_KERNELS") == "numpy":
        # Expected in this run, and it would hit whichever test comes first.
        config.addinivalue_line(
            "filterwarnings", "ignore:lrfact runs without its compiled kernels:RuntimeWarning"
        )


# How NumPy, SciPy, scikit-learn and pandas announce that something will stop working.
_ANNOUNCEMENTS = (
    DeprecationWarning,
    PendingDeprecationWarning,
    FutureWarning,
    np.exceptions.VisibleDeprecationWarning,
)


@pytest.fixture(autouse=True)
def announcements_are_errors() -> None:
    """Make a deprecation fail its test, even one that ignores every other warning.

    pytest takes the filters back when the test ends.
    """
    for category in _ANNOUNCEMENTS:
        warnings.simplefilter("error", category)


@pytest.fixture(autouse=True)
def close_figures() -> Iterator[None]:
    """Close the figures of each test: matplotlib warns when too many are open."""
    yield
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        pyplot.close("all")


def pytest_collection_finish() -> None:
    """What was collected stays to the end: no collection of garbage has to look through it."""
    gc.collect()
    gc.freeze()


def _seeds() -> list[int]:
    """Seeds from LRFACT_TEST_SEEDS: "3", or "0-99"; one by default."""
    first, _, last = os.environ.get("LRFACT_TEST_SEEDS", "42").partition("-")
    return list(range(int(first), int(last or first) + 1))


@pytest.fixture(params=_seeds(), ids="seed={}".format)
def global_random_seed(request: pytest.FixtureRequest) -> int:
    """A seed with which the test must pass whatever it is."""
    return request.param
