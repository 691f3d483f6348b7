"""The suite must test the installed package, with the kernels that the run is meant for."""

import os
from importlib import import_module
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import lrfact
from lrfact import kernels

REPOSITORY = Path(__file__).resolve().parents[1]
EXPECTED = os.environ.get("LRFACT_TEST_KERNELS", "compiled")


def test_expected_kernels_are_under_test():
    assert EXPECTED in {"compiled", "numpy"}, f"LRFACT_TEST_KERNELS={EXPECTED!r} is unknown"
    assert kernels.IMPLEMENTATION == EXPECTED, (
        f"These tests ran on the {kernels.IMPLEMENTATION!r} kernels of {lrfact.__file__}, not on "
        f"the {EXPECTED!r} ones ({kernels.FALLBACK_REASON}). Install the package "
        "(pip install '.[test]', with a C compiler) and run plain `pytest`, as `python -m pytest` "
        "imports the source folder; for a run without kernels set LRFACT_TEST_KERNELS=numpy."
    )


def test_source_folder_is_not_imported_in_place_of_the_package():
    # An editable install points here as well, but through an importer of its own.
    from_source = Path(lrfact.__file__).resolve().parent == REPOSITORY / "lrfact"
    editable = "editable" in type(lrfact.__loader__).__module__
    assert not from_source or editable, (
        f"`import lrfact` found the source folder {lrfact.__file__}. Run plain `pytest` in an "
        "environment where the package is installed."
    )


def test_every_kernel_source_was_compiled():
    """A .pyx that is missing from the list in lrfact/kernels/meson.build is noticed."""
    sources = sorted((REPOSITORY / "lrfact" / "kernels").glob("*.pyx"))
    assert sources
    if EXPECTED == "compiled":
        for source in sources:
            module = import_module(f"lrfact.kernels.{source.stem}")
            assert str(module.__file__).endswith(tuple(EXTENSION_SUFFIXES))


def test_every_kernel_has_a_typed_face():
    for source in (REPOSITORY / "lrfact" / "kernels").glob("*.pyx"):
        assert source.with_suffix(".pyi").exists(), f"{source.name} has no .pyi beside it"
