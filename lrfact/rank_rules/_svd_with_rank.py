"""A truncated SVD whose rank a rule chooses."""

from collections.abc import Callable

import numpy as np

from lrfact.linalg.matrix_operator import MatrixOperator
from lrfact.rank_rules import RankRule, Spectrum, settle_rank
from lrfact.solvers.svd._result import SVDResult

# Below this, all singular values cost little more than a few.
_SMALL_SIDE = 512
_FIRST_RANK = 32


def svd_with_rank(
    A: MatrixOperator,
    rule: RankRule,
    factorize: Callable[[int], SVDResult],
    *,
    total_energy: float,
    centered: bool,
    max_rank: int,
) -> tuple[SVDResult, int]:
    """Factorize with as few triplets as a rank rule needs.

    Parameters
    ----------
    A : MatrixOperator of shape (n_rows, n_columns)
        The matrix.

    rule : callable
        A rule of `lrfact.rank_rules`.

    factorize : callable
        ``factorize(k)`` returns the k leading triplets.

    total_energy : float
        Squared Frobenius norm of `A`.

    centered : bool
        Whether the column means were subtracted.

    max_rank : int
        Largest rank to consider.

    Returns
    -------
    result : SVDResult
        At least the chosen number of triplets.

    n_components : int
        The choice, at least 1: a rule may find nothing but noise, an estimator needs one direction.

    Notes
    -----
    The number of triplets doubles until the rule is settled, so the last factorization takes most
    of the time.
    """
    results: list[SVDResult] = []

    def leading_spectrum(k: int) -> Spectrum:
        results.append(factorize(k))
        s = results[-1].s
        accuracy = float(np.finfo(A.dtype).eps) * max(A.shape)
        energy = max(total_energy, float(np.sum(np.square(s, dtype=np.float64))))
        return Spectrum(
            np.sort(s)[::-1], A.shape, total_energy=energy, centered=centered, rtol=accuracy
        )

    start = max_rank if min(A.shape) <= _SMALL_SIDE else _FIRST_RANK
    choice = settle_rank(leading_spectrum, rule, start=start, max_rank=max_rank)
    return results[-1], max(1, choice.n_components)
