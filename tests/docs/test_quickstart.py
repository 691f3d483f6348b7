"""The script behind the first command of the README: everything it promises is there."""

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run(run_example, tmp_path_factory):
    """The folder where it ran, and what it printed."""
    folder = tmp_path_factory.mktemp("quickstart")
    run = run_example("quickstart", folder=folder)
    assert run.returncode == 0, run.stderr
    return folder, run.stdout


def test_pictures_are_where_it_says(run):
    folder, printed = run
    (out,) = re.findall(r"^Pictures are in (.+)$", printed, flags=re.MULTILINE)
    assert Path(out).resolve() == (folder / "quickstart-output").resolve()
    named = re.findall(r"^\[picture: (.+)\]$", printed, flags=re.MULTILINE)
    assert len(named) >= 4
    for name in named:
        assert (folder / name).stat().st_size > 10_000
    assert len(list(Path(out).iterdir())) == len(named)


def test_both_searches_agree(run):
    rows = re.findall(r"^ +\d+   (\S+ ± \S+)   (\S+ ± \S+)", run[1], flags=re.MULTILINE)
    assert len(rows) == 12
    assert all(ours == theirs for ours, theirs in rows)
    ours = re.findall(r"RankSearchCV: rank (\d+) in", run[1])
    theirs = re.findall(r"GridSearchCV: rank (\d+) in", run[1])
    assert ours == theirs
    assert len(ours) == 2


def test_smallest_rank_for_the_error(run):
    (row,) = re.findall(r"^ +(\d+) .*<- smallest with an error under 10%", run[1], re.MULTILINE)
    assert row == "61"
    errors = re.findall(r"^ +(\d+) +\S+% +(\S+)%", run[1], flags=re.MULTILINE)
    assert len(errors) == 6
    assert all((float(error) < 10) == (int(rank) >= 61) for rank, error in errors)


def test_nearest_docstrings(run):
    nearest = dict(re.findall(r"^  (\w+): (.+)$", run[1], flags=re.MULTILINE))
    assert "MiniBatchKMeans" in nearest["KMeans"]
    assert "IncrementalPCA" in nearest["PCA"]
    assert "ExtraTreesClassifier" in nearest["RandomForestClassifier"]


def test_one_section_into_another_folder(run_example, tmp_path):
    run = run_example("quickstart", "photo", "--out", "a/b", folder=tmp_path)
    assert run.returncode == 0, run.stderr
    assert "Digits" not in run.stdout
    assert (tmp_path / "a" / "b" / "photo_ranks.png").exists()


def test_unknown_section_is_named(run_example, tmp_path):
    run = run_example("quickstart", "faces", folder=tmp_path)
    assert run.returncode == 2
    assert "no section faces; there are digits, photo, text" in run.stderr
    assert not list(tmp_path.iterdir())
