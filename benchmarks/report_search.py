"""Sections of the report about document search; ``report.py`` calls them."""

from __future__ import annotations

from collections import defaultdict

from markdown import on_threads, seconds, table, times


def retrieval_section(rows) -> str:
    parts = [
        "## Document search: mean average precision",
        "All programs use the same words, without English stop words. First at rank 100 (and at "
        "gensim's default 200); then with the best rank on half of the queries, scored "
        "on the other "
        "half, and vice versa; the best rank on all queries is optimistic for all programs. "
        "In newsgroups_subjects, which was not used to choose any default, each query is a subject "
        "line whose text is to be found, and the measure is the mean reciprocal rank.",
    ]
    datasets = list(dict.fromkeys(row["dataset"] for row in rows))
    header = ["program", *(_measured(dataset) for dataset in datasets)]
    for title, chosen in (
        ("At defaults, or at rank 100", lambda setting: not setting.startswith(("search", "best"))),
        ("After a search", lambda setting: setting.startswith("search")),
        ("Best rank on all queries", lambda setting: setting.startswith("best")),
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
    # The rank in the title of the table is not repeated.
    if setting.startswith("rank") and setting != "rank 100":
        name += f", {setting}"
    if setting.endswith("rank, weights and share"):
        name += ": rank, weights and lexical weight"
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
        "Pearson and Spearman correlation with human similarity judgments of the pairs of 50 news "
        "texts (lee); the latent components are fitted to 300 other texts. Cosine similarities are "
        "those of `transform`; the scores of LSASearch include the lexical score."
    )
    header = ["program", *(f"rank {k}" for k in ranks)]
    return (
        "## Document search: correlation with human judgments\n\n"
        + about
        + "\n\n"
        + table(header, lines)
    )


def lsa_section(rows) -> str:
    parts = [
        "## Latent semantic analysis: time",
        "`fit` computes the leading singular vectors of the weighted matrix, with the defaults of "
        "each program; the error is the largest of all singular values. `answer` computes the ten "
        "best documents from the text of a query, with 100 components. The ratio is the program's "
        "time over that of lrfact's LSASearch.",
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
