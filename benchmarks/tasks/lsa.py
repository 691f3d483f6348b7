"""Time of latent semantic analysis: singular vectors of a weighted matrix, and queries.

A peer for this task holds ``NAME``, ``TASKS``, ``available()`` and

- ``convert(A)``: the weighted matrix in the form that the program likes best, outside the clock;
- ``fits()``: by variant, functions of that, a rank and a seed that return the singular values;
- ``answerers()``: by variant, functions of the texts that return a function of a query, the one
  that is timed: from its text to the best ten documents.
"""

from __future__ import annotations

import numpy as np

from datasets import all_datasets
from exact_reference import exact_singular_values
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

QUERY = "which driver does a graphics card need for a large monitor"


def run(options: Options) -> list[str]:
    used: list[str] = []
    peers = select_peers("lsa", options)
    for problem in select_problems("lsa", options, used):
        texts = all_datasets()[problem.name].texts(data_dir=options.data_dir, quick=options.quick)
        rows = _fits(problem, peers, options) + _answers(problem, texts, peers, options)
        write_rows(options.out / "lsa.csv", rows, ("dataset", "rows", "k", "threads", "file"))
    return used


def _fits(problem, peers, options) -> list[dict]:
    exact = exact_singular_values(
        problem.X, problem.k, centered=False, cache_dir=options.cache_dir
    ).singular_values
    calls, errors, seconds, notes = {}, {}, {}, {}
    for file, peer in peers.items():
        data = peer.convert(problem.X)
        for variant, fit in peer.fits().items():
            key = file, variant
            calls[key] = lambda repeat, fit=fit, data=data: fit(data, problem.k, repeat)
            errors[key], seconds[key], notes[key] = [], [], ""
    for call in calls.values():
        timed(lambda: call(0), options.timeout)  # noqa: B023

    def keep(key, repeat, run):
        notes[key] = run.note or notes[key]
        if run.status == "ok":
            seconds[key].append(run.seconds)
            errors[key].append(_largest_error(run.value, exact))

    interleave(calls, options, keep)
    return [
        _row(problem, peers, key, "fit", options, seconds[key], median(errors[key]), notes[key])
        for key in calls
    ]


def _largest_error(found, exact) -> float:
    found = np.sort(np.asarray(found, dtype=np.float64))[::-1]
    if len(found) < len(exact):
        return float("inf")
    return float(np.abs(found[: len(exact)] / exact - 1).max())


def _answers(problem, texts, peers, options) -> list[dict]:
    calls, seconds, notes = {}, {}, {}
    for file, peer in peers.items():
        for variant, start in peer.answerers().items():
            answer = start(texts)
            first = timed(lambda: answer(QUERY), options.timeout)  # noqa: B023
            key = file, variant
            seconds[key], notes[key] = [], first.note
            calls[key] = looped(lambda answer=answer: answer(QUERY), first.seconds)

    def keep(key, repeat, run):
        notes[key] = run.note or notes[key]
        if run.status == "ok":
            seconds[key].append(run.value)

    interleave(calls, options, keep)
    return [
        _row(problem, peers, key, "answer", options, seconds[key], float("nan"), notes[key])
        for key in calls
    ]


def _row(problem, peers, key, what, options, seconds, error, note) -> dict:
    file, variant = key
    row = {
        "task": "lsa",
        **describe(problem),
        "what": what,
        "threads": options.threads,
        "peer": peers[file].NAME,
        "file": file,
        "role": role_of(peers[file]),
        "variant": variant,
        "repeats": len(seconds),
        "seconds_median": significant(median(seconds)),
        "seconds_min": significant(min(seconds, default=float("nan"))),
        "largest_error": f"{error:.2g}",
        "note": note,
    }
    say(
        f"lsa: {what}, {row['peer']} {variant}: {row['seconds_median']} s, largest error of a "
        f"singular value {row['largest_error']}"
    )
    return row
