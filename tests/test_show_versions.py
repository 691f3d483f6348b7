"""`lrfact.show_versions()` and the version itself."""

from importlib import metadata

import numpy as np
import pytest

import lrfact
from lrfact import _show_versions, kernels


@pytest.fixture
def report(capsys):
    assert lrfact.show_versions() is None
    return capsys.readouterr().out


def test_names_versions_kernels_and_threads(report):
    for line in (
        f"lrfact: {lrfact.__version__}",
        f"numpy: {np.__version__}",
        f"implementation: {kernels.IMPLEMENTATION}",
        f"OpenMP: {kernels.openmp_enabled()}",
        "threads: ",
        "user_api: blas",
    ):
        assert line in report


def test_names_what_is_not_installed(monkeypatch, capsys):
    monkeypatch.setattr(_show_versions, "_DISTRIBUTIONS", ("no-such-package",))
    lrfact.show_versions()
    assert "no-such-package: not installed" in capsys.readouterr().out


def test_says_why_no_kernel_runs(monkeypatch, capsys):
    monkeypatch.setattr(kernels, "FALLBACK_REASON", "libgomp.so.1 was not found")
    lrfact.show_versions()
    assert "reason: libgomp.so.1 was not found" in capsys.readouterr().out


def test_version_is_that_of_the_distribution():
    assert lrfact.__version__ == metadata.version("lrfact")
