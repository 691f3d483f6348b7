"""Rank with the lowest leave-one-entry-out error on held-out rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import check_cv

from lrfact.linalg.as_operator import as_operator
from lrfact.rank_rules import RankChoice
from lrfact.solvers.svd.leave_one_entry_out import leave_one_entry_out_rmse
from lrfact.solvers.svd.truncated_svd import truncated_svd

# Number of ranks tried first if decompositions are not cheap.
_FIRST_RANKS = 100


def entry_cross_validation_rank(
    X: Any,
    *,
    cv: Any,
    center: bool,
    max_rank: int | None,
    is_cheap: bool,
    rng: np.random.RandomState,
    n_threads: int,
) -> RankChoice:
    """Return the rank with the lowest error, averaged over the folds; the smallest in case of ties.

    Each fold factorizes its training rows once and evaluates every rank on its test rows. The
    search stops at the largest rank that the training rows of all folds have.

    Parameters
    ----------
    X : {ndarray, sparse matrix} of shape (n_samples, n_features)
        Validated matrix.
    cv : int, splitter or iterable
        Row folds, as in scikit-learn.
    center : bool
        Whether to subtract the means of the training columns from both parts.
    max_rank : int or None
        Maximum rank. If None, all ranks if `is_cheap`, else more as long as the last is best.
    is_cheap : bool
        Whether whole decompositions are affordable.
    rng : RandomState instance
        Random number generator of the iterative solver.
    n_threads : int
        Threads for the sparse products.

    Returns
    -------
    RankChoice
        Choice among ranks from 0: predicting the column mean, or 0, may be best.
    """
    X = X.tocsr() if hasattr(X, "tocsr") else X
    folds = [(train, test) for train, test in check_cv(cv).split(X)]
    limit = min(min(len(train) - int(center) for train, _ in folds), X.shape[1])
    last = limit if max_rank is None else min(max_rank, limit)
    judged = last if is_cheap or max_rank is not None else min(_FIRST_RANKS, last)
    while True:
        curves = list(_fold_curves(X, folds, judged, center, rng, n_threads))
        n_common = min(curve.size for curve in curves)
        curve = np.mean([curve[:n_common] for curve in curves], axis=0)
        n_components = int(np.argmin(curve))
        # Folds of lower rank than requested also end the search.
        at_edge = n_components == judged < limit
        if not at_edge or judged == last:
            break
        judged = min(2 * judged, last)
    return RankChoice(
        rule="cv",
        n_components=n_components,
        ranks=np.arange(n_common, dtype=np.intp),
        curve=curve,
        threshold=None,
        criterion=f"least leave-one-entry-out RMSE over {len(folds)} row folds",
        is_settled=not at_edge,
    )


def _fold_curves(
    X: Any,
    folds: list[tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]],
    max_rank: int,
    center: bool,
    rng: np.random.RandomState,
    n_threads: int,
) -> Iterator[npt.NDArray[np.float64]]:
    for train, test in folds:
        A = as_operator(X[train], n_threads=n_threads)
        if center:
            A = A.centered(A.column_means())
        result = truncated_svd(A, max_rank, rng=rng, want_left=False)
        # Directions of singular value zero are arbitrary, so are predictions with them.
        floor = max(A.shape) * np.finfo(A.dtype).eps * result.s[0]
        components = result.Vt[: np.count_nonzero(result.s > floor)]
        yield leave_one_entry_out_rmse(X[test], components, mean=A.full_mean, n_threads=n_threads)
