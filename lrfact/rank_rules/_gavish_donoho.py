"""Optimal hard threshold for singular values under white noise."""

from __future__ import annotations

import math
from functools import lru_cache
from numbers import Real

import numpy as np
from scipy.integrate import quad
from scipy.optimize import brentq

from ._choice import RankChoice, RuleNotApplicableError, leading_ranks
from ._spectrum import Spectrum


def gavish_donoho_rank(spectrum: Spectrum, noise: float | str | None = None) -> RankChoice:
    r"""Number of singular values above the optimal hard threshold.

    The model is ``X = signal + noise`` with independent noise entries of mean 0 and standard
    deviation :math:`\sigma`. With *n* the larger dimension, *m* the smaller one and :math:`\beta =
    m / n`, keeping exactly the singular values above

    .. math:: \tau = \lambda(\beta) \sqrt{n} \, \sigma, \qquad
       \lambda(\beta)^2 = 2 (\beta + 1)
       + \frac{8 \beta}{\beta + 1 + \sqrt{\beta^2 + 14 \beta + 1}}

    minimizes the asymptotic mean squared error over all hard thresholds (:math:`4/\sqrt 3` for
    square matrices). Unknown noise is estimated from the median singular value, which for pure
    noise is the median :math:`\mu_\beta` of the Marchenko-Pastur law, so that :math:`\tau =
    \omega(\beta) \, \mathrm{median}(s)` with :math:`\omega = \lambda / \sqrt{\mu_\beta}`,
    integrated exactly here.

    Use it for denoising. The threshold lies above the edge of the noise: components that are
    detectable, but so noisy that keeping them increases the error, are omitted on purpose. It fails
    if the noise is not white. If the noise differs between columns, standardize them first; in
    sparse counts and ratings most entries are exactly zero, so that the noise seems tiny and
    hundreds of components are kept. The median requires a rank well below half of the smaller
    dimension, and each signal component increases it slightly; the residual is not affected.

    Parameters
    ----------
    spectrum : Spectrum
        Spectrum, complete or truncated. If it is centered, *n_samples* is reduced by one.

    noise : float, {"median", "residual"} or None, default=None
        - a number: the known standard deviation of the noise, in the units of the matrix;
        - ``"median"``: estimated from the median singular value, which requires a complete
        spectrum;
        - ``"residual"``: estimated from the residual energy of the kept components,
          :math:`\hat\sigma_r^2 = (\|X\|_F^2 - \sum_{i \le r} s_i^2) / ((n - r)(m - r))`, with
          *r* the number of values above the threshold that it implies (the smallest such *r*).
          Needs the total energy but only leading singular values;
        - None: ``"median"`` for a complete spectrum, ``"residual"`` for a truncated one.

    Returns
    -------
    RankChoice
        Choice whose `curve` has the singular values and whose `threshold` is :math:`\tau`.
        `n_components` is 0 if none exceeds it. It is not settled if a truncated spectrum ends above
        the threshold.

    Raises
    ------
    ValueError
        If `noise` is none of the above, negative or not finite, the median is requested for a
        truncated spectrum, or the residual for one with unknown total energy.

    See Also
    --------
    parallel_analysis_rank : For noise of unknown distribution.
    minka_rank : Rank with the largest Bayesian evidence.

    References
    ----------
    Gavish, M. and Donoho, D. L. (2014). The optimal hard threshold for singular values is
    4/sqrt(3). IEEE Transactions on Information Theory 60(8). doi:10.1109/TIT.2014.2323359

    Examples
    --------
    >>> import numpy as np
    >>> from lrfact.rank_rules import Spectrum, gavish_donoho_rank
    >>> rng = np.random.default_rng(0)
    >>> X = 3 * rng.normal(size=(80, 2)) @ rng.normal(size=(2, 50)) + rng.normal(size=(80, 50))
    >>> s = np.linalg.svd(X, compute_uv=False)
    >>> gavish_donoho_rank(Spectrum(s, X.shape)).n_components
    2
    >>> gavish_donoho_rank(Spectrum(s, X.shape), noise=1.0).n_components
    2
    """
    method = _check_noise(spectrum, noise)
    values = spectrum.singular_values[: spectrum.max_rank]
    n_rows, n_columns = spectrum.degrees_of_freedom, spectrum.shape[1]
    if values.size == 0:
        return RankChoice("gavish-donoho", 0, leading_ranks(0), values, 0.0, "no singular value")
    longer, shorter = max(n_rows, n_columns), min(n_rows, n_columns)
    beta = shorter / longer
    factor = threshold_for_known_noise(beta)
    if method == "known":
        assert isinstance(noise, Real)
        tau = factor * math.sqrt(longer) * float(noise)
        criterion = f"s > {tau:.4g}, noise {float(noise):.4g} given"
    elif method == "median":
        median = float(np.median(values))
        tau = threshold_for_unknown_noise(beta) * median
        sigma = tau / (factor * math.sqrt(longer))
        criterion = f"s > {tau:.4g}, noise {sigma:.4g} from the median"
    else:
        sigma = _noise_of_the_residual(spectrum, factor * math.sqrt(longer))
        tau = factor * math.sqrt(longer) * sigma
        criterion = f"s > {tau:.4g}, noise {sigma:.4g} from the residual"
    # Without noise the threshold is 0; rounding errors above it are still no signal.
    n_components = int(np.count_nonzero(values > max(tau, spectrum.floor)))
    return RankChoice(
        rule="gavish-donoho",
        n_components=n_components,
        ranks=leading_ranks(values.size),
        curve=values,
        threshold=tau,
        criterion=criterion,
        is_settled=spectrum.is_complete or n_components < values.size,
    )


