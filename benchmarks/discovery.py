"""Find the one-per-file modules of a folder: a new dataset or peer needs only a new file."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType


def modules_of(package: ModuleType) -> dict[str, ModuleType]:
    """Modules of a package by file name; those starting with an underscore are helpers."""
    names = sorted(info.name for info in pkgutil.iter_modules(package.__path__))
    return {
        name: importlib.import_module(f"{package.__name__}.{name}")
        for name in names
        if not name.startswith("_")
    }
