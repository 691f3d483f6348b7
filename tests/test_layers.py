"""Imports point downwards only: estimators -> solvers -> linalg -> kernels, families apart."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import lrfact

PACKAGE = Path(lrfact.__file__).parent
TESTS = Path(__file__).resolve().parent
FILES = sorted(PACKAGE.rglob("*.py"))

# Lowest first. A module may import from its own room and from those of lower levels: two rooms
# of one level know nothing of each other.
ROOMS_BY_LEVEL = [
    {"_typing", "_sklearn_compat"},
    {"kernels"},
    {"_threads", "_memory"},
    {"linalg"},
    {"solvers.svd", "solvers.observed"},
    {"solvers.completion", "solvers.gibbs", "solvers.implicit", "solvers.nmf", "solvers.search"},
    {"rank_rules"},
    {"checks"},  # knows what input may be; solvers trust theirs
    {"metrics", "datasets"},
    {"estimators"},  # the files of the folder itself: estimators, and what families share
    {"estimators.recommend", "estimators.text"},
    {"estimators.__init__"},
    {"model_selection", "model_selection.rank_search"},
    {"model_selection.__init__"},
    {"plotting"},
]
LEVEL = {room: level for level, rooms in enumerate(ROOMS_BY_LEVEL) for room in rooms}
FAMILIES = {room for room in LEVEL if "." in room}
# Folders of tests that cut across the package.
ACROSS = {"benchmarks", "docs", "fuzz", "laws", "properties", "reference"}


def module_name(file: Path) -> str:
    parts = ("lrfact", *file.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room_of(module: str) -> str:
    """Family, or folder, that a module belongs to; "" for those that stand above all rooms."""
    parts = module.split(".")[1:]
    if ".".join(parts) + ".__init__" in FAMILIES:
        return ".".join(parts) + ".__init__"
    for length in (2, 1):
        if ".".join(parts[:length]) in LEVEL:
            return ".".join(parts[:length])
    return ""


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
    own = module_name(file)
    room = room_of(own)
    if not room:
        parts = own.split(".")
        at_the_top = len(parts) == 1 or (len(parts) == 2 and parts[1].startswith("_"))
        is_empty = not list(imports(file))  # the docstring of a layer that has families
        assert at_the_top or is_empty, f"give {own} its room in {__file__}"
        return
    for module in lrfact_modules(file):
        target = room_of(module)
        assert target, f"{own} imports {module}, which is above it"
        assert target == room or LEVEL[target] < LEVEL[room], f"{own} imports {module}"


def test_every_room_has_its_folder_or_file():
    for room in LEVEL:
        path = PACKAGE.joinpath(*room.split("."))
        assert path.is_dir() or path.with_suffix(".py").exists(), room


def test_tests_are_found_from_the_path_of_the_source():
    """Tests of lrfact/a/b/_c.py are in tests/a/b/: in test_c.py, or in a file for several."""
    sources = {f.parent.relative_to(PACKAGE).as_posix() for f in FILES if f.stem != "__init__"}
    tests = sorted(TESTS.rglob("test_*.py"))
    folders = {f.parent.relative_to(TESTS).as_posix() for f in tests}
    assert sources <= folders, "a folder of the package has no tests"
    assert {f for f in folders if f.split("/")[0] not in ACROSS} <= sources
    homes: dict[str, set[str]] = {}
    for file in [*FILES, *PACKAGE.rglob("*.pyi")]:
        homes.setdefault(file.stem.lstrip("_"), set()).add(
            file.parent.relative_to(PACKAGE).as_posix()
        )
    for test in tests:
        folder = test.parent.relative_to(TESTS).as_posix()
        if folder.split("/")[0] not in ACROSS:
            home = homes.get(test.stem.removeprefix("test_"), {folder})
            assert folder in home, f"{test} belongs in tests/{' or '.join(home)}"


@pytest.mark.parametrize("file", FILES, ids=module_name)
def test_private_scikit_learn_is_imported_in_one_file(file):
    if module_name(file) == "lrfact._sklearn_compat":
        return
    for module, names in imports(file):
        parts = module.split(".")
        if parts[0] == "sklearn":
            private = [part for part in [*parts, *names] if part.startswith("_")]
            assert not private, f"import {module}: {private} from lrfact._sklearn_compat instead"


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
        if file.stem != "__init__" and file.relative_to(PACKAGE).parts[0] not in {
            "solvers",
            "linalg",
        }:
            assert file.stem.startswith("_"), file
