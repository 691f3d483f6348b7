"""Fixtures for the documentation: its folder, its scripts, and closing of figures."""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache, wraps
from pathlib import Path
from types import ModuleType

import joblib
import pytest

from lrfact import kernels

DOCS = Path(__file__).resolve().parents[2] / "docs"

# Many or large fits, which take minutes with the NumPy fallback.
MANY_FITS = {
    "plot_clicks",
    "plot_cold_start",
    "plot_completion",
    "plot_houses_students",
    "plot_movies",
    "plot_number_of_topics",
    "plot_rating_uncertainty",
    "plot_scale",
    "plot_synthetic_ratings",
    "plot_topics",
    "plot_word_vectors",
}

# Expensive fits, which are needed for the figure of a page and for the tests of its statements.
# Their results are cached. Tests must not modify them.
KEPT = {
    "plot_audio_parts": ["split"],
    "plot_completion": ["errors_of"],
    "plot_faces_into_parts": ["parts"],
    "plot_image_denoising": ["quality_by_rank", "ranks_of_rules"],
    "plot_number_of_topics": ["verdicts"],
    "plot_rank_search": ["search_both_ways"],
    "plot_restaurants": ["with_error_bars"],
    "plot_synthetic_ratings": ["fit_from_above", "histories", "search_rank"],
    "plot_topics": ["all_starts"],
}


def keep_results(function: Callable) -> Callable:
    """Cache like functools.cache, for arguments that may be arrays."""
    kept: dict[str, object] = {}

    @wraps(function)
    def ask(*args, **parameters):
        key = joblib.hash((args, parameters))
        if key not in kept:
            kept[key] = function(*args, **parameters)
        return kept[key]

    return ask


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", 'slow: takes seconds; leave out with -m "not slow"')


@pytest.fixture(autouse=True)
def close_figures() -> Iterator[None]:
    plt = pytest.importorskip("matplotlib.pyplot")
    yield
    plt.close("all")


@pytest.fixture(scope="session")
def docs() -> Path:
    return DOCS


@pytest.fixture(scope="session")
def example() -> Callable[[str], ModuleType]:
    """Import ``docs/examples/<name>.py``, once."""

    @cache
    def load(name: str) -> ModuleType:
        if name in MANY_FITS and kernels.IMPLEMENTATION == "numpy":
            pytest.skip("takes minutes without compiled kernels")
        spec = importlib.util.spec_from_file_location(name, DOCS / "examples" / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        for function in KEPT.get(name, []):
            setattr(module, function, keep_results(getattr(module, function)))
        return module

    return load


@pytest.fixture(scope="session")
def run_example() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run ``docs/examples/<name>.py`` from another folder, without a display."""

    def run(name: str, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
        dropped = {"DISPLAY", "WAYLAND_DISPLAY", "MPLBACKEND", "PYTHONPATH"}
        environment = {key: value for key, value in os.environ.items() if key not in dropped}
        environment["PYTHONUTF8"] = "1"  # what it prints is read as UTF-8 below
        warnings = ["-W", "error"]
        if environment.get("LRFACT_TEST_KERNELS") == "numpy":
            warnings += ["-W", "ignore:lrfact runs without its compiled kernels:RuntimeWarning"]
        return subprocess.run(
            [sys.executable, *warnings, DOCS / "examples" / f"{name}.py", *arguments],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            encoding="utf-8",
        )

    return run
