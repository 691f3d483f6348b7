"""Write the tables and plots of a benchmark run from its csv files.

``python benchmarks/report.py benchmarks/results/NAME`` writes ``README.md`` and the images beside
the results. With ``--docs docs`` it writes ``docs/benchmarks.md`` and ``docs/images/`` instead; a
page that contains the two marker comments keeps the text outside of them.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections import defaultdict
from pathlib import Path

from harness import read_rows
from markdown import on_threads, seconds, table, times
from ranking import (
    RANKED_VARIANT,
    TARGETS,
    by_line,
    by_panel,
    cheapest_accurate,
    contest,
    error_of,
    frontier,
    most_accurate,
)
from report_implicit import implicit_als_section, implicit_ranking_section
from report_ratings import (
    accuracy_section,
    als_100m_section,
    als_sweep_section,
    calibration_section,
    plot_ratings,
    ratings_section,
)
from report_search import lee_section, lsa_section, retrieval_section
from report_topics import nmf_section, plot_nmf, topics_section

BEGIN, END = "<!-- benchmarks: begin -->", "<!-- benchmarks: end -->"
TITLES = {"svd": "Truncated SVD", "pca": "PCA"}


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path, help="folder of a run: config.json and csv files")
    parser.add_argument("--docs", type=Path, default=None, help="documentation folder to write to")
    args = parser.parse_args(argv)

    page = args.docs / "benchmarks.md" if args.docs else args.results / "README.md"
    images = args.docs / "images" if args.docs else args.results
    sections = [_machine_section(args.results)]
    for task in ("svd", "pca"):
        rows = read_rows(args.results / f"{task}.csv")
        if rows:
            image = plot(rows, task, images / f"benchmark_{task}.png")
            sections.append(spectrum_section(rows, task, image, page.parent))
    rows = read_rows(args.results / "ratings.csv")
    if rows:
        image = plot_ratings(rows, images / "benchmark_ratings.png")
        sections.append(ratings_section(rows, image, page.parent))
    rows = read_rows(args.results / "nmf.csv")
    if rows:
        image = plot_nmf(rows, images / "benchmark_nmf.png")
        sections.append(nmf_section(rows, image, page.parent))
    for name, section in (
        ("rank_search", rank_search_section),
        ("product", product_section),
        ("top_k", top_k_section),
        ("memory", memory_section),
        ("accuracy", accuracy_section),
        ("calibration", calibration_section),
        ("als_sweep", als_sweep_section),
        ("als_100m", als_100m_section),
        ("topics", topics_section),
        ("coherence", coherence_section),
        ("retrieval", retrieval_section),
        ("lee", lee_section),
        ("lsa", lsa_section),
        ("implicit_als", implicit_als_section),
        ("implicit_ranking", implicit_ranking_section),
    ):
        rows = read_rows(args.results / f"{name}.csv")
        if rows:
            sections.append(section(rows))
    write_page(page, "\n\n".join(sections))
    print(f"wrote {page}")
    return 0


def write_page(page: Path, body: str) -> None:
    """Write a page, or the part between its markers when it has them."""
    before, after = "# Benchmarks\n\n", "\n"
    if page.exists():
        text = page.read_text(encoding="utf8")
        if BEGIN in text and END in text:
            before, after = text.split(BEGIN)[0], text.split(END, 1)[1]
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(f"{before}{BEGIN}\n{body}\n{END}{after}", encoding="utf8")


def _machine_section(results: Path) -> str:
    runs = json.loads((results / "config.json").read_text())["runs"]
    paragraphs = []
    groups = defaultdict(list)
    for run in runs:
        key = json.dumps(
            [run["machine"], run["versions"], run["threads"], run["date"], run["quick"]]
        )
        groups[key].append(run["task"])
    for key, tasks in groups.items():
        machine, versions, threads, date, quick = json.loads(key)
        listed = ", ".join(f"{name} {version}" for name, version in versions.items())
        small = (
            " **A quick run on small versions of the datasets: not for quoting.**" if quick else ""
        )
        paragraphs.append(
            f"Measured {date} ({', '.join(dict.fromkeys(tasks))}) on {machine['cpu']}, "
            f"{machine['cores']} cores, {threads} threads for all programs, {machine['system']}; "
            f"{listed}; {'; '.join(machine['thread_pools'])}.{small}"
        )
    return "\n\n".join(paragraphs)


# Truncated SVD and PCA


def spectrum_section(rows, task, image, folder) -> str:
    panels = by_panel(rows)
    parts = [f"## {TITLES[task]}"]
    if image is not None:
        relative = image.relative_to(folder).as_posix()
        parts.append(f"![Error against time of {TITLES[task]}]({relative})")
    parts.append(
        "Median time to reach a maximum relative error of the singular values, with the fastest "
        "setting of each program that reached it on every repeat. lrfact runs with its default "
        "solver. Ratio: fastest peer's time over lrfact's; below 1 the peer is faster. In the plot "
        "each dot is a setting, and a line joins the Pareto-optimal settings of a program."
    )
    header = ["dataset", "case", "error", "lrfact", "fastest peer", "its time", "ratio"]
    lines = []
    for key, panel in panels.items():
        for target in TARGETS:
            lines.append(_contest_line(key, panel, target))
    parts.append(table(header, lines))
    parts.append(_verdict(panels))
    parts += _requested_and_reached(panels)
    for key, panel in panels.items():
        parts.append(_panel_table(key, panel))
    return "\n\n".join(parts)


def panel_title(key) -> str:
    dataset, dtype, k, operation, threads = key
    what = "" if operation == "fit" else f", {operation}"
    return f"{dataset}, {dtype}, k = {k}{what}, {on_threads(threads)}"


def _contest_line(key, panel, target) -> list[str]:
    dataset, dtype, k, operation, threads = key
    ours, peer = contest(panel, target)
    line = [dataset, f"{dtype}, k={k}, {operation}, {on_threads(threads)}", f"{target:g}"]
    if ours is not None:
        requested = f" ({ours['setting']})"
        line.append(seconds(float(ours["seconds_median"])) + requested)
    else:
        line.append("not reached" if any(r["role"] == "ours" for r in panel) else "not run")
    if peer is None:
        return [*line, "none reached it", "", ""]
    line += [f"{peer['peer']} ({peer['setting']})", seconds(float(peer["seconds_median"]))]
    if ours is None:
        return [*line, ""]
    return [*line, times(float(peer["seconds_median"]) / float(ours["seconds_median"]))]


def _verdict(panels) -> str:
    """Summarize the cases in which a peer is faster."""
    ahead: list[str] = []
    behind: list[str] = []
    for key, panel in panels.items():
        ours, peer = contest(panel, TARGETS[-1])
        if not any(row["role"] == "ours" for row in panel) or peer is None:
            continue
        won = ours is not None and float(ours["seconds_median"]) <= float(peer["seconds_median"])
        (ahead if won else behind).append(f"{panel_title(key)} ({peer['peer']})")
    if not ahead and not behind:
        return "lrfact was not part of this run."
    if not behind:
        return f"At an error of {TARGETS[-1]:g} lrfact was the fastest in all {len(ahead)} cases."
    return (
        f"At an error of {TARGETS[-1]:g} lrfact was the fastest in {len(ahead)} of "
        f"{len(ahead) + len(behind)} cases. A peer was faster on: {'; '.join(behind)}."
    )


def _requested_and_reached(panels) -> list[str]:
    """Largest error of lrfact's default solver for each requested ``tol``."""
    reached = {}
    for key, panel in panels.items():
        ours = [r for r in panel if r["role"] == "ours" and r["variant"] == RANKED_VARIANT]
        if ours and key[3] == "fit":
            reached[key] = {row["setting"]: f"{error_of(row):.1e}" for row in ours}
    if not reached:
        return []
    requested = list(dict.fromkeys(setting for found in reached.values() for setting in found))
    lines = [
        [panel_title(key), *(found.get(setting, "") for setting in requested)]
        for key, found in reached.items()
    ]
    about = "Largest relative error of lrfact's default solver for each requested `tol`:"
    return [about, table(["dataset", *requested], lines)]


