"""Peak memory of ``fit``, each (peer, dataset) in a fresh process.

Each peer runs at the cheapest setting that reached a relative error of ``TARGET`` in the timed
task, or the most accurate one if none did, when ``svd.csv`` and ``pca.csv`` are in the results
folder; else at the last one of its grid.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from harness import (
    Options,
    as_text,
    describe,
    read_rows,
    role_of,
    say,
    select_peers,
    select_problems,
    significant,
    write_rows,
)
from peers import wanted
from ranking import cheapest_accurate, most_accurate

TARGET = 1e-4
CHILD = Path(__file__).resolve().parents[1] / "measure_memory.py"


def run(options: Options) -> list[str]:
    used: list[str] = []
    peers = select_peers("memory", options)
    for problem in select_problems("memory", options, used):
        for kind in ("svd", "pca"):
            timed_rows = read_rows(options.out / f"{kind}.csv")
            rows = [
                _measure(problem, kind, file, peer, variant, timed_rows, options)
                for file, peer in peers.items()
                if kind in peer.TASKS
                for variant in _variants(problem, kind, file, peer, options)
            ]
            write_rows(
                options.out / "memory.csv",
                rows,
                ("factorization", "dataset", "rows", "dtype", "file"),
            )
    return used


def _variants(problem, kind, file, peer, options) -> list[str]:
    settings = peer.settings(kind, problem.X, problem.k)
    kept = [s for s in settings if wanted(file, s, options.peers)]
    return list(dict.fromkeys(str(s.get("variant", "")) for s in kept))


def _measure(problem, kind, file, peer, variant, timed_rows, options) -> dict:
    X, k = problem.X, problem.k
    grid = [s for s in peer.settings(kind, X, k) if s.get("variant", "") == variant]
    setting, why = grid[-1], "last of its grid"
    mine = [
        row
        for row in timed_rows
        if (row["dataset"], row["dtype"], row["file"], row["variant"], row["operation"])
        == (problem.name, str(X.dtype), file, variant, "fit")
        and row["rows"] == str(X.shape[0])
    ]
    best = cheapest_accurate(mine, TARGET)
    why_best = f"cheapest with error <= {TARGET:g}"
    if best is None:
        best, why_best = most_accurate(mine), "most accurate of its grid"
    if best is not None:
        setting = next((s for s in grid if as_text(s) == best["setting"]), setting)
        why = why_best

    refusal = peer.refusal(kind, X, k)
    outcome = {} if refusal else _in_fresh_process(problem, kind, file, setting, options)
    increase, size = outcome.get("peak_increase", 0), outcome.get("input", 0)
    status = "refused" if refusal else ("ok" if size else "error")
    say(f"memory: {kind} {problem.name} {X.dtype} {peer.NAME} {variant} {status} {increase}")
    return {
        "task": "memory",
        "factorization": kind,
        **describe(problem),
        "threads": options.threads,
        "peer": peer.NAME,
        "file": file,
        "role": role_of(peer),
        "variant": variant,
        "setting": as_text(setting),
        "chosen_as": why,
        "status": status,
        "input_mb": significant(size / 1e6) if size else "",
        "factors_mb": significant(outcome["factors"] / 1e6) if size else "",
        "peak_increase_mb": significant(increase / 1e6) if size else "",
        "times_input": significant(increase / size) if size else "",
        "note": refusal or outcome.get("note", ""),
    }


def _in_fresh_process(problem, kind, file, setting, options) -> dict:
    request = {
        "path": str(problem.path),
        "file": file,
        "task": kind,
        "k": problem.k,
        "setting": setting,
    }
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
        return {"note": f"given up after {options.timeout:g} s"}
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        return {"note": lines[-1][:200]}
    outcome = json.loads(done.stdout.strip().splitlines()[-1])
    if not outcome["mark_reset"]:
        outcome["note"] = "high-water mark not reset: an upper part of the peak may be missing"
    return outcome
