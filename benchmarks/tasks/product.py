"""Sparse-dense matrix product: ``X @ B`` and ``X.T @ B`` against SciPy, results compared.

A peer for this task holds ``NAME``, ``TASKS``, ``available()``, ``THREADED`` (whether it takes a
number of threads) and ``multiplier(X, transpose, n_threads)``, which returns the function of ``B``
that is timed. ``B`` is C-contiguous, the layout that SciPy multiplies without a copy. The call is
timed in a loop of at least ``harness.SHORTEST`` seconds.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import issparse

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

WIDTHS = (1, 8, 16, 32, 100)


def run(options: Options) -> list[str]:
    used: list[str] = []
    peers = select_peers("product", options)
    for problem in select_problems("product", options, used):
        if not issparse(problem.X):
            say(f"product: skipping dense dataset {problem.name}")
            continue
        rows: list[dict] = []
        for width in WIDTHS:
            for transpose in (False, True):
                rows += _compare(problem, width, transpose, peers, options)
        write_rows(
            options.out / "product.csv", rows, ("dataset", "rows", "dtype", "threads", "file")
        )
    return used


def _compare(problem, width, transpose, peers, options) -> list[dict]:
    X = problem.X
    rng = np.random.default_rng(width)
    B = rng.standard_normal((X.shape[0 if transpose else 1], width)).astype(X.dtype)
    exact = (X.T if transpose else X).astype(np.float64) @ B.astype(np.float64)
    largest = np.abs(exact).max()

    calls: dict = {}
    seconds: dict = {}
    notes: dict = {}
    errors: dict = {}
    for name, peer in peers.items():
        thread_counts = sorted({1, options.threads}) if peer.THREADED else [1]
        for n_threads in thread_counts:
            key = (name, n_threads)
            multiply = peer.multiplier(X, transpose, n_threads)
            first = timed(_once(multiply, B), options.timeout)
            if first.status == "ok":
                # The first call may build what later ones reuse: it is not an estimate of theirs.
                first = timed(_once(multiply, B), options.timeout)
            seconds[key], notes[key], errors[key] = [], first.note, np.inf
            if first.status == "ok" and np.shape(first.value) == exact.shape:
                errors[key] = np.abs(np.asarray(first.value, np.float64) - exact).max() / largest
                calls[key] = looped(_once(multiply, B), first.seconds)

    def keep(key, repeat, run):
        if run.status == "ok":
            seconds[key].append(run.value)
        notes[key] = run.note or notes[key]

    interleave(calls, options, keep)
    rows = []
    for (name, n_threads), times in seconds.items():
        rows.append(
            {
                "task": "product",
                **{k: v for k, v in describe(problem).items() if k != "k"},
                "product": "X.T @ B" if transpose else "X @ B",
                "width": width,
                "peer": peers[name].NAME,
                "file": name,
                "role": role_of(peers[name]),
                "threads": n_threads,
                "seconds_median": significant(median(times)),
                "seconds_min": significant(min(times, default=float("nan"))),
                "gflops": significant(2e-9 * X.nnz * width / median(times)),
                "relative_error": significant(float(errors[name, n_threads])),
                "note": notes[name, n_threads],
            }
        )
    medians = ", ".join(f"{r['peer']} ({r['threads']}) {r['seconds_median']} s" for r in rows)
    say(f"product: {problem.name} {X.dtype} {rows[0]['product']}, k={width}: {medians}")
    return rows


def _once(multiply, B):
    return lambda: multiply(B)
