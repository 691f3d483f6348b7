"""Seconds per iteration of exact alternating least squares (an update of all rows and columns).

The time per iteration is the difference between runs with few and with more iterations, divided by
the difference of their numbers, which excludes conversions and initialization. The regularization
of each program suits its formula; the work does not depend on it.

Work of an iteration, with ``p = k + 1`` parameters per row (including the bias): each entry adds
``v v'`` to a symmetric matrix and ``x v`` to a right-hand side, ``p (p + 1) + 2 p`` flops, once for
its row and once for its column; each row and column is solved by Cholesky, ``p^3 / 3 + 2 p^2``. The
rate is compared with that of a float32 matrix product in the same process on the same threads.
"""

from __future__ import annotations

import time

import numpy as np

from harness import (
    Options,
    as_text,
    describe,
    interleave,
    median,
    role_of,
    say,
    select_peers,
    select_ratings,
    significant,
    timed,
    write_rows,
)
from objective import rating_score

# Numbers of iterations whose difference is timed.
FEW, MORE = 1, 6
PRODUCT_SIZE = 2048


def run(options: Options) -> list[str]:
    used: list[str] = []
    peers = select_peers("als_sweep", options)
    for problems in select_ratings("als_sweep", options, used):
        rows = _run_dataset(problems[0], peers, options)
        same = ("dataset", "rows", "k", "threads", "file")
        write_rows(options.out / "als_sweep.csv", rows, same)
    return used


def flops_of_sweep(shape, n_entries: int, k: int) -> float:
    """Additions and multiplications of an exact iteration with biases."""
    p = k + 1
    return 2.0 * n_entries * (p * (p + 1) + 2 * p) + sum(shape) * (p**3 / 3 + 2 * p**2)


def product_rate(size: int = PRODUCT_SIZE, repeats: int = 7) -> float:
    """Flops per second of the product of two square float32 matrices; the best of some."""
    rng = np.random.default_rng(0)
    A, B = (rng.standard_normal((size, size), dtype=np.float32) for _ in range(2))
    out = np.empty_like(A)
    seconds = []
    for _ in range(repeats):
        began = time.perf_counter()
        np.matmul(A, B, out=out)
        seconds.append(time.perf_counter() - began)
    return 2.0 * size**3 / min(seconds)


def _run_dataset(problem, peers, options) -> list[dict]:
    X, k = problem.X, problem.k
    say(f"als_sweep: {problem.name} {X.shape}, {X.nnz:,} ratings, k={k}")
    inputs = {name: peer.prepare(X) for name, peer in peers.items()}
    calls = {
        (name, n_sweeps): _call(peer, inputs[name], peer.sweep_setting(k, n_sweeps), options)
        for name, peer in peers.items()
        for n_sweeps in (FEW, MORE)
    }
    for name in peers:
        timed(lambda: calls[name, FEW](0), options.timeout)  # noqa: B023
    seconds: dict = {key: [] for key in calls}
    errors: dict = {key: [] for key in calls}
    notes: dict = {}

    def keep(key, repeat, run):
        notes[key[0]] = run.note
        if run.status == "ok":
            seconds[key].append(run.seconds)
            predicted = peers[key[0]].predict_entries(run.value, *problem.held_out[:2])
            limits = {"lowest": X.data.min(), "highest": X.data.max()}
            errors[key].append(rating_score(problem.held_out.values, predicted, **limits).rmse)

    interleave(calls, options, keep)
    rate = product_rate()
    flops = flops_of_sweep(X.shape, X.nnz, k)
    rows = []
    for name, peer in peers.items():
        few, more = (median(seconds[name, n]) for n in (FEW, MORE))
        sweep = (more - few) / (MORE - FEW)
        rows.append(
            {
                "task": "als_sweep",
                **describe(problem),
                "threads": options.threads,
                "peer": peer.NAME,
                "file": name,
                "role": role_of(peer),
                "setting": as_text(peer.sweep_setting(k, MORE)),
                "repeats": len(seconds[name, MORE]),
                "seconds_per_sweep": significant(sweep),
                "seconds_once": significant(few - FEW * sweep),
                f"rmse_{FEW}": significant(median(errors[name, FEW])),
                f"rmse_{MORE}": significant(median(errors[name, MORE])),
                "gflop_per_sweep": significant(flops / 1e9),
                "gflops": significant(flops / sweep / 1e9),
                "sgemm_gflops": significant(rate / 1e9),
                "share_of_sgemm": significant(flops / sweep / rate),
                "note": notes.get(name, ""),
            }
        )
        say(f"  {peer.NAME}: {rows[-1]['seconds_per_sweep']} s, {rows[-1]['gflops']} Gflop/s")
    return rows


def _call(peer, data, setting, options):
    return lambda repeat: peer.train(data, dict(setting), options.threads, repeat)
