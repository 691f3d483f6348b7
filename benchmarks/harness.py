"""Common code of all tasks: options, the timed call, csv files, description of the machine."""

from __future__ import annotations

import csv
import gc
import json
import platform
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from datasets import (
    DatasetUnavailable,
    Problem,
    RatingsProblem,
    TextsProblem,
    all_datasets,
    load_problem,
    load_ratings,
)
from peers import peers_for

DISTRIBUTIONS = (
    "lrfact",
    "numpy",
    "scipy",
    "scikit-learn",
    "fbpca",
    "faiss-cpu",
    "libmf",
    "cmfrec",
    "scikit-surprise",
    "myfm",
    "gensim",
    "implicit",
)


@dataclass(frozen=True)
class Options:
    """The command line, typed."""

    cache_dir: Path
    out: Path
    data_dir: Path | None = None
    datasets: list[str] | None = None
    peers: list[str] | None = None
    dtypes: tuple[str, ...] = ("float64", "float32")
    repeats: int = 5
    threads: int = 1
    timeout: float = 600.0
    slow: float = 60.0
    prune: float = 4.0
    quick: bool = False


# Seconds that a loop of short calls takes at least.
SHORTEST = 0.2

# Seconds until the threads of the last call's BLAS have stopped waiting for more work, which they
# do by spinning: the next call may use another BLAS and would find a processor taken.
_PAUSE = 0.2


@dataclass(frozen=True)
class Run:
    """Outcome of one timed call: ``value`` is None unless ``status`` is ``"ok"``."""

    status: str
    seconds: float
    value: Any = None
    note: str = ""


def say(text: str) -> None:
    print(text, flush=True)


def timed(call: Callable[[], object], timeout: float) -> Run:
    """Run ``call`` once; errors and overruns become a status, warnings a note."""
    gc.collect()
    time.sleep(_PAUSE)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        began = time.perf_counter()
        try:
            with _time_limit(timeout):
                value = call()
            status, note = "ok", ""
        except _Overrun:
            value, status, note = None, "timeout", f"given up after {timeout:g} s"
        except MemoryError as error:
            value, status, note = None, "out of memory", str(error)
        # A peer may fail in any way it likes; the failure is a result, not the end of the run.
        except Exception as error:
            value, status, note = None, "error", f"{type(error).__name__}: {error}"
        seconds = time.perf_counter() - began
    kinds = sorted({w.category.__name__ for w in caught})
    return Run(status, seconds, value, " ".join((note or ", ".join(kinds)).split())[:200])


class _Overrun(BaseException):
    # Not an Exception: GridSearchCV, for one, turns those into a score and goes on.
    pass


@contextmanager
def _time_limit(seconds: float):
    # Signals reach Python only between bytecodes, so one long LAPACK call is not cut short.
    in_main = threading.current_thread() is threading.main_thread()
    if not (in_main and hasattr(signal, "setitimer")):
        yield
        return

    def overrun(signum, frame):
        raise _Overrun

    previous = signal.signal(signal.SIGALRM, overrun)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


def looped(call: Callable[[], object], estimate: float) -> Callable[[int], float]:
    """A function of the repeat's number: seconds of one call, from a loop that is long enough."""
    count = max(1, int(SHORTEST / max(estimate, 1e-9)))

    def loop(repeat: int) -> float:
        began = time.perf_counter()
        for _ in range(count):
            call()
        return (time.perf_counter() - began) / count

    return loop


def interleave(
    calls: dict, options: Options, keep: Callable, drop: Callable[[], set] | None = None
) -> None:
    """Time every call in turn, A B C A B C, ``options.repeats`` times.

    ``calls`` maps a key to a function of the repeat's number, ``keep(key, repeat, run)`` takes the
    outcome. A call that failed, or took longer than ``options.slow``, is not repeated, nor are
    those that ``drop`` names after the first round.
    """
    active = list(calls)
    # Objects of imported modules never die: without them each collection below takes no time.
    gc.collect()
    gc.freeze()
    for repeat in range(options.repeats):
        for key in list(active):
            run = timed(lambda: calls[key](repeat), options.timeout)  # noqa: B023
            keep(key, repeat, run)
            if run.status != "ok" or run.seconds > options.slow:
                active.remove(key)
        if repeat == 0 and drop is not None:
            hopeless = drop()
            active = [key for key in active if key not in hopeless]


