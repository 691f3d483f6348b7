"""Time of training to an objective: least squares over all entries of implicit feedback.

Everybody minimizes ``sum_ij c_ij (p_ij - w_i'v_j)^2 + reg (|W|^2 + |V|^2)``, where ``p`` is 1 at
entries of ``X`` and 0 elsewhere and ``c = 1 + alpha X``, with the same ``alpha``, ``reg`` and rank.
The objective is computed here, in float64, from the factors that a program returns. It is not
convex, so that different starts end a little apart; the best that any run reached is the measure.

A peer for this task holds ``NAME``, ``TASKS``, ``available()`` and

- ``VARIANTS``: names of its solvers;
- ``prepare(X, alpha)``: the entries in the preferred format of the program, not timed;
- ``train(data, variant, *, k, alpha, reg, n_sweeps, n_threads, random_state)``: returns a model;
- ``factors(model)``: the factors of rows and of columns, not timed.

The grid is the number of iterations, the same for all programs. All settings run in the first
round; settings with more iterations than a program needs are not repeated.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

from datasets import all_datasets
from exact_reference import fingerprint
from harness import (
    Options,
    interleave,
    median,
    role_of,
    say,
    select_clicks,
    select_peers,
    significant,
    timed,
    write_rows,
)
from implicit_loss import implicit_loss
from peers import wanted

SWEEPS = {"full": (2, 3, 4, 6, 8, 11, 15, 20, 30, 45, 70), "quick": (2, 4, 8)}
# How far above the best objective a program is there, with room for another start.
THERE = 5e-4


def run(options: Options) -> list[str]:
    used: list[str] = []
    peers = select_peers("implicit_als", options)
    for name, problem in select_clicks("implicit_als", options, used):
        module = all_datasets()[name]
        for k in module.RANKS["quick" if options.quick else "full"]:
            if k > min(problem.X.shape):
                continue
            rows = _run_rank(name, module, problem.X, k, peers, options)
            same = ("dataset", "rows", "stored", "k", "threads", "file", "variant")
            write_rows(options.out / "implicit_als.csv", rows, same)
    return used


def _run_rank(name, module, X, k, peers, options) -> list[dict]:
    say(f"implicit_als: {name} {X.shape}, {X.nnz:,} entries, k={k}")
    objective = {"alpha": module.ALPHA, "reg": module.REG}
    before = fingerprint(X)
    numbers = SWEEPS["quick" if options.quick else "full"]
    calls: dict = {}
    for file, peer in peers.items():
        variants = [v for v in peer.VARIANTS if wanted(file, {"variant": v}, options.peers)]
        if not variants:
            continue
        data = peer.prepare(X, module.ALPHA)
        for variant in variants:
            for n_sweeps in numbers:
                setting = {"k": k, "n_sweeps": n_sweeps, **objective}
                calls[file, variant, n_sweeps] = _call(peer, data, variant, setting, options)
        timed(lambda: calls[file, variants[0], numbers[0]](0), options.timeout)  # noqa: B023
    runs: dict = {key: [] for key in calls}
    reached: dict = {key: [] for key in calls}

    def keep(key, repeat, run):
        if run.status == "ok":
            W, V = peers[key[0]].factors(run.value)
            reached[key].append(implicit_loss(X, W, V, **objective))
        runs[key].append(replace(run, value=None))

    interleave(calls, options, keep, lambda: there_already(reached))
    if fingerprint(X) != before:
        raise AssertionError(f"a peer changed {name}")
    rows = []
    for key in calls:
        file, variant, n_sweeps = key
        done = [run.seconds for run in runs[key] if run.status == "ok"]
        nan, last = float("nan"), runs[key][-1]
        rows.append(
            {
                "task": "implicit_als",
                "dataset": name,
                "dtype": str(X.dtype),
                "rows": X.shape[0],
                "columns": X.shape[1],
                "stored": X.nnz,
                "k": k,
                **objective,
                "threads": options.threads,
                "peer": peers[file].NAME,
                "file": file,
                "role": role_of(peers[file]),
                "variant": variant,
                "sweeps": n_sweeps,
                "status": last.status,
                "repeats": len(done),
                "seconds_median": significant(median(done)),
                "seconds_min": significant(min(done, default=nan)),
                "seconds_max": significant(max(done, default=nan)),
                "objective_min": f"{min(reached[key], default=nan):.8g}",
                "objective_max": f"{max(reached[key], default=nan):.8g}",
                "note": last.note,
            }
        )
        row = rows[-1]
        say(
            f"  {row['peer']} {variant}, {n_sweeps} iterations: {row['seconds_median']} s, "
            f"objective {row['objective_max']} {row['note']}"
        )
    return rows


def there_already(reached: dict) -> set:
    """Return settings with more iterations than their program needed to come close to the best."""
    lines = defaultdict(list)
    for file, variant, n_sweeps in reached:
        lines[file, variant].append(n_sweeps)
    best = min((value for values in reached.values() for value in values), default=0.0)
    needless = set()
    for line, numbers in lines.items():
        close = [
            n
            for n in sorted(numbers)
            if reached[(*line, n)] and max(reached[(*line, n)]) <= best * (1 + THERE)
        ]
        if close:
            needless |= {(*line, n) for n in numbers if n > close[0]}
    return needless


def _call(peer, data, variant, setting, options):
    return lambda repeat: peer.train(
        data, variant, **setting, n_threads=options.threads, random_state=repeat
    )
