"""Rules by name, and their application to as few singular values as possible."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from numbers import Real
from types import MappingProxyType
from typing import Any

from ._choice import RankChoice
from ._energy import energy_rank
from ._gap import gap_rank
from ._gavish_donoho import gavish_donoho_rank
from ._minka import minka_rank
from ._parallel_analysis import parallel_analysis_rank
from ._spectrum import Spectrum

RankRule = Callable[[Spectrum], RankChoice]

RANK_RULES: Mapping[str, Callable[..., RankChoice]] = MappingProxyType(
    {
        "energy": energy_rank,
        "gap": gap_rank,
        "gavish-donoho": gavish_donoho_rank,
        "parallel": parallel_analysis_rank,
        "mle": minka_rank,
    }
)


def rank_rule(
    n_components: float | str,
    *,
    X: Any = None,
    random_state: Any = None,
    n_threads: int = 1,
) -> RankRule:
    """Return the rule for a value of `n_components`.

    Parameters
    ----------
    n_components : float in (0, 1) or str
        Fraction of the energy to exceed, or a key of `RANK_RULES`.

    X : {ndarray, sparse matrix}, default=None
        The data before centering, used by ``"parallel"`` only.

    random_state : int, RandomState instance or None, default=None
        Random number generator of ``"parallel"``. Pass an int for reproducible results.

    n_threads : int, default=1
        Threads for the sparse products of ``"parallel"``.

    Returns
    -------
    callable
        ``rule(spectrum)`` gives a `RankChoice`.

    Raises
    ------
    ValueError
        When `n_components` is neither.

    See Also
    --------
    settle_rank : Application of a rule to as few singular values as it needs.

    Examples
    --------
    >>> from lrfact.rank_rules import Spectrum, rank_rule
    >>> rank_rule(0.8)(Spectrum([2.0, 1.0, 1.0], shape=(3, 3))).n_components
    2
    >>> rank_rule("gap")(Spectrum([9.0, 1.0, 1.0], shape=(3, 3))).n_components
    1
    """
    if isinstance(n_components, str) and n_components in RANK_RULES:
        if n_components == "parallel":
            return partial(
                parallel_analysis_rank,
                X=X,
                random_state=random_state,
                n_threads=n_threads,
            )
        return RANK_RULES[n_components]
    if isinstance(n_components, Real) and 0 < n_components < 1:
        return partial(energy_rank, target=float(n_components))
    raise ValueError(
        f"n_components={n_components!r} names no rank rule: it must be a float in (0, 1), a share "
        f"of the energy, or one of {sorted(RANK_RULES)}."
    )


def settle_rank(
    leading_spectrum: Callable[[int], Spectrum], rule: RankRule, *, start: int, max_rank: int
) -> RankChoice:
    """Apply a rule to an increasing number of leading singular values until its result is final.

    Parameters
    ----------
    leading_spectrum : callable
        ``leading_spectrum(k)`` returns the spectrum with at least `k` values; called with
        increasing `k`, twice the last or as many as the rule requires.

    rule : callable
        ``rule(spectrum)`` gives a `RankChoice`.

    start : int
        Initial number of singular values.

    max_rank : int
        Maximum rank, and maximum number of singular values.

    Returns
    -------
    RankChoice
        Choice with ``n_components <= max_rank``. It is not settled if `max_rank` limited the
        search.

    See Also
    --------
    rank_rule : Rule for a value of `n_components`.

    Examples
    --------
    >>> import numpy as np
    >>> from lrfact.rank_rules import Spectrum, rank_rule, settle_rank
    >>> s = np.linspace(1, 0.1, 40)
    >>> def leading(k):
    ...     print("asked for", k)
    ...     return Spectrum(s[:k], shape=(100, 40), total_energy=s @ s)
    >>> settle_rank(leading, rank_rule(0.9), start=8, max_rank=40).n_components
    asked for 8
    asked for 16
    asked for 32
    24
    """
    n_values = max(1, min(start, max_rank))
    while True:
        choice = rule(leading_spectrum(n_values))
        if choice.is_settled or n_values >= max_rank:
            break
        n_values = min(max(2 * n_values, choice.n_components), max_rank)
    return choice.at_most(max_rank)
