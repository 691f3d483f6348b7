"""Minka's Bayesian choice of the dimension of a principal component model."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from scipy.special import gammaln

from ._choice import RankChoice, leading_ranks
from ._spectrum import FloatArray, Spectrum

# Entries of the pairwise tables held at a time: 8 MiB of float64.
_BLOCK_ENTRIES = 1 << 20

# Eigenvalues below this share of the largest are nought to the model: scikit-learn's constant, made
# relative so that the choice does not depend on the units of the data.
_ZERO_EIGENVALUE = 1e-15


def minka_rank(spectrum: Spectrum) -> RankChoice:
    r"""Rank of largest evidence under probabilistic PCA (Laplace approximation).

    With :math:`\lambda_i = s_i^2 / (n - 1)` the eigenvalues of the covariance (``s_i^2 / n``
    when not centered), *m* features and :math:`v_k` the mean of the *m - k* eigenvalues left out,
    the log-evidence of rank *k* is

    .. math::
       \log p(U) - \frac n2 \sum_{i \le k} \log \lambda_i - \frac{n (m - k)}2 \log v_k
       + \frac{M + k}2 \log 2\pi - \frac12 \log |A_k| - \frac k2 \log n,

    where :math:`M = mk - k(k+1)/2` and :math:`|A_k| = \prod_{i \le k} \prod_{j > i} n (\lambda_i
    - \lambda_j) (\hat\lambda_j^{-1} - \hat\lambda_i^{-1})` with :math:`\hat\lambda_j = v_k` for
    :math:`j > k`. Values and choice are those of scikit-learn's ``PCA(n_components="mle")``; all
    ranks together cost :math:`O(m^2)` here, since the double products of one rank differ from
    those of the next by one row, instead of :math:`O(m^3)`.

    Use it for Gaussian data with equal noise in every feature and many more samples than features.
    It fails on other noise, where it keeps nearly everything: with constant features the tail is
    free of noise and the answer is the numerical rank (61 of 64 on the digits images).

    Where it goes beyond scikit-learn:

    - *n_samples < n_features* is allowed and uses the same formula with the missing eigenvalues as
      zeros. The approximation is made for many samples, so take the answer as a hint there.
    - Eigenvalues that agree to the accuracy of the singular values make the approximation infinite
      (scikit-learn stops with a "math domain error"): the integral over the angle between two equal
      axes is taken as its whole range, :math:`\pi`, instead.
    - A truncated spectrum with known total energy is enough: :math:`v_k` is exact, and inside
      :math:`|A_k|` the unknown eigenvalues are replaced by their mean.
    - Eigenvalues count as zero relative to the largest, not below an absolute 1e-15.

    Parameters
    ----------
    spectrum : Spectrum
        Complete, or truncated with its total energy. Center it for the meaning above.

    Returns
    -------
    RankChoice
        `curve` is the log-evidence of ranks 1, 2, ..., at most ``n_features - 1``, minus
        infinity where the last eigenvalue is zero. `n_components` is at least 1, except for a
        zero matrix or a single feature (0). Not settled when the best rank of a truncated
        spectrum is its last one.

    Raises
    ------
    ValueError
        When the total energy of a truncated spectrum is unknown.

    See Also
    --------
    gavish_donoho_rank : The same model of noise, judged by the error of denoising.

    References
    ----------
    Minka, T. P. (2000). Automatic choice of dimensionality for PCA. Advances in Neural Information
    Processing Systems 13.

    Examples
    --------
    >>> import numpy as np
    >>> from lrfact.rank_rules import Spectrum, minka_rank
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(300, 3)) @ rng.normal(size=(3, 12)) + 0.3 * rng.normal(size=(300, 12))
    >>> s = np.linalg.svd(X - X.mean(axis=0), compute_uv=False)
    >>> minka_rank(Spectrum(s, X.shape, centered=True)).n_components
    3
    """
    spectrum.require_total("The rule 'mle'")
    n_features = spectrum.shape[1]
    # Without anything left out there is no noise to speak of, so the last rank is never judged.
    n_ranks = min(spectrum.energies.size, n_features - 1, max(spectrum.max_rank - 1, 0))
    positive = _n_positive(spectrum, n_ranks)
    evidence = np.full(n_ranks, -np.inf)
    if positive:
        evidence[:positive] = _log_evidence(spectrum, positive)
        n_components = int(np.argmax(evidence)) + 1
    else:
        n_components = int(spectrum.energies.size > 0 and spectrum.energies[0] > 0 < n_ranks)
    return RankChoice(
        rule="mle",
        n_components=n_components,
        ranks=leading_ranks(n_ranks),
        curve=evidence,
        threshold=None,
        criterion="largest log-evidence",
        is_settled=spectrum.is_complete or n_components < n_ranks,
    )


def _n_positive(spectrum: Spectrum, n_ranks: int) -> int:
    """How many of the first `n_ranks` eigenvalues count as positive."""
    energies = spectrum.energies[:n_ranks]
    if energies.size == 0:
        return 0
    return int(np.count_nonzero(energies > _ZERO_EIGENVALUE * energies[0]))


def _log_evidence(spectrum: Spectrum, n_ranks: int) -> FloatArray:
    """Log-evidence of ranks ``1..n_ranks``, whose eigenvalues must be positive."""
    n_samples, n_features = spectrum.shape
    # In units of the largest, as their products may leave the range of float64.
    unit = float(spectrum.energies[0])
    eigenvalues = spectrum.energies / unit
    tail = spectrum.tail_energy / unit
    ranks = np.arange(1, n_ranks + 1)
    rest = n_features - ranks

    left_out = tail + np.append(np.cumsum(eigenvalues[::-1])[::-1], 0.0)[1 : n_ranks + 1]
    noise = np.maximum(left_out / rest, _ZERO_EIGENVALUE * eigenvalues[0])
    log_noise = np.log(noise)
    log_top = np.cumsum(np.log(eigenvalues[:n_ranks]))

    half = (n_features - ranks + 1) / 2
    log_prior = np.cumsum(gammaln(half) - half * math.log(math.pi)) - ranks * math.log(2)
    n_pairs = n_features * ranks - ranks * (ranks + 1) / 2

    # log|A_k| from three parts: the differences of eigenvalues, each with all later ones; the
    # differences of inverses among the first k; those of the first k with the noise.
    tied = _TiedEigenvalues(spectrum, eigenvalues)
    with_later, with_earlier = _log_differences(eigenvalues, n_ranks, tied)
    with_later += _log_differences_with_unknown(spectrum, eigenvalues, n_ranks, tail, tied)
    log_determinant = (
        np.cumsum(with_later)
        + np.cumsum(with_earlier)
        - (ranks - 1) * log_top
        + rest
        * (_log_above_noise(eigenvalues[:n_ranks], noise, tied) - ranks * log_noise - log_top)
        + n_pairs * math.log(n_samples)
    )
    return np.asarray(
        log_prior
        - n_samples / 2 * log_top
        - n_samples / 2 * rest * log_noise
        + (n_pairs + ranks) / 2 * math.log(2 * math.pi)
        - log_determinant / 2
        - ranks / 2 * math.log(n_samples)
        - n_samples / 2 * n_features * math.log(unit / spectrum.degrees_of_freedom)
    )


class _TiedEigenvalues:
    """Logarithm of the difference of two eigenvalues, with a floor where they are equal.

    The Laplace approximation integrates a Gaussian of precision ``n (a - b)^2 / (a b)`` over the
    angle between two axes: ``sqrt(2 pi / precision)``, infinite for ``a = b``. No angle exceeds
    pi, so the precision is at least ``2 / pi``: the difference is then taken as ``sqrt(2 a b /
    (pi n))``. Only eigenvalues that cannot be told apart at the accuracy of the singular values
    are treated so, to stay with the published formula everywhere else.
    """

    def __init__(self, spectrum: Spectrum, eigenvalues: FloatArray) -> None:
        assert spectrum.rtol is not None
        # d(s^2) = 2 s ds with ds = rtol * s_1.
        self._accuracy = 2 * spectrum.rtol * math.sqrt(eigenvalues[0])
        self._angle = 2 / (math.pi * spectrum.shape[0])

    def log_difference(self, larger: FloatArray, smaller: FloatArray) -> FloatArray:
        difference = larger - smaller
        tied = difference <= self._accuracy * np.sqrt(larger)
        if np.any(tied):
            difference = np.where(tied, np.sqrt(self._angle * larger * smaller), difference)
            # Two zeros: never a factor of a judged rank, any finite number will do.
            difference = np.where(difference > 0, difference, 1.0)
        return np.log(difference)


def _log_differences(
    eigenvalues: FloatArray, n_ranks: int, tied: _TiedEigenvalues
) -> tuple[FloatArray, FloatArray]:
    """Sums of the logs of ``eigenvalue_i - eigenvalue_j``, i < j: over j for each i, and over i."""
    n_values = eigenvalues.size
    with_later = np.zeros(n_ranks)
    with_earlier = np.zeros(n_values)
    index = np.arange(n_values)
    for rows in _blocks(n_ranks, n_values):
        later = slice(rows.start, n_values)
        table = tied.log_difference(eigenvalues[rows, None], eigenvalues[None, later])
        table[index[None, later] <= index[rows, None]] = 0.0
        with_later[rows] = table.sum(axis=1)
        with_earlier[later] += table.sum(axis=0)
    return with_later, with_earlier[:n_ranks]


def _log_differences_with_unknown(
    spectrum: Spectrum, known: FloatArray, n_ranks: int, tail: float, tied: _TiedEigenvalues
) -> FloatArray:
    """The same with eigenvalues that are not in the spectrum: truncated and structural zeros."""
    n_truncated = spectrum.max_rank - spectrum.energies.size
    n_zeros = spectrum.shape[1] - spectrum.max_rank
    eigenvalues = known[:n_ranks]
    result = n_zeros * np.log(eigenvalues)
    if n_truncated:
        mean = np.full_like(eigenvalues, min(tail / n_truncated, float(known[-1])))
        result += n_truncated * tied.log_difference(eigenvalues, mean)
    return np.asarray(result)


def _log_above_noise(
    eigenvalues: FloatArray, noise: FloatArray, tied: _TiedEigenvalues
) -> FloatArray:
    """For each rank k the sum over ``i <= k`` of ``log(eigenvalue_i - noise_k)``."""
    n_ranks = eigenvalues.size
    result = np.empty(n_ranks)
    columns = np.arange(n_ranks)
    for rows in _blocks(n_ranks, n_ranks):
        kept = columns[None, :] <= columns[rows, None]
        # Beyond k the eigenvalue may be under the noise; those entries are dropped, not used.
        larger = np.where(kept, eigenvalues[None, :], 2 * noise[rows, None])
        table = tied.log_difference(larger, np.broadcast_to(noise[rows, None], larger.shape))
        result[rows] = np.where(kept, table, 0.0).sum(axis=1)
    return result


def _blocks(n_rows: int, n_columns: int) -> Iterator[slice]:
    step = max(1, _BLOCK_ENTRIES // max(n_columns, 1))
    for start in range(0, n_rows, step):
        yield slice(start, min(start + step, n_rows))
