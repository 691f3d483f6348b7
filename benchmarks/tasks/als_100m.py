"""100 million ratings in a fresh process: peak memory and seconds per ALS iteration, lrfact only.

The child loads the ratings, resets the high-water mark of its memory and fits once. The program
prints a line after each iteration; the median time between two lines is that of an iteration.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from harness import (
    Options,
    describe,
    median,
    role_of,
    say,
    select_peers,
    select_ratings,
    significant,
    write_rows,
)
from tasks.als_sweep import flops_of_sweep

N_SWEEPS = 5
CHILD = Path(__file__).resolve().parents[1] / "measure_sweeps.py"


def run(options: Options) -> list[str]:
    used: list[str] = []
    peers = select_peers("als_100m", options)
    for problems in select_ratings("als_100m", options, used):
        problem = problems[0]
        rows = [_measure(problem, name, peer, options) for name, peer in peers.items()]
        same = ("dataset", "rows", "k", "threads", "file")
        write_rows(options.out / "als_100m.csv", rows, same)
    return used


def _measure(problem, name, peer, options) -> dict:
    k = problem.k
    say(f"als_100m: {problem.name} {problem.X.shape}, {problem.X.nnz:,} ratings, k={k}")
    request = {
        "path": str(problem.path),
        "file": name,
        "setting": peer.sweep_setting(k, N_SWEEPS) | {"verbose": 1},
        "n_threads": options.threads,
    }
    outcome = _in_fresh_process(request, options)
    row = {
        "task": "als_100m",
        **describe(problem),
        "threads": options.threads,
        "peer": peer.NAME,
        "file": name,
        "role": role_of(peer),
        "status": "error" if "failure" in outcome else "ok",
        **dict.fromkeys(("seconds_per_sweep", "seconds_once", "gflops", "rmse"), ""),
        **dict.fromkeys(("input_mb", "peak_mb", "peak_increase_mb"), ""),
        "note": outcome.get("failure", ""),
    }
    if row["status"] == "ok":
        sweep = median(outcome["seconds_of_sweeps"])
        flops = flops_of_sweep(problem.X.shape, problem.X.nnz, k)
        row |= {
            "seconds_per_sweep": significant(sweep),
            "seconds_once": significant(outcome["seconds"] - N_SWEEPS * sweep),
            "gflops": significant(flops / sweep / 1e9),
            "rmse": significant(outcome["rmse"]),
            "input_mb": f"{outcome['input'] / 1e6:.0f}",
            "peak_mb": f"{outcome['peak'] / 1e6:.0f}",
            "peak_increase_mb": f"{outcome['peak_increase'] / 1e6:.0f}",
        }
    say(f"  {row['seconds_per_sweep']} s per iteration, peak {row['peak_mb']} MB {row['note']}")
    return row


def _in_fresh_process(request, options) -> dict:
    try:
        done = subprocess.run(
            [sys.executable, str(CHILD), json.dumps(request)],
            capture_output=True,
            text=True,
            timeout=options.timeout + 60,
            env=os.environ.copy(),
            check=False,
        )
    except subprocess.TimeoutExpired:
        return {"failure": f"given up after {options.timeout:g} s"}
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        return {"failure": lines[-1][:200]}
    return json.loads(done.stdout.strip().splitlines()[-1])
