"""Programs under comparison, one per file.

A module that factorises (tasks ``svd``, ``pca``, ``memory``) holds

- ``NAME``: how tables and plots call it;
- ``TASKS``: the tasks it can do;
- ``available()``: None, or why it cannot run here (not installed, for instance);
- ``settings(task, X, k)``: the grid to try, a list of dicts. The key ``"variant"``, when present,
  splits the peer into lines of their own in tables and plots. An empty list: nothing to try;
- ``refusal(task, X, k)``: None, or why it is not run on this matrix (it would need the dense
  copy of a large sparse one, for instance). It is reported, not hidden;
- ``fit(task, X, k, setting, random_state)``: does the work and returns `Factors`. Conversions
  that the peer forces on its caller belong inside;
- ``fit_transform(...)``, optional, same arguments: returns ``(scores, Factors)``.

A module for ratings (tasks ``ratings``, ``accuracy``, ``als_sweep``, ``als_100m``,
``calibration``) holds, besides
``NAME``, ``TASKS``, ``available()``, ``settings`` and ``refusal``,

- ``prepare(X)``: the training entries, a CSR matrix, in the form that the program likes best. This
  is done outside the clock;
- ``train(data, setting, n_threads, random_state)``: does the work and returns a model;
- ``predict_entries(model, rows, columns)``: the ratings it predicts;
- ``predict_spread(model, rows, columns)``, for ``calibration``: these, and standard deviations;
- ``sweep_setting(k, n_sweeps)``, for the two tasks about sweeps: a setting of exact alternating
  least squares that makes so many, with a sensible penalty. For ``als_100m``, ``verbose=1`` in it
  makes the program print a line after each.

A module for ``product`` has ``multiplier`` instead, one for ``rank_search`` has ``search``, one
for ``top_k`` has ``searcher``, one for ``coherence`` has ``prepare`` and ``judge``, one for
``nmf`` has ``iterations``, ``factorize`` and ``at_defaults``, one for ``topics`` has
``topic_models``, one for ``retrieval`` has ``rankers``, one for ``lee`` has ``similarities``, one
for ``lsa`` has ``convert``, ``fits`` and ``answerers``, one for ``implicit_als`` has ``VARIANTS``,
``prepare``, ``train`` and ``factors`` and one for ``implicit_ranking`` has ``PROGRAM`` and
``rankers``; see the file of the task.
``OURS = True`` marks lrfact's own, ``REFERENCE = True`` the ones that stand outside the ranking
(the do-nothing peer) and ``ON_REQUEST = True`` those that run only when ``--peers`` names them.
"""

from __future__ import annotations

import sys
from fnmatch import fnmatch
from importlib.util import find_spec
from typing import NamedTuple

import numpy as np
from scipy.sparse import issparse

from discovery import modules_of

# A peer that would need a larger dense copy than this is not run, and the results say so.
LARGEST_DENSE_COPY_BYTES = 4e9

# Ratings up to which slow programs run, and grids have more than one rank.
FEW_RATINGS = 2_000_000


class Factors(NamedTuple):
    """``U`` (or None when the peer does not give it), ``s`` and ``Vt`` in any order of ``s``."""

    U: np.ndarray | None
    s: np.ndarray
    Vt: np.ndarray


def peers_for(task: str, patterns: list[str] | None):
    """Modules that can do ``task`` by file name, those asked for, and the variants' filter."""
    chosen = {}
    for name, module in modules_of(sys.modules[__name__]).items():
        if task not in module.TASKS:
            continue
        if patterns is None:
            if not getattr(module, "ON_REQUEST", False):
                chosen[name] = module
        elif any(fnmatch(name, pattern.partition(":")[0]) for pattern in patterns):
            chosen[name] = module
    return chosen


def wanted(name: str, setting: dict, patterns: list[str] | None) -> bool:
    """Whether ``--peers`` asks for this setting of the peer in file ``name``."""
    if patterns is None:
        return True
    variant = str(setting.get("variant", ""))
    parts = (pattern.partition(":") for pattern in patterns)
    return any(fnmatch(name, file) and fnmatch(variant, v or "*") for file, _, v in parts)


def missing(module: str, name: str | None = None) -> str | None:
    """None when a module is installed (and has ``name``), else the reason to report."""
    if find_spec(module) is None:
        return f"{module} is not installed"
    if name is not None and not hasattr(__import__(module), name):
        return f"{module} has no {name}"
    return None


def dense_copy_refusal(X) -> str | None:
    """Reason not to run a peer that would turn ``X`` into a dense array."""
    size = 8.0 * X.shape[0] * X.shape[1]
    if issparse(X) and size > LARGEST_DENSE_COPY_BYTES:
        return f"would need a dense copy of {size / 1e9:.0f} GB"
    return None


def ranks_to_try(X, k) -> tuple[int, ...]:
    """Ranks in the grid of a program for ratings: one where a fit takes long."""
    return (k // 2, k, 2 * k) if X.nnz <= FEW_RATINGS else (k,)


def arpack_refusal(X, k) -> str | None:
    """Reason not to run a Lanczos peer: it cannot return all singular values."""
    return None if k < min(X.shape) else f"needs k < min(X.shape)={min(X.shape)}"
