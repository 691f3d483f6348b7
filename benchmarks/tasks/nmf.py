"""Loss of non-negative factorizations against time, same random initialization for all.

A peer for this task holds ``NAME``, ``TASKS``, ``available()``, ``iterations(loss)``, which says
which numbers of iterations to try with which solver, ``factorize(X, k, loss, solver, n_iter,
start)``, which is timed and returns W and H, and ``at_defaults(X, k, loss, random_state)``, which
chooses its start itself. The number ``"end"`` stands for where a program stops by itself.

A round draws a new start. Within it the time of every program to the loss that a peer ends with is
that of its smallest number of iterations with no larger loss, and the ratio of the two is
taken; reported is the median over rounds. Both sides run anew for each number of iterations, so
that what happens once (transposes, the last solve of W) counts for each.
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
from nonnegative_loss import nonnegative_loss


def run(options: Options) -> list[str]:
    used: list[str] = []
    peers = select_peers("nmf", options)
    for problem in select_problems("nmf", options, used):
        rows: list[dict] = []
        for loss in all_datasets()[problem.name].LOSSES:
            rows += _compare(problem, loss, peers, options)
        write_rows(options.out / "nmf.csv", rows, ("dataset", "dtype", "rows", "k", "threads"))
    return used


def random_init(X, k: int, seed: int):
    """Sizes of normal numbers, so scaled that the product has the mean of X."""
    rng = np.random.default_rng(seed)
    scale = np.sqrt(X.mean() / k)
    shapes = (X.shape[0], k), (k, X.shape[1])
    return tuple(scale * np.abs(rng.standard_normal(s)).astype(X.dtype) for s in shapes)


def _compare(problem, loss, peers, options) -> list[dict]:
    X, k = problem.X, problem.k
    say(f"nmf: {problem.name} {X.shape}, k={k}, {loss}")
    settings = [
        (file, solver, n_iter)
        for file, peer in peers.items()
        for solver, numbers in peer.iterations(loss).items()
        for n_iter in numbers
    ] + [(file, "defaults", "end") for file in peers]
    found: dict = {setting: [] for setting in settings}
    notes: dict = {}
    warm = random_init(X[:50], 2, 0)
    for peer in peers.values():
        for solver in peer.iterations(loss):
            peer.factorize(X[:50], 2, loss, solver, 2, warm)
    for repeat in range(options.repeats):
        start = random_init(X, k, repeat)
        for file, solver, n_iter in settings:
            peer = peers[file]
            if solver == "defaults":
                call = lambda: peer.at_defaults(X, k, loss, repeat)  # noqa: B023, E731
            else:
                call = lambda: peer.factorize(X, k, loss, solver, n_iter, start)  # noqa: B023, E731
            run = timed(call, options.timeout)
            notes[file, solver, n_iter] = run.note
            reached = np.inf if run.status != "ok" else nonnegative_loss(X, *run.value, loss)
            found[file, solver, n_iter].append((run.seconds, reached))
    rows = []
    for file, solver, n_iter in settings:
        seconds, losses = zip(*found[file, solver, n_iter], strict=True)
        ends = n_iter == "end" and role_of(peers[file]) == "peer"
        ratios = _ratios(found, peers, (file, solver, n_iter)) if ends else []
        rows.append(
            {
                "task": "nmf",
                **describe(problem),
                "loss": loss,
                "threads": options.threads,
                "peer": peers[file].NAME,
                "file": file,
                "role": role_of(peers[file]),
                "solver": solver,
                "n_iter": n_iter,
                "rounds": options.repeats,
                "seconds_median": significant(median(seconds)),
                "loss_median": f"{median(losses):.8g}",
                "rounds_reached": sum(ratio > 0 for ratio in ratios) if ends else "",
                "ratio": significant(median(ratios)) if ends else "",
                "ratio_min": significant(min(ratios)) if ends else "",
                "note": notes[file, solver, n_iter],
            }
        )
        if ends:
            row = rows[-1]
            say(f"  {row['peer']} {solver}: {row['seconds_median']} s, ratio {row['ratio']}")
    return rows


def _ratios(found, peers, of) -> list[float]:
    """The time of a peer's end over lrfact's to the same loss, in each round; 0 if not reached."""
    same_start = of[1] != "defaults"
    ours = [
        setting
        for setting in found
        if role_of(peers[setting[0]]) == "ours" and (setting[1] != "defaults") == same_start
    ]
    ratios = []
    for repeat, (seconds, target) in enumerate(found[of]):
        good = [found[s][repeat][0] for s in ours if found[s][repeat][1] <= target]
        ratios.append(seconds / min(good) if good else 0.0)
    return ratios
