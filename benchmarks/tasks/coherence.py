"""Coherence of topics in token sequences by the three measures of `lrfact.metrics`.

A peer for this task holds ``NAME``, ``TASKS``, ``available()``, ``prepare(documents)``, which is
not timed, and ``judge(data, topics, measure, n_threads)``, which is: it returns one value a topic,
with the windows that were published (whole documents, 10 and 110 tokens).

Programs are compared by the largest difference of a topic's value from lrfact's: on the documents,
and where each token of a document stands only once, at its first place. The second shows whether
they compute the same formula: a sliding window need not know there which tokens it holds twice.
"""

from __future__ import annotations

import numpy as np

from harness import (
    Options,
    interleave,
    median,
    role_of,
    say,
    select_peers,
    select_texts,
    significant,
    timed,
    write_rows,
)

MEASURES = ("u_mass", "npmi", "c_v")


def run(options: Options) -> list[str]:
    used: list[str] = []
    peers = select_peers("coherence", options)
    for problem in select_texts("coherence", options, used):
        distinct = [list(dict.fromkeys(tokens)) for tokens in problem.documents]
        data = {name: peer.prepare(problem.documents) for name, peer in peers.items()}
        distinct_data = {name: peer.prepare(distinct) for name, peer in peers.items()}
        rows: list[dict] = []
        for measure in MEASURES:
            rows += _compare(problem, measure, peers, data, distinct_data, options)
        write_rows(options.out / "coherence.csv", rows, ("dataset", "documents", "threads", "file"))
    return used


def _compare(problem, measure, peers, data, distinct_data, options) -> list[dict]:
    def once(name, prepared):
        return lambda: peers[name].judge(prepared[name], problem.topics, measure, options.threads)

    seconds: dict = {name: [] for name in peers}
    notes: dict = {}
    values: dict = {}
    without_repeats: dict = {}
    for name in peers:
        first = timed(once(name, data), options.timeout)
        values[name], notes[name] = first.value, first.note
        without_repeats[name] = timed(once(name, distinct_data), options.timeout).value

    def keep(name, repeat, run):
        if run.status == "ok":
            seconds[name].append(run.seconds)
        notes[name] = run.note or notes[name]

    good = [name for name in peers if values[name] is not None]
    calls = {name: once(name, data) for name in good}
    interleave({name: lambda _, call=calls[name]: call() for name in good}, options, keep)
    ours = next((name for name in good if role_of(peers[name]) == "ours"), None)
    rows = [
        {
            "task": "coherence",
            "dataset": problem.name,
            "documents": len(problem.documents),
            "tokens": sum(map(len, problem.documents)),
            "topics": len(problem.topics),
            "terms": len(problem.topics[0]),
            "measure": measure,
            "peer": peer.NAME,
            "file": name,
            "role": role_of(peer),
            "threads": options.threads,
            "repeats": len(seconds[name]),
            "seconds_median": significant(median(seconds[name])),
            "seconds_min": significant(min(seconds[name], default=float("nan"))),
            "coherence": "nan" if name not in good else f"{np.mean(values[name]):.6f}",
            "difference": _difference(values, name, ours),
            "difference_without_repeats": _difference(without_repeats, name, ours),
            "note": notes[name],
        }
        for name, peer in peers.items()
    ]
    found = ", ".join(f"{r['peer']} {r['coherence']} in {r['seconds_median']} s" for r in rows)
    say(f"coherence: {problem.name}, {measure}: {found}")
    return rows


def _difference(values: dict, name: str, ours: str | None) -> str:
    """The largest of a topic's value from lrfact's."""
    if ours is None or values[name] is None or values[ours] is None:
        return "nan"
    return f"{np.abs(np.asarray(values[name]) - values[ours]).max():.1e}"
