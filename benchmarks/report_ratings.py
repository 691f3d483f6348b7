"""Sections of the report about ratings; ``report.py`` calls them."""

from __future__ import annotations

import math
from collections import defaultdict
from pathlib import Path

from markdown import on_threads, seconds, table, times
from ranking import (
    by_line,
    cheapest_accurate,
    frontier,
    most_accurate,
    rating_targets,
    rmse_of,
)

OUR_COLORS = {
    ("lrfact MaskedMF", "als"): "black",
    ("lrfact MaskedMF", "sgd"): "tab:gray",
    ("lrfact MaskedMF", "defaults"): "tab:pink",
    ("lrfact BayesianMF", "Gibbs"): "navy",
    ("lrfact BayesianMF", "defaults"): "tab:cyan",
}
# Errors above the best by more than this fraction are omitted from the plots.
SHOWN = 0.06


def ratings_section(rows, image: Path | None, folder: Path) -> str:
    panels = by_dataset(rows)
    parts = ["## Ratings"]
    if image is not None:
        parts.append(f"![Error against time]({image.relative_to(folder).as_posix()})")
    parts.append(
        "Median training time to reach a root mean square error on held-out ratings (mean over the "
        "folds), with the fastest setting of each program that reached it. The targets "
        "are 0.1% and "
        "0.5% above the best error of any peer. Ratio: fastest peer's time over lrfact's; below 1 "
        "the peer is faster. In the plot each dot is a setting, and a line joins the "
        "Pareto-optimal "
        "settings of a program."
    )
    header = ["dataset", "target", "lrfact", "its time", "fastest peer", "its time", "ratio"]
    lines = []
    for key, panel in panels.items():
        lines += [_contest_line(key, panel, target) for target in rating_targets(panel)]
    parts.append(table(header, lines))
    parts += [_panel_table(key, panel) for key, panel in panels.items()]
    return "\n\n".join(parts)


def by_dataset(rows) -> dict[tuple[str, ...], list[dict[str, str]]]:
    panels = defaultdict(list)
    for row in rows:
        panels[tuple(row[name] for name in ("dataset", "rows", "stored", "threads"))].append(row)
    return dict(panels)


def panel_title(key) -> str:
    dataset, _, stored, n_threads = key
    return f"{dataset}, {int(stored):,} ratings, {on_threads(n_threads)}"


def _named(row) -> str:
    name = f"{row['peer']} {row['variant']}".strip()
    return f"{name} ({row['setting']})".replace(" ()", "")


def _time(row) -> float:
    return float(row["seconds_median"])


def _contest_line(key, panel, target) -> list[str]:
    ours, peer = (
        cheapest_accurate([r for r in panel if r["role"] == role], target, rmse_of)
        for role in ("ours", "peer")
    )
    line = [panel_title(key), f"{target:.4f}"]
    for best in (ours, peer):
        line += ["not reached", ""] if best is None else [_named(best), seconds(_time(best))]
    both = ours is not None and peer is not None
    return [*line, times(_time(peer) / _time(ours)) if both else ""]


def _panel_table(key, panel) -> str:
    targets = rating_targets(panel)
    lines = []
    for (peer, variant), rows in by_line(panel).items():
        name = f"{peer} {variant}".strip()
        ours = rows[0]["role"] == "ours"
        best = most_accurate(rows, rmse_of)
        if best is None:
            empty = [""] * (len(targets) + 1)
            lines.append((math.inf, [name, f"{rows[0]['status']}: {rows[0]['note']}", *empty]))
            continue
        line = [
            f"**{name}**" if ours else name,
            f"{rmse_of(best):.4f} in {seconds(_time(best))} ({best['setting']})".replace(" ()", ""),
            f"{float(best['mae']):.4f}",
        ]
        for target in targets:
            cheapest = cheapest_accurate(rows, target, rmse_of)
            line.append("not reached" if cheapest is None else seconds(_time(cheapest)))
        lines.append((rmse_of(best), line))
    lines.sort(key=lambda item: item[0])
    header = ["program", "lowest RMSE", "its MAE", *(f"time to {t:.4f}" for t in targets)]
    first = panel[0]
    about = (
        f"### {panel_title(key)}\n\n{first['rows']} x {first['columns']}, {first['folds']} fold(s) "
        f"of {int(first['held_out']):,} held-out ratings, {first['rounds']} rounds."
    )
    return about + "\n\n" + table(header, [line for _, line in lines])


