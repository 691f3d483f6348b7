"""The README keeps its word: its commands are there, its snippets run in order."""

import re
from pathlib import Path

import pytest

README = Path(__file__).resolve().parents[1] / "README.md"

# `.ci/run` takes these lines out of the README and runs them.
COMMANDS = [
    "python -m pip install '.[plot]' && python docs/examples/quickstart.py",
    "python -m pip install '.[test]' && pytest",
]


def _fenced(language: str) -> list[str]:
    text = README.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)


def test_the_two_commands_come_first():
    lines = [line for block in _fenced("bash") for line in block.splitlines()]
    assert lines[:2] == COMMANDS


def test_files_that_it_links_to_exist():
    text = README.read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", text):
        assert (README.parent / target).exists(), target


def test_snippets_run_in_order(tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    monkeypatch.chdir(tmp_path)
    snippets = _fenced("python")
    assert snippets
    namespace: dict[str, object] = {}
    for number, snippet in enumerate(snippets, start=1):
        exec(compile(snippet, f"README.md, snippet {number}", "exec"), namespace)


def test_public_names_that_it_mentions_exist():
    import lrfact

    text = README.read_text(encoding="utf-8")
    for names in re.findall(r"from lrfact import ([\w, ]+)", text):
        for name in names.split(","):
            assert name.strip() in lrfact.__all__
