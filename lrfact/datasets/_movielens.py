"""MovieLens, fetched once and kept, in the manner of scikit-learn's fetchers."""

import lzma
import zipfile
import zlib
from dataclasses import dataclass
from http.client import HTTPException
from numbers import Integral, Real
from os import PathLike
from pathlib import Path
from typing import Any

from sklearn.datasets import fetch_file, get_data_home
from sklearn.utils import Bunch

from lrfact._sklearn_compat import Interval, StrOptions, validate_params
from lrfact.datasets._movielens_files import LAYOUTS, Ratings, opened, read_movies, read_ratings

_SITE = "https://files.grouplens.org/datasets/movielens/"

# What files and archives raise that are not whole. A compression that zipfile does not know is a
# NotImplementedError.
_DAMAGE = (
    *(ValueError, EOFError, NotImplementedError),
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError),
)

_DESCRIPTION = """\
MovieLens {version}

{content}. Collected by GroupLens Research at the University of Minnesota, from users of
movielens.org who had rated at least 20 movies.

data: user and item, as numbered by GroupLens; not every number occurs.
target: rating in stars.
timestamps: seconds since 1970-01-01 UTC.
movies: item, title and genres (joined by "|") of each movie, in the order of the file.

Terms: for research, with acknowledgement. No commercial use without permission of GroupLens, and
no endorsement by it may be implied. Whether the data may be passed on differs between versions;
the README inside the archive {archive} has the terms in full.

Cite: F. Maxwell Harper and Joseph A. Konstan (2015). The MovieLens datasets: history and context.
ACM Transactions on Interactive Intelligent Systems 5 (4), article 19. doi:10.1145/2827872
"""


@dataclass(frozen=True)
class _Release:
    archive: str
    folder: str  # inside the archive
    layout: str
    n_ratings: int
    content: str
    sha256: str


_RELEASES = {
    "100k": _Release(
        "ml-100k.zip",
        "ml-100k",
        "tabs",
        100_000,
        "100,000 ratings from 1 to 5 of 1,682 movies by 943 users, 1997 to 1998",
        "50d2a982c66986937beb9ffb3aa76efe955bf3d5c6b761f4e3a7cd717c6a3229",
    ),
    "1m": _Release(
        "ml-1m.zip",
        "ml-1m",
        "colons",
        1_000_209,
        "1,000,209 ratings from 1 to 5 of 3,706 movies by 6,040 users who joined in 2000",
        "a6898adb50b9ca05aa231689da44c217cb524e7ebd39d264c56e2832f2c54e20",
    ),
    "10m": _Release(
        "ml-10m.zip",
        "ml-10M100K",
        "colons",
        10_000_054,
        "10,000,054 ratings from 0.5 to 5 of 10,677 movies by 69,878 users, until 2009",
        "813c411ccb6122564edfe752e7f80c4dcc5aa25fa94c93622f6877a7ba252862",
    ),
    "20m": _Release(
        "ml-20m.zip",
        "ml-20m",
        "commas",
        20_000_263,
        "20,000,263 ratings from 0.5 to 5 of 27,278 movies by 138,493 users, 1995 to 2015",
        "96f243c338a8665f6bcc89c53edf6ee39162a846940de6b7c8c48aeada765ff3",
    ),
    "25m": _Release(
        "ml-25m.zip",
        "ml-25m",
        "commas",
        25_000_095,
        "25,000,095 ratings from 0.5 to 5 of 62,423 movies by 162,541 users, 1995 to 2019",
        "8b21cfb7eb1706b4ec0aac894368d90acf26ebdfb6aced3ebd4ad5bd1eb9c6aa",
    ),
    "32m": _Release(
        "ml-32m.zip",
        "ml-32m",
        "commas",
        32_000_204,
        "32,000,204 ratings from 0.5 to 5 of 87,585 movies by 200,948 users, 1995 to 2023",
        "e4a68655d7386b8f95f2f2424b2ff975dfdd15ffd59e0d864a14dca43e99d6ee",
    ),
}


