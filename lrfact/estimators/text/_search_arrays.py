"""Safe reading and writing of the arrays of a saved search.

Arrays of objects, which would require unpickling, compressed arrays, and arrays whose size does not
match their header are rejected, so that memory maps never exceed their file.
"""

import io
import math
import os
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from lrfact.estimators.text._search_files import ARRAYS, StoredFiles

# Kinds of NumPy's dtypes.
REAL, TRUTH, INTEGER, BYTE = "f", "b", "i", "u"
_SIZES = {REAL: (4, 8), TRUTH: (1,), INTEGER: (4, 8), BYTE: (1,)}

TOKEN_BYTES = 16  # behind the array in a file of its own
_TOKEN = "token"  # among the arrays of an archive

# What ends a zip archive without a comment: its number of members is at 10, the size of the list
# of them at 12. Before it there may be a pointer to the same in 64 bits.
_END, _POINTER = b"PK\x05\x06", b"PK\x06\x07"
_END_BYTES, _POINTER_BYTES = 22, 20
_MOST_MEMBERS = 64
_LARGE = 2**31  # no smaller archive needs 64 bits


def write_array(file: BinaryIO, array: NDArray[Any], token: str) -> None:
    """Write an array and, behind it, the token of the save."""
    np.save(file, array)
    file.write(bytes.fromhex(token))


def write_arrays(file: BinaryIO, arrays: dict[str, Any], token: str) -> None:
    """Write several arrays and the token of the save."""
    of_token: dict[str, Any] = {_TOKEN: np.frombuffer(bytes.fromhex(token), dtype=np.uint8)}
    np.savez(file, **of_token, **arrays)


def read_array(stored: StoredFiles, name: str, kinds: str, *, memory_map: bool) -> NDArray[Any]:
    """Read an array that has a file of its own.

    Parameters
    ----------
    stored : StoredFiles
        The open files of the search.

    name : str
        Name of the file, without the token.

    kinds : str
        Accepted kinds of the dtype.

    memory_map : bool
        Whether to memory-map the array.

    Returns
    -------
    ndarray or memmap
        The array, read-only if it is memory-mapped.

    Raises
    ------
    ValueError
        If the file is of another kind or another save, or its size does not match its header.
    """
    file = stored.open_file(name)
    try:
        file.seek(0)
        shape, is_fortran, dtype = _header(file, kinds)
        start = file.tell()
        end = start + math.prod(shape) * dtype.itemsize
        n_behind = 0 if stored.token is None else TOKEN_BYTES
        size = os.fstat(file.fileno()).st_size
        if size != end + n_behind:
            raise ValueError(f"it has {size} bytes, and should have {end + n_behind}")
        file.seek(end)
        behind = file.read(n_behind)
        file.seek(start)
        if memory_map and end > start:
            array: NDArray[Any] = np.memmap(
                file,
                dtype=dtype,
                mode="r",
                offset=start,
                shape=shape,
                order="F" if is_fortran else "C",
            )
        else:
            array = _filled(file, shape, is_fortran, dtype)
    except Exception as damage:  # of whatever kind a hostile header makes NumPy raise
        raise stored.damaged(f"{stored.name_of(name)} cannot be read: {damage}") from damage
    if stored.token is not None and behind.hex() != stored.token:
        raise stored.damaged(f"{stored.name_of(name)} is of another save")
    return array


