"""Correlation with human similarity judgments; components are fitted to background texts only.

A peer for this task holds ``NAME``, ``TASKS``, ``available()`` and ``similarities()``: by variant,
functions of the background texts, the test texts and a rank that return the table of similarities
of the test texts.
"""

from __future__ import annotations

import numpy as np

from harness import Options, role_of, say, select_compared, select_peers, write_rows

RANKS = (50, 100, 200, 300)


def run(options: Options) -> list[str]:
    from scipy.stats import spearmanr

    used: list[str] = []
    peers = select_peers("lee", options)
    for name, (background, test, people) in select_compared("lee", options, used):
        above = np.triu_indices(len(test), 1)
        rows = []
        for file, peer in peers.items():
            for variant, compare in peer.similarities().items():
                for k in RANKS[:1] if options.quick else RANKS:
                    found = compare(background, test, min(k, len(background)))[above]
                    rows.append(
                        {
                            "task": "lee",
                            "dataset": name,
                            "documents": len(background),
                            "peer": peer.NAME,
                            "file": file,
                            "role": role_of(peer),
                            "variant": variant,
                            "k": k,
                            "pearson": f"{np.corrcoef(found, people)[0, 1]:.4f}",
                            "spearman": f"{spearmanr(found, people)[0]:.4f}",
                        }
                    )
                    row = rows[-1]
                    say(
                        f"lee: {peer.NAME} {variant}, k={k}: pearson {row['pearson']}, "
                        f"spearman {row['spearman']}"
                    )
        write_rows(options.out / "lee.csv", rows, ("dataset", "documents", "file"))
    return used