@validate_params(
    {
        "version": [StrOptions(set(_RELEASES))],
        "path": [str, PathLike, None],
        "data_home": [str, PathLike, None],
        "download_if_missing": ["boolean"],
        "return_X_y": ["boolean"],
        "as_frame": ["boolean"],
        "n_retries": [Interval(Integral, 1, None, closed="left")],
        "delay": [Interval(Real, 0.0, None, closed="neither")],
    },
    prefer_skip_nested_validation=True,
)
def fetch_movielens(
    version: str = "100k",
    *,
    path: str | PathLike[str] | None = None,
    data_home: str | PathLike[str] | None = None,
    download_if_missing: bool = True,
    return_X_y: bool = False,
    as_frame: bool = False,
    n_retries: int = 3,
    delay: float = 1.0,
) -> Any:
    """Load MovieLens ratings of movies, downloading them at first use.

    =========  ============  ==========  =========  =================  ==========
    `version`  ratings       movies      users      stars              archive
    =========  ============  ==========  =========  =================  ==========
    ``100k``   100,000       1,682       943        1, 2, ..., 5       5 MB
    ``1m``     1,000,209     3,706       6,040      1, 2, ..., 5       6 MB
    ``10m``    10,000,054    10,677      69,878     0.5, 1, ..., 5     66 MB
    ``20m``    20,000,263    27,278      138,493    0.5, 1, ..., 5     199 MB
    ``25m``    25,000,095    62,423      162,541    0.5, 1, ..., 5     262 MB
    ``32m``    32,000,204    87,585      200,948    0.5, 1, ..., 5     239 MB
    =========  ============  ==========  =========  =================  ==========

    The data are free for research with acknowledgement; commercial use needs the permission of
    GroupLens. ``fetch_movielens(...).DESCR`` has the terms and what to cite.

    Parameters
    ----------
    version : {"100k", "1m", "10m", "20m", "25m", "32m"}, default="100k"
        Release of the data set.

    path : str or path-like, default=None
        A copy that you have: the zip archive, or the folder that it was unpacked to. Nothing is
        downloaded then, and no checksum compared.

    data_home : str or path-like, default=None
        Folder for downloads, in which ``movielens/ml-100k.zip`` and so on are kept. None means
        that of scikit-learn: ``~/scikit_learn_data``, or what the environment variable
        ``SCIKIT_LEARN_DATA`` says.

    download_if_missing : bool, default=True
        If False, raise an OSError where the archive is not in `data_home`.

    return_X_y : bool, default=False
        Whether to return ``(data, target)`` only.

    as_frame : bool, default=False
        Whether to return pandas objects; needs ``pip install 'lrfact[pandas]'``.

    n_retries : int, default=3
        Number of retries if the download fails.

    delay : float, default=1.0
        Seconds between two tries.

    Returns
    -------
    Bunch or tuple of (data, target)
        `data`, an int32 array of shape (n_ratings, 2) with user and item; `target`, the ratings
        in stars, float64 of shape (n_ratings,); `timestamps`, int64 of shape (n_ratings,), seconds
        since 1970; `movies`, a Bunch of the arrays `item`, `title` and `genres`;
        `feature_names`, `target_names` and `DESCR`. With `as_frame`, `data` and `movies` are
        DataFrames, `target` and `timestamps` Series, and `frame` has all four columns; else
        `frame` is None. The order is that of the file.

    Raises
    ------
    OSError
        If the archive can neither be found nor downloaded, or is not the one that it should be.

    ValueError
        If a parameter is out of its range, or the files are of another version or incomplete.

    ImportError
        If `as_frame` is True and pandas is not installed.

    See Also
    --------
    make_ratings : Ratings of a known model, of any size.
    sklearn.datasets.fetch_openml : Many other data sets.

    Notes
    -----
    Archives are read without being unpacked to disk. Reading takes a few tenths of a second a
    million ratings, and memory of about twice the result (24 bytes a rating).

    References
    ----------
    Harper, F. M. and Konstan, J. A. (2015). The MovieLens datasets: history and context. ACM
    Transactions on Interactive Intelligent Systems 5. doi:10.1145/2827872.

    Examples
    --------
    >>> from lrfact.datasets import fetch_movielens
    >>> movielens = fetch_movielens("100k")  # doctest: +SKIP
    >>> movielens.data[:2], movielens.target[:2]  # doctest: +SKIP
    (array([[196, 242],
           [186, 302]], dtype=int32), array([3., 3.]))
    """
    release = _RELEASES[version]
    if as_frame:
        _require_pandas()
    if path is None:
        source = _archive(release, data_home, download_if_missing, n_retries, delay)
    else:
        source = Path(path).expanduser()
    ratings, movies = _read(source, version)
    bunch = Bunch(
        data=ratings.pairs,
        target=ratings.ratings,
        timestamps=ratings.timestamps,
        movies=Bunch(**movies),
        frame=None,
        feature_names=["user", "item"],
        target_names=["rating"],
        DESCR=_DESCRIPTION.format(
            version=version, content=release.content, archive=release.archive
        ),
    )
    if as_frame:
        _make_frames(bunch)
    return (bunch.data, bunch.target) if return_X_y else bunch


