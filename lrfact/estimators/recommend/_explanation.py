"""Explanation of a prediction by the contributions of observed entries."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrfact._typing import Array


@dataclass(frozen=True)
class Explanation:
    """Explanation of a prediction: a sum of contributions of the observed entries of its row.

    Attributes
    ----------
    column : int
        Index of the predicted column.

    prediction : float
        Prediction, equal to ``baseline + contributions.sum()`` up to rounding.

    baseline : float
        Prediction for an unseen row without entries: intercept plus bias of the column.

    columns : ndarray of shape (n_observed,)
        Observed columns, in descending order of the absolute value of their contributions.

    contributions : ndarray of shape (n_observed,)
        Contribution of each of them, in the units of `X`.

    names : ndarray of shape (n_features,) or None
        Names of the columns, or None if `X` had none in `fit`.
    """

    column: int
    prediction: float
    baseline: float
    columns: NDArray[np.integer]
    contributions: Array
    names: NDArray[Any] | None = None

    def __str__(self) -> str:
        lines = [f"{self._name(self.column)}: {self.prediction:.3g}"]
        if self.baseline:  # models of implicit feedback have none
            lines.append(f"  {self.baseline:+.3g}  baseline")
        lines += [
            f"  {share:+.3g}  {self._name(column)}"
            for column, share in zip(self.columns, self.contributions, strict=True)
        ]
        return "\n".join(lines)

    def _name(self, column: int) -> str:
        if self.names is None:
            return f"column {column}"
        name = self.names[column]
        return f"column {name}" if isinstance(name, int | np.integer) else str(name)
