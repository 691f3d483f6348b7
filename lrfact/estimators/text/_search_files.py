"""Files of a saved search that are replaced together: a reader gets all old ones or all new ones.

Every save writes files with a token of its own in their names and, when all of them are complete,
replaces one small file, the manifest, which has the token. The files that the manifest named until
then are removed last. Nothing is ever changed in place, so that an interrupted save leaves the old
search as it was, and memory maps stay valid.
"""

import errno
import json
import os
import re
import secrets
import stat
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from lrfact._memory import available_memory

FORMAT = "lrfact.LSASearch"
VERSION = 2

TEXT, ARRAYS, VECTORS = "text.json", "arrays.npz", "vectors.npy"
POSTINGS = ("postings_data.npy", "postings_indices.npy", "postings_indptr.npy")
_NAMES = (TEXT, ARRAYS, VECTORS, *POSTINGS)

MANIFEST = "search.json"
_TOKEN = re.compile(r"[0-9a-f]{32}")
_OF_A_SAVE = re.compile(
    rf"(?:{'|'.join(re.escape(name.split('.')[0]) for name in (MANIFEST, *_NAMES))})"
    rf"-({_TOKEN.pattern})\.(?:json|npz|npy|partial)"
)

# Leftovers of a save that was killed are removed by a later one, once no other process can be
# writing them.
_SECONDS_OF_A_SAVE = 3600.0
# Each try needs another save between the reading of the manifest and the opening of the files.
_N_TRIES = 1000
_BLOCK = 2**20  # bytes at a time
# Elsewhere than on Windows an open file can be replaced.
_WAITS = (0.001, 0.01, 0.05, 0.1, 0.2, 0.5, 1.0) if os.name == "nt" else ()


class StoredSearchError(ValueError):
    """Files that cannot be loaded, with the folder and the reason."""


