"""Centering and scaling of observed entries, for matrix completion."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.special import digamma, polygamma

from lrfact._typing import Array
from lrfact.linalg.power_of_two import times_power_of_two, unit_exponent

# Number of prior entries with the common spread, to which rows with few entries are shrunk.
_PRIOR_ENTRIES = 5.0

# Alternating updates of rows and columns, of which the first one matters most.
_BACKFITTING_ITERATIONS = 10

# Minimum regularization of row offsets, in entries; smaller values would change nothing.
_LEAST_PENALTY = 1e-2


@dataclass(frozen=True)
class EntryScaling:
    """Column means, and scales of columns and rows, by which entries are standardized.

    Attributes
    ----------
    mean : ndarray of shape (n_columns,)
        Means that are subtracted from the columns.

    scale : ndarray of shape (n_columns,)
        Positive scales by which the columns are divided.

    row_spread : float
        Common standard deviation of the rows after column scaling, to which that of rows with few
        entries is shrunk; 0 if rows are not scaled.
    """

    mean: Array
    scale: Array
    row_spread: float

    def apply(self, entries: sparse.csr_array) -> tuple[sparse.csr_array, Array]:
        """Return the scaled entries and the scale of each row.

        Parameters
        ----------
        entries : csr_array of shape (n_rows, n_columns)
            Entries in the units of the data.

        Returns
        -------
        scaled : csr_array of shape (n_rows, n_columns)
            Scaled entries in the same dtype.

        row_scale : ndarray of shape (n_rows,)
            Scale of each row, which depends only on the entries of this row.
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
        """Scale other entries of the same rows, such as held-out entries.

        Parameters
        ----------
        entries : csr_array of shape (n_rows, n_columns)
            Entries in the units of the data.

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
        """Return a matrix with other values, and the sparsity pattern and dtype of `entries`."""
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
    """Estimate the means and scales of columns and rows from observed entries.

    Parameters
    ----------
    entries : csr_array of shape (n_rows, n_columns)
        Observed entries, at least one.

    center : {"columns", "both"} or None
        "columns" centers on the column means, or on the mean of all entries for columns without
        entries. "both" centers on column effects beside row effects, shrunk for columns with few
        entries. None does not center.

    scale : {"columns", "both"} or None
        Whether columns, or columns and then rows, are scaled to unit standard deviation. The scales
        of columns with few entries are shrunk to a common scale, the more so the more similar the
        scales of the other columns are.

    Returns
    -------
    EntryScaling
        Means and scales are proportional to the entries. If `scale` is None, all scales are the
        same power of two, which is 1 for entries of ordinary size.

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
        # Rounding errors of equal entries are not a spread.
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
        # If columns are scaled, differences between their means are not noise of the rows.
        for_rows = scaled if scale is None else _within(columns, scaled)
        mean[:] = spread * _column_effects(rows, columns, scaled, for_rows, entries.shape)
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
    """Return empirical Bayes estimates of column standard deviations, shrunk to a common one.

    Parameters
    ----------
    squares : ndarray of shape (n,)
        Sum of the squared deviations of each column; 0 if its entries are all the same.

    freedom : ndarray of int, shape (n,)
        Degrees of freedom of each column; nonpositive values count as 0.

    Returns
    -------
    ndarray of shape (n,)
        Positive standard deviations. If those of columns with many entries are similar, as for
        ratings, a column with few entries gets nearly the common value; if they differ by orders of
        magnitude, as for measurements in several units, nearly its own value. 1 for all columns if
        no column has a positive variance.

    Notes
    -----
    The logarithms of the variances are assumed to be normal about a common mean, and their
    estimates to have the variance of the logarithm of a chi-squared variable. Each estimate is
    shrunk according to its noise. Smyth (2004), doi:10.2202/1544-6115.1027, section 6.2, for the
    moments.
    """
    freedom = np.maximum(freedom, 0)
    known = (freedom > 0) & (squares > 0)
    if not known.any():
        return np.ones(len(squares))
    half = freedom[known] / 2
    noise = polygamma(1, half)
    logs = np.log(squares[known] / freedom[known]) - digamma(half) + np.log(half)
    # Limit the weights, so that a few columns with many entries do not dominate.
    weights = 1 / np.maximum(noise, np.median(noise) / 10)
    common = float(np.average(logs, weights=weights))
    between = max(float(np.average((logs - common) ** 2 - noise, weights=weights)), 0.0)
    # For constant columns, the estimate decreases with the number of entries.
    spreads = np.exp(common / 2) / np.sqrt(1 + between / 2 * freedom)
    spreads[known] = np.exp((between * logs + noise * common) / (2 * (between + noise)))
    return spreads


def row_offset_penalty(entries: sparse.csr_array) -> float:
    """Return the regularization strength of row offsets, from variance components.

    Parameters
    ----------
    entries : csr_array of shape (n_rows, n_columns)
        Scaled entries.

    Returns
    -------
    float
        Ratio of the variance within rows to the variance between rows, which is the number of
        entries equal to 0 that the regularization is equivalent to.
    """
    rows, values = rows_of_entries(entries), entries.data.astype(np.float64)
    within, between = _variance_components(rows, values)
    n = float(len(values))
    return n if between <= within / n else max(within / between, _LEAST_PENALTY)


def _column_effects(
    rows: NDArray[np.integer],
    columns: NDArray[np.integer],
    values: Array,
    values_of_rows: Array,
    shape: tuple[int, int],
) -> Array:
    """Return column effects beside row effects, each shrunk by the variance of its mean."""
    overall = values.mean()
    level = np.zeros(shape[1])
    strengths = []
    for group, size, data in ((rows, shape[0], values_of_rows), (columns, shape[1], values)):
        within, between = _variance_components(group, data)
        counts = np.bincount(group, minlength=size)
        squares = np.bincount(group, _within(group, data) ** 2, size)
        # Units may differ between columns: the common variance only matters with few entries.
        own = (squares + _PRIOR_ENTRIES * within) / (counts + _PRIOR_ENTRIES)
        # If the variance between groups is not identifiable, one entry is shrunk by half.
        ratio = own / between if between > 0 else np.full(size, np.inf if within else 1.0)
        strengths.append(counts + ratio)
    for _ in range(_BACKFITTING_ITERATIONS):
        residuals = values - overall - level[columns]
        row_effects = np.bincount(rows, residuals, shape[0]) / strengths[0]
        residuals = values - overall - row_effects[rows]
        level = np.bincount(columns, residuals, shape[1]) / strengths[1]
    return overall + level


def _variance_components(group: NDArray[np.integer], values: Array) -> tuple[float, float]:
    """Return the variances within and between groups of a one-way random effects model.

    Searle, Casella and McCulloch, Variance Components, 1992, section 3.6,
    doi:10.1002/9780470316856.
    """
    counts = np.bincount(group)
    n, n_groups = len(values), int(np.count_nonzero(counts))
    total = float(values.var())
    if n_groups in (1, n):
        return total / 2, total / 2  # not identifiable
    means = np.bincount(group, values) / np.maximum(counts, 1)
    within = float((_within(group, values) ** 2).sum()) / (n - n_groups)
    squares = float(counts @ (means - values.mean()) ** 2)
    between = (squares - (n_groups - 1) * within) / (n - float(counts @ counts) / n)
    return within, max(between, 0.0)


def _within(group: NDArray[np.integer], values: Array) -> Array:
    """Return values centered on the mean of their group."""
    counts = np.bincount(group)
    return values - (np.bincount(group, values) / np.maximum(counts, 1))[group]
