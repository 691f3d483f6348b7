"""The files inside a MovieLens archive, in the three layouts that GroupLens has used."""

import csv
import io
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

# Bytes parsed at a time: what is made of them fits into the cache.
_CHUNK = 2**20
_MOST_BYTES_OF_ITEMS = 2**26  # ten times as many as there are
_LONG_LINE = f"there are lines of more than {_CHUNK:,} bytes"
_ZERO, _DOT, _NEWLINE = np.frombuffer(b"0.\n", dtype=np.uint8)

# What the flags of u.item stand for, in their order.
_GENRES = [
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


@dataclass(frozen=True)
class Ratings:
    """What a file of ratings has, one element a line.

    Parameters
    ----------
    pairs : ndarray of shape (n_ratings, 2)
        User and item, int32.

    ratings : ndarray of shape (n_ratings,)
        In stars, float64.

    timestamps : ndarray of shape (n_ratings,)
        Seconds since 1970, int64.
    """

    pairs: npt.NDArray[np.int32]
    ratings: npt.NDArray[np.float64]
    timestamps: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Layout:
    """Which files there are, and how a line of the file of items is read.

    Parameters
    ----------
    ratings_file, items_file : str
        Names without the folder.

    has_header : bool
        Whether the first line has the names of the columns.

    read_items : callable
        Function from the text of `items_file` to triples of id, title and genres.
    """

    ratings_file: str
    items_file: str
    has_header: bool
    read_items: Callable[[str], Iterator[tuple[str, str, str]]]


def _lines(text: str) -> Iterator[str]:
    # Not str.splitlines: it cuts at characters that may stand in a title.
    return filter(None, text.replace("\r\n", "\n").split("\n"))


def _items_with_flags(text: str) -> Iterator[tuple[str, str, str]]:
    for line in _lines(text):
        item, title, _released, _video, _address, *flags = line.split("|")
        genres = (genre for genre, flag in zip(_GENRES, flags, strict=True) if flag == "1")
        yield item, title, "|".join(genres)


def _items_with_colons(text: str) -> Iterator[tuple[str, str, str]]:
    for line in _lines(text):
        item, rest = line.split("::", 1)
        title, genres = rest.rsplit("::", 1)
        yield item, title, genres


def _items_with_commas(text: str) -> Iterator[tuple[str, str, str]]:
    for item, title, genres in csv.reader(io.StringIO(text, newline="")):
        if item != "movieId":
            yield item, title, genres


LAYOUTS = {
    "tabs": Layout("u.data", "u.item", False, _items_with_flags),
    "colons": Layout("ratings.dat", "movies.dat", False, _items_with_colons),
    "commas": Layout("ratings.csv", "movies.csv", True, _items_with_commas),
}


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """Open a folder or a zip archive, of which nothing is unpacked to disk.

    Parameters
    ----------
    path : Path
        The folder or archive.

    Yields
    ------
    Path or zipfile.Path
        Top folder; both types have the same interface.

    Raises
    ------
    OSError
        If there is no such thing, or it is neither.

    ValueError
        If the archive needs a password.
    """
    if path.is_dir():
        yield path
    elif path.is_file() and zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            if any(member.flag_bits & 1 for member in archive.infolist()):
                raise ValueError(
                    f"{path} is encrypted; unpack it with its password and pass the folder."
                )
            yield zipfile.Path(archive)
    elif path.exists():
        raise OSError(
            f"{path} is neither a folder nor a whole zip archive; delete it and download it again."
        )
    else:
        raise FileNotFoundError(f"There is no file or folder {path}; correct the path.")


def read_ratings(stream: BinaryIO, has_header: bool, most: int | None = None) -> Ratings:
    r"""Read lines of user, item, rating and timestamp.

    Parameters
    ----------
    stream : binary file
        Lines of four numbers with anything of tabs, colons and commas between them. Ratings have
        one digit, and one more after a point if they need it.

    has_header : bool
        Whether to skip the first line.

    most : int or None, default=None
        Number of lines after which reading more is of no use; None for no limit.

    Returns
    -------
    Ratings

    Raises
    ------
    ValueError
        If a line is anything else, or there are more than `most`.
    """
    if has_header and len(stream.readline(_CHUNK)) == _CHUNK:
        raise ValueError(_LONG_LINE)
    parts = []
    n_ratings = 0
    for chunk in _whole_lines(stream):
        parts.append(_parse(chunk))
        n_ratings += parts[-1].ratings.size
        if most is not None and n_ratings > most:
            raise ValueError(f"there are more than {most:,} ratings")
    parts = parts or [_parse(b"")]
    return Ratings(
        np.concatenate([part.pairs for part in parts]),
        np.concatenate([part.ratings for part in parts]),
        np.concatenate([part.timestamps for part in parts]),
    )


def read_movies(stream: BinaryIO, layout: Layout) -> dict[str, npt.NDArray[Any]]:
    """Read the file of items.

    Parameters
    ----------
    stream : binary file
        Text in UTF-8 or else in Latin-1, as the oldest files are.

    layout : Layout
        Format of the lines.

    Returns
    -------
    dict
        Arrays `item` (int32), `title` and `genres` (str), all of shape (n_items,).

    Raises
    ------
    ValueError
        If a line is made in another way, or the file is far longer than that of any version.
    """
    text = stream.read(_MOST_BYTES_OF_ITEMS + 1)
    if len(text) > _MOST_BYTES_OF_ITEMS:
        raise ValueError(f"the file of items has more than {_MOST_BYTES_OF_ITEMS:,} bytes")
    try:
        decoded = text.decode("utf-8")
    except UnicodeDecodeError:
        decoded = text.decode("latin-1")
    try:
        rows = list(layout.read_items(decoded))
        items = np.array([int(item) for item, _, _ in rows], dtype=np.int64)
        if items.max(initial=0) > np.iinfo(np.int32).max or items.min(initial=0) < 0:
            raise OverflowError("there is a number of an item that is not from 0 to 2**31 - 1")
    except (csv.Error, OverflowError) as fault:
        raise ValueError(f"the file of items cannot be read: {fault}") from fault
    return {
        "item": items.astype(np.int32),
        "title": np.array([title for _, title, _ in rows], dtype=object),
        "genres": np.array([genres for _, _, genres in rows], dtype=object),
    }


def _whole_lines(stream: BinaryIO) -> Iterator[bytes]:
    """Cut the stream into chunks that end where a line ends."""
    rest = b""
    while chunk := stream.read(_CHUNK):
        head, newline, tail = chunk.rpartition(b"\n")
        if newline:
            yield rest + head + newline
            rest = tail
        else:
            rest += tail
        if len(rest) > _CHUNK:
            raise ValueError(_LONG_LINE)
    if rest:
        yield rest + b"\n"


def _parse(lines: bytes) -> Ratings:
    """Parse whole lines: all numbers at once, digit by digit."""
    if lines.translate(None, b"0123456789.:,\t\r\n"):
        raise ValueError("there are other characters than digits and separators")
    text = np.frombuffer(lines, dtype=np.uint8)
    in_number = (text - _ZERO < 10) | (text == _DOT)  # what is below "0" wraps round
    edges = np.flatnonzero(np.diff(in_number, prepend=False))
    newlines = np.flatnonzero(text == _NEWLINE)
    if edges.size != 8 * newlines.size:
        raise ValueError("there are lines with more or fewer than four numbers")
    first, last = np.ascontiguousarray(edges.reshape(-1, 4, 2).transpose(2, 1, 0))
    last = last - 1
    if (newlines < last[3]).any() or (newlines[:-1] > first[0, 1:]).any():
        raise ValueError("there are lines with more or fewer than four numbers")
    has_tenth = last[2] == first[2] + 2
    if (
        lines.count(b".") != has_tenth.sum()
        or (text[first[2][has_tenth] + 1] != _DOT).any()
        or (last[2] != first[2])[~has_tenth].any()
    ):
        raise ValueError("there are ratings unlike 3 or 3.5")
    tenth = np.where(has_tenth, text[last[2]] - _ZERO, 0)
    pairs = [_integers(text, first[field], last[field], 9) for field in (0, 1)]
    return Ratings(
        pairs=np.stack(pairs, axis=1).astype(np.int32),
        ratings=(text[first[2]] - _ZERO) + tenth / 10,
        timestamps=_integers(text, first[3], last[3], 18),
    )


def _integers(
    text: npt.NDArray[np.uint8],
    first: npt.NDArray[np.intp],
    last: npt.NDArray[np.intp],
    most_digits: int,
) -> npt.NDArray[np.int64]:
    """The numbers whose digits stand from `first` to `last`."""
    value = np.zeros(first.size, dtype=np.int64)
    n_digits = int((last - first).max(initial=-1)) + 1
    if n_digits > most_digits:
        raise ValueError(f"there are numbers of {n_digits} digits")
    for place in range(n_digits):
        at = last - place
        digit = (text[at] - _ZERO).astype(np.int64)
        value += np.where(at >= first, 10**place * digit, 0)
    return value