class NewFiles:
    """The files of one save, which have no effect until the manifest names them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.token = secrets.token_hex(16)
        self._checksums: dict[str, int | None] = {}
        self._manifest_is_complete = False

    def write(self, name: str, write: Callable[[BinaryIO], Any]) -> None:
        """Write one of the files with a function that is given the open file."""
        self._checksums[name] = None
        path = self.folder / _with_token(name, self.token)
        _write_new(path, write)
        with path.open("rb") as file:
            self._checksums[name] = _checksum(file)

    def take_over(self) -> None:
        """Replace the files that the manifest names by these files."""
        text = {
            "format": FORMAT,
            "version": VERSION,
            "token": self.token,
            "files": self._checksums,
        }
        written = json.dumps(text, indent=1).encode()
        _write_new(self._partial_manifest, lambda file: file.write(written))
        for path in self._paths:
            with path.open("r+b") as file:
                _sync(file.fileno())
        _sync_folder(self.folder)
        self._manifest_is_complete = True
        replaced = _names_in_use(self.folder)
        _patiently(lambda: os.replace(self._partial_manifest, self.folder / MANIFEST))
        _sync_folder(self.folder)
        _remove(self.folder, replaced)
        _remove(self.folder, _leftovers(self.folder, self.token))

    def discard(self) -> None:
        """Remove these files, unless the manifest names them by now."""
        if self._manifest_is_complete and not self._partial_manifest.exists():
            return
        _remove(self.folder, [path.name for path in self._paths])

    @property
    def _paths(self) -> list[Path]:
        files = [self.folder / _with_token(name, self.token) for name in self._checksums]
        return [*files, self._partial_manifest]

    @property
    def _partial_manifest(self) -> Path:
        return self.folder / f"{MANIFEST.split('.')[0]}-{self.token}.partial"


@contextmanager
def files_replaced_together(folder: Path) -> Iterator[NewFiles]:
    """Write files that replace earlier ones when the block ends without an error.

    Parameters
    ----------
    folder : Path
        Folder of the search, which is created if it does not exist.

    Yields
    ------
    NewFiles
        Writer of the new files.
    """
    was_there = folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    files = NewFiles(folder)
    try:
        yield files
        files.take_over()
    except BaseException:  # an interrupt must leave the old search as it was, too
        files.discard()
        if not was_there:
            with suppress(OSError):
                folder.rmdir()
        raise


@dataclass(frozen=True)
class StoredFiles:
    """The open files of a saved search.

    Attributes
    ----------
    folder : Path
        Folder of the files.

    token : str or None
        Token of the save that wrote the files, or None in version 1 of the format.

    text : dict or None
        Content of the manifest in version 1, which included the text, or None.

    files : dict of str to binary file
        Open files, by their names without the token.

    checksums : dict of str to int
        Checksums of the files from the manifest. Empty in version 1.
    """

    folder: Path
    token: str | None
    text: dict[str, Any] | None
    files: dict[str, BinaryIO]
    checksums: dict[str, int]

    def name_of(self, name: str) -> str:
        """Return the name of a file in the folder."""
        return name if self.token is None else _with_token(name, self.token)

    def open_file(self, name: str) -> BinaryIO:
        """Return a file, or raise `ValueError` if the search has none of this name."""
        if name not in self.files:
            raise self.damaged(f"{self.name_of(name)} cannot be read: there is no such file")
        return self.files[name]

    def require_checksums(self) -> None:
        """Raise `ValueError` if a file is not as it was written."""
        for name, expected in self.checksums.items():
            self.files[name].seek(0)
            if _checksum(self.files[name]) != expected:
                raise self.damaged(f"{self.name_of(name)} has changed since it was written")

    def damaged(self, what: str) -> StoredSearchError:
        """Return the error to raise about a file with wrong content."""
        return _damaged(self.folder, what)


@contextmanager
def stored_files(folder: Path) -> Iterator[StoredFiles]:
    """Open all files that the manifest of a folder names.

    Open files stay complete when a writer replaces them. If that happens before all of them are
    open, the manifest is read again.

    Parameters
    ----------
    folder : Path
        Any folder; only regular files that are in it are opened.

    Yields
    ------
    StoredFiles

    Raises
    ------
    ValueError
        If it is not a folder of a saved search, or a file is missing or is not a regular file.
    """
    failed: str | None = ""
    for _ in range(_N_TRIES):
        token, text, checksums = _read_manifest(folder)
        with ExitStack() as stack:
            files: dict[str, BinaryIO] = {}
            missing: OSError | None = None
            for name in checksums or (ARRAYS, VECTORS, *POSTINGS):
                on_disk = name if token is None else _with_token(name, token)
                try:
                    files[name] = stack.enter_context(_open_regular(folder, on_disk))
                except FileNotFoundError as error:
                    # Version 1 did not say whether there are postings.
                    if token is not None or name not in POSTINGS:
                        missing = error
                        break
                except OSError as error:
                    raise _damaged(folder, f"{on_disk} cannot be read: {error}") from error
            if missing is None:
                yield StoredFiles(folder, token, text, files, checksums)
                return
        if token == failed:
            raise _damaged(folder, f"{on_disk} cannot be read: {missing}") from missing
        failed = token
    raise StoredSearchError(f"{folder} is replaced faster than it can be read; load it again later")


def _read_manifest(folder: Path) -> tuple[str | None, dict[str, Any] | None, dict[str, int]]:
    """Return the token of the current files, the text of version 1, and checksums by name."""
    try:
        with _patiently(lambda: _open_regular(folder, MANIFEST)) as file:
            content = content_of(file, folder, MANIFEST)
    except OSError as missing:
        raise StoredSearchError(
            f"{folder} has no file {MANIFEST} that can be read; give a folder that LSASearch.save "
            "wrote"
        ) from missing
    manifest = text_of(content, folder, MANIFEST)
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise StoredSearchError(
            f"{folder} does not contain an LSASearch; give a folder that LSASearch.save wrote"
        )
    version = manifest.get("version")
    if version == 1 and not isinstance(version, bool):
        return None, manifest, {}
    if version != VERSION:
        raise StoredSearchError(
            f"{folder} was written in version {version!r} of the format, and this lrfact reads "
            f"versions up to {VERSION}; update lrfact, or fit again"
        )
    token, files = manifest.get("token"), manifest.get("files")
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise _damaged(folder, f"{MANIFEST} has the token {token!r}")
    if not isinstance(files, dict) or not files or not set(files) <= set(_NAMES):
        raise _damaged(folder, f"{MANIFEST} names other files than a search has")
    return token, None, files


# Memory that a parsed file of JSON takes, as a multiple of its size.
_MEMORY_OF_JSON = 8


def content_of(file: BinaryIO, folder: Path, name: str) -> bytes:
    """Return the bytes of a file of JSON.

    Parameters
    ----------
    file : binary file
        Regular, at its start.

    folder : Path
        Folder of the search, for the message.

    name : str
        Name of the file, for the message.

    Returns
    -------
    bytes

    Raises
    ------
    ValueError
        If the file is sparse on disk, or is larger than memory can hold once it is parsed.
    """
    state = os.fstat(file.fileno())
    size = state.st_size
    # Unallocated blocks of a sparse file read as zero bytes, which JSON never contains.
    has_missing = size > 2**20 and 512 * getattr(state, "st_blocks", size) < size // 8
    if has_missing or _MEMORY_OF_JSON * size > available_memory():
        raise _damaged(folder, f"{name} states a size of {size:,} bytes, which cannot be read")
    return file.read()


def text_of(content: bytes, folder: Path, name: str) -> Any:
    """Parse the content of a JSON file, or raise `ValueError`."""
    try:
        # Python strings can contain lone surrogates, which strict UTF-8 cannot encode.
        return json.loads(content.decode("utf-8", "surrogatepass"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as damage:
        raise _damaged(folder, f"{name} is not JSON") from damage


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")  # Python writes it, JSON has none


def _damaged(folder: Path, what: str) -> StoredSearchError:
    return StoredSearchError(
        f"the search in {folder} is damaged: {what}; save it again from its source"
    )


def _with_token(name: str, token: str) -> str:
    stem, suffix = name.split(".")
    return f"{stem}-{token}.{suffix}"


def _open_regular(folder: Path, name: str) -> BinaryIO:
    """Open a file of a folder for reading; `ValueError` if that could block or leave the folder."""

    def refuse(what: str) -> NoReturn:
        raise _damaged(folder, f"{name} is {what}, and only regular files are read")

    path = folder / name
    if path.is_symlink():
        try:
            target = path.resolve(strict=True)
        except RuntimeError:  # of a circle of links, in older versions of Python
            refuse("a link to itself")
        if folder.resolve() not in target.parents:
            refuse("a link to a file outside the folder")
        path = target
    # Before it is opened, as opening a device may already do something.
    if not stat.S_ISREG(path.stat().st_mode):
        refuse("a folder, pipe, socket or device")
    flags = os.O_RDONLY
    for flag in ("O_BINARY", "O_CLOEXEC", "O_NOFOLLOW", "O_NONBLOCK"):
        flags |= getattr(os, flag, 0)
    file = open(path, "rb", opener=lambda given, _: os.open(given, flags))  # noqa: SIM115
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        refuse("a folder, pipe, socket or device")
    return file


def _write_new(path: Path, write: Callable[[BinaryIO], Any]) -> None:
    with path.open("xb") as file:
        write(file)


def _checksum(file: BinaryIO) -> int:
    checksum = 0
    while block := file.read(_BLOCK):
        checksum = zlib.crc32(block, checksum)
    return checksum


def _sync(descriptor: int) -> None:
    """Wait until a file is on the disk, where the file system can say so."""
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise


def _sync_folder(folder: Path) -> None:
    """Wait until the names of files are on the disk: a crash must not reorder what was done."""
    if os.name == "nt":
        return  # folders cannot be opened there
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        _sync(descriptor)
    finally:
        os.close(descriptor)


def _patiently(do: Callable[[], Any]) -> Any:
    """Do something that Windows refuses while another process has the file open."""
    for wait in _WAITS:
        try:
            return do()
        except PermissionError:
            time.sleep(wait)
    return do()


def _names_in_use(folder: Path) -> list[str]:
    """Return the names of the files that the manifest names, as they are in the folder."""
    try:
        token, _, checksums = _read_manifest(folder)
    except ValueError:
        return []  # the first save into this folder, or one whose manifest is lost
    if token is None:
        return [ARRAYS, VECTORS, *POSTINGS]
    return [_with_token(name, token) for name in checksums]


def _leftovers(folder: Path, token: str) -> list[str]:
    """Return the files of saves that were killed, by their age."""
    newest: dict[str, float] = {}
    names: list[tuple[str, str]] = []
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            found = _OF_A_SAVE.fullmatch(entry.name)
            if found is None or found[1] == token:
                continue
            with suppress(OSError):
                written = entry.stat(follow_symlinks=False).st_mtime
                newest[found[1]] = max(written, newest.get(found[1], written))
                names.append((entry.name, found[1]))
    oldest = time.time() - _SECONDS_OF_A_SAVE
    return [name for name, of_token in names if newest[of_token] < oldest]


def _remove(folder: Path, names: list[str]) -> None:
    for name in names:
        with suppress(OSError):  # on Windows, of a file that is mapped
            (folder / name).unlink(missing_ok=True)
