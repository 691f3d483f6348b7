"""Mean average precision on judged collections: all programs use the same words.

A peer for this task holds ``NAME``, ``TASKS``, ``available()`` and ``rankers()``: by variant,
functions of the documents and a rank that return a function of the queries, whose value is the
ranking of all documents, best first, -1 for none. ``TAKES_RANK`` says that the rank matters,
``OWN_RANK`` is the rank that the program takes by itself, if any, and ``choices()``, optional, has
further variants that a search may choose from.

Words are those of scikit-learn's CountVectorizer without its English stop words. Three tables are
written: at rank 100 and at the program's own; with the rank that did best on half of the queries,
scored on the other half and the other way round; and the best of all ranks on all queries, which
flatters everybody alike.
"""

from __future__ import annotations

import numpy as np

from harness import (
    Options,
    role_of,
    say,
    select_judged,
    select_peers,
    write_rows,
)
from retrieval_score import average_precision, reciprocal_rank

RANK = 100
RANKS = (20, 40, 60, 80, 100, 150, 200, 300, 400)
# Where a search over ranks would take an hour, for texts that show the defaults only.
MOST_DOCUMENTS = 5000


def run(options: Options) -> list[str]:
    used: list[str] = []
    peers = select_peers("retrieval", options)
    for name, (texts, queries, relevant) in select_judged("retrieval", options, used):
        rows = []
        for file, peer in peers.items():
            about = {
                "task": "retrieval",
                "dataset": name,
                "documents": len(texts),
                "queries": len(queries),
                "peer": peer.NAME,
                "file": file,
                "role": role_of(peer),
            }
            rows += _rows_of(peer, about, texts, queries, relevant, options.quick)
        write_rows(options.out / "retrieval.csv", rows, ("dataset", "documents", "file"))
    return used


def _rows_of(peer, about, texts, queries, relevant, quick) -> list[dict]:
    takes_rank = getattr(peer, "TAKES_RANK", False)
    searched = takes_rank and len(texts) <= MOST_DOCUMENTS
    ranks = sorted({min(k, len(texts)) for k in ((20, 40) if quick else RANKS)})
    rows, scores_of = [], {}

    def judge(ranker, k):
        return _judged(ranker(texts, k)(queries), relevant)

    for variant, ranker in peer.rankers().items():
        precision, reciprocal = judge(ranker, min(RANK, len(texts)))
        rows.append(
            _row(about, variant, f"rank {RANK}" if takes_rank else "", precision, reciprocal)
        )
        own = getattr(peer, "OWN_RANK", None)
        if own is not None:
            rows.append(_row(about, variant, f"rank {own}", *judge(ranker, min(own, len(texts)))))
        if searched:
            scores_of[variant] = {k: judge(ranker, k) for k in ranks}
            rows += _after_search(about, variant, "rank", scores_of[variant])
    if searched and hasattr(peer, "choices"):
        together = {
            f"{variant}, rank {k}": judge(ranker, k)
            for variant, ranker in peer.choices().items()
            for k in ranks
        }
        rows += _after_search(about, "LSASearch", "rank, weights and share", together)
    return rows


def _judged(ranking, relevant):
    return average_precision(ranking, relevant), reciprocal_rank(ranking, relevant)


def _after_search(about, variant, over, scores_of) -> list[dict]:
    """Chosen on the queries of one half, scored on those of the other; and the best on all."""
    halves = np.arange(len(next(iter(scores_of.values()))[0])) % 2 == 0
    precision = np.empty(len(halves))
    reciprocal = np.empty(len(halves))
    chosen = []
    for half in (halves, ~halves):
        best = max(scores_of, key=lambda key: scores_of[key][0][half].mean())
        precision[~half], reciprocal[~half] = (score[~half] for score in scores_of[best])
        chosen.append(str(best))
    best = max(scores_of, key=lambda key: scores_of[key][0].mean())
    return [
        _row(about, variant, f"search of {over}", precision, reciprocal, " and ".join(chosen)),
        _row(about, variant, f"best of {over}", *scores_of[best], str(best)),
    ]


def _row(about, variant, setting, precision, reciprocal, chosen="") -> dict:
    row = {
        **about,
        "variant": variant,
        "setting": setting,
        "chosen": chosen,
        "map": f"{precision.mean():.4f}",
        "mrr": f"{reciprocal.mean():.4f}",
    }
    say(
        f"retrieval: {about['dataset']}, {about['peer']} {variant} {setting} {chosen}: "
        f"map {row['map']}, mrr {row['mrr']}"
    )
    return row
