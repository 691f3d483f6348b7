"""Without compiled kernels: everything imports, and one warning is given at first use."""

import subprocess
import sys
import warnings

import pytest

from lrfact.kernels import KernelFallbackWarning, _fallback


def double(x):
    """Twice x."""
    return 2 * x


@pytest.fixture
def fallback(monkeypatch):
    monkeypatch.setattr(_fallback, "_already_warned", False)
    return _fallback.warn_at_first_use(double, "No module named 'x'")


def test_warns_once_and_says_what_to_do(fallback):
    other = _fallback.warn_at_first_use(double, "")
    with pytest.warns(
        KernelFallbackWarning, match=r"(?s)No module named 'x'.*Install a C compiler.*show_versions"
    ) as caught:
        assert [fallback(1), fallback(2), other(3)] == [2, 4, 6]
    assert len(caught) == 1


def test_warning_points_at_the_caller(fallback):
    with pytest.warns(KernelFallbackWarning) as caught:
        fallback(1)
    assert caught[0].filename == __file__


def test_works_from_the_second_call_on_where_warnings_are_errors(fallback):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(KernelFallbackWarning):
            fallback(1)
        assert fallback(1) == 2


def test_keeps_name_docstring_and_warning_filters(fallback):
    before = list(warnings.filters)
    with pytest.warns(KernelFallbackWarning):
        fallback(1)
    assert (fallback.__name__, fallback.__doc__) == ("double", "Twice x.")
    assert warnings.filters == before


def test_package_imports_silently_without_kernels(tmp_path):
    script = """
import sys
sys.modules["lrfact.kernels._openmp"] = None  # import of it fails from here on
import lrfact
from lrfact import kernels
from lrfact._threads import effective_n_threads
assert kernels.IMPLEMENTATION == "numpy"
assert effective_n_threads(4) == 1
lrfact.show_versions()
"""
    done = subprocess.run(
        [sys.executable, "-W", "error::RuntimeWarning", "-c", script],
        cwd=tmp_path,  # away from the source folder
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "implementation: numpy" in done.stdout
    assert "reason: " in done.stdout
