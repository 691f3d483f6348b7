"""The sections of the report about search in texts; ``report.py`` calls them."""

from __future__ import annotations

from collections import defaultdict

from markdown import on_threads, seconds, table, times


def retrieval_section(rows) -> str:
    parts = [
        "## Search: mean average precision",
        "Everybody reads the same words, without English stop words. First at rank 100 (and at "
        "gensim's own 200); then with the rank that did best on half of the queries, scored on the "
        "other half, and the other way round; the best rank on all queries flatters everybody. "
        "In newsgroups_subjects, which had no part in the choice of any default, a subject line "
        "looks for the one text that stood below it, and the mean reciprocal rank is shown.",
    ]
    datasets = list(dict.fromkeys(row["dataset"] for row in rows))
    header = ["program", *(_measured(dataset) for dataset in datasets)]
    for title, chosen in (
        ("At defaults, or at rank 100", lambda setting: not setting.startswith(("search", "best"))),
        ("After a search", lambda setting: setting.startswith("search")),
        ("Best of all ranks on all queries", lambda setting: setting.startswith("best")),
    ):
        lines = defaultdict(dict)
        for row in rows:
            if chosen(row["setting"]):
                value = row["mrr"] if row["dataset"] == "newsgroups_subjects" else row["map"]
                lines[_program(row)][row["dataset"]] = value
        body = [
            [name, *(found.get(dataset, "") for dataset in datasets)]
            for name, found in lines.items()
        ]
        parts.append(f"{title}:\n\n{table(header, body)}")
    return "\n\n".join(parts)


def _measured(dataset) -> str:
    return f"{dataset}, MRR" if dataset == "newsgroups_subjects" else f"{dataset}, MAP"


def _program(row) -> str:
    name = f"{row['peer']} {row['variant']}".strip()
    setting = row["setting"]
    # The rank of a table's title needs no mention.
    if setting.startswith("rank") and setting != "rank 100":
        name += f", {setting}"
    if setting.endswith("rank, weights and share"):
        name += ": rank, weights and lexical share"
    return f"**{name}**" if row["role"] == "ours" else name


def lee_section(rows) -> str:
    best = defaultdict(list)
    for row in rows:
        best[row["peer"], row["variant"], row["role"]].append(row)
    ranks = sorted({int(row["k"]) for row in rows})
    lines = []
    for (peer, variant, role), found in best.items():
        by_rank = {int(row["k"]): row for row in found}
        name = f"{peer} {variant}"
        lines.append(
            [
                f"**{name}**" if role == "ours" else name,
                *(f"{by_rank[k]['pearson']} / {by_rank[k]['spearman']}" for k in ranks),
            ]
        )
    about = (
        "Pearson and Spearman correlation of similarities with those that people gave to the pairs "
        "of 50 news texts (lee), directions from 300 others. Cosines are those of `transform`; the "
        "scores of LSASearch count the words themselves, too."
    )
    header = ["program", *(f"rank {k}" for k in ranks)]
    return "## Search: agreement with people\n\n" + about + "\n\n" + table(header, lines)


def lsa_section(rows) -> str:
    parts = [
        "## Latent semantic analysis: time",
        "`fit` is from the weighted matrix to its leading directions, each program at its "
        "defaults; the error is that of the worst singular value. `answer` is from the text of a "
        "query to the ten best documents, with 100 directions. The ratio is to lrfact's "
        "LSASearch.",
    ]
    lines = []
    for what in ("fit", "answer"):
        some = [row for row in rows if row["what"] == what]
        ours = next(
            (float(r["seconds_median"]) for r in some if r["variant"] == "LSASearch"), float("nan")
        )
        for row in some:
            value = float(row["seconds_median"])
            name = f"{row['peer']} {row['variant']}".strip()
            lines.append(
                [
                    f"{what}, {row['dataset']} ({int(row['rows']):,} x {int(row['columns']):,}), "
                    f"k = {row['k']}, {on_threads(row['threads'])}",
                    f"**{name}**" if row["role"] == "ours" else name,
                    seconds(value) or row["note"],
                    times(value / ours),
                    row["largest_error"] if what == "fit" else "",
                ]
            )
    header = ["case", "program", "time", "ratio", "largest error"]
    parts.append(table(header, lines))
    return "\n\n".join(parts)
