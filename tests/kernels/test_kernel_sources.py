"""Rules that every Cython source keeps, checked on its text."""

import io
import token
import tokenize
from pathlib import Path

import pytest

KERNELS = Path(__file__).resolve().parents[2] / "lrfact" / "kernels"
SOURCES = sorted(path for suffix in ("*.pyx", "*.pxd", "*.pxi") for path in KERNELS.glob(suffix))


def negative_indices(source: str) -> list[tuple[int, str]]:
    """Return the number and the text of each line that has an index like ``x[-1]``.

    The bounds of a slice, as in ``x[:-1]``, and list displays, as in ``[-1, 0]``, do not count.
    """
    skipped = {token.NL, token.NEWLINE, token.INDENT, token.DEDENT, tokenize.COMMENT}
    tokens = [
        found
        for found in tokenize.generate_tokens(io.StringIO(source).readline)
        if found.type not in skipped
    ]
    found = []
    for position in range(1, len(tokens) - 1):
        before, bracket, first = tokens[position - 1 : position + 2]
        indexes = before.type == token.NAME or before.string in {")", "]"}
        if bracket.string != "[" or not indexes:
            continue
        if any(_starts_with_minus(part) for part in _parts_of_subscript(tokens[position + 1 :])):
            found.append((first.start[0], first.line.strip()))
    return found


def _parts_of_subscript(tokens: list[tokenize.TokenInfo]) -> list[list[str]]:
    """Split what follows an opening bracket at its commas, up to the closing bracket."""
    parts: list[list[str]] = [[]]
    depth = 0
    for each in tokens:
        if each.string in {"[", "(", "{"}:
            depth += 1
        elif each.string in {"]", ")", "}"}:
            depth -= 1
            if depth < 0:
                break
        if depth == 0 and each.string == ",":
            parts.append([])
        else:
            parts[-1].append(each.string)
    return parts


def _starts_with_minus(part: list[str]) -> bool:
    return part[:1] == ["-"] and ":" not in part


def test_there_are_sources_to_check():
    assert len(SOURCES) > 10


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_no_index_is_negative(path):
    """Under ``wraparound=False`` Cython passes a negative index on as it is.

    A typed buffer then reads outside of its memory, and NumPy 2.5 and newer raise an IndexError
    for an array without a type: write ``x[len(x) - 1]``.
    """
    found = negative_indices(path.read_text(encoding="utf-8"))
    assert not found, "\n".join(f"{path.name}:{number}: {line}" for number, line in found)


@pytest.mark.parametrize(
    "line", ["x[-1]", "x[0][-2]", "f(x)[ -1 ]", "x[i, -1]", "x[-n]", "x[-1, 0] = y[1:]"]
)
def test_negative_indices_are_found(line):
    assert [number for number, _ in negative_indices(f"def f():\n    {line}\n")] == [2]


@pytest.mark.parametrize(
    "line", ["x[:-1]", "x[-3:]", "[-1, 0]", "x[i - 1]", "f([-1])", 'y = "x[-1]"', "x[i]  # x[-1]"]
)
def test_other_brackets_are_not(line):
    assert negative_indices(f"def f():\n    {line}\n") == []