def plot_ratings(rows, path: Path) -> Path | None:
    """Held-out error against time, one panel per dataset."""
    try:
        import matplotlib as mpl
    except ImportError:
        print("matplotlib is not installed: no plot")
        return None
    mpl.use("Agg")
    import matplotlib.pyplot as plt
    from matplotlib import ticker

    good = [row for row in rows if row["status"] == "ok" and row["role"] != "harness"]
    panels = by_dataset(good)
    if not panels:
        return None
    colors = plt.rcParams["axes.prop_cycle"].by_key()["color"]
    theirs = [name for name, line in by_line(good).items() if line[0]["role"] == "peer"]
    figure, axes = plt.subplots(1, len(panels), figsize=(5.2 * len(panels), 4.2), squeeze=False)
    shown = {}
    for ax, (key, panel) in zip(axes.flat, panels.items(), strict=True):
        best = min(rmse_of(row) for row in panel)
        limit = best * (1 + SHOWN)
        for name, line in by_line(panel).items():
            points = [(_time(row), rmse_of(row)) for row in line if rmse_of(row) <= limit]
            if not points:
                continue
            if name in theirs:
                look = {"color": colors[theirs.index(name) % len(colors)], "marker": "o"}
            else:
                look = {"color": OUR_COLORS[name], "marker": "D", "linewidth": 2, "zorder": 3}
            look["markersize"] = 3.5 if name[1] != "defaults" else 7
            ax.plot(*zip(*points, strict=True), **{**look, "linestyle": "", "alpha": 0.3})
            (shown[name],) = ax.plot(*zip(*frontier(points), strict=True), **look)
        for target in rating_targets(panel):
            ax.axhline(target, color="0.7", linewidth=0.8, linestyle=":", zorder=0)
        ax.set(xscale="log", xlabel="seconds of training (median)", ylim=(best * 0.998, limit))
        ax.set_title(panel_title(key), fontsize=9)
        ax.xaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
        ax.xaxis.set_major_formatter(ticker.FuncFormatter(lambda x, _: seconds(x)))
        ax.xaxis.set_minor_formatter(ticker.NullFormatter())
    axes[0, 0].set_ylabel("RMSE of held-out ratings")
    labels = [f"{peer} {variant}".strip() for peer, variant in shown]
    figure.legend(shown.values(), labels, loc="outside lower center", ncols=4, fontsize=8)
    figure.set_layout_engine("constrained")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    plt.close(figure)
    return path


def accuracy_section(rows) -> str:
    lines = []
    for (dataset, *_), panel in by_dataset(rows).items():
        for row in sorted(panel, key=rmse_of):
            name = f"**{_named(row)}**" if row["role"] == "ours" else _named(row)
            if row["status"] != "ok":
                lines.append([dataset, name, row["status"], "", "", "", row["note"]])
                continue
            lines.append(
                [
                    dataset,
                    name,
                    f"{rmse_of(row):.4f}",
                    f"{float(row['rmse_min']):.4f} to {float(row['rmse_max']):.4f}",
                    f"{float(row['rmse_clipped']):.4f}",
                    seconds(_time(row)),
                    row["chosen"],
                ]
            )
    header = ["dataset", "program", "RMSE", "folds", "RMSE, clipped", "time", "chosen per fold"]
    about = (
        "Mean over the five published folds, of `movielens_1m_tenths` over three random tenths; "
        "nothing is tuned on held-out ratings: defaults, fixed numbers of factors, or a grid "
        "search on the training entries. Clipped: to the range of the training ratings."
    )
    return f"## MovieLens accuracy\n\n{about}\n\n{table(header, lines)}"


