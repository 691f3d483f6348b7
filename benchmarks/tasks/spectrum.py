"""Time against accuracy of truncated SVD and PCA.

Timed is ``fit`` alone (and, for PCA, ``fit_transform`` as a line of its own). Scoring happens
outside the clock. All settings of all peers run in one process on the same array, interleaved;
repeat ``r`` passes ``random_state=r`` to everybody, and a setting is as accurate as its worst
repeat.
"""

from __future__ import annotations

from dataclasses import asdict

from exact_reference import exact_singular_values, fingerprint
from harness import (
    Options,
    as_text,
    describe,
    interleave,
    median,
    role_of,
    say,
    select_peers,
    select_problems,
    significant,
    timed,
    write_rows,
)
from objective import BROKEN, Objective, worst
from peers import wanted
from ranking import TARGETS


def run_svd(options: Options) -> list[str]:
    return _run("svd", options)


def run_pca(options: Options) -> list[str]:
    return _run("pca", options)


def _run(task: str, options: Options) -> list[str]:
    used: list[str] = []
    peers = select_peers(task, options)
    for problem in select_problems(task, options, used):
        _run_problem(task, problem, peers, options)
    return used


def _run_problem(task, problem, peers, options) -> None:
    X, k = problem.X, problem.k
    centered = task == "pca"
    say(f"{task}: {problem.name} {X.shape} {X.dtype}, k={k}")
    reference = exact_singular_values(X, k, centered=centered, cache_dir=options.cache_dir)
    say(f"  exact singular values by {reference.method}: {reference.check}")
    objective = Objective(X, reference.singular_values, centered=centered)
    before = fingerprint(X)

    calls: dict = {}
    runs: dict = {}
    scores: dict = {}
    refused = []
    for name, peer in peers.items():
        reason = peer.refusal(task, X, k)
        if reason is not None:
            refused.append((name, reason))
            continue
        grid = _distinct(s for s in peer.settings(task, X, k) if wanted(name, s, options.peers))
        if grid:
            timed(lambda: peer.fit(task, X, k, grid[0], 0), options.timeout)  # noqa: B023
        operations = ["fit"]
        if task == "pca" and hasattr(peer, "fit_transform"):
            operations.append("fit_transform")
        for setting in grid:
            for operation in operations:
                key = (name, setting.get("variant", ""), as_text(setting), operation)
                calls[key] = _call(peer, task, X, k, setting, operation)
                runs[key], scores[key] = [], []

    def keep(key, repeat, run):
        runs[key].append(run)
        if run.status == "ok":
            factors = run.value[1] if key[3] == "fit_transform" else run.value
            scores[key].append(objective(factors.s, factors.Vt))

    def too_slow_to_matter():
        hopeless = set()
        for operation in {key[3] for key in calls}:
            first = {key: runs[key][0].seconds for key in calls if key[3] == operation}
            accurate = [
                first[key]
                for key in first
                if scores[key] and scores[key][0].max_relative_error <= min(TARGETS)
            ]
            limit = options.prune * min(accurate, default=float("inf"))
            hopeless |= {key for key in first if first[key] > limit}
        return hopeless

    interleave(calls, options, keep, too_slow_to_matter)
    if fingerprint(X) != before:
        raise AssertionError(f"a peer changed the matrix of {problem.name}")

    about = {"task": task, **describe(problem), "threads": options.threads}
    how = {"reference": f"{reference.method}: {reference.check}"}
    summary: list[dict] = []
    raw: list[dict] = []
    for key in calls:
        good = [run.seconds for run in runs[key] if run.status == "ok"]
        last = runs[key][-1]
        score = worst(scores[key]) if scores[key] and last.status == "ok" else BROKEN
        peer = peers[key[0]]
        columns = _columns(about, key, peer)
        summary.append(
            {
                **columns,
                "status": last.status,
                "repeats": len(good),
                "seconds_median": significant(median(good)),
                "seconds_min": significant(min(good, default=float("nan"))),
                "seconds_max": significant(max(good, default=float("nan"))),
                **{name: significant(value) for name, value in asdict(score).items()},
                "note": last.note,
                **how,
            }
        )
        raw.extend(
            {**columns, "repeat": i, "status": run.status, "seconds": significant(run.seconds)}
            for i, run in enumerate(runs[key])
        )
    nan = significant(float("nan"))
    for name, reason in refused:
        summary.append(
            {
                **_columns(about, (name, "", "", "fit"), peers[name]),
                "status": "refused",
                "repeats": 0,
                **dict.fromkeys(("seconds_median", "seconds_min", "seconds_max"), nan),
                **{figure: significant(value) for figure, value in asdict(BROKEN).items()},
                "note": reason,
                **how,
            }
        )
    # A run of some peers replaces those peers' rows only.
    same = ("dataset", "rows", "dtype", "k", "threads", "file", "variant")
    write_rows(options.out / f"{task}.csv", summary, same)
    write_rows(options.out / f"{task}.raw.csv", raw, same)


def _call(peer, task, X, k, setting, operation):
    passed = dict(setting)
    return lambda repeat: getattr(peer, operation)(task, X, k, dict(passed), repeat)


def _columns(about, key, peer):
    file, variant, setting, operation = key
    return {
        **about,
        "peer": peer.NAME,
        "file": file,
        "role": role_of(peer),
        "variant": variant,
        "setting": setting,
        "operation": operation,
    }


def _distinct(settings) -> list[dict]:
    return list({as_text(s) + str(s.get("variant", "")): s for s in settings}.values())
