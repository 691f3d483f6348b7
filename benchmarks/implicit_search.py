"""The choice of parameters for ``implicit_ranking``: a grid, judged on held-out training pairs.

``python benchmarks/implicit_search.py RESULTS_FOLDER --data DATA_FOLDER`` writes
``implicit_search.csv`` there, a row as soon as it is found, and prints the best of each program.
A tenth of each row's training pairs is held out; the pairs that the benchmark asks for are not
looked at. Where these are to be found among 99 others, the validation pairs are too: 99 for each
row, drawn from what it has not chosen. What the csv holds already is not run again.

The same penalties are tried at all exponents: ``--regs`` are values at exponent 1,
and at another one ``reg`` is such that the sum over all rows and columns of their penalties is the
same. implicit's penalty is that of exponent 0.
"""

from __future__ import annotations

import argparse
import os
import sys
from itertools import product
from pathlib import Path


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("out", type=Path, help="folder to write to")
    parser.add_argument("--data", default=os.environ.get("LRFACT_DATA"), help="data folder")
    parser.add_argument("--datasets", nargs="+", default=None, help="names; default: all")
    parser.add_argument(
        "--solvers", nargs="+", default=None, help='as "lrfact als" or "implicit bpr"; default: all'
    )
    parser.add_argument("--ranks", nargs="+", type=int, default=[64, 128, 256])
    parser.add_argument("--alphas", nargs="+", type=float, default=[1.0, 3.0, 10.0, 30.0])
    parser.add_argument("--regs", nargs="+", type=float, default=[0.001, 0.003, 0.01, 0.03])
    parser.add_argument("--exponents", nargs="+", type=float, default=[0.5, 1.0])
    parser.add_argument("--sweeps", nargs="+", type=int, default=[16], help="of least squares")
    parser.add_argument("--svd-regs", nargs="+", type=float, default=[0.0, 0.05, 0.1, 0.2])
    parser.add_argument("--bpr-regs", nargs="+", type=float, default=[0.001, 0.003, 0.01, 0.03])
    parser.add_argument("--bpr-rates", nargs="+", type=float, default=[0.02, 0.05, 0.1])
    parser.add_argument("--bpr-epochs", nargs="+", type=int, default=[100])
    parser.add_argument("--rows", type=int, default=10_000, help="at most so many are judged")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--timeout", type=float, default=1800.0)
    parser.add_argument("--quick", action="store_true", help="few rows, a small grid")
    args = parser.parse_args(argv)
    if args.quick:
        args.ranks, args.sweeps, args.bpr_epochs = [8], [4], [5]
        for name in ("alphas", "regs", "exponents", "svd_regs", "bpr_regs", "bpr_rates"):
            setattr(args, name, getattr(args, name)[:1])
    return args


def main(argv: list[str] | None = None) -> int:
    args = parse(argv)
    # As in run.py: before NumPy's import.
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = str(args.threads)

    from harness import Options, say, select_clicks, select_peers

    options = Options(
        cache_dir=args.out,
        out=args.out,
        data_dir=Path(args.data) if args.data else None,
        datasets=args.datasets,
        threads=args.threads,
        timeout=args.timeout,
        quick=args.quick,
    )
    peers = select_peers("implicit_ranking", options)
    rankers = {
        f"{peer.PROGRAM} {variant}": ranker
        for peer in peers.values()
        for variant, ranker in peer.rankers().items()
        if variant
    }
    unknown = set(args.solvers or ()) - set(rankers)
    if unknown:
        raise SystemExit(f"cannot run {sorted(unknown)}; there are {sorted(rankers)}")
    for name, problem in select_clicks("implicit_ranking", options, []):
        for program in args.solvers or rankers:
            _search(name, problem, program, rankers[program], args, options)
            best = best_of(args.out / "implicit_search.csv", name, program)
            say(f"best of {program} on {name}: {best}")
    return 0


