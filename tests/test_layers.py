"""Imports point downwards only: estimators -> solvers -> linalg -> kernels."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import lrfact

PACKAGE = Path(lrfact.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))

# A subpackage may import from its own level and from those below.
LEVEL = {
    "kernels": 0,
    "linalg": 1,
    "solvers": 2,
    "rank_rules": 2,
    "checks": 3,  # knows what input may be, solvers trust theirs
    "estimators": 4,
    "model_selection": 4,
    "plotting": 4,
    "metrics": 4,
    "datasets": 4,
}
# About scikit-learn, thread pools and memory, not checks of input: open to all but the kernels.
OPEN_TO_ALL_LEVELS = {"lrfact.checks._compat", "lrfact.checks._memory", "lrfact.checks._threads"}


def module_name(file: Path) -> str:
    parts = ("lrfact", *file.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(file: Path) -> Iterator[tuple[str, list[str]]]:
    """Each import in `file`, inside functions too: module, and the names taken from it."""
    package = module_name(file).split(".")
    if file.name != "__init__.py":
        package = package[:-1]
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, []
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            yield (
                ".".join([*base, *filter(None, [node.module])]),
                [alias.name for alias in node.names],
            )


def lrfact_modules(file: Path) -> Iterator[str]:
    """Modules of the package that `file` imports from, `from package import module` resolved."""
    for module, names in imports(file):
        if module.split(".")[0] != "lrfact":
            continue
        folder = PACKAGE.joinpath(*module.split(".")[1:])
        submodules = [n for n in names if (folder / n).is_dir() or (folder / f"{n}.py").exists()]
        yield from (f"{module}.{name}" for name in submodules)
        if len(submodules) < len(names) or not names:
            yield module


@pytest.mark.parametrize("file", FILES, ids=module_name)
def test_imports_point_downwards(file):
    own = module_name(file).split(".")
    if len(own) < 2 or own[1].startswith("_"):
        return  # the top of the package sees everything
    assert own[1] in LEVEL, f"give the subpackage lrfact/{own[1]} its level in {__file__}"
    level = LEVEL[own[1]]
    for module in lrfact_modules(file):
        target = module.split(".")[1] if "." in module else ""
        assert target in LEVEL, f"{module_name(file)} imports {module}, which is above it"
        allowed = LEVEL[target] <= level or (module in OPEN_TO_ALL_LEVELS and level > 0)
        assert allowed, f"{module_name(file)} imports {module}, which is above it"


@pytest.mark.parametrize("file", FILES, ids=module_name)
def test_private_scikit_learn_is_imported_in_one_file(file):
    if module_name(file) == "lrfact.checks._compat":
        return
    for module, names in imports(file):
        parts = module.split(".")
        if parts[0] == "sklearn":
            private = [part for part in [*parts, *names] if part.startswith("_")]
            assert not private, f"import {module}: {private} from lrfact.checks._compat instead"


@pytest.mark.parametrize("extra", ["matplotlib", "pandas", "polars"])
def test_extras_are_imported_inside_functions(extra):
    """`import lrfact` must work without any optional package."""
    for file in FILES:
        body = ast.parse(file.read_text(encoding="utf-8")).body
        top_level = [
            name
            for node in body
            if isinstance(node, ast.Import | ast.ImportFrom)
            for name in (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
            )
        ]
        assert extra not in {name.split(".")[0] for name in top_level}, file


def test_solvers_and_kernels_know_no_estimators():
    for folder in ("kernels", "linalg", "solvers"):
        for file in (PACKAGE / folder).rglob("*.py"):
            classes = {name for module, names in imports(file) for name in [module, *names]}
            assert not classes & {"BaseEstimator", "pandas", "sklearn.base"}, file


def test_files_are_named_after_their_idea():
    vague = {"utils", "_utils", "helpers", "_helpers", "misc", "_misc", "common", "_common"}
    assert not [file for file in FILES if file.stem in vague]


def test_only_package_files_are_public_modules():
    """Modules are private or solvers and shared steps; subpackages re-export what is public."""
    for file in FILES:
        if file.stem != "__init__" and file.parent.name not in {"solvers", "linalg"}:
            assert file.stem.startswith("_"), file