def _panel_table(key, panel) -> str:
    first = panel[0]
    about = (
        f"### {panel_title(key)}\n\n{first['rows']} x {first['columns']}, "
        f"{int(first['stored']):,} stored entries. Exact singular values: {first['reference']}."
    )
    lines = []
    for (peer, variant), rows in by_line(panel).items():
        name = f"**{peer}**" if first_role(rows) == "ours" and variant == RANKED_VARIANT else peer
        line = [f"{name} {variant}".strip()]
        refused = [row for row in rows if row["status"] == "refused"]
        if refused and len(refused) == len(rows):
            lines.append((math.inf, [*line, f"not run: {refused[0]['note']}", "", "", "", ""]))
            continue
        fastest = math.inf
        for target in TARGETS:
            best = cheapest_accurate(rows, target)
            if best is None:
                line.append("not reached")
            else:
                fastest = float(best["seconds_median"])
                line.append(f"{seconds(fastest)} ({best['setting']})".replace(" ()", ""))
        best = most_accurate(rows)
        if best is None:
            line += ["failed", rows[0]["note"], ""]
        else:
            line += [
                f"{error_of(best):.1e} in {seconds(float(best['seconds_median']))}",
                f"{float(best['residual']):.1e}",
                f"{float(best['energy_loss']):.1e}",
            ]
        lines.append((fastest if first_role(rows) != "harness" else math.inf, line))
    header = ["program"] + [f"time to {target:g}" for target in TARGETS]
    header += ["most accurate", "its residual", "its energy loss"]
    lines.sort(key=lambda item: item[0])
    return about + "\n\n" + table(header, [line for _, line in lines])


