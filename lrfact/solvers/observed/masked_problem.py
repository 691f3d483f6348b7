"""Factorization of the observed entries of a matrix: the problem that all its solvers share."""

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from lrfact._typing import Array


@dataclass(frozen=True)
class MaskedProblem:
    r"""Data and penalties of a factorization of observed entries.

    .. math:: F = \sum_{(i,j) \in \Omega} \omega_{ij} (x_{ij} - \mu - b_i - c_j - w_i' v_j)^2
              + \sum_i s_i \sum_f \rho_f [w_i, b_i]_f^2
              + \sum_j t_j \sum_f \kappa_f [v_j, c_j]_f^2

    Attributes
    ----------
    ratings : csr_array of shape (n_rows, n_columns)
        The observed entries, float32 or float64, sorted within rows, none twice.

    weights : ndarray of shape (nnz,) or None
        :math:`\omega`, positive, in the order of `ratings`; None for ones.

    row_scale, column_scale : ndarray of shape (n_rows,) and (n_columns,)
        :math:`s` and :math:`t`.

    row_penalty, column_penalty : ndarray of shape (n_components + bias,)
        :math:`\rho` and :math:`\kappa`.

    bias : bool
        Whether there are an intercept and biases.

    nonnegative : bool
        Whether factors (not biases) are confined to numbers from 0.
    """

    ratings: sparse.csr_array
    weights: Array | None
    row_scale: Array
    column_scale: Array
    row_penalty: Array
    column_penalty: Array
    bias: bool
    nonnegative: bool

    @classmethod
    def with_count_scaled_penalty(
        cls,
        ratings: sparse.csr_array,
        weights: Array | None,
        *,
        n_components: int,
        reg: float,
        bias: bool,
        nonnegative: bool,
    ) -> "MaskedProblem":
        r"""Set up the problem with penalties that grow with the root of the counts.

        :math:`s_i = \sqrt{n_i}`, :math:`t_j = \sqrt{n_j}`, with the weights of a row or column
        summed as its count; :math:`\rho = reg`, and :math:`\kappa = reg\,\sigma^2` for factors,
        reg for biases, where :math:`\sigma^2` is the variance of the observed values (without
        bias: their mean square). Multiplying all values by a number then multiplies row factors
        and biases by it, leaves column factors as they are, and changes nothing else.

        Parameters
        ----------
        ratings : csr_array of shape (n_rows, n_columns)
            The observed entries, at least one.

        weights : ndarray of shape (nnz,) or None
            Weights of the entries.

        n_components : int
            Number of factors.

        reg : float
            Strength of the penalty.

        bias : bool
            Whether there are an intercept and biases.

        nonnegative : bool
            Whether factors are confined to numbers from 0.

        Returns
        -------
        MaskedProblem

        Raises
        ------
        ValueError
            If squares of the values, or penalties of their units, overflow.
        """
        dtype = ratings.dtype
        with np.errstate(over="ignore", invalid="ignore"):
            variance = _variance(ratings.data, weights, about_mean=bias) or 1.0
        largest = float(np.finfo(dtype).max)
        if variance <= largest < reg * max(variance, 1.0):
            raise ValueError(f"reg={reg:.3g} is too large for {dtype}; lower reg")
        if not variance <= largest:
            raise ValueError(
                f"entries of X are too large for their squares to be summed in {dtype}; divide X "
                "by its largest absolute value"
            )
        width = n_components + bias
        column_penalty = np.full(width, reg * variance)
        if bias:
            column_penalty[-1] = reg
        row_counts = row_weights(ratings, weights)
        column_counts = np.bincount(ratings.indices, weights, ratings.shape[1])
        return cls(
            ratings,
            weights,
            np.sqrt(row_counts).astype(dtype),
            np.sqrt(column_counts).astype(dtype),
            np.full(width, reg, dtype=dtype),
            column_penalty.astype(dtype),
            bias,
            nonnegative,
        )

    @property
    def n_components(self) -> int:
        """Number of factors, without the bias."""
        return len(self.row_penalty) - self.bias

    @cached_property
    def row_of_entry(self) -> NDArray[np.integer]:
        """Row of each entry, in the order of `ratings`."""
        indptr = self.ratings.indptr
        return np.repeat(np.arange(len(indptr) - 1, dtype=indptr.dtype), np.diff(indptr))

    @cached_property
    def by_columns(self) -> tuple[sparse.csr_array, Array | None]:
        """The transpose of `ratings`, by its own rows, and the weights in its order."""
        ratings = self.ratings
        weights = None
        if self.weights is not None:
            weighted = (self.weights, ratings.indices, ratings.indptr)
            weights = sparse.csr_array(weighted, shape=ratings.shape).T.tocsr().data
        return ratings.T.tocsr(), weights

    @cached_property
    def weighted_mean(self) -> float:
        """Mean of the observed values."""
        values = self.ratings.data
        if self.weights is None:
            return float(values.mean(dtype=np.float64))
        return float(np.average(values, weights=self.weights.astype(np.float64)))


