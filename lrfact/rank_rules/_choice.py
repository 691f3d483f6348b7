"""Result of a rank rule."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, eq=False)
class RankChoice:
    """Rank chosen by a rule, with the curve on which the choice is based.

    Parameters
    ----------
    rule : str
        Name of the rule, e.g. ``"gavish-donoho"``.

    n_components : int
        The chosen rank. **0** means that no component exceeds the noise, or that the matrix is
        zero; use ``max(1, n_components)`` if at least one component is needed.

    ranks : ndarray of shape (n_ranks,)
        Candidate ranks.

    curve : ndarray of shape (n_ranks,)
        Values of the criterion, aligned with `ranks`; `criterion` describes them.

    threshold : float, ndarray of shape (n_ranks,) or None
        Threshold of the curve, in the units of `curve`. None for rules that take the optimum of the
        curve.

    criterion : str
        Description of the rule, with its numbers.

    is_settled : bool, default=True
        False if the spectrum was too short for a final result: that is at least `n_components`, and
        more singular values are needed (see `settle_rank`).

    See Also
    --------
    settle_rank : Computes more singular values until the choice is settled.

    Examples
    --------
    >>> from lrfact.rank_rules import Spectrum, gap_rank
    >>> choice = gap_rank(Spectrum([8.0, 6.0, 1.0, 0.8], shape=(20, 4)))
    >>> print(choice)
    gap: 2 (largest ratio s_k / s_(k+1) up to k=3)
    >>> choice.curve.round(2).tolist()
    [1.33, 6.0, 1.25]
    """

    rule: str
    n_components: int
    ranks: npt.NDArray[np.intp]
    curve: npt.NDArray[np.float64]
    threshold: float | npt.NDArray[np.float64] | None
    criterion: str
    is_settled: bool = True

    def at_most(self, max_rank: int) -> RankChoice:
        """Return the same choice, or an unsettled one of `max_rank` if it exceeds that.

        Parameters
        ----------
        max_rank : int
            Maximum rank.

        Returns
        -------
        RankChoice
            Choice with ``n_components <= max_rank``.
        """
        if self.n_components <= max_rank:
            return self
        return replace(self, n_components=max_rank, is_settled=False)

    def __str__(self) -> str:
        at_least = "" if self.is_settled else "at least "
        return f"{self.rule}: {at_least}{self.n_components} ({self.criterion})"


class RuleNotApplicableError(ValueError):
    """The rule needs something that the spectrum or the data do not have."""


def leading_ranks(n: int, first: int = 1) -> npt.NDArray[np.intp]:
    """The ranks ``first, first + 1, ...``, `n` of them."""
    return np.arange(first, first + n, dtype=np.intp)
