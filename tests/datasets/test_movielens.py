"""MovieLens: small archives in each of the three layouts, downloads from a folder, bad copies."""

import csv
import gzip
import hashlib
import io
import os
import re
import sys
import warnings
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from lrfact.datasets import _movielens, _movielens_files, fetch_movielens
from lrfact.datasets._movielens_files import _CHUNK, read_ratings

# user, item, rating, timestamp
LINES = [
    (196, 242, "3", 881250949),
    (186, 302, "3.5", 891717742),
    (7, 1, "0.5", 978824268),
    (71567, 65133, "5.0", 912580553),
    (1, 242, "1", 0),
]
TITLES = [
    (1, "Toy Story (1995)", ("Animation", "Children's", "Comedy")),
    (242, 'Misérables, Les: "Live" (1995)', ("Drama", "Musical")),
    (302, "next\x85line", ("unknown",)),
    (65133, "Western::Space (1999)", ("Western",)),
]
GENRES = [
    "unknown",
    "Action",
    "Adventure",
    "Animation",
    "Children's",
    "Comedy",
    "Crime",
    "Documentary",
    "Drama",
    "Fantasy",
    "Film-Noir",
    "Horror",
    "Musical",
    "Mystery",
    "Romance",
    "Sci-Fi",
    "Thriller",
    "War",
    "Western",
]


def with_tabs(lines, titles):
    flags = ["|".join("01"[genre in genres] for genre in GENRES) for _, _, genres in titles]
    rows = zip(titles, flags, strict=True)
    items = "".join(f"{item}|{title}|01-Jan-1995|||{flag}\n" for (item, title, _), flag in rows)
    ratings = "".join("{}\t{}\t{}\t{}\n".format(*line) for line in lines)
    return {"ml-100k/u.data": ratings, "ml-100k/u.item": items.encode("latin-1")}


def with_colons(lines, titles, folder="ml-1m", encoding="latin-1"):
    items = "".join(f"{item}::{title}::{'|'.join(genres)}\n" for item, title, genres in titles)
    ratings = "".join("{}::{}::{}::{}\n".format(*line) for line in lines)
    return {f"{folder}/ratings.dat": ratings, f"{folder}/movies.dat": items.encode(encoding)}


def with_commas(lines, titles, folder="ml-20m"):
    items = io.StringIO()
    writer = csv.writer(items)
    writer.writerow(["movieId", "title", "genres"])
    writer.writerows((item, title, "|".join(genres)) for item, title, genres in titles)
    ratings = "userId,movieId,rating,timestamp\r\n"
    ratings += "".join("{},{},{},{}\r\n".format(*line) for line in lines)
    return {f"{folder}/ratings.csv": ratings, f"{folder}/movies.csv": items.getvalue().encode()}


FILES = {
    "100k": with_tabs,
    "1m": with_colons,
    "10m": lambda *tables: with_colons(*tables, folder="ml-10M100K", encoding="utf-8"),
    "20m": with_commas,
    "25m": lambda *tables: with_commas(*tables, folder="ml-25m"),
    "32m": lambda *tables: with_commas(*tables, folder="ml-32m"),
}
every_version = pytest.mark.parametrize("version", FILES)


def write_folder(folder, files):
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def write_archive(path, files):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
        archive.writestr(name.split("/")[0] + "/README", "terms")
    return path


@pytest.fixture(autouse=True)
def small_releases(monkeypatch):
    """Releases of five ratings, and no way to the site."""
    small = {
        version: replace(release, n_ratings=len(LINES))
        for version, release in _movielens._RELEASES.items()
    }
    monkeypatch.setattr(_movielens, "_RELEASES", small)
    monkeypatch.setattr(_movielens, "_SITE", "file://localhost/nowhere/")
    return small


