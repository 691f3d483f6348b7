"""Format tables and numbers of the reports in Markdown."""

from __future__ import annotations

import math


def table(header: list[str], rows: list[list[str]]) -> str:
    """Return a Markdown table whose columns are right-aligned, except the first."""
    lines = [header, ["---"] + ["---:"] * (len(header) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def seconds(value: float) -> str:
    if math.isnan(value):
        return ""
    return f"{value:.3g} s" if value >= 1 else f"{1e3 * value:.3g} ms"


def times(value: float) -> str:
    return f"{value:.2f}x"


def on_threads(count: str) -> str:
    return f"{count} thread" + ("" if count == "1" else "s")
