"""Fastest setting at a given accuracy: the selection rule of the tables and the memory task."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable

TARGETS = (1e-3, 1e-4)
# The default solver of lrfact, the one that is ranked against the peers.
RANKED_VARIANT = "auto"
# Targets for errors of held-out ratings, as multiples of the best that a peer reached.
ABOVE_BEST_PEER = (1.001, 1.005)


Error = Callable[[dict[str, str]], float]


def error_of(row: dict[str, str]) -> float:
    return float(row["max_relative_error"]) if row["status"] == "ok" else math.inf


def rmse_of(row: dict[str, str]) -> float:
    return float(row["rmse"]) if row["status"] == "ok" else math.inf


def rating_targets(rows: list[dict[str, str]]) -> list[float]:
    """Errors of held-out ratings to reach, tightest first; none where no peer has any."""
    best = min((rmse_of(row) for row in rows if row["role"] == "peer"), default=math.inf)
    return [best * factor for factor in ABOVE_BEST_PEER] if math.isfinite(best) else []


def cheapest_accurate(
    rows: list[dict[str, str]], target: float, error: Error = error_of
) -> dict[str, str] | None:
    """The row of least median time among those with error at most ``target``."""
    good = [row for row in rows if row["status"] == "ok" and error(row) <= target]
    return min(good, key=lambda row: float(row["seconds_median"]), default=None)


def most_accurate(rows: list[dict[str, str]], error: Error = error_of) -> dict[str, str] | None:
    """The row of least error, for peers that never reach a target."""
    good = [row for row in rows if row["status"] == "ok"]
    return min(good, key=error, default=None)


def frontier(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Points in order of time, less those that a faster one beats in accuracy."""
    kept: list[tuple[float, float]] = []
    for time, error in sorted(points):
        if not kept or error < kept[-1][1]:
            kept.append((time, error))
    return kept


def by_line(rows: list[dict[str, str]]) -> dict[tuple[str, str], list[dict[str, str]]]:
    """Rows grouped by what tables and plots show as one line: peer and variant."""
    lines = defaultdict(list)
    for row in rows:
        lines[row["peer"], row["variant"]].append(row)
    return dict(lines)


def by_panel(rows: list[dict[str, str]]) -> dict[tuple[str, ...], list[dict[str, str]]]:
    """Rows grouped by dataset, precision, rank, operation and threads, in order of appearance."""
    panels = defaultdict(list)
    names = ("dataset", "dtype", "k", "operation", "threads")
    for row in rows:
        panels[tuple(row[name] for name in names)].append(row)
    return dict(panels)


def is_ranked(row: dict[str, str]) -> bool:
    """Whether a row takes part in "fastest": all peers, and lrfact with its default solver."""
    return row["role"] == "peer" or (row["role"] == "ours" and row["variant"] == RANKED_VARIANT)


def contest(rows: list[dict[str, str]], target: float):
    """Our cheapest accurate row and the fastest peer's, either may be None."""
    ranked = [row for row in rows if is_ranked(row)]
    ours = cheapest_accurate([r for r in ranked if r["role"] == "ours"], target)
    peer = cheapest_accurate([r for r in ranked if r["role"] == "peer"], target)
    return ours, peer
