"""Documentation pages: links are valid, snippets run, lists are complete."""

import ast
import doctest
import re
from pathlib import Path

import numpy as np
import pytest

import lrfact
import lrfact.datasets
import lrfact.metrics
import lrfact.rank_rules

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    path for path in (ROOT / "docs").rglob("*.md") if "changes" not in path.relative_to(ROOT).parts
)
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE | doctest.IGNORE_EXCEPTION_DETAIL


def name_of(path):
    return str(path.relative_to(ROOT))


def blocks(text, language):
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)


def with_blocks(language):
    return [path for path in PAGES if blocks(path.read_text(encoding="utf-8"), language)]


def anchors(path):
    """Return the anchors of headings, as GitHub and most renderers generate them."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_links_lead_somewhere(path):
    # Code may look like a link.
    text = re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL | re.M)
    for target in re.findall(r"\]\((?!https?://)([^)]+)\)", text):
        file, _, anchor = target.partition("#")
        linked = (path.parent / file).resolve() if file else path
        assert linked.exists(), target
        if anchor:
            assert anchor in anchors(linked), target


@pytest.mark.parametrize("path", with_blocks("pycon"), ids=name_of)
def test_sessions_print_what_they_say(path):
    session = "\n".join(blocks(path.read_text(encoding="utf-8"), "pycon"))
    if "import pandas" in session:
        pytest.importorskip("pandas")
    test = doctest.DocTestParser().get_doctest(session, {}, path.name, str(path), 0)
    report: list[str] = []
    runner = doctest.DocTestRunner(optionflags=FLAGS)
    runner.run(test, out=report.append)
    assert runner.failures == 0, "".join(report)


def test_solver_of_the_page_works(docs):
    text = (docs / "extending" / "add_a_solver.md").read_text(encoding="utf-8")
    whole = [code for code in blocks(text, "python") if "import" in code]
    assert len(whole) == 2
    exec("\n".join(whole), {})


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_quoted_source_is_in_the_source(path):
    text = path.read_text(encoding="utf-8")
    quotes = re.findall(r"^<!-- verbatim from (\S+) -->\n```\w+\n(.*?)^```", text, re.M | re.S)
    for file, quoted in quotes:
        assert quoted in (ROOT / file).read_text(encoding="utf-8"), f"{file} has changed"
    assert len(quotes) == text.count("<!-- verbatim")


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_files_that_are_named_exist(path):
    text = path.read_text(encoding="utf-8")
    for file in re.findall(r"`((?:lrfact|tests|benchmarks|docs)/[\w/.]+)`", text):
        assert (ROOT / file).exists(), file


def test_api_page_is_complete(docs):
    text = (docs / "api.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `(\w+)` \| \S", text, flags=re.MULTILINE)
    assert listed == sorted(lrfact.__all__)
    of_subpackages = re.findall(r"^\| `(\w+\.\w+)` \| \S", text, flags=re.MULTILINE)
    assert of_subpackages == [
        *(f"datasets.{name}" for name in sorted(lrfact.datasets.__all__)),
        *(f"metrics.{name}" for name in sorted(lrfact.metrics.__all__)),
    ]
    of_rules = set(re.findall(r"`(\w+_rank|Spectrum|RankChoice)`", text)) - set(listed)
    assert of_rules <= set(lrfact.rank_rules.__all__)
    rules = {name for name in lrfact.rank_rules.__all__ if name.endswith("_rank")}
    assert rules - {"settle_rank"} <= of_rules


@pytest.mark.parametrize("page", ["README.md", "docs/problem_to_estimator.md"])
def test_tables_list_what_exists(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    for row in re.findall(r"^\| (.*)", text, flags=re.MULTILINE):
        for name in re.findall(r"`([A-Z][a-z]+[A-Z]\w+)`", row):
            assert hasattr(lrfact, name), f"{page} promises {name}"


def test_every_solver_has_its_row(docs):
    from lrfact.solvers.svd.truncated_svd import SVD_SOLVERS

    text = (docs / "problem_to_estimator.md").read_text(encoding="utf-8")
    for solver in SVD_SOLVERS:
        assert f"\n| `{solver}` | " in text


def test_parameter_tables_are_those_of_the_signatures(docs):
    from sklearn.decomposition import NMF, PCA, TruncatedSVD

    X = np.random.default_rng(0).random((20, 6))
    text = (docs / "moving_from_scikit_learn.md").read_text(encoding="utf-8")
    pairs = (
        (TruncatedSVD, lrfact.TruncatedSVDReducer),
        (PCA, lrfact.PCAFromSVD),
        (NMF, lrfact.NMFTopics),
    )
    for theirs, ours in pairs:
        table = text.split(f"\n| `{theirs.__name__}` | `{ours.__name__}` |")[1].split("\n\n")[0]
        rows = [row.split("|")[1:3] for row in table.splitlines()[2:]]
        left = {stated(cell, theirs) for cell, _ in rows}
        assert left == set(theirs().get_params())
        for cell, counterpart in rows:
            name = stated(cell, theirs)
            if counterpart.strip() == "the same":
                assert ours().get_params()[name] == theirs().get_params()[name]
            else:
                stated(counterpart, ours)
            ours(**{name: theirs().get_params()[name]}).fit(X)  # accepted under its old name


def stated(cell, cls):
    """Return the parameter in a cell of the table and check its default."""
    name, _, default = cell.strip().strip("`").partition("=")
    assert cls().get_params()[name] == ast.literal_eval(default), cell
    return name


def test_gallery_has_every_example(docs):
    text = (docs / "gallery.md").read_text(encoding="utf-8")
    for path in sorted((docs / "examples").glob("plot_*.py")):
        assert f"(examples/{path.name})" in text
        assert f"(images/{path.stem}.png)" in text
        # The text is that of the script: `python docs/build_gallery.py` has been run.
        title, _, *body = path.read_text(encoding="utf-8").split('"""')[1].strip().splitlines()
        assert f"## {title}\n" in text
        assert "\n".join(body).strip().replace("``", "`") in text


def test_gallery_shows_what_the_examples_print(docs, example, capsys):
    example("plot_sensor_denoising").main()
    printed = capsys.readouterr().out
    text = (docs / "gallery.md").read_text(encoding="utf-8")
    numbers = [line for line in printed.splitlines() if line.startswith("rank ")]
    assert len(numbers) == 5
    assert all(line in text for line in numbers)


def test_figures_of_whitening_are_those_of_scikit_learn(docs):
    from sklearn.datasets import load_digits
    from sklearn.decomposition import PCA

    X = load_digits().data
    value = PCA(10, whiten=True).fit(X).score(X)
    text = (docs / "moving_from_scikit_learn.md").read_text(encoding="utf-8")
    if np.isclose(value, PCA(10).fit(X).score(X)):
        pytest.skip("this scikit-learn scales once")
    assert f"gives {value:.2f}." in text