def _search(name, problem, program, ranker, args, options) -> None:
    import numpy as np

    from harness import as_text, read_rows, say, significant, timed, write_rows
    from ranking_quality import judge, places_of

    path = args.out / "implicit_search.csv"
    validation = validation_problem(problem)
    judged = np.random.default_rng(0).permutation(problem.X.shape[0])[: args.rows]
    about = {
        "dataset": name,
        "rows": problem.X.shape[0],
        "stored": validation.X.nnz,
        "program": program,
    }
    same = (*about, "setting", "judged")
    known = {tuple(row[column] for column in same) for row in read_rows(path)}
    for parameters in grid(program, validation.X, args):
        row = {**about, "setting": as_text(parameters), "judged": judged.size}
        if tuple(str(row[column]) for column in same) in known:
            continue
        run = timed(
            lambda: ranker(validation.X, parameters, options.threads, 0),  # noqa: B023
            options.timeout,
        )
        recall, ndcg = judge(validation, *run.value, judged) if run.status == "ok" else (0.0, 0.0)
        row |= {
            "status": run.status,
            "places": places_of(validation),
            "recall": f"{recall:.4f}",
            "ndcg": f"{ndcg:.4f}",
            "seconds": significant(run.seconds),
            "threads": options.threads,
            "note": run.note,
        }
        write_rows(path, [row], same)
        say(f"{name}, {program}, {row['setting']}: recall {row['recall']}, ndcg {row['ndcg']}, "
            f"{row['seconds']} s {run.note}")  # fmt: skip


def validation_problem(problem):
    """A tenth of each row's training pairs to find, among 99 others where the problem has them."""
    import numpy as np

    from datasets import ClicksProblem
    from datasets._held_out_pairs import hold_out

    train, to_find = hold_out(problem.X, 0.1, seed=0)
    if problem.negatives is None:
        return ClicksProblem(train, to_find)
    rng = np.random.default_rng(0)
    n_others = problem.negatives.shape[1]
    negatives = np.full((train.shape[0], n_others), -1)
    for row in range(train.shape[0]):
        chosen = problem.X.indices[problem.X.indptr[row] : problem.X.indptr[row + 1]]
        free = np.setdiff1d(np.arange(train.shape[1]), chosen)
        drawn = rng.choice(free, min(n_others, free.size), replace=False)
        negatives[row, : drawn.size] = drawn
    return ClicksProblem(train, to_find, negatives)


def grid(program, X, args):
    """Parameters to try, in the words of the program."""
    ranks = [k for k in args.ranks if k <= min(X.shape)]
    if program == "lrfact svd":
        for k, reg in product(ranks, args.svd_regs):
            yield {"n_components": k, "reg": reg}
    elif program == "lrfact als":
        for k, alpha, strength, exponent, n in product(
            ranks, args.alphas, args.regs, args.exponents, args.sweeps
        ):
            reg = same_total_penalty(X, alpha, strength, exponent)
            yield {"n_components": k, "alpha": alpha, "reg": reg, "reg_exponent": exponent,
                   "max_iter": n, "tol": 0.0}  # fmt: skip
    elif program == "implicit als":
        for k, alpha, strength, n in product(ranks, args.alphas, args.regs, args.sweeps):
            reg = same_total_penalty(X, alpha, strength, 0.0)
            yield {"factors": k, "alpha": alpha, "regularization": reg, "iterations": n}
    elif program == "lrfact bpr":
        for k, reg, n in product(ranks, args.bpr_regs, args.bpr_epochs):
            yield {"n_components": k, "reg": reg, "max_iter": n}
    elif program == "implicit bpr":
        for k, reg, rate, n in product(ranks, args.bpr_regs, args.bpr_rates, args.bpr_epochs):
            yield {"factors": k, "regularization": reg, "learning_rate": rate, "iterations": n}


def same_total_penalty(X, alpha, strength, exponent) -> float:
    """``reg`` at an exponent that penalizes as much in all as ``strength`` at exponent 1."""
    import numpy as np

    n_rows, n_columns = X.shape
    confidence = np.concatenate(
        [
            n_columns + alpha * np.asarray(X.sum(axis=1, dtype=np.float64)).ravel(),
            n_rows + alpha * np.asarray(X.sum(axis=0, dtype=np.float64)).ravel(),
        ]
    )
    reg = strength * confidence.sum() / np.sum(confidence**exponent)
    return float(f"{reg:.3g}")


def best_of(path: Path, dataset: str, program: str) -> str:
    """The setting of greatest gain, with its figures."""
    from harness import read_rows

    rows = [r for r in read_rows(path) if (r["dataset"], r["program"]) == (dataset, program)]
    if not rows:
        return "nothing was run"
    best = max(rows, key=lambda row: float(row["ndcg"]))
    return f"{best['setting']} (recall {best['recall']}, ndcg {best['ndcg']})"


if __name__ == "__main__":
    sys.exit(main())
