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
def twin(monkeypatch):
    monkeypatch.setattr(_fallback, "_already_warned", False)
    return _fallback.warn_at_first_use(double, "No module named 'x'")


def test_warns_once_and_says_what_to_do(twin):
    other = _fallback.warn_at_first_use(double, "")
    with pytest.warns(
        KernelFallbackWarning, match=r"(?s)No module named 'x'.*Install a C compiler.*show_versions"
    ) as caught:
        assert [twin(1), twin(2), other(3)] == [2, 4, 6]
    assert len(caught) == 1


def test_warning_points_at_the_caller(twin):
    with pytest.warns(KernelFallbackWarning) as caught:
        twin(1)
    assert caught[0].filename == __file__


def test_works_from_the_second_call_on_where_warnings_are_errors(twin):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(KernelFallbackWarning):
            twin(1)
        assert twin(1) == 2


def test_keeps_name_docstring_and_warning_filters(twin):
    before = list(warnings.filters)
    with pytest.warns(KernelFallbackWarning):
        twin(1)
    assert (twin.__name__, twin.__doc__) == ("double", "Twice x.")
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