def calibration_section(rows) -> str:
    lines = []
    for row in rows:
        name = f"{row['peer']} {row['variant']}".strip()
        line = [row["dataset"], f"**{name}**" if row["role"] == "ours" else name]
        if row["status"] == "ok":
            line += [f"{float(row[f'inside_{share}']):.1%}" for share in (50, 80, 95)]
            line += [f"{float(row[key]):.3f}" for key in ("width_80", "log_score")]
            line += [f"{float(row['rmse']):.4f}", seconds(_time(row))]
        else:
            line += [row["status"], row["note"], *[""] * 5]
        lines.append(line)
    header = ["dataset", "program", "in 50%", "in 80%", "in 95%", "width of 80%", "log score"]
    header += ["RMSE", "time"]
    about = (
        "Fraction of the held-out ratings inside the central prediction intervals of normal "
        "distributions with the predicted standard deviations: means over the folds. Width in "
        "rating points; log score: negative mean log density of the held-out ratings, lower is "
        "better."
    )
    return f"## Calibration of prediction intervals\n\n{about}\n\n{table(header, lines)}"


def als_sweep_section(rows) -> str:
    cases = defaultdict(list)
    for row in rows:
        cases[row["dataset"], row["rows"], row["k"], row["threads"]].append(row)
    errors = [name for name in rows[0] if name.startswith("rmse_")]
    lines = []
    for (dataset, _, k, n_threads), entries in cases.items():
        ours = next((float(r["seconds_per_sweep"]) for r in entries if r["role"] == "ours"), 0.0)
        for row in entries:
            sweep = float(row["seconds_per_sweep"])
            ratio = times(sweep / ours) if ours and row["role"] != "ours" else ""
            stored = f"{int(row['stored']):,} ratings"
            lines.append(
                [
                    f"{dataset}, {stored}, k={k}, {row['dtype']}, {on_threads(n_threads)}",
                    row["peer"],
                    seconds(sweep),
                    ratio,
                    f"{float(row['gflops']):.1f}",
                    f"{float(row['share_of_sgemm']):.0%} of {float(row['sgemm_gflops']):.0f}",
                    *(row[name] for name in errors),
                ]
            )
    header = ["case", "program", "time per iteration", "ratio", "Gflop/s", "fraction of sgemm"]
    header += [f"RMSE after {name.removeprefix('rmse_')}" for name in errors]
    about = (
        "One iteration of exact alternating least squares, which updates all rows and all columns, "
        "from the difference of runs with few and with more iterations. Ratio: the program's time "
        "over lrfact's. Flops as counted in `tasks/als_sweep.py`; sgemm: a 2048 x 2048 product in "
        "the same process. Last columns: error on held-out ratings after this number of iterations."
    )
    return f"## Time per iteration of exact ALS\n\n{about}\n\n{table(header, lines)}"


def als_100m_section(rows) -> str:
    header = ["case", "program", "time per iteration", "setup", "Gflop/s", "RMSE"]
    header += ["input MB", "peak MB"]
    lines = []
    for row in rows:
        case = f"{row['dataset']}, {int(row['stored']):,} ratings, k={row['k']}, {row['dtype']}"
        line = [f"{case}, {on_threads(row['threads'])}", row["peer"]]
        if row["status"] == "ok":
            line += [seconds(float(row[name])) for name in ("seconds_per_sweep", "seconds_once")]
            line += [row[name] for name in ("gflops", "rmse", "input_mb", "peak_mb")]
        else:
            line += [row["note"], *[""] * 5]
        lines.append(line)
    about = (
        "In a fresh process; the peak is that of the whole process, input and Python included. "
        "Setup is the time of a fit outside its iterations."
    )
    return f"## 100 million ratings\n\n{about}\n\n{table(header, lines)}"
