"""Long tables given where a matrix is expected are named; matrices are not."""

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.datasets import load_digits, load_iris

from lrfact import BayesianMF, ImplicitMF, MaskedMF, SoftImpute
from lrfact.checks._long_table import warn_of_long_table

RNG = np.random.default_rng(0)


def long_table(n_rows=30, n_columns=20, n_lines=200):
    pairs = RNG.permutation(n_rows * n_columns)[:n_lines]
    ratings = RNG.integers(1, 6, n_lines)
    return np.column_stack([pairs // n_columns, pairs % n_columns, ratings])


LONG = long_table()
LONG_TABLES = {
    "array": LONG,
    "array of floats": LONG.astype(np.float32),
    "with a time": np.column_stack([LONG, RNG.integers(10**9, 2 * 10**9, len(LONG))]),
    "frame": pd.DataFrame(LONG, columns=["user", "item", "rating"]),
    "frame of few lines": pd.DataFrame(LONG[:5], columns=["userId", "movieId", "rating"]),
    "frame without names": pd.DataFrame(LONG),
    "frame, items first": pd.DataFrame(LONG, columns=["item", "user", "rating"]),
    "frame of events, pairs twice": pd.DataFrame(
        np.repeat(LONG, 2, axis=0), columns=["user", "item", "count"]
    ),
    "ids": pd.DataFrame(LONG[:9], columns=["customer_id", "product_id", "amount"]),
}
MATRICES = {
    "ratings": RNG.integers(1, 6, size=(100, 3)),
    "named ratings": pd.DataFrame(RNG.integers(1, 6, (9, 3)), columns=["tea", "milk", "beer"]),
    "items": pd.DataFrame(RNG.integers(1, 6, (9, 3)), columns=["book", "film", "song"]),
    "counts": RNG.poisson(2, size=(200, 4)),
    "large counts": RNG.integers(1000, size=(500, 3)),
    "measurements": RNG.normal(size=(100, 3)),
    "iris": load_iris().data,
    "digits": load_digits().data,
    "two columns": LONG[:, :2],
    "missing entries": np.where(RNG.random(LONG.shape) < 0.2, np.nan, LONG),
    "sparse": sparse.csr_array(LONG.astype(float)),
    "text": np.array([["a", "b", "c"]] * 30, dtype=object),
    "lists": LONG[:25].tolist(),
    "one row": LONG[:1],
}


@pytest.mark.parametrize("name", LONG_TABLES)
def test_long_tables_are_named(name):
    with pytest.warns(UserWarning, match="look like identifiers .* use EntryRegressor"):
        warn_of_long_table(LONG_TABLES[name], "MaskedMF")


@pytest.mark.parametrize("name", MATRICES)
def test_matrices_are_not(name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_long_table(MATRICES[name], "MaskedMF")


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    "estimator",
    [
        MaskedMF(1, tol=0.1, random_state=0),
        BayesianMF(1, n_draws=4, n_burn_in=4, random_state=0),
        SoftImpute(reg=1.0, random_state=0),
        ImplicitMF(1, random_state=0),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_fit_says_so(estimator):
    name = type(estimator).__name__
    with pytest.warns(UserWarning, match=f"'user' and 'item' look .* {name} takes a matrix"):
        estimator.fit(LONG_TABLES["frame"])
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        estimator.transform(LONG_TABLES["frame"])
