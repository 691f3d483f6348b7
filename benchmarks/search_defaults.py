"""Grid search for the defaults of LSASearch: mean average precision on judged collections.

``python benchmarks/search_defaults.py RESULTS_FOLDER --data DATA_FOLDER`` writes
``search_defaults.csv`` there, best first by the smallest gain over the best peer on a collection.
The peers are those of the task ``retrieval``, each at the best of a few ranks on all queries.
"""

from __future__ import annotations

import argparse
import os
import warnings
from itertools import product
from pathlib import Path

from harness import Options, say, select_judged, write_rows
from peers import peers_for
from retrieval_score import average_precision

COLLECTIONS = ("adi", "cacm", "cranfield")
PEER_RANKS = (60, 100, 200, 400)

RANKS = (60, 100, 150, 200)
WEIGHTS = tuple(product((1.2, 1.5), (0.4, 0.5, 0.6, 0.75)))  # k1 and b of BM25
LEXICAL_WEIGHTS = (0.0, 0.3, 0.4, 0.5, 0.6)
FEEDBACK = (0, 3, 4, 5)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, help="folder to write to")
    parser.add_argument("--data", type=Path, default=os.environ.get("LRFACT_DATA"))
    parser.add_argument("--quick", action="store_true", help="few documents, a small grid")
    args = parser.parse_args()
    options = Options(
        cache_dir=args.out,
        out=args.out,
        data_dir=args.data,
        datasets=list(COLLECTIONS),
        quick=args.quick,
    )
    collections = dict(select_judged("retrieval", options, []))
    best = {name: _best_peer(*found, args.quick) for name, found in collections.items()}
    say(f"best peers: {best}")
    rows = list(_grid(collections, best, args.quick))
    rows.sort(key=lambda row: -float(row["least_gain"]))
    write_rows(args.out / "search_defaults.csv", rows, ())
    for row in rows[:10]:
        say(str(row))


def _best_peer(texts, queries, relevant, quick) -> float:
    found = []
    for peer in peers_for("retrieval", None).values():
        if getattr(peer, "OURS", False) or peer.available() is not None:
            continue
        ranks = PEER_RANKS if getattr(peer, "TAKES_RANK", False) and not quick else (100,)
        for ranker in peer.rankers().values():
            for k in {min(k, len(texts)) for k in ranks}:
                ranking = ranker(texts, k)(queries)
                found.append(average_precision(ranking, relevant).mean())
    return max(found)


def _grid(collections, best, quick):
    from lrfact import LSASearch, TermWeighting

    for rank, (k1, b) in product((60,) if quick else RANKS, WEIGHTS[:1] if quick else WEIGHTS):
        searches = {}
        for name, (texts, _, _) in collections.items():
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # a rank may be clipped
                weighting = TermWeighting(k1=k1, b=b)
                searches[name] = LSASearch(rank, weighting=weighting, random_state=0).fit(texts)
        for share, n_feedback in product(LEXICAL_WEIGHTS, FEEDBACK):
            # Both are read at the time of a search.
            found = {}
            for name, search in searches.items():
                texts, queries, relevant = collections[name]
                search.set_params(lexical_weight=share, n_feedback=n_feedback)
                ranking = search.kneighbors(queries, len(texts), return_distance=False)
                found[name] = average_precision(ranking, relevant).mean()
            yield {
                "n_components": rank,
                "k1": k1,
                "b": b,
                "lexical_weight": share,
                "n_feedback": n_feedback,
                **{name: f"{value:.4f}" for name, value in found.items()},
                "least_gain": f"{min(found[name] / best[name] for name in found) - 1:.4f}",
            }


if __name__ == "__main__":
    main()
