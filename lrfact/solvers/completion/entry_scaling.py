"""Means and spreads of observed entries: taken out before a completion, put back after it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.special import digamma, polygamma

from lrfact._typing import Array
from lrfact.linalg.power_of_two import times_power_of_two, unit_exponent

# So many entries of the common spread are added to those of a row: few entries say little of it.
_PRIOR_ENTRIES = 5.0

# Rows and columns in turns; the first says most.
_BACKFITTING_SWEEPS = 10

# Fewest entries that a prior of an offset may count for; fewer would be all the same.
_LEAST_PENALTY = 1e-2


@dataclass(frozen=True)
class EntryScaling:
    """Units in which entries are completed: less a mean, by a scale of the column and of the row.

    Attributes
    ----------
    mean : ndarray of shape (n_columns,)
        Means that are subtracted from the columns.

    scale : ndarray of shape (n_columns,)
        Each column is divided by, positive.

    row_spread : float
        Common spread of the rows after that, to which those of rows with few entries shrink; 0 if
        rows are not scaled.
    """

    mean: Array
    scale: Array
    row_spread: float

    def apply(self, entries: sparse.csr_array) -> tuple[sparse.csr_array, Array]:
        """Return scaled entries, and the scale of each row.

        Parameters
        ----------
        entries : csr_array of shape (n_rows, n_columns)
            In the units of the data.

        Returns
        -------
        scaled : csr_array of shape (n_rows, n_columns)
            In the same dtype.

        row_scale : ndarray of shape (n_rows,)
            Depends on nothing but the entries of the row.
        """
        columns = entries.indices
        values = (entries.data - self.mean.astype(np.float64)[columns]) / self.scale[columns]
        row_scale = np.ones(entries.shape[0])
        if self.row_spread > 0:
            rows = rows_of_entries(entries)
            squares = np.bincount(rows, _within(rows, values) ** 2, entries.shape[0])
            row_scale = np.sqrt(
                (squares + _PRIOR_ENTRIES * self.row_spread**2)
                / (np.diff(entries.indptr) + _PRIOR_ENTRIES)
            )
            values /= row_scale[rows]
        return self.with_values(entries, values), row_scale.astype(entries.dtype)

    def apply_to_others(self, entries: sparse.csr_array, row_scale: Array) -> sparse.csr_array:
        """Return further entries of the same rows in the same units.

        Parameters
        ----------
        entries : csr_array of shape (n_rows, n_columns)
            In the units of the data.

        row_scale : ndarray of shape (n_rows,)
            Scales of the rows, as returned by `apply`.

        Returns
        -------
        csr_array of shape (n_rows, n_columns)
        """
        columns = entries.indices
        values = (entries.data - self.mean.astype(np.float64)[columns]) / self.scale[columns]
        return self.with_values(entries, values / row_scale[rows_of_entries(entries)])

    @staticmethod
    def with_values(entries: sparse.csr_array, values: Array) -> sparse.csr_array:
        """Return a matrix of other values at the same places, in the same dtype."""
        pattern = (values.astype(entries.dtype), entries.indices, entries.indptr)
        return sparse.csr_array(pattern, entries.shape)


def rows_of_entries(entries: sparse.csr_array) -> NDArray[np.integer]:
    """Return the row of each entry.

    Parameters
    ----------
    entries : csr_array of shape (n_rows, n_columns)
        Entries of any matrix.

    Returns
    -------
    ndarray of shape (nnz,)
    """
    return np.repeat(np.arange(entries.shape[0]), np.diff(entries.indptr))


def entry_scaling(
    entries: sparse.csr_array, *, center: str | None, scale: str | None
) -> EntryScaling:
    """Learn means and spreads.

    Parameters
    ----------
    entries : csr_array of shape (n_rows, n_columns)
        At least one.

    center : {"columns", "both"} or None
        "columns": the mean of each column, that of all entries for a column without any. "both":
        what a column adds to the level of its rows, shrunk where its entries are few.

    scale : {"columns", "both"} or None
        Whether columns, or columns and then rows, are brought to the same spread. Those of columns
        with few entries are shrunk to a common one, as far as the spreads of the others are alike.

    Returns
    -------
    EntryScaling
        Multiplying all entries by a number multiplies means and scales by it; without `scale` the
        latter are the same power of two for all columns, 1 for entries of ordinary size.

    Raises
    ------
    ValueError
        If entries are so large that squares or predictions overflow.
    """
    n_columns, columns = entries.shape[1], entries.indices
    exponent = unit_exponent(entries.data)
    values = times_power_of_two(entries.data, -exponent).astype(np.float64)
    rows, counts = rows_of_entries(entries), np.bincount(columns, minlength=n_columns)
    spread = np.ones(n_columns)
    if scale is not None:
        deviations = values if center is None else _within(columns, values)
        # What rounding leaves of equal entries is not a spread.
        means = np.bincount(columns, np.abs(values), n_columns) / np.maximum(counts, 1)
        floor = 10 * np.finfo(entries.dtype).eps * means
        squares = np.bincount(columns, deviations**2, n_columns)
        squares[squares <= counts * floor**2] = 0
        spread = shrunken_spreads(squares, counts if center is None else counts - 1)
    mean = np.zeros(n_columns)
    if center == "columns":
        mean[:] = values.mean()
        np.divide(np.bincount(columns, values, n_columns), counts, out=mean, where=counts > 0)
    elif center == "both":
        scaled = values / spread[columns]
        # In common units, differences of columns are not noise of the rows.
        of_rows = scaled if scale is None else _within(columns, scaled)
        mean[:] = spread * _columns_beside_rows(rows, columns, scaled, of_rows, entries.shape)
    row_spread = 0.0
    if scale == "both":
        within = _within(rows, (values - mean[columns]) / spread[columns])
        row_spread = float(np.sqrt(np.mean(within**2)))
    dtype = entries.dtype
    mean, spread = np.ldexp(mean, exponent), np.ldexp(spread, exponent)
    return EntryScaling(mean.astype(dtype), spread.astype(dtype), row_spread)


def shrunken_spreads(
    squares: NDArray[np.float64], freedom: NDArray[np.integer]
) -> NDArray[np.float64]:
    """Return standard deviations of columns, each shrunk to the common one as data suggest.

    Parameters
    ----------
    squares : ndarray of shape (n,)
        Sum of the squared deviations of each column; 0 if its entries are all the same.

    freedom : ndarray of int, shape (n,)
        Degrees of freedom of each; none where it is not positive.

    Returns
    -------
    ndarray of shape (n,)
        Positive. Where the spreads of columns with many entries are much alike, as of ratings,
        one of few entries has nearly the common spread; where they differ by orders of magnitude,
        as of measurements in several units, it has nearly its own. 1 for all if none has any.

    Notes
    -----
    Logarithms of variances are normal about a common one, and what is observed of them has the
    variance of the logarithm of a chi-squared number: each shrinks by what is noise in it. Smyth
    (2004), doi:10.2202/1544-6115.1027, section 6.2, for the moments.
    """
    freedom = np.maximum(freedom, 0)
    known = (freedom > 0) & (squares > 0)
    if not known.any():
        return np.ones(len(squares))
    half = freedom[known] / 2
    noise = polygamma(1, half)
    logs = np.log(squares[known] / freedom[known]) - digamma(half) + np.log(half)
    # Few long columns must not decide for all.
    weights = 1 / np.maximum(noise, np.median(noise) / 10)
    common = float(np.average(logs, weights=weights))
    between = max(float(np.average((logs - common) ** 2 - noise, weights=weights)), 0.0)
    # Entries that are all the same are the less likely to spread the more they are.
    spreads = np.exp(common / 2) / np.sqrt(1 + between / 2 * freedom)
    spreads[known] = np.exp((between * logs + noise * common) / (2 * (between + noise)))
    return spreads


def row_offset_penalty(entries: sparse.csr_array) -> float:
    """Return how much the offset of a row is to be held back.

    Parameters
    ----------
    entries : csr_array of shape (n_rows, n_columns)
        Scaled entries.

    Returns
    -------
    float
        The variance within rows divided by that between them: so many entries at 0 say as much as
        the knowledge that rows are alike.
    """
    rows, values = rows_of_entries(entries), entries.data.astype(np.float64)
    within, between = _variance_components(rows, values)
    n = float(len(values))
    return n if between <= within / n else max(within / between, _LEAST_PENALTY)


def _columns_beside_rows(
    rows: NDArray[np.integer],
    columns: NDArray[np.integer],
    values: Array,
    values_of_rows: Array,
    shape: tuple[int, int],
) -> Array:
    """Means of columns once rows have theirs, each shrunk by its own variance of the mean."""
    overall = values.mean()
    level = np.zeros(shape[1])
    strengths = []
    for group, size, data in ((rows, shape[0], values_of_rows), (columns, shape[1], values)):
        within, between = _variance_components(group, data)
        counts = np.bincount(group, minlength=size)
        squares = np.bincount(group, _within(group, data) ** 2, size)
        # Columns may have units of their own: a common variance only helps those of few entries.
        own = (squares + _PRIOR_ENTRIES * within) / (counts + _PRIOR_ENTRIES)
        # Where the data cannot tell between from within, one entry tells half.
        ratio = own / between if between > 0 else np.full(size, np.inf if within else 1.0)
        strengths.append(counts + ratio)
    for _ in range(_BACKFITTING_SWEEPS):
        left = values - overall - level[columns]
        of_rows = np.bincount(rows, left, shape[0]) / strengths[0]
        left = values - overall - of_rows[rows]
        level = np.bincount(columns, left, shape[1]) / strengths[1]
    return overall + level


def _variance_components(group: NDArray[np.integer], values: Array) -> tuple[float, float]:
    """Variances within and between groups: moments of a one-way layout with random effects.

    Searle, Casella and McCulloch, Variance Components, 1992, section 3.6,
    doi:10.1002/9780470316856.
    """
    counts = np.bincount(group)
    n, n_groups = len(values), int(np.count_nonzero(counts))
    total = float(values.var())
    if n_groups in (1, n):
        return total / 2, total / 2  # nothing to compare
    means = np.bincount(group, values) / np.maximum(counts, 1)
    within = float((_within(group, values) ** 2).sum()) / (n - n_groups)
    squares = float(counts @ (means - values.mean()) ** 2)
    between = (squares - (n_groups - 1) * within) / (n - float(counts @ counts) / n)
    return within, max(between, 0.0)


def _within(group: NDArray[np.integer], values: Array) -> Array:
    """Values less the mean of their group."""
    counts = np.bincount(group)
    return values - (np.bincount(group, values) / np.maximum(counts, 1))[group]