def threshold_for_known_noise(beta: float) -> float:
    r""":math:`\lambda(\beta)`: the optimal hard threshold in units of ``sqrt(n) * sigma``.

    Parameters
    ----------
    beta : float
        Ratio of the smaller to the larger dimension, in (0, 1].

    Returns
    -------
    float
        Between ``sqrt(2)`` (one column) and ``4 / sqrt(3)`` (square).
    """
    root = math.sqrt(beta * beta + 14 * beta + 1)
    return math.sqrt(2 * (beta + 1) + 8 * beta / (beta + 1 + root))


def threshold_for_unknown_noise(beta: float) -> float:
    r""":math:`\omega(\beta)`: the optimal hard threshold in units of the median singular value.

    Parameters
    ----------
    beta : float
        Ratio of the smaller to the larger dimension, in (0, 1].

    Returns
    -------
    float
        ``lambda(beta) / sqrt(marchenko_pastur_median(beta))``; 2.858 for square matrices.
    """
    return threshold_for_known_noise(beta) / math.sqrt(marchenko_pastur_median(beta))


@lru_cache(maxsize=256)
def marchenko_pastur_median(beta: float) -> float:
    r"""Median of the Marchenko-Pastur law with ratio `beta` and unit variance.

    The limit law of the eigenvalues of ``Z' Z / n`` for an n x m matrix ``Z`` of independent
    entries with unit variance, ``m / n -> beta <= 1``. On its support :math:`[(1 -
    \sqrt\beta)^2, (1 + \sqrt\beta)^2]` the substitution :math:`x = 1 + \beta + 2 \sqrt\beta
    \cos\theta` turns the density into the smooth :math:`2 \sin^2\theta / (\pi x)`, which is
    integrated numerically; the median is the root of the integral less one half.

    Parameters
    ----------
    beta : float
        Ratio in (0, 1].

    Returns
    -------
    float
        Median to about ten digits; 1 in the limit of small `beta`, 0.6528 for 1.
    """
    if not 0 < beta <= 1:
        raise ValueError(
            f"beta={beta!r} must lie in (0, 1]: it is the shorter over the longer side."
        )
    center, half_width = 1 + beta, 2 * math.sqrt(beta)

    def density(theta: float) -> float:
        x = center + half_width * math.cos(theta)
        # At theta = pi and beta = 1 both vanish; the quotient tends to 2 / pi there.
        return 2 * math.sin(theta) ** 2 / (math.pi * x) if x > 0 else 2 / math.pi

    def excess(theta: float) -> float:
        return float(quad(density, 0, theta, epsabs=1e-12, epsrel=1e-12)[0]) - 0.5

    theta = float(brentq(excess, 0, math.pi, xtol=1e-13))
    return center + half_width * math.cos(theta)


def _check_noise(spectrum: Spectrum, noise: float | str | None) -> str:
    """Settle how the noise is known: "known", "median" or "residual"."""
    if isinstance(noise, Real) and not isinstance(noise, bool):
        if not (math.isfinite(noise) and noise >= 0):
            raise ValueError(
                f"noise={noise!r} of the rule 'gavish-donoho' must be finite and non-negative: it "
                "is a standard deviation in the units of the matrix."
            )
        return "known"
    if noise is None:
        noise = "median" if spectrum.is_complete else "residual"
    if noise not in ("median", "residual"):
        raise ValueError(
            f"noise={noise!r} of the rule 'gavish-donoho' must be a number, 'median', 'residual' "
            "or None."
        )
    if noise == "median" and not spectrum.is_complete:
        raise RuleNotApplicableError(
            "noise='median' of the rule 'gavish-donoho' needs the whole spectrum, but only "
            f"{spectrum.singular_values.size} of {spectrum.max_rank} singular values are known; "
            "pass the standard deviation of the noise, or noise='residual'."
        )
    if noise == "residual":
        spectrum.require_total("noise='residual' of the rule 'gavish-donoho'")
    return str(noise)


def _noise_of_the_residual(spectrum: Spectrum, tau_per_sigma: float) -> float:
    """Noise level left by the directions above the threshold that this very level implies.

    Removing a direction above the threshold always lowers the estimate, since it takes
    more energy than its ``n + m - 2 r - 1`` degrees of freedom of noise hold. So the count can only
    grow from 0 to the smallest fixed point.
    """
    energies = spectrum.energies
    n_rows, n_columns = spectrum.degrees_of_freedom, spectrum.shape[1]
    # Tail first: summing from the small end keeps the digits of a tiny residual.
    left = spectrum.tail_energy + np.append(np.cumsum(energies[::-1])[::-1], 0.0)
    rank = 0
    while True:
        cells = (n_rows - rank) * (n_columns - rank)
        sigma = math.sqrt(left[rank] / cells) if cells > 0 else 0.0
        above = int(
            np.count_nonzero(spectrum.singular_values[: energies.size] > tau_per_sigma * sigma)
        )
        if above <= rank:
            return sigma
        rank = above
