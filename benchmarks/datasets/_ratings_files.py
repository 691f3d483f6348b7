"""Ratings on disk: the training matrix as CSR arrays and the held-out entries, one file each."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array


class Entries(NamedTuple):
    """Single entries of a matrix."""

    rows: np.ndarray
    columns: np.ndarray
    values: np.ndarray


def write_ratings(
    folder: Path,
    blocks: Iterable[tuple[Entries, np.ndarray]],
    *,
    shape: tuple[int, int],
    at_most: int,
) -> None:
    """Write entries that come in blocks, so that few of them are in memory at a time.

    ``blocks`` yields ``(entries, held_out)``, in order of rows and, within them, of columns.
    ``at_most`` bounds their number: files are made that long, what stays empty takes no space.
    """
    indices, data = (
        np.lib.format.open_memmap(folder / f"{name}.npy", "w+", dtype=dtype, shape=(at_most,))
        for name, dtype in (("indices", np.int32), ("data", np.float32))
    )
    counts = np.zeros(shape[0] + 1, dtype=np.int64)
    held_out_entries = []
    end = 0
    for entries, held_out in blocks:
        kept = Entries(*(part[~held_out] for part in entries))
        held_out_entries.append(Entries(*(part[held_out] for part in entries)))
        begin, end = end, end + kept.rows.size
        indices[begin:end], data[begin:end] = kept.columns, kept.values
        counts[1:] += np.bincount(kept.rows, minlength=shape[0])
    indices.flush()
    data.flush()
    indptr = np.cumsum(counts)
    np.save(folder / "indptr.npy", indptr.astype(np.int32 if end < 2**31 else np.int64))
    np.save(folder / "shape.npy", np.array(shape))
    for name, parts, dtype in zip(
        Entries._fields, zip(*held_out_entries, strict=True), (np.int32, np.int32, np.float32),
        strict=True,
    ):  # fmt: skip
        np.save(folder / f"held_out_{name}.npy", np.concatenate(parts).astype(dtype))


def read_ratings(folder: Path) -> tuple[csr_array, Entries]:
    """The training matrix and the held-out entries, in memory."""
    indptr = np.load(folder / "indptr.npy")
    data, indices = (
        np.array(np.load(folder / f"{name}.npy", mmap_mode="r")[: indptr[-1]])
        for name in ("data", "indices")
    )
    shape = tuple(int(n) for n in np.load(folder / "shape.npy"))
    held_out = Entries(*(np.load(folder / f"held_out_{name}.npy") for name in Entries._fields))
    return csr_array((data, indices, indptr), shape=shape), held_out
