"""`lrfact.show_versions()` and the version itself."""

import os
import subprocess
import sys
from importlib import metadata

import numpy as np
import pytest

import lrfact
from lrfact import _show_versions, kernels
from lrfact._known_problems import known_problems


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


SHOW = "import lrfact; lrfact.show_versions()"


def test_a_pipe_that_is_closed_after_the_first_line_is_no_error(tmp_path):
    shown = subprocess.Popen(
        [sys.executable, "-c", SHOW],
        cwd=tmp_path,  # away from the source folder
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with shown.stdout, shown.stderr:
        assert shown.stdout.readline() == "\n"
        assert shown.stdout.readline() == "System:\n"
        shown.stdout.close()
        assert shown.stderr.read() == ""
    assert shown.wait() == 0


@pytest.mark.skipif(os.name != "posix", reason="a pipe without a reader is an error of its own")
def test_a_pipe_without_a_reader_leaves_the_report_on_standard_error(tmp_path):
    reader, writer = os.pipe()
    os.close(reader)
    try:
        shown = subprocess.run(
            [sys.executable, "-c", SHOW],
            cwd=tmp_path,
            stdout=writer,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    finally:
        os.close(writer)
    assert shown.returncode == 0, shown.stderr
    assert f"numpy: {np.__version__}" in shown.stderr
    assert "Error" not in shown.stderr


def pool(**changes):
    openblas = {
        "user_api": "blas",
        "internal_api": "openblas",
        "num_threads": 2,
        "prefix": "libscipy_openblas",
        "version": "0.3.29",
    }
    return {**openblas, **changes}


def openmp(prefix):
    return pool(user_api="openmp", internal_api="openmp", prefix=prefix, version=None)


@pytest.mark.parametrize("version", ["0.3.30", "0.3.31.dev"])
def test_names_an_openblas_that_crashes(version, monkeypatch, capsys):
    monkeypatch.setattr(_show_versions, "threadpool_info", lambda: [pool(version=version)])
    lrfact.show_versions()
    assert f"1: OpenBLAS {version} with several threads crashes" in capsys.readouterr().out


def test_names_two_openmp_libraries_that_do_not_go_together():
    (problem,) = known_problems([openmp("libiomp"), openmp("libomp")])
    assert "libiomp" in problem


@pytest.mark.parametrize(
    "pools",
    [
        [],
        [pool()],
        [pool(version="0.3.31", num_threads=1)],
        [pool(version="0.3.310")],
        [pool(internal_api="mkl", version="2025.0-Product")],
        [openmp("libgomp"), openmp("libgomp")],
        [openmp("libgomp"), openmp("libomp")],
    ],
)
def test_names_nothing_that_is_not_known_to_be_bad(pools, monkeypatch, capsys):
    monkeypatch.setattr(_show_versions, "threadpool_info", lambda: pools)
    lrfact.show_versions()
    assert "none: no such combination" in capsys.readouterr().out
