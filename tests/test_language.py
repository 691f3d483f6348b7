"""What is written in the words of the field: descriptions, spelling, glossary."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import lrfact

PACKAGE = Path(lrfact.__file__).parent
ROOT = Path(__file__).resolve().parents[1]
FILES = sorted(PACKAGE.rglob("*.py"))
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "docs" / "examples").glob("*.py")),
]

LISTS = ("Parameters", "Attributes", "Returns", "Yields", "Raises", "Warns", "Other Parameters")
SECTION = re.compile(r"^([^\n]+)\n-{3,}\n(.*?)(?=^[^\n]+\n-{3,}\n|\Z)", re.M | re.S)
ENTRY = re.compile(r"^(\S.*)\n((?:^ {4}.*\n|^\n)+)", re.M)
# A description that begins so leans on the name above it: it is read alone in a tooltip.
FRAGMENT = re.compile(
    r"(?:Of|Which|Likewise|Its?|Those|These|They|That|Told|So|Also|Ditto|Same|Where it|What for)\b"
    r"|(?:As|For|By|From|With|On|Over|Under|Into|To) (?!example)"
    r"|(?:At most|At least|Up to) (?:so|as) (?:many|much)\b"
    r"|(?:How|What|Who|Where|Ignored|Overwritten)\b|(?:Fitted|Drawn|Updated)[.,:;]"
    r"|(?:Read|Subtracted|Made|Added) (?:by|from|of|to|where)\b"
    r"|\w+\.?$"
)

# Words of our own for what the literature has a name for, and that name.
GLOSSARY = {
    r"holes?": "missing values, missing entries",
    r"twins?": "NumPy fallback; reference implementation",
    r"planted": "synthetic, known ground truth",
    r"shares? of (?:the |its |their )?(?:energy|variance|total)": "fraction of, ratio",
    r"directions?": "components, singular vectors, latent dimensions",
    r"films?": "items, movies",
    r"someone new": "new users (cold start)",
    r"penalt(?:y|ies)": "regularization",
    r"(?:nothing|most|more|less) to tune": "hyperparameter",
    r"error bars?": "standard deviation of the prediction",
    r"gauge": "column scaling",
    r"come[s]? to rest|came to rest": "converged",
    r"set aside": "held out",
    r"hidden entr(?:y|ies)": "held-out entries",
    r"sweeps?": "iteration (ALS), epoch (SGD), pass",
    r"told|tells? (?:of|from|how|whether|what|apart)": "given, predicted; indicates",
    r"wants?|wanted": "needs, requires; requested",
    r"doors?": "entry point",
    r"what holds everywhere": "conventions",
    r"how far it went": "convergence",
}
BRITISH = re.compile(
    r"\b(?:\w+(?:isation|ised|ising)|analyse[ds]?|behaviours?|centre[ds]?|centr(?:ing)|colours?"
    r"|favour\w*|neighbours?|labell\w+|modell\w+|cancell\w+|grey|judgement|artefacts?)\b",
    re.IGNORECASE,
)
NOT_BRITISH = re.compile(
    r"(?:ra|exerc|adv|dev|rev|superv|compr|prom|surpr|no|deno|r|disgu|po|pra|prec|unsuperv)is(?:ed|ing)",
    re.IGNORECASE,
)


class Description(NamedTuple):
    """One entry of a list in a docstring."""

    where: str
    name: str
    text: str


def docstrings(file: Path) -> Iterator[tuple[str, str]]:
    """Qualified name and docstring of everything in `file` that has one."""

    def walk(node: ast.AST, name: str) -> Iterator[tuple[str, str]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.ClassDef):
                own = f"{name}.{child.name}"
                if text := ast.get_docstring(child):
                    yield own, text
                yield from walk(child, own)

    tree = ast.parse(file.read_text(encoding="utf-8"))
    module = ".".join(("lrfact", *file.relative_to(PACKAGE).with_suffix("").parts))
    if text := ast.get_docstring(tree):
        yield module, text
    yield from walk(tree, module)


def descriptions(file: Path) -> Iterator[Description]:
    """Each entry of the lists in the docstrings of `file`."""
    for where, text in docstrings(file):
        for section in SECTION.finditer(text):
            if section[1].strip() not in LISTS:
                continue
            for name, body in ENTRY.findall(section[2] + "\n"):
                if body.strip():
                    yield Description(where, name, " ".join(body.split()))


def prose(text: str) -> str:
    """Text without code, names, links and quoted literals."""
    text = re.sub(r"```.*?```", " ", text, flags=re.S)
    text = re.sub(r"^(?: *)(?:>>>|\.\.\.).*$", " ", text, flags=re.M)
    return re.sub(r"``[^`]*``|`[^`]*`|\"[^\"\n]*\"|\]\([^)]*\)|<[^>]*>|https?:\S+", " ", text)


def public_docstrings(file: Path) -> Iterator[tuple[str, str]]:
    """Docstrings of the classes and functions a user can see, and of their public methods."""
    if file.relative_to(PACKAGE).parts[0] in {"kernels", "linalg", "solvers", "checks"}:
        return
    public = {*lrfact.__all__}
    for folder in ("datasets", "metrics", "rank_rules"):
        public |= {*getattr(lrfact, folder).__all__}
    for where, text in docstrings(file):
        names = where.removeprefix("lrfact.").split(".")
        objects = [name for name in names if name in public or name[0].isupper()]
        private = [n for n in names[names.index(objects[0]) :] if n[0] == "_"] if objects else [1]
        if objects and not private:
            yield where, text


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(PACKAGE)))
def test_descriptions_stand_alone(file):
    fragments = [
        f"{d.where}, {d.name}: {d.text[:60]}" for d in descriptions(file) if FRAGMENT.match(d.text)
    ]
    assert not fragments, "write a noun phrase or a sentence:\n" + "\n".join(fragments)


def docstring_and_comments(source: str) -> str:
    """What a gallery page shows beside its code."""
    comments = re.findall(r"^# ?(?!%%)(.*)$", source, re.M)
    return "\n".join([ast.get_docstring(ast.parse(source)) or "", *comments])


def private_words(text: str) -> list[str]:
    found = []
    for pattern, instead in GLOSSARY.items():
        found += [
            f"{match[0]!r}, not {instead}: {text[max(0, match.start() - 30) : match.end() + 20]!r}"
            for match in re.finditer(rf"\b(?:{pattern})\b", text, re.IGNORECASE)
        ]
    found += [f"{m[0]!r} is British" for m in BRITISH.finditer(text) if not NOT_BRITISH.match(m[0])]
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(PACKAGE)))
def test_public_docstrings_use_the_words_of_the_field(file):
    found = [
        f"{where}: {word}"
        for where, text in public_docstrings(file)
        for word in private_words(prose(text))
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("page", PAGES, ids=lambda f: str(f.relative_to(ROOT)))
def test_pages_use_the_words_of_the_field(page):
    text = page.read_text(encoding="utf-8")
    if page.suffix == ".py":
        text = docstring_and_comments(text)
    found = private_words(prose(text))
    assert not found, "\n".join(found)


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(PACKAGE)))
def test_docstrings_are_in_american_spelling(file):
    text = " ".join(prose(text) for _, text in docstrings(file))
    found = [m[0] for m in BRITISH.finditer(text) if not NOT_BRITISH.match(m[0])]
    assert not found, found
