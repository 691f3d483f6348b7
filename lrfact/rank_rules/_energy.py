"""Fraction of the energy (explained variance, if centered)."""

from __future__ import annotations

import numpy as np

from ._choice import RankChoice, leading_ranks
from ._spectrum import Spectrum


def energy_rank(spectrum: Spectrum, target: float = 0.95) -> RankChoice:
    r"""Smallest rank whose fraction of the energy exceeds a target.

    .. math:: k = \min \{ k : \sum_{i \le k} s_i^2 / \|A\|_F^2 > target \}

    The inequality is strict, as in scikit-learn's ``PCA(n_components=target)``: if the fraction
    equals the target exactly, the next component is also taken. For a centered matrix the fraction
    is that of the variance.

    Use it to bound the loss of a compression. It does not distinguish signal from noise: on noisy
    data it keeps noise, and on data with one dominating component (such as uncentered data) it
    stops early.

    Parameters
    ----------
    spectrum : Spectrum
        Complete, or truncated with its `total_energy` known.

    target : float, default=0.95
        Fraction of the energy to exceed, in (0, 1).

    Returns
    -------
    RankChoice
        Choice whose `curve` is the cumulative fraction. It is not settled if a truncated spectrum
        ends before the target: `n_components` is then one more than the number of given values.

    Raises
    ------
    ValueError
        When `target` is not in (0, 1), or the total energy of a truncated spectrum is unknown.

    See Also
    --------
    gap_rank : Rank before the largest gap of the singular values.

    References
    ----------
    Jolliffe, I. T. (2002). Principal Component Analysis, 2nd edition, section 6.1.1. Springer.
    doi:10.1007/b98835.

    Examples
    --------
    >>> from lrfact.rank_rules import Spectrum, energy_rank
    >>> energy_rank(Spectrum([3.0, 2.0, 1.0], shape=(9, 3)), target=0.9).n_components
    2
    >>> print(energy_rank(Spectrum([3.0, 2.0], shape=(9, 5), total_energy=15.0)))
    energy: at least 3 (fraction of energy > 0.95)
    """
    if not 0 < target < 1:
        raise ValueError(
            f"target={target!r} of the rule 'energy' must lie strictly between 0 and 1: it is a "
            "share of the energy."
        )
    spectrum.require_total("The rule 'energy'")
    share = spectrum.energy_share
    reached = int(np.searchsorted(share, target, side="right")) + 1
    # Rounding can leave the last share of a complete spectrum a hair under a target near 1.
    n_components = min(reached, spectrum.max_rank)
    if spectrum.max_rank == 0 or (spectrum.is_complete and not np.any(spectrum.energies)):
        n_components = 0
    return RankChoice(
        rule="energy",
        n_components=n_components,
        ranks=leading_ranks(share.size),
        curve=share,
        threshold=float(target),
        criterion=f"fraction of energy > {target:g}",
        is_settled=spectrum.is_complete or n_components <= share.size,
    )
