"""Whether a Markov chain has come to rest: the two halves of it compared."""

import numpy as np

from lrfact._typing import ArrayLike


def split_r_hat(trace: ArrayLike) -> float:
    r"""Return by how much the spread of a chain would shrink if it went on for ever.

    With the chain cut in two halves of n values, B/n the variance of their two means and W the
    mean of their two variances,

    .. math:: \hat R = \sqrt{\frac{\frac{n-1}{n} W + \frac{1}{n} B}{W}}

    Parameters
    ----------
    trace : array-like of shape (n_draws,)
        A number from each sweep; of an odd number of sweeps the first is left out.

    Returns
    -------
    float
        Near 1 for a chain at rest; above 1.1 the two halves tell different stories. NaN for
        fewer than four values; 1 for a chain that does not move at all.

    References
    ----------
    Gelman et al. (2013), Bayesian Data Analysis, section 11.4. Vehtari et al. (2021),
    doi:10.1214/20-BA1221.

    Examples
    --------
    >>> import numpy as np
    >>> from lrfact.solvers.gibbs.split_r_hat import split_r_hat
    >>> rng = np.random.default_rng(0)
    >>> round(split_r_hat(rng.standard_normal(1000)), 2)
    1.0
    >>> round(split_r_hat(np.linspace(0, 5, 1000) + rng.standard_normal(1000)), 2)
    1.69
    """
    values = np.asarray(trace, dtype=np.float64)
    n = len(values) // 2
    if n < 2:
        return float("nan")
    halves = values[len(values) - 2 * n :].reshape(2, n)
    within = float(halves.var(axis=1, ddof=1).mean())
    between = float(n * halves.mean(axis=1).var(ddof=1))
    if within == 0:
        return 1.0 if between == 0 else float("inf")
    return float(np.sqrt(((n - 1) * within + between) / (n * within)))


def relative_drift(trace: ArrayLike) -> float:
    """Return by what share the mean of a positive trace changes from its first half to its second.

    Parameters
    ----------
    trace : array-like of shape (n_draws,)
        Values, as in `split_r_hat`.

    Returns
    -------
    float
        Nonnegative change relative to the larger of the two means; 0 for fewer than two values.

    Examples
    --------
    >>> from lrfact.solvers.gibbs.split_r_hat import relative_drift
    >>> relative_drift([3.0, 5.0, 2.0, 4.0])
    0.25
    """
    values = np.asarray(trace, dtype=np.float64)
    n = len(values) // 2
    if n < 1:
        return 0.0
    first, second = values[len(values) - 2 * n :].reshape(2, n).mean(axis=1)
    largest = max(first, second)
    return float(abs(first - second) / largest) if largest > 0 else 0.0
