"""Command line of the benchmarks: ``python benchmarks/run.py svd --quick``.

Run it as a script, not with ``-m``: the repository root must stay off ``sys.path``, or Python
would import the source folder ``lrfact/`` instead of the installed, compiled package.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

TASKS = (
    *("svd", "pca", "rank_search", "product", "top_k", "memory"),
    *("ratings", "accuracy", "calibration", "als_sweep", "nmf", "topics", "coherence"),
    *("retrieval", "lee", "lsa"),
    *("implicit_als", "implicit_ranking"),
)
# Not part of "all": needs several GB.
LARGE_TASKS = ("als_100m",)
HERE = Path(__file__).resolve().parent


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Compare lrfact with its peers at equal accuracy.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument(
        "tasks",
        nargs="+",
        choices=[*TASKS, *LARGE_TASKS, "all"],
        metavar="task",
        help=f"{(*TASKS, *LARGE_TASKS)}",
    )
    parser.add_argument(
        "--datasets", nargs="+", default=None, help="names; default: the task's own"
    )
    parser.add_argument(
        "--peers", nargs="+", default=None, help="patterns on file name or file name:variant"
    )
    parser.add_argument("--dtypes", nargs="+", default=["float64", "float32"])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument(
        "--timeout", type=float, default=600.0, help="seconds after which one run is given up"
    )
    parser.add_argument(
        "--slow", type=float, default=60.0, help="a setting slower than this is not repeated"
    )
    parser.add_argument(
        "--prune",
        type=float,
        default=4.0,
        help="a setting this many times slower than the fastest accurate one runs once",
    )
    parser.add_argument("--quick", action="store_true", help="small versions of the datasets")
    parser.add_argument(
        "--data", default=os.environ.get("LRFACT_DATA"), help="data folder (or LRFACT_DATA)"
    )
    parser.add_argument(
        "--cache",
        default=os.environ.get(
            "LRFACT_BENCH_CACHE", str(Path(tempfile.gettempdir()) / "lrfact-benchmarks")
        ),
        help="folder for matrices and exact references (or LRFACT_BENCH_CACHE)",
    )
    parser.add_argument(
        "--out", default=None, help="results folder; default: benchmarks/results/local or quick"
    )
    parser.add_argument("--list", action="store_true", help="name datasets and peers, then stop")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    args = parse(argv)
    # The thread pools read these when they are loaded, so they come before NumPy's import.
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = str(args.threads)

    from harness import Options, record_run, report_selection
    from tasks import (
        als_100m,
        als_sweep,
        calibration,
        coherence,
        implicit_als,
        implicit_ranking,
        lee,
        lsa,
        memory,
        nmf,
        product,
        rank_search,
        ratings,
        retrieval,
        spectrum,
        top_k,
        topics,
    )

    options = Options(
        datasets=args.datasets,
        peers=args.peers,
        dtypes=tuple(args.dtypes),
        repeats=args.repeats,
        threads=args.threads,
        timeout=args.timeout,
        slow=args.slow,
        prune=args.prune,
        quick=args.quick,
        data_dir=Path(args.data) if args.data else None,
        cache_dir=Path(args.cache),
        out=Path(args.out) if args.out else HERE / "results" / ("quick" if args.quick else "local"),
    )
    runners = {
        "svd": spectrum.run_svd,
        "pca": spectrum.run_pca,
        "rank_search": rank_search.run,
        "product": product.run,
        "top_k": top_k.run,
        "memory": memory.run,
        "ratings": ratings.run,
        "accuracy": ratings.run_accuracy,
        "calibration": calibration.run,
        "als_sweep": als_sweep.run,
        "als_100m": als_100m.run,
        "nmf": nmf.run,
        "topics": topics.run,
        "coherence": coherence.run,
        "retrieval": retrieval.run,
        "lee": lee.run,
        "lsa": lsa.run,
        "implicit_als": implicit_als.run,
        "implicit_ranking": implicit_ranking.run,
    }
    wanted = {*args.tasks, *(TASKS if "all" in args.tasks else ())}
    chosen = [task for task in (*TASKS, *LARGE_TASKS) if task in wanted]
    for task in chosen:
        if args.list:
            report_selection(task, options)
            continue
        began = time.perf_counter()
        used = runners[task](options)
        record_run(task, options, used, time.perf_counter() - began)
    return 0


if __name__ == "__main__":
    sys.exit(main())