@pytest.fixture
def site(monkeypatch, tmp_path, small_releases):
    """A folder that stands for the site: archives put there can be downloaded."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.setattr(_movielens, "_SITE", f"file://localhost{folder.as_posix()}/")

    def publish(version):
        name = small_releases[version].archive
        path = write_archive(folder / name, FILES[version](LINES, TITLES))
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        small_releases[version] = replace(small_releases[version], sha256=digest)
        return path

    return publish


def check(bunch):
    assert_array_equal(bunch.data, [line[:2] for line in LINES])
    assert_array_equal(bunch.target, [3, 3.5, 0.5, 5, 1])
    assert_array_equal(bunch.timestamps, [line[3] for line in LINES])
    assert_array_equal(bunch.movies.item, [item for item, _, _ in TITLES])
    assert bunch.movies.title.tolist() == [title for _, title, _ in TITLES]
    assert bunch.movies.genres.tolist() == ["|".join(genres) for _, _, genres in TITLES]
    assert bunch.feature_names == ["user", "item"]
    assert bunch.target_names == ["rating"]


@every_version
@pytest.mark.parametrize("form", ["archive", "folder", "folder inside"])
def test_a_copy_of_any_form(version, form, tmp_path):
    files = FILES[version](LINES, TITLES)
    if form == "archive":
        path = write_archive(tmp_path / "any-name.zip", files)
    else:
        path = write_folder(tmp_path, files)
        if form == "folder inside":
            path = path / next(iter(files)).split("/")[0]
    for given in (path, str(path)):
        bunch = fetch_movielens(version, path=given)
        check(bunch)
    assert bunch.data.dtype == np.int32
    assert bunch.target.dtype == np.float64
    assert bunch.timestamps.dtype == np.int64
    assert bunch.frame is None
    assert f"MovieLens {version}\n" in bunch.DESCR
    assert "10.1145/2827872" in bunch.DESCR
    assert "No commercial use without permission" in bunch.DESCR


@every_version
def test_downloaded_once_and_kept(version, site, tmp_path):
    published = site(version)
    home = tmp_path / "home"
    check(fetch_movielens(version, data_home=home))
    assert [path.name for path in (home / "movielens").iterdir()] == [published.name]
    published.unlink()
    check(fetch_movielens(version, data_home=home))
    check(fetch_movielens(version, data_home=str(home), download_if_missing=False))


def test_data_home_of_scikit_learn(site, tmp_path, monkeypatch):
    site("1m")
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path / "elsewhere"))
    check(fetch_movielens("1m"))
    assert (tmp_path / "elsewhere" / "movielens" / "ml-1m.zip").exists()


def test_offline_says_what_to_do(tmp_path):
    message = (
        r"nowhere/ml-100k\.zip could not be downloaded to .*movielens: .*nowhere.*"
        r"Put ml-100k\.zip there by hand, or pass path="
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of the retry
        with pytest.raises(OSError, match=message):
            fetch_movielens(data_home=tmp_path, n_retries=1, delay=1e-3)
    assert not list((tmp_path / "movielens").iterdir())


def test_put_there_by_hand(small_releases, tmp_path):
    (tmp_path / "movielens").mkdir()
    write_archive(tmp_path / "movielens" / "ml-1m.zip", with_colons(LINES, TITLES))
    check(fetch_movielens("1m", data_home=tmp_path, download_if_missing=False))


def test_no_download_wanted(site, tmp_path):
    site("1m")
    message = r"ml-1m\.zip is missing, and download_if_missing=False\. Put ml-1m\.zip there"
    with pytest.raises(OSError, match=message):
        fetch_movielens("1m", data_home=tmp_path, download_if_missing=False)


def test_wrong_checksum_is_refused(site, small_releases, tmp_path):
    site("1m")
    small_releases["1m"] = replace(small_releases["1m"], sha256="0" * 64)
    with pytest.raises(OSError, match=r"SHA256 checksum of ml-1m\.zip .* differs"):
        fetch_movielens("1m", data_home=tmp_path / "home")
    assert not list((tmp_path / "home" / "movielens").iterdir())


def test_a_file_that_is_not_the_published_one_is_downloaded_again(site, tmp_path):
    site("1m")
    (tmp_path / "movielens").mkdir()
    kept = tmp_path / "movielens" / "ml-1m.zip"
    kept.write_bytes(b"half of an archive")
    with pytest.warns(UserWarning, match="re-downloading"):
        check(fetch_movielens("1m", data_home=tmp_path))
    assert zipfile.is_zipfile(kept)


def test_pairs_and_ratings_only(tmp_path):
    path = write_archive(tmp_path / "copy.zip", with_tabs(LINES, TITLES))
    X, y = fetch_movielens(path=path, return_X_y=True)
    assert_array_equal(X, [line[:2] for line in LINES])
    assert_array_equal(y, [3, 3.5, 0.5, 5, 1])


def test_frames(tmp_path):
    pd = pytest.importorskip("pandas")
    path = write_archive(tmp_path / "copy.zip", with_commas(LINES, TITLES))
    bunch = fetch_movielens("20m", path=path, as_frame=True)
    assert list(bunch.frame.columns) == ["user", "item", "rating", "timestamp"]
    assert list(bunch.data.columns) == ["user", "item"]
    assert bunch.target.name == "rating"
    assert list(bunch.movies.columns) == ["item", "title", "genres"]
    assert_array_equal(bunch.frame["rating"], [3, 3.5, 0.5, 5, 1])
    assert bunch.movies.set_index("item").loc[1, "title"] == "Toy Story (1995)"
    X, y = fetch_movielens("20m", path=path, as_frame=True, return_X_y=True)
    pd.testing.assert_frame_equal(X, bunch.data)
    pd.testing.assert_series_equal(y, bunch.target)


def test_frames_without_pandas(tmp_path, monkeypatch):
    path = write_archive(tmp_path / "copy.zip", with_tabs(LINES, TITLES))
    monkeypatch.setitem(sys.modules, "pandas", None)
    check(fetch_movielens(path=path))
    with pytest.raises(ImportError, match=re.escape("pip install 'lrfact[pandas]'")):
        fetch_movielens(path=path, as_frame=True)


def test_another_version_is_refused(tmp_path):
    path = write_archive(tmp_path / "ml-1m.zip", with_colons(LINES, TITLES))
    with pytest.raises(ValueError, match=r"has no u\.data and u\.item.*not MovieLens 100k"):
        fetch_movielens("100k", path=path)
    path = write_archive(tmp_path / "ml-25m.zip", with_commas(LINES[1:], TITLES, "ml-20m"))
    with pytest.raises(ValueError, match=r"not MovieLens 20m, which has 5 ratings.* are 4 ratings"):
        fetch_movielens("20m", path=path)


def test_paths_that_lead_nowhere(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no file or folder .*missing"):
        fetch_movielens(path=tmp_path / "missing")
    with pytest.raises(ValueError, match=r"has no u\.data and u\.item"):
        fetch_movielens(path=tmp_path)
    whole = write_archive(tmp_path / "copy.zip", with_tabs(LINES, TITLES)).read_bytes()
    (tmp_path / "half.zip").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(OSError, match="neither a folder nor a whole zip archive"):
        fetch_movielens(path=tmp_path / "half.zip")


def test_a_damaged_archive(small_releases, tmp_path):
    path = write_archive(tmp_path / "copy.zip", with_tabs(LINES, TITLES))
    content = bytearray(path.read_bytes())
    content[60] ^= 0xFF  # among the compressed ratings
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"copy\.zip is not MovieLens 100k.*or is not whole"):
        fetch_movielens(path=path)


def test_an_archive_with_a_password(tmp_path):
    path = write_archive(tmp_path / "copy.zip", with_tabs(LINES, TITLES))
    content = bytearray(path.read_bytes())
    # Bit 0 of the flags, in front of each file and in the list of files.
    for signature, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = -1
        while (start := content.find(signature, start + 1)) >= 0:
            content[start + at] |= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"copy\.zip is encrypted; unpack it with its password"):
        fetch_movielens(path=path)


@pytest.mark.parametrize("method", [97, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_compression_that_is_not_known_or_another(method, tmp_path):
    path = write_archive(tmp_path / "copy.zip", with_tabs(LINES, TITLES))
    content = bytearray(path.read_bytes())
    for signature, at in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        start = -1
        while (start := content.find(signature, start + 1)) >= 0:
            content[start + at] = method
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"copy\.zip is not MovieLens 100k.*or is not whole"):
        fetch_movielens(path=path)


class Stretched(io.RawIOBase):
    """A file of the same bytes over and over, that counts what was read of it."""

    def __init__(self, block, n_blocks):
        self.block, self.n_left, self.n_read = block, n_blocks, 0

    def readable(self):
        return True

    def readinto(self, buffer):
        n = min(len(buffer), self.n_left * len(self.block))
        n -= n % len(self.block)
        buffer[:n] = self.block * (n // len(self.block))
        self.n_left -= n // len(self.block)
        self.n_read += n
        return n


@pytest.mark.parametrize("has_header", [True, False])
@pytest.mark.parametrize("block", [b"1", b"1\t"])
def test_a_line_without_end_is_not_read_to_its_end(block, has_header):
    stretched = Stretched(block, 10**9)
    with pytest.raises(ValueError, match="there are lines of more than 1,048,576 bytes"):
        read_ratings(io.BufferedReader(stretched), has_header)
    assert stretched.n_read < 8 * _CHUNK


def test_ratings_without_end_are_not_read_to_their_end(tmp_path):
    stretched = Stretched(b"1\t2\t3\t4\n", 10**9)
    with pytest.raises(ValueError, match="there are more than 1,000 ratings"):
        read_ratings(io.BufferedReader(stretched), has_header=False, most=1000)
    assert stretched.n_read < 4 * _CHUNK


@pytest.mark.parametrize(
    ("version", "items", "message"),
    [
        ("100k", "x" * 100, "or is not whole"),
        ("100k", f"{2**40}|a|b|c|d|{'|'.join('0' * 19)}\n", "the file of items cannot be read"),
        ("20m", f'movieId,title,genres\n1,"{"x" * 200_000}",a\n', "field larger than"),
    ],
)
def test_items_that_cannot_be_read(version, items, message, tmp_path):
    before = csv.field_size_limit(131_072)  # one for the process, which libraries change
    try:
        refuse_items(version, items, message, tmp_path)
    finally:
        csv.field_size_limit(before)


def refuse_items(version, items, message, tmp_path):
    files = {**FILES[version](LINES, TITLES)}
    files[list(files)[1]] = items
    with pytest.raises(ValueError, match=message):
        fetch_movielens(version, path=write_folder(tmp_path, files))


def test_items_without_end(tmp_path, monkeypatch):
    monkeypatch.setattr(_movielens_files, "_MOST_BYTES_OF_ITEMS", 10)
    with pytest.raises(ValueError, match="the file of items has more than 10 bytes"):
        fetch_movielens(path=write_archive(tmp_path / "copy.zip", with_tabs(LINES, TITLES)))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_no_archive(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="neither a folder nor a whole zip archive"):
        fetch_movielens(path=tmp_path / "pipe")


def test_parameters_are_checked():
    with pytest.raises(ValueError, match="'version' parameter of fetch_movielens"):
        fetch_movielens("2m")
    with pytest.raises(ValueError, match="'n_retries' parameter"):
        fetch_movielens(n_retries=0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1\t2\t3\n", "more or fewer than four numbers"),
        ("1\t2\t3\n1\t2\t3\t4\t5\n", "more or fewer than four numbers"),
        ("1\t2\t3\t4\n\n5\t6\t3\t4\n", "more or fewer than four numbers"),
        ("1\t2\t-3\t4\n", "other characters"),
        ("1\tx\t3\t4\n", "other characters"),
        ("1\t2\t3.25\t4\n", "ratings unlike 3 or 3.5"),
        ("1\t2\t10\t4\n", "ratings unlike 3 or 3.5"),
        ("1\t2\t100\t4\n", "ratings unlike 3 or 3.5"),
        ("1\t2.5\t3\t4\n", "ratings unlike 3 or 3.5"),
        ("1\t2.5\t300\t4\n", "ratings unlike 3 or 3.5"),
        ("1\t2\t.55\t4\n", "ratings unlike 3 or 3.5"),
        ("1234567890\t2\t3\t4\n", "numbers of 10 digits"),
        ("1\t2\t3\t1234567890123456789\n", "numbers of 19 digits"),
    ],
)
def test_broken_lines_are_refused(text, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        read_ratings(io.BytesIO(text.encode()), has_header=False)
    path = write_folder(tmp_path, {"u.data": text, "u.item": ""})
    with pytest.raises(ValueError, match=f"is not MovieLens 100k.*or is not whole: .*{message}"):
        fetch_movielens(path=path)


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("at_the_end", [True, False])
def test_many_chunks(ending, at_the_end):
    rng = np.random.default_rng(0)
    n = 100_000
    users, items = rng.integers(1, 200_000, n), rng.integers(1, 300_000, n)
    stars, times = rng.integers(1, 11, n) / 2, rng.integers(0, 2 * 10**9, n)
    rows = zip(users, items, stars, times, strict=True)
    text = ending.join(f"{u}::{i}::{s:g}::{t}" for u, i, s, t in rows)
    text += ending if at_the_end else ""
    assert len(text) > 2 * _CHUNK
    read = read_ratings(io.BytesIO(text.encode()), has_header=False)
    assert_array_equal(read.pairs, np.stack([users, items], axis=1))
    assert_array_equal(read.ratings, stars)
    assert_array_equal(read.timestamps, times)


def test_no_lines():
    read = read_ratings(io.BytesIO(b"userId,movieId,rating,timestamp\n"), has_header=True)
    assert read.pairs.shape == (0, 2)
    assert read.ratings.shape == read.timestamps.shape == (0,)


def test_the_real_100k(small_releases, tmp_path):
    """Written out in the original layout and read back, titles with accents and all."""
    folder = Path(os.environ.get("LRFACT_DATA", "")) / "movielens-100k"
    if not os.environ.get("LRFACT_DATA") or not folder.exists():
        pytest.skip("needs LRFACT_DATA/movielens-100k")
    small_releases["100k"] = replace(small_releases["100k"], n_ratings=100_000)
    with np.load(folder / "ratings.npz") as stored:
        columns = [stored[name] for name in ("user", "item", "rating", "timestamp")]
    with gzip.open(folder / "items.csv.gz", "rt", encoding="utf-8", newline="") as file:
        titles = [
            (int(row["item"]), row["title"], tuple(row["genres"].split("|")))
            for row in csv.DictReader(file)
        ]
    lines = [(u, i, f"{r:g}", t) for u, i, r, t in zip(*columns, strict=True)]
    path = write_archive(tmp_path / "ml-100k.zip", with_tabs(lines, titles))
    bunch = fetch_movielens(path=path)
    assert_array_equal(bunch.data, np.stack(columns[:2], axis=1))
    assert_array_equal(bunch.target, columns[2])
    assert_array_equal(bunch.timestamps, columns[3])
    assert bunch.movies.title.tolist() == [title for _, title, _ in titles]
    assert bunch.movies.genres.tolist() == ["|".join(genres) for _, _, genres in titles]
