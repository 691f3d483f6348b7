"""Rank search over many ranks and five folds: one factorization per fold against GridSearchCV.

A peer for this task holds ``NAME``, ``TASKS``, ``available()`` and
``search(kind, X, y, ranks, cv)``, which returns a `Choice`. Both sides get the same folds, ranks
and score; the refit at the chosen rank is part of the time on both.

Cases:

- ``pca``: mean log-likelihood of held-out rows, `PCA.score` (digits standardized, faces);
- ``pipeline``: accuracy of standardisation, PCA and logistic regression (digits). The classifier
  is fitted for every rank and fold on both sides, so its cost limits the ratio;
- ``truncated_svd``: closed-form leave-one-entry-out error on held-out rows (ratings). lrfact has it
  as ``score``; scikit-learn's class gets it as a scorer, `leave_one_entry_out`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from sklearn.model_selection import KFold, StratifiedKFold

from harness import (
    Options,
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

FOLDS = 5


class Choice(NamedTuple):
    """The chosen rank, its score and the mean score of every rank."""

    rank: int
    score: float
    curve: np.ndarray


class Case(NamedTuple):
    """One search: what is searched, on which data."""

    kind: str
    dataset: str
    X: object
    y: np.ndarray | None
    ranks: range


def leave_one_entry_out(model, X, y=None) -> float:
    """Minus the root mean square error of predicting each entry from the others of its row.

    With orthonormal components ``V`` the fold-in of a full row is ``w = V' x``; leaving entry ``j``
    out divides its residual by ``1 - h_j``, ``h_j`` the squared length of row ``j`` of ``V``. The
    sum over all entries of a sparse matrix needs only stored ones and k x k products. Where
    ``1 - h_j`` vanishes the prediction is 0.
    """
    vanishing = 100 * np.finfo(model.components_.dtype).eps
    V = np.asarray(model.components_, dtype=np.float64).T
    W = X @ V
    squares = np.asarray(X.multiply(X).sum(axis=0)).ravel()
    cross = np.einsum("jk,jk->j", X.T @ W, V)
    fitted = np.einsum("jk,kl,jl->j", V, W.T @ W, V, optimize=True)
    kept = 1.0 - np.einsum("jk,jk->j", V, V)
    residuals = np.maximum(squares - 2 * cross + fitted, 0.0)
    errors = np.where(kept > vanishing, residuals / np.maximum(kept, vanishing) ** 2, squares)
    return -float(np.sqrt(errors.sum() / (X.shape[0] * X.shape[1])))


def run(options: Options) -> list[str]:
    used: list[str] = []
    peers = select_peers("rank_search", options)
    for case in _cases(options, used):
        _run_case(case, peers, options)
    return used


def _cases(options, used):
    from sklearn.datasets import load_digits
    from sklearn.preprocessing import StandardScaler

    most = 10 if options.quick else 50
    if options.datasets is None or "digits" in options.datasets:
        X, y = load_digits(return_X_y=True)
        if options.quick:
            X, y = X[::4], y[::4]
        used.append("digits:float64")
        yield Case("pca", "digits", StandardScaler().fit_transform(X), None, range(1, most + 1))
        yield Case("pipeline", "digits", X, y, range(1, most + 1))
    for problem in select_problems("rank_search", _without_digits(options), used):
        if str(problem.X.dtype) != "float64":
            continue
        kind = "pca" if isinstance(problem.X, np.ndarray) else "truncated_svd"
        yield Case(kind, problem.name, problem.X, None, range(1, most + 1))


def _without_digits(options):
    from dataclasses import replace

    names = options.datasets and [name for name in options.datasets if name != "digits"]
    return replace(options, datasets=names, dtypes=("float64",))


def _run_case(case, peers, options) -> None:
    say(f"rank_search: {case.kind} on {case.dataset} {case.X.shape}, ranks {case.ranks}")
    folds = KFold if case.y is None else StratifiedKFold
    cv = folds(FOLDS, shuffle=True, random_state=0)

    # One small search first, so that imports and thread pools are not charged to the first peer.
    few = case._replace(ranks=case.ranks[:2])
    for peer in peers.values():
        timed(_search(peer, few, cv), options.timeout)

    outcomes: dict = {name: [] for name in peers}
    calls = {name: _search(peer, case, cv) for name, peer in peers.items()}
    interleave(calls, options, lambda name, repeat, run: outcomes[name].append(run))

    rows = []
    for name, runs in outcomes.items():
        good = [run for run in runs if run.status == "ok"]
        choice = good[-1].value if good else None
        seconds = [run.seconds for run in good]
        rows.append(
            {
                "task": "rank_search",
                "case": case.kind,
                "dataset": case.dataset,
                "rows": case.X.shape[0],
                "columns": case.X.shape[1],
                "ranks": len(case.ranks),
                "folds": FOLDS,
                "threads": options.threads,
                "peer": peers[name].NAME,
                "file": name,
                "role": role_of(peers[name]),
                "status": runs[-1].status,
                "repeats": len(good),
                "seconds_median": significant(median(seconds)),
                "seconds_min": significant(min(seconds, default=float("nan"))),
                "seconds_max": significant(max(seconds, default=float("nan"))),
                "best_rank": choice.rank if choice else "",
                "best_score": f"{choice.score:.10g}" if choice else "",
                "curve_difference": _curve_difference(outcomes, name),
                "note": runs[-1].note,
            }
        )
        say(f"  {rows[-1]['peer']}: {rows[-1]['seconds_median']} s, rank {rows[-1]['best_rank']}")
    write_rows(
        options.out / "rank_search.csv", rows, ("case", "dataset", "rows", "threads", "file")
    )


def _search(peer, case, cv):
    # All searches are seeded alike: the number of the repeat changes nothing.
    return lambda repeat=0: peer.search(case.kind, case.X, case.y, case.ranks, cv)


def _curve_difference(outcomes, name) -> str:
    """Largest relative difference of a score curve from that of scikit-learn's class."""
    curves = {n: runs[-1].value.curve for n, runs in outcomes.items() if runs[-1].status == "ok"}
    if name not in curves or "grid_search_sklearn" not in curves:
        return ""
    theirs = np.asarray(curves["grid_search_sklearn"])
    scale = max(float(np.abs(theirs).max()), np.finfo(float).tiny)
    return significant(float(np.abs(np.asarray(curves[name]) - theirs).max() / scale))
