"""The k best candidates by inner product, for batches of queries, against an index that is exact.

A peer for this task holds ``NAME``, ``TASKS``, ``available()`` and ``searcher(candidates,
n_threads)``, which builds what it needs and returns a function of ``(queries, k)`` that gives the
indices: that function is timed, in a loop of at least ``harness.SHORTEST`` seconds. Candidates and
queries have length 1, so that a search by cosine or by distance finds the same.
"""

from __future__ import annotations

import numpy as np

from harness import (
    Options,
    describe,
    interleave,
    looped,
    median,
    role_of,
    say,
    select_peers,
    select_problems,
    significant,
    timed,
    write_rows,
)
from recall import kth_best_scores, recall

BATCHES = (1, 32, 1000)


def run(options: Options) -> list[str]:
    used: list[str] = []
    peers = select_peers("top_k", options)
    for problem in select_problems("top_k", options, used):
        rows: list[dict] = []
        for n_queries in BATCHES:
            rows += _compare(problem, n_queries, peers, options)
        write_rows(options.out / "top_k.csv", rows, ("dataset", "rows", "dtype", "threads", "file"))
    return used


def _compare(problem, n_queries, peers, options) -> list[dict]:
    candidates, k = problem.X, problem.k
    queries = np.random.default_rng(n_queries).standard_normal((n_queries, candidates.shape[1]))
    queries = (queries / np.linalg.norm(queries, axis=1, keepdims=True)).astype(candidates.dtype)
    kth_best = kth_best_scores(queries, candidates, k)

    calls: dict = {}
    seconds: dict = {}
    notes: dict = {}
    recalls: dict = {}
    for name, peer in peers.items():
        search = peer.searcher(candidates, options.threads)
        timed(_once(search, queries[:1], k), options.timeout)
        first = timed(_once(search, queries, k), options.timeout)
        seconds[name], notes[name], recalls[name] = [], first.note, float("nan")
        if first.status == "ok":
            recalls[name] = recall(first.value, queries, candidates, kth_best)
            calls[name] = looped(_once(search, queries, k), first.seconds)

    def keep(name, repeat, run):
        if run.status == "ok":
            seconds[name].append(run.value)
        notes[name] = run.note or notes[name]

    def hopeless():
        fastest = min((min(times) for times in seconds.values() if times), default=np.inf)
        return {name for name in calls if not seconds[name]} | {
            name for name in calls if seconds[name] and min(seconds[name]) > options.prune * fastest
        }

    interleave(calls, options, keep, hopeless)
    rows = [
        {
            "task": "top_k",
            **describe(problem),
            "queries": n_queries,
            "peer": peers[name].NAME,
            "file": name,
            "role": role_of(peers[name]),
            "threads": options.threads,
            "repeats": len(times),
            "seconds_median": significant(median(times)),
            "seconds_min": significant(min(times, default=float("nan"))),
            "recall": f"{recalls[name]:.6g}",
            "note": notes[name],
        }
        for name, times in seconds.items()
    ]
    medians = ", ".join(f"{r['peer']} {r['seconds_median']} s" for r in rows)
    say(f"top_k: {problem.name} {candidates.dtype}, {n_queries} queries: {medians}")
    return rows


def _once(search, queries, k):
    return lambda: search(queries, k)
