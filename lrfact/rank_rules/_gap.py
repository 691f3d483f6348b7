"""Largest relative gap between neighboring singular values."""

from __future__ import annotations

import math

import numpy as np

from ._choice import RankChoice, leading_ranks
from ._spectrum import Spectrum


def gap_rank(spectrum: Spectrum, *, max_share: float = 0.5, max_rank: int = 100) -> RankChoice:
    r"""Rank before the largest relative drop of the singular values.

    .. math:: k = \arg\max_{1 \le k \le K} \frac{s_k}{\max(s_{k+1}, \epsilon)}

    with :math:`\epsilon` the level below which singular values are numerically zero
    (``spectrum.floor``); ties are resolved in favor of the smaller rank. The window :math:`K` is
    ``ceil(max_share * spectrum.max_rank)``, at least 3 where the spectrum is that long, and never
    more than `max_rank` or the numerical rank.

    The window is necessary: the last singular values of pure noise decrease steeply towards zero,
    and constant or duplicate columns make the last ones zero, which gives huge ratios that are
    unrelated to a signal. For a matrix of exactly low rank, however, the drop to zero inside the
    window is used.

    Use it if some components are clearly larger than the rest. It fails without warning on smoothly
    decaying spectra (text, images, ratings), where some ratio is always the largest, often the
    first one, which on uncentered data only separates the mean from the rest. It never returns 0
    unless the matrix is zero.

    Parameters
    ----------
    spectrum : Spectrum
        Complete or truncated.

    max_share : float, default=0.5
        Fraction of the spectrum to search, in (0, 1].

    max_rank : int, default=100
        Maximum rank, in addition to `max_share`, so that a gap near the beginning of a long
        spectrum can be found without computing half of it.

    Returns
    -------
    RankChoice
        Choice whose `curve` has the ratios. It is not settled if a truncated spectrum does not
        cover the window.

    Raises
    ------
    ValueError
        When `max_share` is not in (0, 1], or `max_rank` is less than 1.

    See Also
    --------
    gavish_donoho_rank : Threshold for white noise; returns 0 for pure noise.

    References
    ----------
    Ahn, S. C. and Horenstein, A. R. (2013). Eigenvalue ratio test for the number of factors.
    Econometrica 81(3). doi:10.3982/ECTA8968. (The same ratio, of eigenvalues.)

    Examples
    --------
    >>> from lrfact.rank_rules import Spectrum, gap_rank
    >>> gap_rank(Spectrum([10.0, 9.0, 8.0, 0.1, 0.1, 0.01], shape=(50, 6))).n_components
    3
    """
    if not 0 < max_share <= 1:
        raise ValueError(f"max_share={max_share!r} of the rule 'gap' must lie in (0, 1].")
    if max_rank < 1:
        raise ValueError(f"max_rank={max_rank!r} of the rule 'gap' must be at least 1.")
    values = spectrum.singular_values[: spectrum.max_rank]
    window = min(max(3, math.ceil(max_share * spectrum.max_rank)), max_rank)
    # The largest rank has no value after it to compare with, so it is never a candidate.
    wanted = min(window, spectrum.max_rank - 1)
    n_ratios = min(wanted, values.size - 1)
    n_ratios = max(min(n_ratios, spectrum.numerical_rank), 0)
    ratios = values[:n_ratios] / np.maximum(values[1 : n_ratios + 1], spectrum.floor)
    if n_ratios:
        n_components = int(np.argmax(ratios)) + 1
    else:
        n_components = min(spectrum.numerical_rank, 1)
    return RankChoice(
        rule="gap",
        n_components=n_components,
        ranks=leading_ranks(n_ratios),
        curve=ratios,
        threshold=None,
        criterion=f"largest ratio s_k / s_(k+1) up to k={max(n_ratios, 1)}",
        is_settled=(
            values.size > wanted or spectrum.numerical_rank < values.size or values.size >= max_rank
        ),
    )
