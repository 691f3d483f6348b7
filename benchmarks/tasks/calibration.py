"""Calibration of predicted standard deviations: coverage of prediction intervals.

A program trains once on each fold and predicts its held-out ratings with standard deviations. Of
normal errors, half lie within 0.674 of these, and so on. Coverage alone is had for nothing, by the
same interval for everybody; its width and the log score say what the intervals are worth.
"""

from __future__ import annotations

from dataclasses import asdict, fields

import numpy as np

from harness import (
    Options,
    as_text,
    describe,
    median,
    role_of,
    say,
    select_peers,
    select_ratings,
    significant,
    timed,
    write_rows,
)
from objective import BROKEN_CALIBRATION, CalibrationScore, calibration_score
from peers import wanted


def run(options: Options) -> list[str]:
    used: list[str] = []
    peers = select_peers("calibration", options)
    for problems in select_ratings("calibration", options, used):
        first = problems[0]
        say(f"calibration: {first.name} {first.X.shape}, {len(problems)} fold(s)")
        rows = [
            _row(name, peer, setting, problems, options)
            for name, peer in peers.items()
            for setting in peer.settings("calibration", first.X, first.k)
            if wanted(name, setting, options.peers)
        ]
        same = ("dataset", "rows", "stored", "threads", "file", "variant")
        write_rows(options.out / "calibration.csv", rows, same)
    return used


def _row(name, peer, setting, problems, options) -> dict:
    scores, seconds, failure = [], [], None
    for number, problem in enumerate(problems):
        data = peer.prepare(problem.X)

        def call(data=data, number=number):
            return peer.train(data, dict(setting), options.threads, number)

        trained = timed(call, options.timeout)
        if trained.status != "ok":
            failure = trained
            break
        held_out = problem.held_out
        predicted = peer.predict_spread(trained.value, held_out.rows, held_out.columns)
        scores.append(calibration_score(held_out.values, *predicted))
        seconds.append(trained.seconds)
    figures = (
        {
            field.name: np.mean([getattr(score, field.name) for score in scores])
            for field in fields(CalibrationScore)
        }
        if failure is None
        else asdict(BROKEN_CALIBRATION)
    )
    row = {
        "task": "calibration",
        **describe(problems[0]),
        "held_out": problems[0].held_out.rows.size,
        "folds": len(problems),
        "threads": options.threads,
        "peer": peer.NAME,
        "file": name,
        "role": role_of(peer),
        "variant": setting.get("variant", ""),
        "setting": as_text(setting),
        "status": "ok" if failure is None else failure.status,
        "seconds_median": significant(median(seconds)),
        **{key: f"{value:.6g}" for key, value in figures.items()},
        "note": "" if failure is None else failure.note,
    }
    held = ", ".join(row[key] for key in ("inside_50", "inside_80", "inside_95"))
    say(f"  {row['peer']} {row['variant']}: {row['status']}, {held} {row['note']}")
    return row
