"""Random ratings of a known model, as unevenly spread as real ones."""

from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from sklearn.utils import check_random_state

from lrfact._sklearn_compat import Interval, RealNotInt, validate_params
from lrfact._typing import ArrayLike
from lrfact.datasets._long_tailed_pattern import long_tailed_pattern, row_blocks


@dataclass(frozen=True, eq=False, repr=False)
class SyntheticRatings:
    """Ratings together with the model that they were made from.

    Parameters
    ----------
    ratings : csr_array of shape (n_rows, n_columns)
        The observed entries, with sorted indices and without duplicates.

    row_factors : ndarray of shape (n_rows, n_components)
        Factors of the rows.

    column_factors : ndarray of shape (n_columns, n_components)
        Factors of the columns.

    row_bias : ndarray of shape (n_rows,)
        Biases of the rows.

    column_bias : ndarray of shape (n_columns,)
        Biases of the columns.

    intercept : float
        The level of all ratings.

    See Also
    --------
    make_ratings : Makes it.

    Examples
    --------
    >>> from lrfact.datasets import make_ratings
    >>> synthetic = make_ratings(6, 4, n_ratings=10, noise=0, random_state=0)
    >>> synthetic
    SyntheticRatings(6 rows, 4 columns, 10 ratings, 3 components)
    >>> rows, columns = synthetic.ratings.nonzero()
    >>> bool(abs(synthetic.predict_entries(rows, columns) - synthetic.ratings.data).max() < 1e-12)
    True
    """

    ratings: sp.csr_array
    row_factors: npt.NDArray[Any]
    column_factors: npt.NDArray[Any]
    row_bias: npt.NDArray[Any]
    column_bias: npt.NDArray[Any]
    intercept: float

    def predict_entries(self, rows: ArrayLike, columns: ArrayLike) -> npt.NDArray[Any]:
        """What the model says of any entries, without noise or rounding.

        Parameters
        ----------
        rows : array-like of shape (n_entries,)
            Row indices.

        columns : array-like of shape (n_entries,)
            Column indices.

        Returns
        -------
        ndarray of shape (n_entries,)
            Intercept, biases and the product of the factors, in the units of the ratings.
        """
        rows, columns = np.asarray(rows), np.asarray(columns)
        product = np.einsum("ij,ij->i", self.row_factors[rows], self.column_factors[columns])
        return product + (self.row_bias[rows] + self.column_bias[columns] + self.intercept)

    def __repr__(self) -> str:
        n_rows, n_columns = self.ratings.shape
        return (
            f"SyntheticRatings({n_rows} rows, {n_columns} columns, {self.ratings.nnz} ratings, "
            f"{self.row_factors.shape[1]} components)"
        )


