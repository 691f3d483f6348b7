"""Errors on held-out ratings against training time; MovieLens at defaults and after a search.

Every program trains on the same entries and predicts the same held-out ones. Timed is the training
alone: neither the conversion of the entries to the form a program likes best, nor the prediction.
A round is one run of everything, interleaved. Where a dataset comes in several folds, each round
takes the next one, so that a setting's error is its mean over the published folds; else rounds are
repeats. Round ``r`` passes ``random_state=r`` to everybody.

``ratings`` tries the whole grid in the first round, and goes on with what nothing else of the same
program has beaten in both time and error. ``accuracy`` runs few settings, every one on all folds.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, fields, replace

import numpy as np

from exact_reference import fingerprint
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
from objective import BROKEN_RATINGS, RatingScore, rating_score
from peers import wanted

# What makes a setting not worth another round: one of the same program with less error and time.
LESS_ERROR, LESS_TIME = 1 - 5e-4, 0.9


def run(options: Options) -> list[str]:
    return _run("ratings", options)


def run_accuracy(options: Options) -> list[str]:
    return _run("accuracy", options)


def _run(task: str, options: Options) -> list[str]:
    used: list[str] = []
    peers = select_peers(task, options)
    for problems in select_ratings(task, options, used):
        _run_dataset(task, problems, peers, options)
    return used


def _run_dataset(task, problems, peers, options) -> None:
    first = problems[0]
    n_folds = len(problems)
    in_short = task == "accuracy" or options.quick
    n_rounds = n_folds if in_short else max(n_folds, options.repeats)
    say(f"{task}: {first.name} {first.X.shape}, {first.X.nnz:,} ratings, {n_folds} fold(s)")
    before = [fingerprint(problem.X) for problem in problems]

    calls: dict = {}
    runs: dict = {}
    refused = []
    for name, peer in peers.items():
        reason = peer.refusal(task, first.X, first.k)
        if reason is not None:
            refused.append((name, reason))
            continue
        grid = [
            setting
            for setting in _grid(peer, task, first, options)
            if wanted(name, setting, options.peers)
        ]
        if not grid:
            continue
        inputs = [peer.prepare(problem.X) for problem in problems]
        timed(_call(peer, inputs, grid[0], options, first_round=0), options.timeout)
        for setting in grid:
            key = (name, setting.get("variant", ""), as_text(setting))
            calls[key] = _call(peer, inputs, setting, options)
            runs[key] = []

    scores: dict = {key: [] for key in calls}
    details: dict = {}

    def keep(key, number, run):
        if run.status == "ok":
            problem, peer = problems[number % n_folds], peers[key[0]]
            try:
                scores[key].append(_score(problem, peer, run.value))
            # As in training: a failure is a result.
            except Exception as error:
                run = replace(run, status="error", note=f"prediction: {error}")
                scores[key].append(BROKEN_RATINGS)
            if hasattr(peer, "chosen"):
                details.setdefault(key, []).append(as_text(peer.chosen(run.value)))
        # Models of a whole grid do not fit in memory.
        runs[key].append(replace(run, value=None))

    interleave(
        calls,
        replace(
            options,
            repeats=n_rounds,
            # A setting without all folds has no error to compare.
            slow=float("inf") if n_folds > 1 else options.slow,
        ),
        keep,
        None if in_short else lambda: beaten(runs, scores),
    )
    if [fingerprint(problem.X) for problem in problems] != before:
        raise AssertionError(f"a peer changed the ratings of {first.name}")

    about = {"task": task, **describe(first), "held_out": first.held_out.rows.size}
    about |= {"folds": n_folds, "rounds": n_rounds, "threads": options.threads}
    summary: list[dict] = []
    raw: list[dict] = []
    for key in calls:
        columns = _columns(about, key, peers[key[0]])
        done = [run.seconds for run in runs[key] if run.status == "ok"]
        last = runs[key][-1]
        complete = len(done) >= n_folds and last.status == "ok"
        summary.append(
            {
                **columns,
                "status": ("ok" if complete else "dropped") if last.status == "ok" else last.status,
                "repeats": len(done),
                "seconds_median": significant(median(done)),
                "seconds_min": significant(min(done, default=float("nan"))),
                "seconds_max": significant(max(done, default=float("nan"))),
                **_figures(scores[key]),
                "chosen": "; ".join(details.get(key, ())),
                "note": last.note,
            }
        )
        for number, run in enumerate(runs[key]):
            score = scores[key][number] if number < len(scores[key]) else BROKEN_RATINGS
            raw.append(
                {
                    **columns,
                    "round": number,
                    "fold": problems[number % n_folds].fold,
                    "status": run.status,
                    "seconds": significant(run.seconds),
                    **{name: f"{value:.6g}" for name, value in asdict(score).items()},
                }
            )
    for name, reason in refused:
        nan = significant(float("nan"))
        summary.append(
            {
                **_columns(about, (name, "", ""), peers[name]),
                "status": "refused",
                "repeats": 0,
                **dict.fromkeys(("seconds_median", "seconds_min", "seconds_max"), nan),
                **_figures([]),
                "chosen": "",
                "note": reason,
            }
        )
    for row in summary:
        if task == "accuracy" or row["status"] not in ("ok", "dropped"):
            outcome = f"{row['status']}, rmse {row['rmse']} {row['note']}"
            say(f"  {row['peer']} {row['variant']}: {outcome}")
    same = ("dataset", "rows", "stored", "threads", "file", "variant")
    write_rows(options.out / f"{task}.csv", summary, same)
    write_rows(options.out / f"{task}.raw.csv", raw, same)


def _grid(peer, task, problem, options) -> list[dict]:
    """The settings of a peer; of a quick run, the first and last of each variant."""
    grid = list(peer.settings(task, problem.X, problem.k))
    if not options.quick:
        return grid
    lines = defaultdict(list)
    for setting in grid:
        lines[setting.get("variant", "")].append(setting)
    ends = {id(s): s for line in lines.values() for s in (line[0], line[-1])}
    return list(ends.values())


def _call(peer, inputs, setting, options, first_round=None):
    def call(number=first_round):
        data = inputs[number % len(inputs)]
        return peer.train(data, dict(setting), options.threads, number)

    return call


def _score(problem, peer, model) -> RatingScore:
    limits = {"lowest": problem.X.data.min(), "highest": problem.X.data.max()}
    held_out = problem.held_out
    predicted = peer.predict_entries(model, held_out.rows, held_out.columns)
    return rating_score(held_out.values, predicted, **limits)


def beaten(runs: dict, scores: dict) -> set:
    """Keys of settings that another of the same line beats clearly in both time and error."""
    lines = defaultdict(list)
    for key in runs:
        if scores[key]:
            lines[key[:2]].append((key, runs[key][0].seconds, scores[key][0].rmse))
    return {
        key
        for line in lines.values()
        for key, seconds, rmse in line
        if any(r <= rmse * LESS_ERROR and s <= seconds * LESS_TIME for _, s, r in line)
    }


def _figures(scores: list[RatingScore]) -> dict:
    """Means over the rounds, and the spread of the first."""
    names = [field.name for field in fields(RatingScore)]
    if not scores:
        scores = [BROKEN_RATINGS]
    table = {name: [getattr(score, name) for score in scores] for name in names}
    figures = {name: f"{np.mean(values):.6g}" for name, values in table.items()}
    return figures | {
        "rmse_min": f"{min(table['rmse']):.6g}",
        "rmse_max": f"{max(table['rmse']):.6g}",
    }


def _columns(about, key, peer):
    file, variant, setting = key
    return {
        **about,
        "peer": peer.NAME,
        "file": file,
        "role": role_of(peer),
        "variant": variant,
        "setting": setting,
    }
