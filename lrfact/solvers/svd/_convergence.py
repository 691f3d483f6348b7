"""How far the eigenvalues of a growing Krylov space are from where they go."""

import numpy as np

from lrfact.linalg.matrix_operator import Array
from lrfact.solvers.svd._accuracy import residual_error

# Of the errors left from one step to the next; the second where nothing is known about it yet.
_SLOWEST = 0.97
_ASSUMED = 0.8

# The forecast is a geometric series, and convergence at times slower than that.
_SAFETY = 2.0


class Convergence:
    """Estimates errors from residuals and from what the steps since the last measurement changed.

    Residuals alone do not see that the members of a cluster still move apart; changes alone may
    be small before convergence sets in. Each is believed only as far as the other agrees.

    Parameters
    ----------
    goal : float
        Relative error asked of the singular values.

    eps : float
        Unit roundoff of the arithmetic.

    Attributes
    ----------
    error : ndarray of shape (k,)
        Estimated relative error of each singular value when last measured.
    """

    def __init__(self, goal: float, eps: float) -> None:
        self.error: Array = np.ones(0)
        self._goal = goal
        self._eps = eps
        self._step = 0
        self._eigenvalues: Array | None = None
        self._speed: tuple[float, int] | None = None  # total change per step, over so many steps
        self._worst: list[tuple[int, float]] = []

    def measure(self, step: int, eigenvalues: Array, residuals: Array) -> None:
        """Take in eigenvalues of ``A A'`` after a step, and the norms of their residuals."""
        s = np.sqrt(eigenvalues)
        # Below this it is rounding noise of the products, and no further step makes it smaller.
        noise = 20 * self._eps * eigenvalues[0]
        residuals = np.where(residuals <= noise, 0, residuals)
        of_residuals = residual_error(np.divide(residuals, s, out=residuals.copy(), where=s > 0), s)
        if self._eigenvalues is None:
            self.error = np.ones_like(s)  # they are never too large, so no more than all is missing
        else:
            change = eigenvalues - self._eigenvalues
            change = np.where(change <= noise, 0, change)
            change = np.divide(change, 2 * eigenvalues, out=change.copy(), where=s > 0)
            self.error = np.maximum(of_residuals, _SAFETY * self._still_to_come(step, change))
            self._worst = [*self._worst[-1:], (step, float(self.error.max()))]
        self._step, self._eigenvalues = step, eigenvalues

    def steps_missing(self) -> float:
        """Return how many more steps the goal seems to take; infinity if that is not known yet."""
        if self._worst and self._worst[-1][1] <= self._goal:
            return 0
        if len(self._worst) < 2 or self._worst[1][1] >= self._worst[0][1]:
            return np.inf
        (earlier, before), (step, now) = self._worst
        return float(np.log(now / self._goal) / np.log(before / now)) * (step - earlier)

    def _still_to_come(self, step: int, change: Array) -> Array:
        """Return the changes that all later steps will make, as a geometric series.

        Its ratio is that of the last two changes, as in Aitken's extrapolation, the same for all
        eigenvalues: that of a single one may stand still before it moves on.
        """
        n_steps = step - self._step
        speed = float(change.sum()) / n_steps
        ratio = _ASSUMED
        if self._speed is not None:
            before, n_before = self._speed
            apart = (n_steps + n_before) / 2
            ratio = min((speed / before) ** (1 / apart), _SLOWEST) if before > 0 else _SLOWEST
        self._speed = (speed, n_steps)
        left = ratio**n_steps
        return change * (left / (1 - left))