class ArrayArchive:
    """Several arrays in one file, each of which is read on request by its name."""

    def __init__(self, stored: StoredFiles, archive: zipfile.ZipFile) -> None:
        self._stored = stored
        self._archive = archive
        self._name = stored.name_of(ARRAYS)
        self._size = os.fstat(stored.open_file(ARRAYS).fileno()).st_size

    def read(
        self, name: str, kind: str, ndim: int, shape: tuple[int, ...] | None = None
    ) -> NDArray[Any]:
        """Return an array whose entries are finite.

        Parameters
        ----------
        name : str
            Name of the array.

        kind : str
            Required kind of the dtype.

        ndim : int
            Required number of dimensions.

        shape : tuple of int or None, default=None
            Required shape. None accepts any shape.

        Returns
        -------
        ndarray
            Array with finite entries.

        Raises
        ------
        ValueError
            If the array is missing, or has another kind, shape or non-finite entries.
        """
        members = [info for info in self._archive.infolist() if info.filename == f"{name}.npy"]
        if not members:
            raise self._stored.damaged(f"{self._name} has no {name}")
        try:
            array = self._filled(members, kind, ndim, shape)
        except _Unexpected:
            array = None
        except Exception as damage:  # of whatever kind the readers of zip and npy files raise
            raise self._stored.damaged(f"{self._name} cannot be read: {damage}") from damage
        if array is None or not np.isfinite(array).all():
            raise self._stored.damaged(f"{name} in {self._name} is not what it should be")
        return array

    def require_token(self) -> None:
        """Raise `ValueError` if the arrays are of another save."""
        if self._stored.token is None:
            return
        token = self.read(_TOKEN, BYTE, 1, (TOKEN_BYTES,))
        if token.tobytes().hex() != self._stored.token:
            raise self._stored.damaged(f"{self._name} is of another save")

    def _filled(
        self,
        members: list[zipfile.ZipInfo],
        kind: str,
        ndim: int,
        shape: tuple[int, ...] | None,
    ) -> NDArray[Any]:
        member, *others = members
        if others:
            raise ValueError(f"it has {member.filename} {len(members)} times")
        # What is stored as it is cannot become more than the file.
        is_plain = member.compress_type == zipfile.ZIP_STORED and not member.flag_bits & 1
        if not is_plain or member.file_size != member.compress_size:
            raise ValueError(f"{member.filename} is compressed or encrypted")
        if member.file_size > self._size:
            raise ValueError(f"{member.filename} is longer than the file that it is in")
        with self._archive.open(member) as file:
            found, is_fortran, dtype = _header(file, kind)
            if len(found) != ndim or (shape is not None and found != shape):
                raise _Unexpected
            size = file.tell() + math.prod(found) * dtype.itemsize
            if size != member.file_size:
                raise ValueError(
                    f"{member.filename} has {member.file_size} bytes, and should have {size}"
                )
            array = _filled(file, found, is_fortran, dtype)
            if file.read(1):  # at the end its checksum is compared
                raise ValueError(f"{member.filename} is longer than it should be")
        return array


@contextmanager
def array_archive(stored: StoredFiles) -> Iterator[ArrayArchive]:
    """Open the arrays that share a file; `ValueError` if it is not such a file."""
    file = stored.open_file(ARRAYS)
    try:
        _require_few_members(file)
        archive = zipfile.ZipFile(file)
    except Exception as damage:  # of whatever kind the reader of zip files raises
        raise stored.damaged(f"{stored.name_of(ARRAYS)} cannot be read: {damage}") from damage
    with archive:
        arrays = ArrayArchive(stored, archive)
        arrays.require_token()
        yield arrays


class _Unexpected(ValueError):
    """An array of another kind or shape."""


def _header(file: Any, kinds: str) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Read the header of an array without trusting its contents."""
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        shape, is_fortran, dtype = np.lib.format.read_array_header_1_0(file)
    elif version == (2, 0):
        shape, is_fortran, dtype = np.lib.format.read_array_header_2_0(file)
    else:
        raise ValueError(f"it has version {version} of NumPy's format")
    if dtype.hasobject:
        raise ValueError("it has objects, which are never loaded")
    if any(isinstance(n, bool) or n < 0 for n in shape):
        raise ValueError(f"it has the shape {shape}")
    if dtype.kind not in kinds or dtype.itemsize not in _SIZES[dtype.kind] or not dtype.isnative:
        raise _Unexpected(f"it has the dtype {dtype}")
    return tuple(shape), bool(is_fortran), dtype


def _filled(file: Any, shape: tuple[int, ...], is_fortran: bool, dtype: np.dtype) -> NDArray[Any]:
    """Read the entries of an array."""
    array = np.empty(shape[::-1] if is_fortran else shape, dtype)
    if array.size:
        left = memoryview(array.reshape(-1).view(np.uint8))
        while left:
            n_read = file.readinto(left)
            if not n_read:
                raise ValueError("it ends before its last entry")
            left = left[n_read:]
    return array.T if is_fortran else array


def _require_few_members(file: BinaryIO) -> None:
    """Refuse an archive whose list of members is longer than that of any search."""
    size = file.seek(0, io.SEEK_END)
    tail = min(size, _END_BYTES + _POINTER_BYTES)
    file.seek(size - tail)
    end = file.read(tail)
    if end[-_END_BYTES:][:4] != _END:
        raise ValueError("it does not end as a zip archive does")
    n_members, list_bytes = struct.unpack("<HL", end[-_END_BYTES:][10:16])
    in_64_bits = end[:4] == _POINTER
    if (in_64_bits and size < _LARGE) or (
        not in_64_bits and (n_members > _MOST_MEMBERS or list_bytes > _MOST_MEMBERS * 1024)
    ):
        raise ValueError("it has more members than a search has")
    file.seek(0)
