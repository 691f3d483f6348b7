"""Figures are closed after each test: matplotlib warns when too many are open."""

import pytest


@pytest.fixture(autouse=True)
def close_figures():
    plt = pytest.importorskip("matplotlib.pyplot")
    yield
    plt.close("all")
