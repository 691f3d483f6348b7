"""The scores of the benchmarks: how far a truncated SVD is from the best one, errors of ratings.

Every peer is judged by what it returns, ``s`` and ``Vt``, in float64 and with the same formulas,
whatever the peer reports about itself. ``A`` is the matrix, or the matrix less its column means
for the task ``pca``; ``s*`` are its exact leading singular values.

- relative error of each singular value, ``|s_i - s*_i| / s*_i``: its maximum and mean;
- residual, ``max_i ||A' u_i - s_i v_i|| / s*_1`` with ``u_i = A v_i / ||A v_i||``. It says whether
  the directions are singular vectors. (An angle to reference vectors would not: inside a cluster
  of equal singular values any rotation is right.)
- energy loss, ``1 - ||A V||^2 / sum_i s*_i^2`` with ``V`` orthonormalised: the part of the
  reachable energy that the directions miss, 0 for the best rank-k approximation;
- orthogonality, the largest entry of ``|V'V - I|``: a returned ``V`` that is not orthonormal
  cannot hide in the other figures.

Ratings are judged by the held-out entries that a program predicts, in float64 and as it returns
them: root mean square and mean absolute error, and the former after clipping to the range of the
training ratings, which some programs do and others leave to the user.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular

from centering import column_means, times, transposed_times


@dataclass(frozen=True)
class Score:
    """Errors of one truncated SVD; all zero for the exact one, infinite for a broken one."""

    max_relative_error: float
    mean_relative_error: float
    residual: float
    energy_loss: float
    orthogonality: float


BROKEN = Score(np.inf, np.inf, np.inf, np.inf, np.inf)


class Objective:
    """Score truncated SVDs of ``X`` against its exact singular values.

    Parameters
    ----------
    X : ndarray or sparse matrix of shape (n_rows, n_columns)
        The matrix every peer got; converted to float64 here.
    singular_values : ndarray of shape (k,)
        Exact leading singular values of ``X`` (of the centered ``X`` if ``centered``).
    centered : bool, default=False
        Whether the peers factorise ``X`` less its column means.
    """

    def __init__(self, X, singular_values, *, centered=False):
        self._X = X.astype(np.float64, copy=False)
        self._mean = column_means(self._X) if centered else None
        self._exact = np.sort(np.asarray(singular_values, dtype=np.float64))[::-1]

    def __call__(self, s, Vt) -> Score:
        s = np.asarray(s, dtype=np.float64).ravel()
        Vt = np.asarray(Vt, dtype=np.float64)
        k = self._exact.size
        if s.shape != (k,) or Vt.shape != (k, self._X.shape[1]):
            return BROKEN
        if not (np.isfinite(s).all() and np.isfinite(Vt).all()):
            return BROKEN

        # Some peers list singular values in ascending order.
        order = np.argsort(s)[::-1]
        s, V = s[order], Vt[order].T

        smallest = np.finfo(np.float64).tiny
        floor = max(np.finfo(np.float64).eps * self._exact[0], smallest)
        errors = np.abs(s - self._exact) / np.maximum(self._exact, floor)

        AV = times(self._X, V, self._mean)
        U = AV / np.maximum(np.linalg.norm(AV, axis=0), smallest)
        difference = transposed_times(self._X, U, self._mean) - V * s
        residual = np.linalg.norm(difference, axis=0).max() / max(self._exact[0], smallest)

        orthogonality = np.abs(V.T @ V - np.eye(k)).max()
        if orthogonality < 0.5:
            # V is well-conditioned: A Q follows from A V without another pass over the matrix.
            R = np.linalg.qr(V, mode="r")
            AQ = solve_triangular(R, AV.T, trans="T", lower=False).T
        else:
            AQ = times(self._X, np.linalg.qr(V)[0], self._mean)
        energy_loss = 1.0 - np.linalg.norm(AQ) ** 2 / max(np.sum(self._exact**2), smallest)

        return Score(
            float(errors.max()),
            float(errors.mean()),
            float(residual),
            float(energy_loss),
            float(orthogonality),
        )


@dataclass(frozen=True)
class RatingScore:
    """Errors of predicted ratings; infinite for a broken prediction."""

    rmse: float
    mae: float
    rmse_clipped: float


BROKEN_RATINGS = RatingScore(np.inf, np.inf, np.inf)


def rating_score(actual, predicted, *, lowest, highest) -> RatingScore:
    """Errors of ``predicted`` against ``actual``; ``lowest`` and ``highest`` are for clipping."""
    actual = np.asarray(actual, dtype=np.float64)
    predicted = np.asarray(predicted, dtype=np.float64)
    if predicted.shape != actual.shape or not np.isfinite(predicted).all():
        return BROKEN_RATINGS
    errors = predicted - actual
    clipped = np.clip(predicted, lowest, highest) - actual
    return RatingScore(
        float(np.sqrt(np.mean(errors**2))),
        float(np.mean(np.abs(errors))),
        float(np.sqrt(np.mean(clipped**2))),
    )


@dataclass(frozen=True)
class CalibrationScore:
    """Shares of the actual values inside central intervals, what these are worth, and the error."""

    inside_50: float
    inside_80: float
    inside_95: float
    width_80: float
    log_score: float
    rmse: float


BROKEN_CALIBRATION = CalibrationScore(0.0, 0.0, 0.0, np.inf, np.inf, np.inf)

# Half the width of central intervals of a normal distribution, in standard deviations.
HALF_WIDTHS = {50: 0.67449, 80: 1.28155, 95: 1.95996}


def calibration_score(actual, mean, std) -> CalibrationScore:
    """Intervals of normal distributions against values; the log score is minus the log density."""
    actual, mean, std = (np.asarray(part, dtype=np.float64) for part in (actual, mean, std))
    right_shapes = mean.shape == std.shape == actual.shape
    if not right_shapes or not np.isfinite([mean, std]).all() or (std <= 0).any():
        return BROKEN_CALIBRATION
    z = np.abs(actual - mean) / std
    return CalibrationScore(
        *(float(np.mean(z <= width)) for width in HALF_WIDTHS.values()),
        float(np.mean(2 * HALF_WIDTHS[80] * std)),
        float(np.mean(z**2 / 2 + np.log(std) + np.log(2 * np.pi) / 2)),
        float(np.sqrt(np.mean((actual - mean) ** 2))),
    )


def worst(scores: list[Score]) -> Score:
    """The worst of each figure over repeats: a setting is accurate when it is so every time."""
    return Score(
        max(s.max_relative_error for s in scores),
        max(s.mean_relative_error for s in scores),
        max(s.residual for s in scores),
        max(s.energy_loss for s in scores),
        max(s.orthogonality for s in scores),
    )
