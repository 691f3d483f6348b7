"""Sections of the report about NMF and topics; ``report.py`` calls them."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from markdown import on_threads, seconds, table, times


def nmf_section(rows, image: Path | None, folder: Path) -> str:
    parts = ["## Non-negative matrix factorization"]
    if image is not None:
        parts.append(f"![Loss against time]({image.relative_to(folder).as_posix()})")
    parts.append(
        "Time to reach the final loss of scikit-learn with its default tolerance and number of "
        "iterations. Each round has a random initialization, the same for all programs. The ratio "
        "of scikit-learn's time to lrfact's, to at most that loss, is the median over "
        "rounds (0: not "
        "reached, for example if the two converge to different minima; the plot shows all losses). "
        "In the lines `defaults` each program uses its own initialization, whose time is included. "
        "Losses are computed from the returned W and H in the same way for all programs. In the "
        "plot each dot is a number of iterations: median time and loss over the rounds."
    )
    lines = []
    for row in rows:
        if row["role"] != "peer" or row["n_iter"] != "end":
            continue
        lines.append(
            [
                _title(row),
                f"{row['peer']} {row['solver']}",
                seconds(float(row["seconds_median"])),
                f"{float(row['loss_median']):.6g}",
                times(float(row["ratio"])),
                times(float(row["ratio_min"])),
                f"{row['rounds_reached']} of {row['rounds']}",
            ]
        )
    header = ["case", "peer", "its time", "its loss", "ratio", "lowest ratio", "rounds reached"]
    parts.append(table(header, lines))
    return "\n\n".join(parts)


def _title(row) -> str:
    return (
        f"{row['dataset']} ({int(row['rows']):,} x {int(row['columns']):,}), k = {row['k']}, "
        f"{row['loss']}, {row['dtype']}, {on_threads(row['threads'])}"
    )


def plot_nmf(rows, path: Path) -> Path | None:
    """Loss against time, one panel per matrix and loss."""
    try:
        import matplotlib as mpl
    except ImportError:
        print("matplotlib is not installed: no plot")
        return None
    mpl.use("Agg")
    import matplotlib.pyplot as plt
    from matplotlib.ticker import LogLocator, NullFormatter

    panels = defaultdict(lambda: defaultdict(list))
    for row in rows:
        if row["solver"] != "defaults":
            line = f"{row['peer']} {row['solver']}"
            panels[row["dataset"], row["k"], row["loss"]][line].append(
                (float(row["seconds_median"]), float(row["loss_median"]), row["role"])
            )
    if not panels:
        return None
    n_columns = 3
    n_rows = -(-len(panels) // n_columns)
    figure, axes = plt.subplots(
        n_rows, n_columns, figsize=(4.6 * n_columns, 3.6 * n_rows), squeeze=False
    )
    for ax in axes.flat[len(panels) :]:
        ax.remove()
    for ax, ((dataset, k, loss), lines) in zip(axes.flat, panels.items(), strict=False):
        least = min(point[1] for points in lines.values() for point in points)
        for name, points in lines.items():
            ours = points[0][2] == "ours"
            xs, ys, _ = zip(*sorted(points), strict=True)
            ax.plot(
                xs,
                [max(y / least - 1, 1e-6) for y in ys],
                label=name,
                color="black" if ours else None,
                linewidth=2 if ours else 1,
                marker="D" if ours else "o",
                markersize=3.5,
            )
        ax.set(xscale="log", yscale="log", xlabel="seconds", title=f"{dataset}, k={k}, {loss}")
        ax.set_ylabel("relative excess over the lowest loss")
        ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.xaxis.set_major_formatter("{x:g}")
        ax.xaxis.set_minor_formatter(NullFormatter())
        ax.title.set_fontsize(9)
        ax.grid(alpha=0.3)
        ax.legend(fontsize=7, frameon=False)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    plt.close(figure)
    return path


def topics_section(rows) -> str:
    lines = [
        [
            f"**{row['peer']}**" if row["role"] == "ours" else row["peer"],
            row["variant"],
            "weight" if float(row["relevance"]) == 1 else f"relevance {row['relevance']}",
            f"{row['c_v']} ± {row['c_v_spread']}",
            row["npmi"],
            row["u_mass"],
            f"{row['diversity']} ± {row['diversity_spread']}",
            seconds(float(row["seconds_median"])),
        ]
        for row in rows
    ]
    about = (
        f"{rows[0]['dataset']}, {rows[0]['k']} topics, mean over {rows[0]['seeds']} seeds (± "
        "standard deviation over seeds), on the documents fitted. Coherence of 10 terms, diversity "
        "of 25. Terms are ranked by their weight in the topic, the only ranking that scikit-learn "
        "offers, or by relevance, of which a tenth is the lift: the default of `top_terms`. Both "
        "rankings are applied to the topics of all programs."
    )
    header = ["program", "initialization", "terms by", "c_v", "npmi", "u_mass", "diversity", "time"]
    return "## Topics\n\n" + about + "\n\n" + table(header, lines)
