"""Who is fastest at an accuracy: the rule by which tables and the memory task pick settings."""

from __future__ import annotations

import math
from collections import defaultdict

TARGETS = (1e-3, 1e-4)
# The default solver of lrfact, the one that is ranked against the peers.
RANKED_VARIANT = "auto"


def error_of(row: dict[str, str]) -> float:
    return float(row["max_relative_error"]) if row["status"] == "ok" else math.inf


def cheapest_accurate(rows: list[dict[str, str]], target: float) -> dict[str, str] | None:
    """The row of least median time among those with error at most ``target`` on every repeat."""
    good = [row for row in rows if row["status"] == "ok" and error_of(row) <= target]
    return min(good, key=lambda row: float(row["seconds_median"]), default=None)


def most_accurate(rows: list[dict[str, str]]) -> dict[str, str] | None:
    """The row of least error, for peers that never reach a target."""
    good = [row for row in rows if row["status"] == "ok"]
    return min(good, key=error_of, default=None)


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