@validate_params(
    {
        "n_rows": [Interval(Integral, 1, None, closed="left")],
        "n_columns": [Interval(Integral, 1, None, closed="left")],
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "n_ratings": [
            Interval(Integral, 1, None, closed="left"),
            Interval(RealNotInt, 0, 1, closed="right"),
        ],
        "intercept": [Interval(Real, None, None, closed="neither")],
        "bias": [Interval(Real, 0, None, closed="left")],
        "noise": [Interval(Real, 0, None, closed="left")],
        "row_spread": [Interval(Real, 0, 5, closed="both")],
        "column_spread": [Interval(Real, 0, 5, closed="both")],
        "levels": ["array-like", None],
        "dtype": "no_validation",
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_ratings(
    n_rows: int = 200,
    n_columns: int = 100,
    *,
    n_components: int = 3,
    n_ratings: int | float = 0.1,
    intercept: float = 3.5,
    bias: float = 0.5,
    noise: float = 0.5,
    row_spread: float = 1.0,
    column_spread: float = 1.5,
    levels: ArrayLike | None = None,
    dtype: npt.DTypeLike = "float64",
    random_state: Any = None,
) -> SyntheticRatings:
    r"""Make random ratings from a known low-rank model, with a long-tailed pattern of entries.

    An observed entry is

    .. math:: x_{ij} = \mu + b_i + c_j + w_i^\top v_j + \varepsilon_{ij}

    with normal biases :math:`b_i, c_j` of standard deviation `bias`, noise
    :math:`\varepsilon_{ij}` of standard deviation `noise`, and independent normal factors scaled
    such that the product :math:`w_i^\top v_j` has standard deviation 1.

    Parameters
    ----------
    n_rows : int, default=200
        Number of rows (users).

    n_columns : int, default=100
        Number of columns (items).

    n_components : int, default=3
        Length of the factors.

    n_ratings : int or float, default=0.1
        Number of distinct observed entries, or as a float in (0, 1] their share of all entries.
        Exactly so many are made.

    intercept : float, default=3.5
        The level :math:`\mu`.

    bias : float, default=0.5
        Standard deviation of the row biases and of the column biases; 0 for none.

    noise : float, default=0.5
        Standard deviation of the noise: no model can have a smaller root mean square error on
        held-out entries, as long as `levels` is None.

    row_spread : float, default=1.0
        Dispersion of the numbers of ratings per row: standard deviation of the logarithm of a row's
        fraction of the ratings, from 0 (all equal) to 5. No row has more than `n_columns` ratings.

    column_spread : float, default=1.5
        The same for columns. With 1.5 a tenth of the columns holds more than half of the
        ratings, as long as few rows are nearly full.

    levels : array-like of shape (n_levels,), default=None
        Rating scale, such as ``range(1, 6)``: every rating is moved to the nearest level. None
        leaves them continuous.

    dtype : {"float64", "float32"}, default="float64"
        Type of all arrays.

    random_state : int, RandomState instance or None, default=None
        Pass an int for the same ratings at every call.

    Returns
    -------
    SyntheticRatings
        `ratings`, a csr_array, and the true `row_factors`, `column_factors`, `row_bias`,
        `column_bias` and `intercept`. A row or column may be without any rating.

    Raises
    ------
    ValueError
        If a parameter is out of its range, more ratings are asked for than there are entries, or
        `levels` is not a list of finite numbers.

    See Also
    --------
    fetch_movielens : Real ratings.
    sklearn.datasets.make_low_rank_matrix : All entries observed.

    Notes
    -----
    The entries of a row are drawn without replacement with probabilities in proportion to the
    popularity of the columns; whether an entry is observed does not depend on its value.

    Cost: O(n_ratings (n_components + log n_columns)) time, one thread; 10 million ratings take a
    few seconds, and several times as long with spreads of 3 or more. Memory: the result, 12 bytes
    a rating with 64-bit and 8 with 32-bit floats (plus 4 where there are more than 2^31 ratings),
    and less than 1 GB beside it.

    References
    ----------
    Salakhutdinov, R. and Mnih, A. (2007). Probabilistic matrix factorization. Advances in Neural
    Information Processing Systems 20. (The model without biases.)

    Efraimidis, P. S. and Spirakis, P. G. (2006). Weighted random sampling with a reservoir.
    Information Processing Letters 97. doi:10.1016/j.ipl.2005.11.003. (How full rows are drawn.)

    Examples
    --------
    >>> from lrfact.datasets import make_ratings
    >>> synthetic = make_ratings(50, 30, n_ratings=400, levels=range(1, 6), random_state=0)
    >>> synthetic.ratings.nnz
    400
    >>> sorted({float(x) for x in synthetic.ratings.data})
    [1.0, 2.0, 3.0, 4.0, 5.0]
    >>> synthetic.row_factors.shape, synthetic.column_factors.shape
    ((50, 3), (30, 3))
    """
    dtype = _checked_dtype(dtype)
    scale = None if levels is None else _checked_levels(levels, dtype)
    n_entries = _checked_count(n_ratings, n_rows, n_columns)
    _check_size(dtype, intercept=intercept, bias=bias, noise=noise)
    # Seeded by NumPy's older generator, which scikit-learn asks for; the newer draws floats of
    # either size, and faster.
    seed = check_random_state(random_state).randint(2**32, size=4, dtype=np.uint32)
    rng = np.random.default_rng(seed)
    indptr, indices = long_tailed_pattern(
        n_rows, n_columns, n_entries, row_spread=row_spread, column_spread=column_spread, rng=rng
    )

    def normal(deviation: float, *shape: int) -> npt.NDArray[Any]:
        return dtype.type(deviation) * rng.standard_normal(shape, dtype=dtype)

    values = np.empty(n_entries, dtype=dtype)
    synthetic = SyntheticRatings(
        ratings=sp.csr_array((values, indices, indptr), shape=(n_rows, n_columns)),
        row_factors=normal(n_components**-0.25, n_rows, n_components),
        column_factors=normal(n_components**-0.25, n_columns, n_components),
        row_bias=normal(bias, n_rows),
        column_bias=normal(bias, n_columns),
        intercept=float(intercept),
    )
    for start, stop in row_blocks(indptr):
        block = slice(indptr[start], indptr[stop])
        rows = np.repeat(np.arange(start, stop), np.diff(indptr[start : stop + 1]))
        rated = synthetic.predict_entries(rows, indices[block]) + normal(noise, rows.size)
        synthetic.ratings.data[block] = rated if scale is None else _nearest(scale, rated)
    return synthetic


def _checked_count(n_ratings: int | float, n_rows: int, n_columns: int) -> int:
    n_entries = n_rows * n_columns
    if isinstance(n_ratings, Integral):
        count = int(n_ratings)
    else:
        count = max(1, round(n_ratings * n_entries))
    if count > n_entries:
        raise ValueError(
            f"n_ratings={n_ratings} of make_ratings must be at most n_rows * n_columns="
            f"{n_entries}, as every entry is rated once; lower it, or make the matrix larger."
        )
    return count


def _checked_dtype(dtype: npt.DTypeLike) -> np.dtype[Any]:
    if dtype is None or np.dtype(dtype) not in (np.dtype(np.float64), np.dtype(np.float32)):
        raise ValueError(f"dtype={dtype!r} of make_ratings must be 'float64' or 'float32'.")
    return np.dtype(dtype)


def _check_size(dtype: np.dtype[Any], **sizes: float) -> None:
    # No normal number drawn in practice is beyond ten deviations.
    if not 30 * max(abs(float(size)) for size in sizes.values()) < float(np.finfo(dtype).max):
        raise ValueError(f"{sizes} of make_ratings are too large for {dtype}; scale them down.")


def _checked_levels(levels: ArrayLike, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    scale = np.asarray(levels, dtype=np.float64)
    if scale.ndim != 1 or scale.size == 0 or not (abs(scale) <= float(np.finfo(dtype).max)).all():
        raise ValueError(
            f"levels={levels!r} of make_ratings must be a list of finite numbers, the ratings "
            "that can be given, such as range(1, 6)."
        )
    return np.unique(scale).astype(dtype)


def _nearest(scale: npt.NDArray[Any], values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return scale[np.searchsorted((scale[1:] + scale[:-1]) / 2, values)]
