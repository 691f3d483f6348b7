"""Input of the rank rules: singular values, shape and total energy of a matrix."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from lrfact._typing import FloatArray

from ._choice import RuleNotApplicableError

# Largest singular values whose squares, and sums of them, are far from the ends of float64.
_LEAST, _MOST = 1e-152, 1e152


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Singular values of an (n_samples, n_features) matrix, all of them or only the leading ones.

    Parameters
    ----------
    singular_values : array-like of shape (n_values,)
        Descending, finite, non-negative, in the units of the matrix. At most
        ``min(n_samples, n_features)`` of them; fewer make a *truncated* spectrum.

    shape : tuple of two int
        ``(n_samples, n_features)`` of the matrix.

    total_energy : float, default=None
        Squared Frobenius norm of the (centered) matrix, in squared units of the matrix. For a
        truncated spectrum it determines the energy of the missing values. None means the sum of the
        squared singular values if the spectrum is complete, and unknown (NaN) if it is truncated.

    centered : bool, default=False
        Whether the column means were subtracted before the factorization. Centering removes one
        degree of freedom from the rows: centered Gaussian noise has the singular values of an
        uncentered matrix with one row less, which rules for noise take into account.

    rtol : float, default=None
        Accuracy of the singular values relative to the largest: values below ``rtol *
        singular_values[0]`` are numerically zero. None means ``max(shape) * eps`` of float64, the
        accuracy of a backward stable SVD. Values from a Gram matrix need about ``sqrt(eps)``,
        float32 values ``max(shape) * eps`` of float32.

    Raises
    ------
    ValueError
        When the values are not one-dimensional, not descending, negative or not finite, or so
        large or small that their squares leave the range of float64, when there are more than the
        shape allows, or when their energy exceeds the total.

    See Also
    --------
    RankChoice : Result of a rank rule.

    Examples
    --------
    >>> from lrfact.rank_rules import Spectrum
    >>> spectrum = Spectrum([4.0, 2.0, 1.0], shape=(10, 5), total_energy=22.0)
    >>> spectrum.is_complete, spectrum.max_rank
    (False, 5)
    >>> spectrum.energy_share.round(3).tolist()
    [0.727, 0.909, 0.955]
    """

    singular_values: npt.NDArray[Any]
    shape: tuple[int, int]
    total_energy: float | None = None
    centered: bool = False
    rtol: float | None = None

    def __post_init__(self) -> None:
        values = np.array(self.singular_values, dtype=np.float64)
        shape = (int(self.shape[0]), int(self.shape[1]))
        _check_values(values, shape)
        if self.total_energy is None:
            complete = values.size == _max_rank(shape, self.centered) or values.size == min(shape)
            total = float(values @ values) if complete else np.nan
        else:
            total = float(self.total_energy)
            # A relative 1e-3 forgives float32 sums; more than that is a mistake of the caller.
            if total < 0 or values @ values > total * (1 + 1e-3):
                raise ValueError(
                    f"total_energy={total:.6g} is less than the energy {values @ values:.6g} of "
                    "the singular values given; pass the squared Frobenius norm of the same "
                    "matrix, centered if the singular values are those of the centered matrix."
                )
        values.setflags(write=False)
        rtol = max(shape) * np.finfo(np.float64).eps if self.rtol is None else float(self.rtol)
        object.__setattr__(self, "singular_values", values)
        object.__setattr__(self, "shape", shape)
        object.__setattr__(self, "total_energy", total)
        object.__setattr__(self, "rtol", rtol)

    @property
    def max_rank(self) -> int:
        """Largest rank that a matrix of this shape can have, after centering if it was centered."""
        return _max_rank(self.shape, self.centered)

    @property
    def degrees_of_freedom(self) -> int:
        """Number of rows that carry noise: ``n_samples``, or one less when centered."""
        return self.shape[0] - int(self.centered)

    @property
    def is_complete(self) -> bool:
        """Whether all ``max_rank`` singular values are there."""
        return self.singular_values.size >= self.max_rank

    @property
    def floor(self) -> float:
        """Level, in units of the singular values, below which they are numerically zero."""
        assert self.rtol is not None
        return self.rtol * float(self.singular_values[0]) if self.singular_values.size else 0.0

    @property
    def numerical_rank(self) -> int:
        """How many of the singular values given are above ``floor``."""
        return int(np.count_nonzero(self.singular_values > self.floor))

    @cached_property
    def energies(self) -> FloatArray:
        """Squared singular values, at most ``max_rank`` of them."""
        return self.singular_values[: self.max_rank] ** 2

    @cached_property
    def energy_share(self) -> FloatArray:
        """Cumulative fraction of the total energy of the leading 1, 2, ... components.

        NaN where the total of a truncated spectrum is unknown; 1 for a zero matrix, which any
        rank represents fully.
        """
        # The sum of a complete spectrum rather than the norm handed in: the last share is then 1
        # to rounding, and the shares are scikit-learn's ``explained_variance_ratio_``.
        total = float(np.sum(self.energies)) if self.is_complete else self.total_energy
        assert total is not None
        if total == 0:
            return np.ones_like(self.energies)
        return np.cumsum(self.energies / total)

    @property
    def tail_energy(self) -> float:
        """Energy of the singular values that a truncated spectrum lacks; 0 for a complete one."""
        if self.is_complete:
            return 0.0
        assert self.total_energy is not None
        # The two were summed in different orders, so a tail of nothing may come out negative.
        return float(max(self.total_energy - np.sum(self.energies), 0.0))

    def require_total(self, who: str) -> None:
        """Raise unless the total energy is known, which a complete spectrum always tells.

        Parameters
        ----------
        who : str
            The rule that needs it, for the message.
        """
        assert self.total_energy is not None
        if not self.is_complete and np.isnan(self.total_energy):
            raise RuleNotApplicableError(
                f"{who} needs the total energy, but only {self.singular_values.size} of "
                f"{self.max_rank} singular values are known; pass a Spectrum with total_energy, "
                "the squared Frobenius norm, or all singular values."
            )


def _max_rank(shape: tuple[int, int], centered: bool) -> int:
    return min(shape[0] - int(centered), shape[1])


def _check_values(values: FloatArray, shape: tuple[int, int]) -> None:
    if min(shape) < 1:
        raise ValueError(
            f"shape={shape} must be (n_samples, n_features) with at least one of each."
        )
    if values.ndim != 1:
        raise ValueError(
            f"singular_values must be one-dimensional, got an array of shape {values.shape}."
        )
    if values.size > min(shape):
        raise ValueError(
            f"{values.size} singular values are more than a matrix of shape={shape} has, which is "
            f"min(n_samples, n_features)={min(shape)}; check the order and the size of shape."
        )
    if not np.all(np.isfinite(values)):
        raise ValueError("singular_values must be finite, got NaN or infinity.")
    if np.any(values < 0):
        raise ValueError(f"singular_values must be non-negative, got {values.min():.6g}.")
    largest = float(np.max(values, initial=0.0))
    if largest > 0 and not _LEAST <= largest <= _MOST:
        size = "small" if largest < _LEAST else "large"
        raise ValueError(
            f"singular_values, the largest {largest:.3g}, are too {size} for their squares to "
            "be summed in float64; divide them, or the matrix, by the largest."
        )
    if np.any(np.diff(values) > 0):
        raise ValueError("singular_values must be in descending order; pass np.sort(s)[::-1].")
