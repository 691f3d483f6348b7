"""The quickstart script, the first command of the README, does what it describes."""

import re
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from lrfact.datasets import make_ratings

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run(run_example, tmp_path_factory):
    """Return the folder of a run without MovieLens and its output."""
    folder = tmp_path_factory.mktemp("quickstart")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SCIKIT_LEARN_DATA", str(tmp_path_factory.mktemp("no_data")))
        run = run_example("quickstart", folder=folder)
    assert run.returncode == 0, run.stderr
    return folder, run.stdout


@pytest.fixture
def run_here(example, tmp_path, monkeypatch, capsys):
    """Run the script with arguments in this process in an empty folder, and return its output.

    That takes no second import of everything; `run` is the way of a user.
    """

    def run(*arguments):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["quickstart.py", *arguments])
        example("quickstart").main()
        return capsys.readouterr().out

    return run


def test_pictures_are_where_it_says(run):
    folder, printed = run
    (out,) = re.findall(r"^Pictures are in (.+)$", printed, flags=re.MULTILINE)
    assert Path(out).resolve() == (folder / "quickstart-output").resolve()
    named = re.findall(r"^\[picture: (.+)\]$", printed, flags=re.MULTILINE)
    assert len(named) >= 5
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


def test_topics_of_docstrings(run):
    printed = run[1].split("12 topics, the best of 10 starts")[1].split("(topics: ")[0]
    rows = re.findall(r"^  +(\S+)%  (\S+)  (.+)\n +(\S.+)$", printed, flags=re.MULTILINE)
    assert len(rows) == 12
    shares = [float(share) for share, *_ in rows]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(100, abs=0.7)  # twelve rounded numbers
    documents = {terms.split(", ")[0]: found.split(", ") for *_, terms, found in rows}
    assert "LassoCV" in documents["lasso"]
    assert "NearestNeighbors" in documents["distance"]
    assert printed.rstrip().split("\n")[-3].endswith("is mostly of the topic of 'lasso'")


def test_missing_pixels(run):
    by_means, by_model = map(
        float, re.findall(r"^  (?:filled with|MaskedMF, 20).+: +(\S+)$", run[1], flags=re.M)
    )
    assert by_means == 4.34
    assert by_model < 3.2
    assert "by cross-validation: reg=0.5\n" in run[1]


def test_films_for_eve(run):
    lists = run[1].split("what Eve has not seen")[1].split("MovieLens")[0]
    films = re.findall(r"^(\w+): (\S+)$", lists, flags=re.MULTILINE)
    assert [film for film, _ in films] == ["SciFi1", "Comedy1"]
    for (_, prediction), reasons in zip(
        films, re.split(r"^\w+: .*\n", lists, flags=re.M)[1:], strict=True
    ):
        parts = re.findall(r"^  (\S+)  (\w+)$", reasons, flags=re.MULTILINE)
        assert parts[0][1] == "baseline"
        assert {name for _, name in parts[1:]} == {"Action1", "Action2", "Romance1", "Romance2"}
        # Each of the six numbers is rounded to three digits.
        assert abs(sum(float(part) for part, _ in parts) - float(prediction)) < 0.03


def test_songs_to_play_next(run):
    printed = run[1].split("four kinds of taste.")[1].split("(clicks: ")[0]
    scores = [float(score) for score in re.findall(r"  \d: (\S+)", printed)]
    assert len(scores) == 6
    assert min(scores[2:]) > 1.5 * max(scores[:2])
    popular, by_model = re.findall(r"^  (?:the most popular|ImplicitMF): +(\S+)$", printed, re.M)
    assert float(popular) < 0.4
    assert float(by_model) > 0.95
    songs = re.findall(r"^column (\d+): \S+\n((?:  .+\n)+)", printed, flags=re.MULTILINE)
    assert len(songs) == 3
    for song, reasons in songs:
        assert int(song) % 4 == 3
        assert set(re.findall(r"^  \+\S+  column (\d+)$", reasons, re.MULTILINE)) == {"3", "7"}


def test_without_movielens_it_says_how_to_get_it(run):
    assert "MovieLens is not here; lrfact.datasets.fetch_movielens() downloads it" in run[1]
    assert "Someone new" not in run[1]


def test_movielens_where_it_is(run_here, example, tmp_path_factory, monkeypatch):
    """Write an archive of the correct size and layout, with other ratings."""
    data = tmp_path_factory.mktemp("data")
    rated = ["Star Wars (1977)", "Empire Strikes Back, The (1980)", "English Patient, The (1996)"]
    titles = rated + [f"Film {number}" for number in range(4, 1683)]
    synthetic = make_ratings(943, 1682, n_ratings=100_000, random_state=0).ratings.tocoo()
    stars = np.clip(synthetic.data.round(), 1, 5).astype(int)
    lines = zip(synthetic.row + 1, synthetic.col + 1, stars, strict=True)
    flags = "|" + "|".join("0" * 18)
    (data / "movielens").mkdir()
    with zipfile.ZipFile(data / "movielens" / "ml-100k.zip", "w") as archive:
        archive.writestr("ml-100k/u.data", "".join(f"{u}\t{i}\t{r}\t0\n" for u, i, r in lines))
        archive.writestr(
            "ml-100k/u.item",
            "".join(f"{i}|{title}||||1{flags}\n" for i, title in enumerate(titles, start=1)),
        )
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(data))
    # The missing pixels of the same section are in every run.
    monkeypatch.setattr(example("quickstart"), "complete_digits", lambda folder: None)
    printed = run_here("recommend")
    rows = re.findall(
        r"^  (\S+)  = (\S+)  (\S+)  (\S+)  (\S+)  (Film \d+)$", printed, flags=re.MULTILINE
    )
    assert len({title for *_, title in rows}) == len(rows) == 10
    predictions = np.array([row[0] for row in rows], dtype=float)
    assert np.all(np.diff(predictions) <= 0)
    parts = np.array([row[1:5] for row in rows], dtype=float)
    np.testing.assert_allclose(parts.sum(axis=1), predictions, atol=0.026)  # five rounded numbers


def test_one_section_into_another_folder(run_here, tmp_path):
    assert "Digits" not in run_here("photo", "--out", "a/b")
    assert (tmp_path / "a" / "b" / "photo_ranks.png").exists()


def test_unknown_section_is_named(run_here, tmp_path, capsys):
    with pytest.raises(SystemExit) as refused:
        run_here("faces")
    assert refused.value.code == 2
    message = "no section faces; there are digits, photo, text, topics, recommend, clicks"
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
