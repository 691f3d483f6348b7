"""Sections of the report about implicit feedback; ``report.py`` calls them."""

from __future__ import annotations

import math
from collections import defaultdict

from markdown import on_threads, seconds, table, times
from ranking import by_line

# Targets for the objective, as multiples of the best that any program reached.
ABOVE_BEST = (1.01, 1.001)


def implicit_als_section(rows) -> str:
    panels = defaultdict(list)
    for row in rows:
        panels[row["dataset"], row["rows"], row["stored"], row["k"], row["threads"]].append(row)
    header = ["case", "objective", "lrfact", "its time", "fastest peer", "its time", "ratio"]
    contests, tables = [], []
    for key, panel in panels.items():
        contests += [_contest_line(key, panel, above) for above in ABOVE_BEST]
        tables.append(_panel_table(key, panel))
    about = (
        "Median training time to reach a value of the objective over all entries, "
        "`sum c (p - w'v)^2 + reg (|W|^2 + |V|^2)`, `p` is 1 for observed entries and 0 elsewhere, "
        "`c = 1 + alpha x`; computed in float64 from the factors that a program returns. Each "
        "program at the smallest number of iterations that came this close to the best objective "
        "on every repeat. Ratio: fastest peer's time over lrfact's; below 1 the peer is faster."
    )
    parts = ["## Implicit feedback: time to the same objective", about, table(header, contests)]
    return "\n\n".join([*parts, *tables])


def best_objective(rows) -> float:
    """Return the lowest objective of all programs and repeats."""
    return min((float(row["objective_min"]) for row in rows if row["status"] == "ok"), default=0.0)


def fastest_within(rows, target) -> dict[str, str] | None:
    """Return the fastest row whose objective was at most ``target`` on every repeat."""
    good = [r for r in rows if r["status"] == "ok" and float(r["objective_max"]) <= target]
    return min(good, key=_time, default=None)


def _time(row) -> float:
    return float(row["seconds_median"])


def _case(key) -> str:
    dataset, _, stored, k, n_threads = key
    return f"{dataset}, {int(stored):,} entries, k = {k}, {on_threads(n_threads)}"


def _named(row) -> str:
    return f"{row['peer']} {row['variant']} ({row['sweeps']} iterations)"


def _contest_line(key, panel, above) -> list[str]:
    target = above * best_objective(panel)
    ours, peer = (
        fastest_within([row for row in panel if row["role"] == role], target)
        for role in ("ours", "peer")
    )
    line = [_case(key), f"best + {above - 1:.1%}"]
    for best in (ours, peer):
        line += ["not reached", ""] if best is None else [_named(best), seconds(_time(best))]
    both = ours is not None and peer is not None
    return [*line, times(_time(peer) / _time(ours)) if both else ""]


def _panel_table(key, panel) -> str:
    least = best_objective(panel)
    lines = []
    for (peer, variant), rows in by_line(panel).items():
        name = f"{peer} {variant}"
        name = f"**{name}**" if rows[0]["role"] == "ours" else name
        good = [row for row in rows if row["status"] == "ok"]
        if not good:
            lines.append((math.inf, [name, f"{rows[0]['status']}: {rows[0]['note']}", "", ""]))
            continue
        best = min(good, key=lambda row: float(row["objective_min"]))
        excess = float(best["objective_min"]) / least - 1
        line = [
            name,
            f"+ {excess:.2%} in {seconds(_time(best))} ({best['sweeps']} iterations)",
        ]
        first = math.inf
        for above in ABOVE_BEST:
            found = fastest_within(rows, above * least)
            if found is None:
                line.append("not reached")
            else:
                first = min(first, _time(found))
                line.append(f"{seconds(_time(found))} ({found['sweeps']} iterations)")
        lines.append((first, line))
    lines.sort(key=lambda item: item[0])
    header = [
        "program",
        "lowest objective",
        *(f"time to + {above - 1:.1%}" for above in ABOVE_BEST),
    ]
    some = panel[0]
    about = (
        f"### {_case(key)}\n\n{some['rows']} x {some['columns']}, alpha = {some['alpha']}, "
        f"reg = {some['reg']}, best objective {least:.6g}."
    )
    return about + "\n\n" + table(header, [line for _, line in lines])


def implicit_ranking_section(rows) -> str:
    panels = defaultdict(list)
    for row in rows:
        panels[row["dataset"], row["rows"], row["threads"]].append(row)
    about = (
        "Each program with its tuned parameters (`implicit_parameters.py`); means over "
        "repeats with different seeds. Recall and NDCG of the top 20 among all items that a user "
        "has not chosen, or hit rate (HR) and NDCG of the top 10 among the held-out item and 99 "
        "others."
    )
    parts = ["## Implicit feedback: quality of recommendations", about]
    for (dataset, _, n_threads), panel in panels.items():
        some = panel[0]
        places = some["places"]
        recall = f"Recall@{places}" if some["among"] == "all" else f"HR@{places}"
        lines = []
        for row in sorted(panel, key=lambda row: -_quality(row)):
            name = f"{row['peer']} {row['variant']}".strip()
            name = f"**{name}**" if row["role"] == "ours" else name
            if row["status"] == "ok":
                time, setting = seconds(_time(row)), row["setting"]
            else:
                time, setting = row["status"], row["note"]
            lines.append([name, row["recall"], row["ndcg"], time, setting])
        title = f"### {dataset}, {int(some['stored']):,} pairs, {on_threads(n_threads)}"
        size = f"{some['rows']} x {some['columns']}, {int(some['to_find']):,} held-out pairs."
        header = ["program", recall, f"NDCG@{places}", "training", "parameters"]
        parts.append(f"{title}\n\n{size}\n\n{table(header, lines)}")
    return "\n\n".join(parts)


def _quality(row) -> float:
    value = float(row["ndcg"])
    return -math.inf if math.isnan(value) else value
