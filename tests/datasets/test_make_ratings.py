"""Planted ratings: the model they follow, how they are spread, and what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from lrfact.datasets import make_ratings
from lrfact.datasets._long_tailed_pattern import (
    _draw_until_distinct,
    _first_to_arrive,
    row_blocks,
)


def entries(synthetic):
    ratings = synthetic.ratings
    return np.repeat(np.arange(ratings.shape[0]), np.diff(ratings.indptr)), ratings.indices


def share_of_the_largest(counts, share):
    falling = np.sort(counts)[::-1]
    return falling[: int(share * falling.size)].sum() / falling.sum()


@given(
    n_rows=st.integers(1, 12),
    n_columns=st.integers(1, 12),
    share=st.floats(0.001, 1),
    row_spread=st.sampled_from([0.0, 1.0, 5.0]),
    column_spread=st.sampled_from([0.0, 1.5, 5.0]),
    seed=st.integers(0, 2**16),
)
def test_exactly_so_many_distinct_entries(
    n_rows, n_columns, share, row_spread, column_spread, seed
):
    synthetic = make_ratings(
        n_rows,
        n_columns,
        n_ratings=share,
        row_spread=row_spread,
        column_spread=column_spread,
        random_state=seed,
    )
    ratings = synthetic.ratings
    assert isinstance(ratings, sparse.csr_array)
    assert ratings.shape == (n_rows, n_columns)
    assert ratings.nnz == max(1, round(share * n_rows * n_columns))
    rows, columns = entries(synthetic)
    numbers = rows * n_columns + columns
    assert (np.diff(numbers) > 0).all()  # sorted within each row, and none twice
    assert columns.min() >= 0
    assert columns.max() < n_columns
    assert ratings.has_canonical_format


@pytest.mark.parametrize("n_ratings", [1.0, 30_000])
def test_every_entry_observed(n_ratings):
    synthetic = make_ratings(200, 150, n_ratings=n_ratings, row_spread=5, column_spread=5)
    assert synthetic.ratings.nnz == 30_000


def test_several_blocks_and_both_ways_of_drawing(global_random_seed):
    """More than 2^18 entries; some rows nearly full, others nearly empty."""
    synthetic = make_ratings(
        3000, 1000, n_ratings=600_000, row_spread=1.5, random_state=global_random_seed
    )
    assert synthetic.ratings.nnz == 600_000
    assert len(list(row_blocks(synthetic.ratings.indptr))) == 3
    rows, columns = entries(synthetic)
    assert (np.diff(rows * 1000 + columns) > 0).all()
    counts = np.diff(synthetic.ratings.indptr)
    assert counts.min() < 20
    assert counts.max() == 1000


def test_blocks_cover_all_rows_with_entries():
    indptr = np.array([0, 0, 5, 400_000, 400_000, 400_001, 900_000, 900_000])
    blocks = list(row_blocks(indptr))
    assert blocks[0][0] == 0
    assert [start for start, _ in blocks[1:]] == [stop for _, stop in blocks[:-1]]
    assert indptr[blocks[-1][1]] == 900_000
    assert all(start < stop for start, stop in blocks)


def test_values_follow_the_synthetic_model(global_random_seed):
    synthetic = make_ratings(
        400, 300, n_components=4, n_ratings=0.3, noise=0.0, random_state=global_random_seed
    )
    rows, columns = entries(synthetic)
    W, V = synthetic.row_factors, synthetic.column_factors
    dense = (
        W @ V.T + synthetic.row_bias[:, np.newaxis] + synthetic.column_bias + synthetic.intercept
    )
    assert W.shape == (400, 4)
    assert V.shape == (300, 4)
    assert synthetic.intercept == 3.5
    assert_allclose(synthetic.ratings.data, dense[rows, columns], rtol=1e-12, atol=1e-12)
    assert_allclose(synthetic.predict_entries([3, 0], [2, 7]), dense[[3, 0], [2, 7]], rtol=1e-12)


def test_sizes_of_the_parts(global_random_seed):
    """Standard deviations of 400,000 numbers: known to less than a per cent."""
    synthetic = make_ratings(
        4000, 4000, n_components=20, n_ratings=400_000, noise=0.7, random_state=global_random_seed
    )
    rows, columns = entries(synthetic)
    noise = synthetic.ratings.data - synthetic.predict_entries(rows, columns)
    assert np.std(noise) == pytest.approx(0.7, rel=0.02)
    assert np.mean(noise) == pytest.approx(0, abs=0.01)
    product = synthetic.row_factors @ synthetic.column_factors.T
    assert np.std(product) == pytest.approx(1, rel=0.1)
    for bias in (synthetic.row_bias, synthetic.column_bias):
        assert np.std(bias) == pytest.approx(0.5, rel=0.1)


def test_activity_and_popularity_have_long_tails(global_random_seed):
    synthetic = make_ratings(5000, 2000, n_ratings=100_000, random_state=global_random_seed)
    per_row = np.diff(synthetic.ratings.indptr)
    per_column = np.bincount(synthetic.ratings.indices, minlength=2000)
    # A log-normal of deviation s has Phi(s - 1.2816) in its largest tenth: 0.39 and 0.59; the
    # second is less here, as a row has each column once.
    assert share_of_the_largest(per_row, 0.1) == pytest.approx(0.39, abs=0.05)
    assert 0.45 < share_of_the_largest(per_column, 0.1) < 0.7


def test_without_spread_all_are_alike(global_random_seed):
    synthetic = make_ratings(
        1000, 100, n_ratings=20_500, row_spread=0, column_spread=0, random_state=global_random_seed
    )
    assert set(np.diff(synthetic.ratings.indptr)) == {20, 21}
    per_column = np.bincount(synthetic.ratings.indices, minlength=100)
    assert abs(per_column - 205).max() < 5 * np.sqrt(205)


@pytest.mark.parametrize("n_each", [1, 2, 3])
@pytest.mark.parametrize("way", ["again and again", "by arrival"])
def test_columns_are_drawn_by_popularity_without_replacement(way, n_each):
    n_rows, popularity = 40_000, np.array([8.0, 1.0, 4.0, 2.0])
    rng = np.random.default_rng(0)
    rows, counts = 3 * np.arange(n_rows), np.full(n_rows, n_each)
    if way == "by arrival":
        numbers = np.concatenate(list(_first_to_arrive(rows, counts, popularity, rng)))
    else:
        numbers = _draw_until_distinct(rows, counts, popularity.cumsum() / 15, rng)
    assert_array_equal(np.sort(numbers) // 4, np.repeat(rows, n_each))
    found = np.bincount(numbers % 4, minlength=4) / n_rows
    # Four deviations of a share of 40,000 are at most 0.01.
    assert_allclose(found, _inclusion(popularity, n_each), atol=0.01)


def _inclusion(popularity, n_each, taken=()):
    """Probability of each column to be among `n_each` draws without replacement."""
    result = np.zeros(popularity.size)
    if n_each == 0:
        return result
    left = [j for j in range(popularity.size) if j not in taken]
    for j in left:
        chance = popularity[j] / popularity[left].sum()
        result[j] += chance
        result += chance * _inclusion(popularity, n_each - 1, (*taken, j))
    return result


@pytest.mark.parametrize("dtype", ["float32", np.float64])
def test_everything_has_the_type_asked_for(dtype):
    synthetic = make_ratings(30, 20, dtype=dtype, levels=[1, 2, 3], random_state=0)
    for array in (
        synthetic.ratings,
        synthetic.row_factors,
        synthetic.column_factors,
        synthetic.row_bias,
        synthetic.column_bias,
        synthetic.predict_entries([0], [0]),
    ):
        assert array.dtype == np.dtype(dtype)
    assert synthetic.ratings.indices.dtype == synthetic.ratings.indptr.dtype == np.int32


def test_every_rating_goes_to_the_nearest_level():
    scale = np.arange(0.5, 5.5, 0.5)
    exact = make_ratings(60, 40, n_ratings=1.0, random_state=3)
    rated = make_ratings(60, 40, n_ratings=1.0, levels=scale[::-1], random_state=3)
    nearest = scale[abs(exact.ratings.data[:, np.newaxis] - scale).argmin(axis=1)]
    assert_array_equal(rated.ratings.data, nearest)
    assert set(nearest) == set(scale)


def test_no_bias():
    synthetic = make_ratings(30, 20, bias=0, random_state=0)
    assert not synthetic.row_bias.any()
    assert not synthetic.column_bias.any()


def test_the_seed_decides():
    first, again, other = (make_ratings(random_state=seed) for seed in (0, 0, 1))
    assert_array_equal(first.ratings.toarray(), again.ratings.toarray())
    assert_array_equal(first.row_factors, again.row_factors)
    assert not np.array_equal(first.ratings.toarray(), other.ratings.toarray())
    state = np.random.RandomState(0)
    assert_array_equal(make_ratings(random_state=state).ratings.data, first.ratings.data)
    assert not np.array_equal(make_ratings(random_state=state).ratings.data, first.ratings.data)


def test_shows_its_size_not_its_arrays():
    text = repr(make_ratings(20, 10, n_ratings=50))
    assert text == "SyntheticRatings(20 rows, 10 columns, 50 ratings, 3 components)"


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_rows": 0}, "'n_rows' parameter of make_ratings"),
        ({"n_columns": 2.5}, "'n_columns' parameter"),
        ({"n_components": 0}, "'n_components' parameter"),
        ({"n_ratings": 0}, "'n_ratings' parameter"),
        ({"n_ratings": 1.5}, "'n_ratings' parameter"),
        ({"n_ratings": 20_001}, r"n_ratings=20001 .* at most n_rows \* n_columns=20000"),
        ({"noise": -1.0}, "'noise' parameter"),
        ({"noise": np.inf}, "'noise' parameter"),
        ({"bias": np.nan}, "'bias' parameter"),
        ({"intercept": np.inf}, "'intercept' parameter"),
        ({"row_spread": 6.0}, "'row_spread' parameter"),
        ({"column_spread": -0.1}, "'column_spread' parameter"),
        ({"dtype": "int32"}, "dtype='int32' .* 'float64' or 'float32'"),
        ({"dtype": None}, "dtype=None"),
        ({"levels": []}, "levels=.* list of finite numbers"),
        ({"levels": [1, np.nan]}, "levels=.* list of finite numbers"),
        ({"levels": [[1, 2]]}, "levels=.* list of finite numbers"),
        ({"noise": 1e38, "dtype": "float32"}, "too large for float32"),
        ({"random_state": "seed"}, "'random_state' parameter"),
    ],
)
def test_bad_parameters_are_explained(parameters, message):
    with pytest.raises(ValueError, match=message):
        make_ratings(**parameters)
