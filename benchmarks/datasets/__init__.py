"""Benchmark matrices, one per file.

Each module holds

- ``TASKS``: the default tasks it takes part in (any other can be asked for by name);
- ``N_COMPONENTS``: the rank asked for, a dict with the keys ``"full"`` and ``"quick"``;
- ``DTYPES``: the precisions it runs in by default;
- ``load(*, data_dir, quick)``: the matrix in float64, ndarray or ``csr_array``. It raises
  ``DatasetUnavailable`` when a file it needs is not there;

- ``LOSSES``, for the task ``nmf``: "frobenius", "kullback-leibler" or both; for the task
  ``topics`` also ``texts(*, data_dir, quick)``: names of the columns, and documents as tokens;

and a docstring whose first line says what the matrix is. Ratings (tasks ``ratings``, ``accuracy``,
``als_sweep``, ``als_100m``, ``calibration``), always float32, hold instead of ``load``

- ``FOLDS``: the splits into training and held-out entries, with the same two keys;
- ``write(folder, *, fold, data_dir, quick)``: writes one of them with `write_ratings`.

Texts (task ``coherence``) hold instead of ``load``

- ``tokens(*, data_dir, quick)``: the documents, each a list of tokens, and the topics, which are
  ``N_COMPONENTS`` lists of terms, best first.

Collections hold instead of ``load``

- ``judged(*, data_dir, quick)``, for the task ``retrieval``: documents, queries and a boolean table
  of what is relevant, with a row for each query and a column for each document;
- ``compared(*, data_dir, quick)``, for the task ``lee``: texts to learn from, texts, and the
  similarities of their pairs.

Clicks, plays and purchases hold instead of ``load``

- ``clicks(*, data_dir, quick)``: a `ClicksProblem`;
- ``RANKS``, with the two keys, ``ALPHA`` and ``REG``: the objective of the task ``implicit_als``.

A matrix for the task ``lsa`` has ``texts(*, data_dir, quick)`` besides ``load``.
"""

from __future__ import annotations

import hashlib
import inspect
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_array, issparse

from datasets._ratings_files import Entries, read_ratings
from discovery import modules_of


class DatasetUnavailable(Exception):
    """The data folder does not hold what this dataset needs."""


@dataclass(frozen=True)
class Problem:
    """A matrix in one precision, the rank asked for, and the file it is kept in."""

    name: str
    X: Any
    k: int
    path: Path


@dataclass(frozen=True)
class RatingsProblem:
    """Ratings to train on, ratings to predict, and the folder both are kept in."""

    name: str
    fold: int
    X: csr_array
    held_out: Entries
    k: int
    path: Path


@dataclass(frozen=True)
class TextsProblem:
    """Documents as lists of tokens, and topics as lists of terms."""

    name: str
    documents: list[list[str]]
    topics: list[list[str]]


@dataclass(frozen=True)
class ClicksProblem:
    """What rows have chosen, in float32, and what they chose later: a pattern to find.

    ``negatives`` has columns among which that is to be found, a line for each row, -1 for none;
    without them it is to be found among all that a row has not chosen.
    """

    X: csr_array
    held_out: csr_array
    negatives: np.ndarray | None = None


def all_datasets():
    """Dataset modules by name."""
    return modules_of(sys.modules[__name__])


def data_file(data_dir: Path | None, name: str) -> Path:
    """A file of the data folder; ``DatasetUnavailable`` if it is not there."""
    if data_dir is None:
        raise DatasetUnavailable(f"{name}: give --data or set LRFACT_DATA")
    path = Path(data_dir) / name
    if not path.exists():
        raise DatasetUnavailable(f"{name}: not in the data folder")
    return path


def load_problem(name: str, dtype: str, *, data_dir, quick: bool, cache_dir: Path) -> Problem:
    """Build a dataset, or read it from the cache, in the given precision."""
    module = all_datasets()[name]
    size = "quick" if quick else "full"
    path = Path(cache_dir) / "matrices" / f"{name}-{size}-{dtype}-{_source_key(module)}.npz"
    if not path.exists():
        X = module.load(data_dir=data_dir, quick=quick).astype(dtype)
        save_matrix(path, X)
    return Problem(name, read_matrix(path), module.N_COMPONENTS[size], path)


def load_ratings(name: str, fold: int, *, data_dir, quick: bool, cache_dir: Path) -> RatingsProblem:
    """Write a split of ratings into the cache, unless it is there, and read it."""
    module = all_datasets()[name]
    size = "quick" if quick else "full"
    path = Path(cache_dir) / "ratings" / f"{name}-{size}-fold{fold}-{_source_key(module)}"
    if not path.exists():
        partial = path.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        module.write(partial, fold=fold, data_dir=data_dir, quick=quick)
        partial.rename(path)
    return RatingsProblem(name, fold, *read_ratings(path), module.N_COMPONENTS[size], path)


def _source_key(module) -> str:
    # Changes with the code that builds the data, so that an edited dataset is rebuilt.
    source = "".join(path.read_text() for path in sorted(Path(__file__).parent.glob("_*.py")))
    source += inspect.getsource(module)
    return hashlib.sha256(source.encode()).hexdigest()[:12]


def save_matrix(path: Path, X) -> None:
    """Write a matrix uncompressed, so that reading it back needs no second copy."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial.npz")
    if issparse(X):
        X = csr_array(X)
        X.sum_duplicates()
        np.savez(partial, data=X.data, indices=X.indices, indptr=X.indptr, shape=np.array(X.shape))
    else:
        np.savez(partial, dense=np.ascontiguousarray(X))
    partial.replace(path)


def read_matrix(path: Path):
    """Read a matrix written by `save_matrix`."""
    with np.load(path) as stored:
        if "dense" in stored:
            return stored["dense"]
        parts = (stored["data"], stored["indices"], stored["indptr"])
        return csr_array(parts, shape=tuple(int(n) for n in stored["shape"]))