def select_problems(task: str, options: Options, used: list[str]):
    """Yield the problems of a task, saying which datasets are skipped and why."""
    for name, module in _selected_datasets(task, options, "load"):
        for dtype in module.DTYPES:
            if dtype not in options.dtypes:
                continue
            try:
                problem = load_problem(
                    name,
                    dtype,
                    data_dir=options.data_dir,
                    quick=options.quick,
                    cache_dir=options.cache_dir,
                )
            except DatasetUnavailable as reason:
                say(f"{task}: skipping dataset {name}: {reason}")
                break
            used.append(f"{name}:{dtype}")
            yield problem


def select_ratings(task: str, options: Options, used: list[str]):
    """Yield the splits of each ratings dataset of a task, saying which are skipped and why."""
    for name, module in _selected_datasets(task, options, "write"):
        where = {
            "data_dir": options.data_dir,
            "quick": options.quick,
            "cache_dir": options.cache_dir,
        }
        try:
            folds = module.FOLDS["quick" if options.quick else "full"]
            problems = [load_ratings(name, fold, **where) for fold in folds]
        except DatasetUnavailable as reason:
            say(f"{task}: skipping dataset {name}: {reason}")
            continue
        used.append(f"{name}:{problems[0].X.dtype}")
        yield problems


def select_texts(task: str, options: Options, used: list[str]):
    """Yield the texts of a task, saying which are skipped and why."""
    for name, module in _selected_datasets(task, options, "tokens"):
        try:
            found = module.tokens(data_dir=options.data_dir, quick=options.quick)
        except DatasetUnavailable as reason:
            say(f"{task}: skipping dataset {name}: {reason}")
            continue
        used.append(name)
        yield TextsProblem(name, *found)


def select_judged(task: str, options: Options, used: list[str]):
    """Yield documents, queries and what is relevant, saying which are skipped and why."""
    yield from _select_made_by("judged", task, options, used)


def select_compared(task: str, options: Options, used: list[str]):
    """Yield texts to learn from, texts and their similarities, saying which are skipped."""
    yield from _select_made_by("compared", task, options, used)


def select_clicks(task: str, options: Options, used: list[str]):
    """Yield what rows have chosen and what to find, saying which datasets are skipped and why."""
    yield from _select_made_by("clicks", task, options, used)


def _select_made_by(maker: str, task: str, options: Options, used: list[str]):
    for name, module in _selected_datasets(task, options, maker):
        try:
            found = getattr(module, maker)(data_dir=options.data_dir, quick=options.quick)
        except DatasetUnavailable as reason:
            say(f"{task}: skipping dataset {name}: {reason}")
            continue
        used.append(name)
        yield name, found


def _selected_datasets(task: str, options: Options, maker: str):
    """Modules asked for by name, or else those of the task, that have the function ``maker``."""
    modules = all_datasets()
    for name in options.datasets or []:
        if name not in modules:
            raise SystemExit(f"unknown dataset {name!r}; there are {', '.join(modules)}")
    for name, module in modules.items():
        asked = task in module.TASKS if options.datasets is None else name in options.datasets
        if asked and hasattr(module, maker):
            yield name, module


def select_peers(task: str, options: Options) -> dict:
    """Available peers of a task, saying which are skipped and why."""
    chosen = {}
    for name, module in peers_for(task, options.peers).items():
        reason = module.available()
        if reason is None:
            chosen[name] = module
        else:
            say(f"{task}: skipping peer {module.NAME}: {reason}")
    return chosen


