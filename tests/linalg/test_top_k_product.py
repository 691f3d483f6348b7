"""The door to the top-k kernel: what it takes, what it gives back, how little memory it needs."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_array_equal
from scipy.sparse import csr_array, csr_matrix

from lrfact import kernels
from lrfact.linalg.top_k_product import top_k_product
from reference.naive_top_k import naive_top_k


def whole_numbers(shape, seed, dtype=np.float64):
    return np.random.default_rng(seed).integers(-3, 4, size=shape).astype(dtype)


@pytest.mark.parametrize("n_threads", [1, 2, 5])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("container", [csr_array, csr_matrix])
def test_all_filters_at_once(container, dtype, n_threads):
    queries, candidates = whole_numbers((60, 40), 0, dtype), whole_numbers((3000, 40), 1, dtype)
    offset = whole_numbers(3000, 2, dtype)
    table = np.random.default_rng(3).random((60, 3000)) < 0.2
    allowed = np.random.default_rng(4).permutation(3000)[:1500]
    indices, scores = top_k_product(
        queries,
        candidates,
        12,
        offset=offset,
        excluded=container(table),
        allowed=allowed,
        n_threads=n_threads,
    )
    exact = naive_top_k(queries, candidates, 12, offset, table, allowed)
    assert_array_equal(indices, exact[0])
    assert_array_equal(scores, exact[1])
    assert (indices.dtype, scores.dtype) == (np.intp, dtype)


def test_stored_zeros_are_excluded_and_columns_may_come_in_any_order():
    excluded = csr_array(
        (np.zeros(3), np.array([4, 0, 2]), np.array([0, 3])), shape=(1, 6), dtype=float
    )
    indices, _ = top_k_product(np.ones((1, 1)), np.arange(6.0)[:, np.newaxis], 6, excluded=excluded)
    assert_array_equal(indices, [[5, 3, 1, -1, -1, -1]])
    assert_array_equal(excluded.indices, [4, 0, 2])


def test_long_indices_of_excluded_entries():
    excluded = csr_array(np.eye(5))
    excluded.indices, excluded.indptr = (
        a.astype(np.int64) for a in (excluded.indices, excluded.indptr)
    )
    indices, _ = top_k_product(np.ones((5, 2)), np.ones((5, 2)), 1, excluded=excluded)
    assert_array_equal(indices[:, 0], [1, 0, 0, 0, 0])


@pytest.mark.parametrize("k", [0, 1, 5, 6, 100])
@pytest.mark.parametrize("allowed", [None, [], [3], [5, 0, 2]])
def test_number_of_places(k, allowed):
    queries, candidates = whole_numbers((4, 3), 5), whole_numbers((6, 3), 6)
    indices, scores = top_k_product(queries, candidates, k, allowed=allowed)
    n_places = min(k, 6 if allowed is None else len(allowed))
    assert indices.shape == scores.shape == (4, n_places)
    exact = naive_top_k(queries, candidates, n_places, allowed=allowed)
    assert_array_equal(indices, exact[0])
    assert_array_equal(scores, exact[1])


@pytest.mark.parametrize("n_queries", [1, 30])
def test_queries_left_without_candidates(n_queries):
    everything = csr_array(np.ones((n_queries, 8)))
    indices, scores = top_k_product(
        np.ones((n_queries, 2)), np.ones((8, 2)), 3, excluded=everything
    )
    assert_array_equal(indices, np.full((n_queries, 3), -1))
    assert_array_equal(scores, np.full((n_queries, 3), -np.inf))


def test_layouts_and_read_only_input():
    queries, candidates = whole_numbers((20, 10), 7), whole_numbers((300, 10), 8)
    offset = whole_numbers(300, 9)
    wide = np.full((300, 25), np.nan)
    wide[:, ::2][:, :10] = candidates
    doubled = np.repeat(offset, 2)
    for array in (queries, wide, doubled):
        array.setflags(write=False)
    indices, scores = top_k_product(
        np.asfortranarray(queries)[::-1], wide[:, ::2][:, :10], 5, offset=doubled[::2]
    )
    exact = naive_top_k(queries[::-1], candidates, 5, offset)
    assert_array_equal(indices, exact[0])
    assert_array_equal(scores, exact[1])


def test_no_queries():
    indices, scores = top_k_product(np.ones((0, 3)), np.ones((5, 3)), 2)
    assert indices.shape == scores.shape == (0, 2)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"k": -1}, "k=-1 must be at least 0"),
        ({"allowed": [1, 6]}, r"entries from 1 to 6; they must lie in 0 \.\. 5"),
        ({"allowed": [-1, 2]}, r"entries from -1 to 2"),
        ({"allowed": [2, 4, 2]}, "allowed holds 2 more than once"),
        ({"allowed": [0.5]}, "dtype float64; it must be a list of integers"),
        ({"allowed": [[1]]}, r"shape \(1, 1\)"),
        ({"excluded": csr_array((4, 5))}, r"excluded has shape \(4, 5\).*must have \(4, 6\)"),
        ({"offset": np.ones(5)}, "offset"),
        ({"candidates": np.ones((6, 2))}, "width|columns|candidates"),
    ],
)
def test_wrong_arguments_are_refused(changes, message):
    arguments = {"queries": np.ones((4, 3)), "candidates": np.ones((6, 3)), "k": 2}
    with pytest.raises(ValueError, match=message):
        top_k_product(**{**arguments, **changes})


def test_damaged_pattern_is_refused():
    excluded = csr_array(np.eye(4))
    excluded.indices[3] = 9
    with pytest.raises(ValueError, match="excluded entries"):
        top_k_product(np.ones((4, 3)), np.ones((4, 3)), 2, excluded=excluded)


@pytest.mark.parametrize("allowed", [None, np.arange(199_990)])
def test_memory_is_that_of_the_result_and_a_few_blocks(allowed):
    queries = np.ones((200, 4), dtype=np.float32)
    candidates = np.ones((200_000, 4), dtype=np.float32)
    top_k_product(queries[:1], candidates[:10], 1)  # loads what is loaded at first use
    tracemalloc.start()
    try:
        indices, scores = top_k_product(queries, candidates, 10, allowed=allowed, n_threads=2)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    filters = 0 if allowed is None else 3 * allowed.nbytes
    # All scores are 160 MB. The twin takes 2^20 at a time, and a few copies of them.
    blocks = 3e6 if kernels.IMPLEMENTATION == "compiled" else 40e6
    assert peak < indices.nbytes + scores.nbytes + filters + blocks
    assert_array_equal(indices, np.tile(np.arange(10), (200, 1)))


@st.composite
def searches(draw):
    n, m, width = draw(st.tuples(st.integers(0, 20), st.integers(1, 30), st.integers(1, 4)))
    whole = st.integers(-2, 2)
    return {
        "queries": draw(arrays(np.float32, (n, width), elements=whole)),
        "candidates": draw(arrays(np.float32, (m, width), elements=whole)),
        "offset": draw(st.none() | arrays(np.float32, m, elements=whole)),
        "excluded": draw(st.none() | arrays(bool, (n, m))),
        "allowed": draw(st.none() | st.lists(st.integers(0, m - 1), unique=True)),
        "k": draw(st.integers(0, m + 2)),
        "n_threads": draw(st.integers(1, 3)),
    }


@given(searches())
def test_any_search_is_a_sort(case):
    n_threads, excluded = case.pop("n_threads"), case["excluded"]
    pattern = None if excluded is None else csr_array(excluded)
    indices, scores = top_k_product(**{**case, "excluded": pattern}, n_threads=n_threads)
    exact = naive_top_k(**{**case, "k": indices.shape[1]})
    assert_array_equal(indices, exact[0])
    assert_array_equal(scores, exact[1])