@dataclass(frozen=True)
class MaskedModel:
    """Parameters of a factorization of observed entries.

    Attributes
    ----------
    rows : ndarray of shape (n_rows, n_components + bias)
        Row factors, the row bias last.

    columns : ndarray of shape (n_columns, n_components + bias)
        Column factors, the column bias last.

    intercept : float
        0 without biases.
    """

    rows: Array
    columns: Array
    intercept: float


@dataclass(frozen=True)
class MaskedFit:
    """What a solver of a `MaskedProblem` returns.

    Attributes
    ----------
    model : MaskedModel
        The parameters.

    objective : ndarray of shape (n_iter,)
        F after each sweep or epoch.

    converged : bool
        Whether it came to rest within the sweeps allowed.

    added_diagonal : float
        The most that any system of equations had added to its diagonal to be solved.
    """

    model: MaskedModel
    objective: NDArray[np.float64]
    converged: bool
    added_diagonal: float = 0.0


class SweepMonitor(Protocol):
    """Watches a solver: called after each sweep, returns whether to stop."""

    def __call__(self, sweep: int, objective: float, model: MaskedModel) -> bool:
        """Look at the model as it is; its arrays change in the next sweep."""
        ...


def _variance(values: Array, weights: Array | None, *, about_mean: bool) -> float:
    """Weighted mean square, about the mean or about 0, in float64 without a copy of all values."""
    # About a value that occurs, so that the squares of a large mean cancel no digits.
    shift = float(values[0]) if about_mean else 0.0
    total = sum_of_values = sum_of_squares = 0.0
    for start in range(0, len(values), 1 << 18):
        part = slice(start, start + (1 << 18))
        x = values[part].astype(np.float64) - shift
        w = np.ones(len(x)) if weights is None else weights[part].astype(np.float64)
        total += float(w.sum())
        sum_of_values += float(w @ x)
        sum_of_squares += float(w @ (x * x))
    mean = sum_of_values / total if about_mean else 0.0
    return max(sum_of_squares / total - mean * mean, 0.0)


def row_weights(ratings: sparse.csr_array, weights: Array | None) -> Array:
    """Return the sum of the weights of each row, without weights its number of entries.

    Parameters
    ----------
    ratings : csr_array of shape (n_rows, n_columns)
        The observed entries.

    weights : ndarray of shape (nnz,) or None
        Weights of the entries.

    Returns
    -------
    ndarray of shape (n_rows,)
        Values in float64.
    """
    lengths = np.diff(ratings.indptr)
    if weights is None:
        return lengths.astype(np.float64)
    rows = np.repeat(np.arange(len(lengths)), lengths)
    return np.bincount(rows, weights, len(lengths)).astype(np.float64)


def penalty(problem: MaskedProblem, rows: Array, columns: Array) -> float:
    """Return the penalty terms of the objective, summed in float64.

    Parameters
    ----------
    problem : MaskedProblem
        Problem with the regularization.

    rows, columns : ndarray
        See `MaskedModel`.

    Returns
    -------
    float
    """
    total = 0.0
    for side, scale, weight in (
        (rows, problem.row_scale, problem.row_penalty),
        (columns, problem.column_scale, problem.column_penalty),
    ):
        # Factor by factor: no squared copy of all parameters.
        for f, of_factor in enumerate(weight.astype(np.float64)):
            values = side[:, f].astype(np.float64)
            total += of_factor * float(values * values @ scale)
    return total


def entry_residuals(problem: MaskedProblem, model: MaskedModel, *, n_factors: int) -> Array:
    """Return each observed value less its prediction by biases and the first factors.

    Parameters
    ----------
    problem : MaskedProblem
        Problem with the entries.

    model : MaskedModel
        Model that makes the predictions.

    n_factors : int
        Number of factors that are used.

    Returns
    -------
    ndarray of shape (nnz,)
        In the order of `ratings`.
    """
    ratings = problem.ratings
    used = [*range(n_factors), *range(problem.n_components, len(problem.row_penalty))]
    told = MaskedModel(model.rows[:, used], model.columns[:, used], model.intercept)
    predicted = predict_entries(told, problem.row_of_entry, ratings.indices, bias=problem.bias)
    return np.subtract(ratings.data, predicted, out=predicted)


def predict_entries(
    model: MaskedModel, rows: NDArray[np.integer], columns: NDArray[np.integer], *, bias: bool
) -> Array:
    """Return the predictions of single entries.

    Parameters
    ----------
    model : MaskedModel
        The parameters.

    rows, columns : ndarray of int, shape (n,)
        Row and column indices of the entries.

    bias : bool
        Whether the last parameters are biases.

    Returns
    -------
    ndarray of shape (n,)
        In the dtype of the parameters.
    """
    dtype = model.columns.dtype
    n_factors = model.columns.shape[1] - bias
    predicted = np.empty(len(rows), dtype=dtype)
    # The gathered factors of a block stay in the cache.
    block = max(1, (1 << 18) // max(1, model.columns.shape[1]))
    for start in range(0, len(rows), block):
        part = slice(start, start + block)
        of_rows, of_columns = model.rows[rows[part]], model.columns[columns[part]]
        told = np.einsum("nf,nf->n", of_rows[:, :n_factors], of_columns[:, :n_factors])
        if bias:
            told += dtype.type(model.intercept) + of_rows[:, -1] + of_columns[:, -1]
        predicted[part] = told
    return predicted