def first_role(rows) -> str:
    return rows[0]["role"]


def plot(rows, task, path: Path) -> Path | None:
    """Error against time, one panel per dataset and precision, all settings of all peers."""
    try:
        import matplotlib as mpl
    except ImportError:
        print("matplotlib is not installed: no plot")
        return None
    mpl.use("Agg")
    import matplotlib.pyplot as plt
    from matplotlib import ticker

    fits = [row for row in rows if row["operation"] == "fit" and row["role"] != "harness"]
    panels = by_panel(fits)
    styles = _line_styles(fits)
    n_columns = min(3, len(panels))
    n_rows = -(-len(panels) // n_columns)
    figure, axes = plt.subplots(
        n_rows, n_columns, figsize=(5.2 * n_columns, 3.6 * n_rows), squeeze=False, sharey=True
    )
    for ax in axes.flat[len(panels) :]:
        ax.set_visible(False)
    shown = {}
    for ax, (key, panel) in zip(axes.flat, panels.items(), strict=False):
        for name, line in by_line(panel).items():
            good = [row for row in line if row["status"] == "ok"]
            points = sorted((float(r["seconds_median"]), max(error_of(r), 1e-16)) for r in good)
            if points:
                look = styles[name]
                ax.plot(*zip(*points, strict=True), **{**look, "linestyle": "", "alpha": 0.35})
                (shown[name],) = ax.plot(*zip(*frontier(points), strict=True), **look)
        for target in TARGETS:
            ax.axhline(target, color="0.7", linewidth=0.8, linestyle=":", zorder=0)
        ax.set(xscale="log", yscale="log", title=panel_title(key), xlabel="seconds (median)")
        ax.title.set_fontsize(9)
        ax.xaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
        ax.xaxis.set_major_formatter(ticker.FuncFormatter(lambda x, _: seconds(x)))
        ax.xaxis.set_minor_formatter(ticker.NullFormatter())
        ax.tick_params(labelsize=8)
    for ax in axes[:, 0]:
        ax.set_ylabel("largest relative error")
    labels = [f"{peer} {variant}".strip() for peer, variant in shown]
    figure.legend(
        shown.values(), labels, loc="outside lower center", ncols=min(4, len(labels)), fontsize=8
    )
    figure.set_layout_engine("constrained")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    plt.close(figure)
    return path


def _line_styles(rows) -> dict:
    """Line styles, one per peer for all panels; lrfact in black, its default solver thick."""
    import matplotlib.pyplot as plt

    cycle = plt.rcParams["axes.prop_cycle"].by_key()["color"]
    looks: dict = {
        "auto": ("-", "*"),
        "lanczos": ("--", "D"),
        "randomized": ("-.", "s"),
        "gram": (":", "^"),
        "exact": (":", "v"),
    }
    styles, n_peers = {}, 0
    for (peer, variant), line in by_line(rows).items():
        if first_role(line) == "ours":
            linestyle, marker = looks.get(variant, ("-", "D"))
            styles[peer, variant] = {
                "color": "black",
                "linestyle": linestyle,
                "linewidth": 2.0 if variant == RANKED_VARIANT else 0.9,
                "marker": marker,
                "markersize": 8 if variant == RANKED_VARIANT else 4,
                "zorder": 3,
            }
        else:
            color = cycle[n_peers % len(cycle)]
            styles[peer, variant] = {"color": color, "marker": "o", "markersize": 3.5}
            n_peers += 1
    return styles


# The other tasks


def rank_search_section(rows) -> str:
    lines = []
    cases = defaultdict(list)
    for row in rows:
        cases[row["case"], row["dataset"], row["rows"], row["threads"]].append(row)
    for (case, dataset, _, threads), entries in cases.items():
        base = next((r for r in entries if r["file"] == "grid_search_sklearn"), None)
        for row in entries:
            done = row["status"] == "ok"
            ratio = ""
            if done and base is not None and base["status"] == "ok" and row is not base:
                ratio = times(float(base["seconds_median"]) / float(row["seconds_median"]))
            lines.append(
                [
                    f"{case}, {dataset} ({row['rows']} x {row['columns']}), {on_threads(threads)}",
                    row["peer"],
                    seconds(float(row["seconds_median"])) if done else row["note"],
                    ratio,
                    row["best_rank"],
                    row["best_score"],
                    row["curve_difference"],
                ]
            )
    n_ranks = "/".join(sorted({row["ranks"] for row in rows}))
    about = (
        f"{n_ranks} ranks x {rows[0]['folds']} folds, including refit, with the same "
        f"folds and score "
        "for both programs. Last column: largest difference from the score curve of GridSearchCV "
        "with scikit-learn's class, relative to the largest score."
    )
    header = ["case", "program", "time", "ratio", "rank", "score", "curve difference"]
    return f"## Rank search\n\n{about}\n\n{table(header, lines)}"


def product_section(rows) -> str:
    groups: dict = defaultdict(dict)
    for row in rows:
        key = (row["dataset"], row["dtype"], row["product"], row["width"])
        groups[key][row["peer"], row["threads"]] = row
    columns = sorted({(row["peer"], row["threads"]) for row in rows})
    theirs = next((c for c in columns if c[0].startswith("scipy")), None)
    lines = []
    for (dataset, dtype, product, width), found in groups.items():
        line = [f"{dataset}, {dtype}", product, width]
        base = float(found[theirs]["seconds_median"]) if theirs in found else math.nan
        for column in columns:
            row = found.get(column)
            value = float(row["seconds_median"]) if row else math.nan
            cell = seconds(value)
            if cell and column != theirs and not math.isnan(base):
                cell += f" ({times(base / value)})"
            line.append(cell)
        worst = max((float(row["relative_error"]) for row in found.values()), default=math.nan)
        lines.append([*line, f"{worst:.0e}"])
    header = ["matrix", "product", "columns of B"]
    header += [f"{peer}, {on_threads(threads)}" for peer, threads in columns]
    about = (
        "Medians; in parentheses the speedup over SciPy. The last column is the largest "
        "error of any program against the product in float64, relative to its largest entry."
    )
    return f"## Sparse-dense matrix product\n\n{about}\n\n{table([*header, 'worst error'], lines)}"


def top_k_section(rows) -> str:
    groups: dict = defaultdict(list)
    for row in rows:
        groups[row["dataset"], row["dtype"], row["queries"], row["k"], row["threads"]].append(row)
    lines = []
    for (dataset, dtype, n_queries, k, threads), found in groups.items():
        ours = next((r for r in found if r["role"] == "ours"), None)
        for row in sorted(found, key=lambda r: float(r["seconds_median"])):
            value = float(row["seconds_median"])
            ratio = "" if ours in (None, row) else times(value / float(ours["seconds_median"]))
            name = f"**{row['peer']}**" if row is ours else row["peer"]
            case = (
                f"{dataset} ({row['rows']} x {row['columns']}), {dtype}, {n_queries} queries, "
                f"top {k}, {on_threads(threads)}"
            )
            lines.append([case, name, seconds(value) or row["note"], ratio, row["recall"]])
    about = (
        "Medians; ratio: the program's time over lrfact's. Recall: fraction of results that "
        "are no worse than the exact k-th best. Building an index or a copy is not counted."
    )
    header = ["search", "program", "time", "ratio", "recall"]
    return f"## Maximum inner product search\n\n{about}\n\n{table(header, lines)}"


def coherence_section(rows) -> str:
    ours = {(r["dataset"], r["measure"], r["threads"]): r for r in rows if r["role"] == "ours"}
    lines = []
    for row in rows:
        mine = ours.get((row["dataset"], row["measure"], row["threads"]))
        value = float(row["seconds_median"])
        ratio = "" if mine in (None, row) else times(value / float(mine["seconds_median"]))
        case = (
            f"{row['measure']}, {row['dataset']} ({int(row['documents']):,} documents, "
            f"{int(row['tokens']):,} tokens), {row['topics']} topics of {row['terms']} terms, "
            f"{on_threads(row['threads'])}"
        )
        name = f"**{row['peer']}**" if row is mine else row["peer"]
        differs = (
            ["", ""] if row is mine else [row["difference"], row["difference_without_repeats"]]
        )
        lines.append([case, name, seconds(value) or row["note"], ratio, row["coherence"], *differs])
    about = (
        "Medians; ratio: the program's time over lrfact's. gensim's dictionary and bags of words "
        "are built before timing starts. The last columns are the largest difference of a topic's "
        "value from lrfact's, with the original documents and with documents without repeated "
        "tokens. gensim uses 1e-12 in place of the 1 in the published formula of u_mass, and its "
        "sliding window drops a token when its first occurrence leaves, even if another one is "
        "still inside."
    )
    header = ["case", "program", "time", "ratio", "coherence", "difference", "without repeats"]
    return f"## Topic coherence\n\n{about}\n\n{table(header, lines)}"


def memory_section(rows) -> str:
    lines = []
    for row in rows:
        name = f"{row['peer']} {row['variant']}".strip()
        cells = [f"{row['factorization']}, {row['dataset']}, {row['dtype']}, k={row['k']}", name]
        if row["status"] != "ok":
            lines.append([*cells, row["status"], row["note"], "", ""])
            continue
        megabytes = [f"{float(row[c]):.1f}" for c in ("input_mb", "factors_mb", "peak_increase_mb")]
        lines.append([*cells, *megabytes, times(float(row["times_input"]))])
    about = (
        "Increase of peak resident memory during `fit`, after loading the data, each in a fresh "
        "process. Factors are (rows + columns) k numbers of the input's precision."
    )
    header = ["case", "program", "input MB", "factors MB", "peak increase MB", "ratio to input"]
    return f"## Peak memory\n\n{about}\n\n{table(header, lines)}"


if __name__ == "__main__":
    sys.exit(main())
