"""Quality of recommendations from implicit feedback, and training time.

Recall and normalized discounted cumulative gain of what rows chose later (`ranking_quality`), each
program with the parameters of ``implicit_parameters.py``, which a search inside the training pairs
has found. Repeat ``r`` passes ``random_state=r`` to everybody; quality is the mean over repeats.

A peer for this task holds ``NAME``, ``TASKS``, ``available()``, ``PROGRAM``, which names it in
``implicit_parameters.py``, and ``rankers()``: by variant, functions ``(X, parameters, n_threads,
random_state)`` that return factors of rows and of columns, whose products are the scores. Their
whole time counts.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from exact_reference import fingerprint
from harness import (
    Options,
    as_text,
    interleave,
    median,
    role_of,
    say,
    select_clicks,
    select_peers,
    significant,
    write_rows,
)
from implicit_parameters import PARAMETERS
from peers import wanted
from ranking_quality import Quality, judge, places_of

# Ranks of a quick run, whose matrices have few rows.
QUICK_RANK = 8


def run(options: Options) -> list[str]:
    used: list[str] = []
    peers = select_peers("implicit_ranking", options)
    for name, problem in select_clicks("implicit_ranking", options, used):
        rows = _run_dataset(name, problem, peers, options)
        same = ("dataset", "rows", "stored", "threads", "file", "variant")
        write_rows(options.out / "implicit_ranking.csv", rows, same)
    return used


def _run_dataset(name, problem, peers, options) -> list[dict]:
    X = problem.X
    say(f"implicit_ranking: {name} {X.shape}, {X.nnz:,} pairs, {problem.held_out.nnz:,} to find")
    before = fingerprint(X)
    calls, settings = {}, {}
    for file, peer in peers.items():
        for variant, ranker in peer.rankers().items():
            program = f"{peer.PROGRAM} {variant}".strip()
            if not wanted(file, {"variant": variant}, options.peers):
                continue
            if program not in PARAMETERS[name]:
                say(f"  {program}: no parameters for {name}")
                continue
            parameters = dict(PARAMETERS[name][program])
            if options.quick:
                parameters = _small(parameters)
            settings[file, variant] = parameters
            calls[file, variant] = _call(ranker, X, parameters, options)
    seconds: dict = {key: [] for key in calls}
    quality: dict = {key: [] for key in calls}
    last: dict = {}

    def keep(key, repeat, run):
        last[key] = replace(run, value=None)
        if run.status == "ok":
            seconds[key].append(run.seconds)
            quality[key].append(judge(problem, *run.value))

    interleave(calls, options, keep)
    if fingerprint(X) != before:
        raise AssertionError(f"a peer changed {name}")
    return [
        _row(name, problem, peers[key[0]], key, settings[key], options, seconds[key], quality[key],
             last[key])
        for key in calls
    ]  # fmt: skip


def _row(name, problem, peer, key, setting, options, seconds, quality, last) -> dict:
    file, variant = key
    table = np.array(quality or [Quality(np.nan, np.nan)])
    row = {
        "task": "implicit_ranking",
        "dataset": name,
        "rows": problem.X.shape[0],
        "columns": problem.X.shape[1],
        "stored": problem.X.nnz,
        "to_find": problem.held_out.nnz,
        "among": "all" if problem.negatives is None else problem.negatives.shape[1],
        "places": places_of(problem),
        "threads": options.threads,
        "peer": peer.NAME,
        "file": file,
        "role": role_of(peer),
        "variant": variant,
        "setting": as_text(setting),
        "status": last.status,
        "repeats": len(seconds),
        "seconds_median": significant(median(seconds)),
        "seconds_min": significant(min(seconds, default=float("nan"))),
        "recall": f"{table[:, 0].mean():.4f}",
        "recall_min": f"{table[:, 0].min():.4f}",
        "recall_max": f"{table[:, 0].max():.4f}",
        "ndcg": f"{table[:, 1].mean():.4f}",
        "ndcg_min": f"{table[:, 1].min():.4f}",
        "ndcg_max": f"{table[:, 1].max():.4f}",
        "note": last.note,
    }
    say(
        f"  {peer.NAME} {variant}: recall {row['recall']}, ndcg {row['ndcg']}, "
        f"{row['seconds_median']} s {row['note']}"
    )
    return row


def _small(parameters) -> dict:
    ranks = ("n_components", "factors")
    return {name: QUICK_RANK if name in ranks else value for name, value in parameters.items()}


def _call(ranker, X, parameters, options):
    return lambda repeat: ranker(X, parameters, options.threads, repeat)
