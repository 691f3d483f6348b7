"""Results table of a search over ranks, with the keys of GridSearchCV."""

import warnings
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata
from sklearn.exceptions import FitFailedWarning

from lrfact.model_selection.rank_search._rank_search_fold import RankScore


def results_table(
    parameter: str,
    folds: Sequence[dict[int, RankScore]],
    *,
    error_score: Any,
    return_train_score: bool,
) -> dict[str, Any]:
    """Collect the scores of all folds.

    Parameters
    ----------
    parameter : str
        Name of the parameter that sets the rank.

    folds : sequence of dict of int to RankScore
        Scores of each fold, with ranks in ascending order. The table has the ranks that are in all
        folds.

    error_score : float or "raise"
        Score of a failed fit.

    return_train_score : bool
        Whether the table includes training scores.

    Returns
    -------
    dict
        Table with the keys of ``cv_results_`` of GridSearchCV, in the same order.

    Raises
    ------
    ValueError
        If every fit failed.

    Warns
    -----
    FitFailedWarning
        If some fits failed.

    UserWarning
        If a mean score is not finite.
    """
    ranks = [int(rank) for rank in folds[0] if all(rank in fold for fold in folds)]
    scored = [[fold[rank] for fold in folds] for rank in ranks]
    report_failed_fits([score.error for row in scored for score in row], error_score)

    table: dict[str, Any] = {}
    for key in ("fit_time", "score_time"):
        _store(table, key, [[getattr(score, key) for score in row] for row in scored])
    # A masked array as in GridSearchCV, where some rows may lack some parameters.
    table[f"param_{parameter}"] = np.ma.MaskedArray(ranks, mask=False)
    table["params"] = [{parameter: rank} for rank in ranks]
    parts = ["test", "train"] if return_train_score else ["test"]
    scores = {
        part: _by_name([[getattr(score, part) for score in row] for row in scored], error_score)
        for part in parts
    }
    for name in scores["test"]:
        for part in parts:
            _store(table, f"{part}_{name}", scores[part][name], splits=True)
            _warn_if_not_finite(table[f"mean_{part}_{name}"], part)
            if part == "test":
                table[f"rank_test_{name}"] = _places(table[f"mean_test_{name}"])
    return table


def report_failed_fits(errors: Sequence[str | None], error_score: Any) -> None:
    """Warn about failed fits; raise an error if all fits failed."""
    failures = Counter(error for error in errors if error is not None)
    if not failures:
        return
    rule = "-" * 80 + "\n"
    details = "\n".join(
        f"{rule}{count} fits failed with the following error:\n{error}"
        for error, count in failures.items()
    )
    n_failed = failures.total()
    if n_failed == len(errors):
        raise ValueError(
            f"\nAll the {n_failed} fits failed.\nIt is very likely that your model is "
            "misconfigured.\nYou can try to debug the error by setting error_score='raise'.\n\n"
            f"Below are more details about the failures:\n{details}"
        )
    warnings.warn(
        f"\n{n_failed} fits failed out of a total of {len(errors)}.\nThe score on these train-test "
        f"partitions for these parameters will be set to {error_score}.\nIf these failures are "
        "not expected, you can try to debug them by setting error_score='raise'.\n\n"
        f"Below are more details about the failures:\n{details}",
        FitFailedWarning,
        stacklevel=2,
    )


def _by_name(scores: list[list[Any]], error_score: Any) -> dict[str, list[list[float]]]:
    """Turn scores of (rank, fold), each one number or several by name, into tables by name."""
    some = next((s for row in scores for s in row if isinstance(s, dict)), None)
    names = ["score"] if some is None else list(some)

    def value(score: Any, name: str) -> float:
        if score is None:
            return error_score
        return score[name] if isinstance(score, dict) else score

    return {name: [[value(score, name) for score in row] for row in scores] for name in names}


def _store(
    table: dict[str, Any], key: str, values: list[list[float]], splits: bool = False
) -> None:
    array = np.asarray(values, dtype=np.float64)
    if splits:
        for fold, column in enumerate(array.T):
            table[f"split{fold}_{key}"] = column.copy()
    table[f"mean_{key}"] = array.mean(axis=1)
    with np.errstate(invalid="ignore"):  # an infinite score has no deviation
        table[f"std_{key}"] = array.std(axis=1)


def _warn_if_not_finite(means: npt.NDArray, part: str) -> None:
    if not np.isfinite(means).all():
        warnings.warn(
            f"One or more of the {part} scores are non-finite: {means}", UserWarning, stacklevel=2
        )


def _places(means: npt.NDArray) -> npt.NDArray[np.int32]:
    """Return the ranking of the means: 1 for the highest, NaN last."""
    if np.isnan(means).all():
        return np.ones(len(means), dtype=np.int32)
    means = np.nan_to_num(means, nan=np.nanmin(means) - 1)
    return rankdata(-means, method="min").astype(np.int32, copy=False)