def _archive(
    release: _Release,
    data_home: str | PathLike[str] | None,
    download_if_missing: bool,
    n_retries: int,
    delay: float,
) -> Path:
    """The downloaded archive, where it is or after it was fetched."""
    folder = Path(get_data_home(data_home)) / "movielens"
    archive = folder / release.archive
    by_hand = (
        f"Put {release.archive} there by hand, or pass path= with the archive, or with the folder "
        "that it was unpacked to, wherever you have it."
    )
    if not download_if_missing:
        if not archive.exists():
            raise OSError(f"{archive} is missing, and download_if_missing=False. {by_hand}")
        return archive
    folder.mkdir(exist_ok=True)
    url = _SITE + release.archive
    try:
        return fetch_file(
            url, folder=folder, sha256=release.sha256, n_retries=n_retries, delay=delay
        )
    except (OSError, HTTPException) as failure:
        raise OSError(
            f"{url} could not be downloaded to {folder}: {failure}. {by_hand}"
        ) from failure


def _read(source: Path, version: str) -> tuple[Ratings, dict[str, Any]]:
    release = _RELEASES[version]
    layout = LAYOUTS[release.layout]
    names = layout.ratings_file, layout.items_file
    with opened(source) as top:
        for folder in (top, top / release.folder):
            if all((folder / name).is_file() for name in names):
                break
        else:
            raise ValueError(
                f"{source} has no {' and '.join(names)}, nor has {release.folder} in it, so it is "
                f"not MovieLens {version}; pass the version that it is, or another path."
            )
        try:
            with (folder / layout.ratings_file).open("rb") as stream:
                ratings = read_ratings(stream, layout.has_header, most=release.n_ratings)
            if ratings.ratings.size != release.n_ratings:
                raise ValueError(f"there are {ratings.ratings.size:,} ratings")
            with (folder / layout.items_file).open("rb") as stream:
                return ratings, read_movies(stream, layout)
        except OSError as fault:
            # bz2 raises one without a number where the operating system's have one.
            if fault.errno is not None:
                raise
            raise _not_whole(source, version, fault) from fault
        except _DAMAGE as fault:
            raise _not_whole(source, version, fault) from fault


def _not_whole(source: Path, version: str, fault: Exception) -> ValueError:
    return ValueError(
        f"{source} is not MovieLens {version}, which has {_RELEASES[version].n_ratings:,} ratings, "
        f"or is not whole: {fault}. Pass the version that it is, or download it again."
    )


def _require_pandas() -> None:
    try:
        import pandas  # noqa: F401
    except ImportError as missing:
        raise ImportError(
            "fetch_movielens(as_frame=True) needs pandas; install it with: "
            "pip install 'lrfact[pandas]'"
        ) from missing


def _make_frames(bunch: Bunch) -> None:
    """Put pandas objects in the place of the arrays."""
    import pandas as pd

    frame = pd.DataFrame(bunch.data, columns=bunch.feature_names)
    frame["rating"] = bunch.target
    frame["timestamp"] = bunch.timestamps
    bunch.frame = frame
    bunch.data = frame[bunch.feature_names]
    bunch.target = frame["rating"]
    bunch.timestamps = frame["timestamp"]
    bunch.movies = pd.DataFrame(dict(bunch.movies))