def report_selection(task: str, options: Options) -> None:
    """Print what a task would use."""
    names = [n for n, m in all_datasets().items() if task in m.TASKS]
    say(f"{task}\n  datasets: {', '.join(names)}\n  peers:")
    for name, module in peers_for(task, options.peers).items():
        reason = module.available()
        say(f"    {name}: {module.NAME}" + (f" ({reason})" if reason else ""))


def describe(problem: Problem | RatingsProblem) -> dict:
    """The columns that say which matrix a row is about."""
    X = problem.X
    return {
        "dataset": problem.name,
        "dtype": str(X.dtype),
        "rows": X.shape[0],
        "columns": X.shape[1],
        "stored": getattr(X, "nnz", X.shape[0] * X.shape[1]),
        "k": problem.k,
    }


def as_text(setting: dict) -> str:
    """A setting as it appears in the csv: ``n_iter=4 n_oversamples=10``."""
    return " ".join(f"{name}={value}" for name, value in setting.items() if name != "variant")


def significant(value: float) -> str:
    return f"{value:.4g}"


def write_rows(path: Path, rows: list[dict], replaces: tuple[str, ...]) -> None:
    """Write rows to a csv; rows already there that agree on ``replaces`` with a new one go."""
    if not rows:
        return
    renewed = {tuple(str(row[name]) for name in replaces) for row in rows}
    kept = [row for row in read_rows(path) if tuple(row[n] for n in replaces) not in renewed]
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(kept + rows)


def read_rows(path: Path) -> list[dict[str, str]]:
    """Rows of a csv as dicts of text; none when there is no file."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf8") as file:
        return list(csv.DictReader(file))


def record_run(task: str, options: Options, used: list[str], seconds: float) -> None:
    """Append what was run, on what and how, to ``config.json`` beside the results."""
    if not used:
        say(f"{task}: nothing was run")
        return
    path = options.out / "config.json"
    runs = json.loads(path.read_text())["runs"] if path.exists() else []
    runs = [run for run in runs if (run["task"], run["datasets"]) != (task, used)]
    runs.append(
        {
            "task": task,
            "date": datetime.now(UTC).strftime("%Y-%m-%d"),
            "minutes": round(seconds / 60, 1),
            "datasets": used,
            "peers": options.peers or "all available",
            "quick": options.quick,
            "repeats": options.repeats,
            "threads": options.threads,
            "timeout": options.timeout,
            "slow": options.slow,
            "prune": options.prune,
            "warm_up": "one untimed run of each peer's first setting",
            "machine": machine(),
            "versions": versions(),
        }
    )
    options.out.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"runs": runs}, indent=2) + "\n")
    say(f"{task}: done in {seconds / 60:.1f} minutes, results in {options.out}")


def machine() -> dict:
    """Processor, cores, memory and the BLAS in use."""
    from threadpoolctl import threadpool_info

    cpu = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text().splitlines()
        cpu = next((x.partition(":")[2].strip() for x in lines if x.startswith("model name")), cpu)
    pools = (
        f"{p['internal_api']} {p.get('version') or ''} {p.get('architecture') or ''} "
        f"({p['num_threads']} threads)"
        for p in threadpool_info()
    )
    return {
        "cpu": cpu,
        "cores": usable_cores(),
        "system": f"{platform.system()} {platform.machine()}",
        "thread_pools": sorted({" ".join(pool.split()) for pool in pools}),
    }


def usable_cores() -> int:
    from joblib import cpu_count

    return cpu_count()


def versions() -> dict[str, str]:
    """Versions of Python and of every program under comparison."""
    found = {"python": platform.python_version()}
    for name in DISTRIBUTIONS:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    kernels = sys.modules.get("lrfact.kernels")
    if kernels is not None:
        found["lrfact kernels"] = getattr(kernels, "IMPLEMENTATION", "unknown")
    return found


def role_of(peer) -> str:
    """Whether a program is lrfact's own, a peer, or stands outside the ranking."""
    if getattr(peer, "REFERENCE", False):
        return "harness"
    return "ours" if getattr(peer, "OURS", False) else "peer"


def median(values) -> float:
    return float(np.median(values)) if len(values) else float("nan")
