"""Coherence and diversity of topics, mean over seeds: same matrix, same number of topics.

A peer for this task holds ``NAME``, ``TASKS``, ``available()`` and ``topic_models(k)``: by name,
functions of the matrix and a seed that return a fitted model with ``components_``. Terms are ranked
by their weight, which is what a user of scikit-learn does, and by their relevance as `top_terms`
does by default (0.9 for the weight, 0.1 for the lift), for everybody alike.
"""

from __future__ import annotations

import numpy as np

from datasets import all_datasets
from harness import (
    Options,
    describe,
    median,
    role_of,
    say,
    select_peers,
    select_problems,
    significant,
    timed,
    write_rows,
)

N_TERMS, N_TERMS_OF_DIVERSITY = 10, 25
RELEVANCES = (1.0, 0.9)


def run(options: Options) -> list[str]:
    from lrfact.metrics import topic_coherence, topic_diversity

    used: list[str] = []
    peers = select_peers("topics", options)
    for problem in select_problems("topics", options, used):
        module = all_datasets()[problem.name]
        names, documents = module.texts(data_dir=options.data_dir, quick=options.quick)
        rows: list[dict] = []
        for file, peer in peers.items():
            for variant, fit in peer.topic_models(problem.k).items():
                seconds: list[float] = []
                scores: dict = {relevance: [] for relevance in RELEVANCES}
                for seed in range(options.repeats):
                    done = timed(lambda: fit(problem.X, seed), options.timeout)  # noqa: B023
                    seconds.append(done.seconds)
                    model = done.value
                    # What each component adds up to in W H, so that their scales do not matter.
                    mass = model.transform(problem.X).sum(axis=0)
                    weights = model.components_ * mass[:, np.newaxis]
                    for relevance in RELEVANCES:
                        ranked = names[_ranking(weights, relevance)]
                        few = ranked[:, :N_TERMS]
                        scores[relevance].append(
                            [
                                topic_coherence(few, documents, measure="c_v"),
                                topic_coherence(few, documents, measure="npmi"),
                                topic_coherence(few, documents, measure="u_mass"),
                                topic_diversity(ranked, n_terms=N_TERMS_OF_DIVERSITY),
                            ]
                        )
                for relevance in RELEVANCES:
                    means = np.mean(scores[relevance], axis=0)
                    spreads = np.std(scores[relevance], axis=0)
                    rows.append(
                        {
                            "task": "topics",
                            **describe(problem),
                            "threads": options.threads,
                            "peer": peer.NAME,
                            "file": file,
                            "role": role_of(peer),
                            "variant": variant,
                            "relevance": relevance,
                            "seeds": options.repeats,
                            "seconds_median": significant(median(seconds)),
                            "c_v": f"{means[0]:.4f}",
                            "c_v_spread": f"{spreads[0]:.4f}",
                            "npmi": f"{means[1]:.4f}",
                            "u_mass": f"{means[2]:.4f}",
                            "diversity": f"{means[3]:.4f}",
                            "diversity_spread": f"{spreads[3]:.4f}",
                        }
                    )
                    row = rows[-1]
                    say(
                        f"topics: {peer.NAME} {variant}, relevance {relevance}: c_v {row['c_v']}, "
                        f"npmi {row['npmi']}, diversity {row['diversity']}"
                    )
        write_rows(options.out / "topics.csv", rows, ("dataset", "rows", "k", "threads"))
    return used


def _ranking(weights, relevance):
    """Columns of each topic by falling relevance (Sievert and Shirley, 2014)."""
    share = weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-300)
    overall = weights.sum(axis=0) / weights.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        score = np.log(share) - (1 - relevance) * np.log(overall)
    score[~(share > 0)] = -np.inf
    return np.argsort(-score, axis=1, kind="stable")
