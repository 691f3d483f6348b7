"""The top-k kernel against a sort of all scores: every filter, every tie, no byte outside."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array

from lrfact.kernels import _top_k_numpy as fallback
from reference.mistaken_arrays import REFUSED, put
from reference.naive_top_k import naive_top_k

FACES = {"fallback": fallback}
try:
    from lrfact.kernels import _top_k as compiled
except ImportError:  # a build without kernels, see test_installed_kernels.py
    compiled = None
else:
    FACES["compiled"] = compiled

GUARD = 64
# (queries, candidates, width): around the sizes of panels, groups of panels, tiles and blocks.
SHAPES = [
    (1, 1, 1),
    (1, 1000, 3),
    (3, 500, 17),
    (4, 37, 1),
    (5, 241, 9),
    (8, 479, 33),
    (16, 700, 16),
    (17, 11, 2),
    (33, 960, 5),
    (300, 260, 4),
]


def search(
    face, queries, candidates, k, *, offset=None, excluded=None, allowed=None, n_threads=1,
    index=np.int32,
):  # fmt: skip
    """Call a face on guarded outputs; `excluded` is a table of booleans."""
    n = len(queries)
    pattern = csr_array(np.zeros((n, len(candidates)), bool) if excluded is None else excluded)
    buffers = [np.full(n * k + 2 * GUARD, 12345, t) for t in (queries.dtype, np.intp)]
    scores, indices = (b[GUARD : GUARD + n * k].reshape(n, k) for b in buffers)
    FACES[face].top_k(
        queries,
        candidates,
        offset,
        pattern.indices.astype(index),
        pattern.indptr.astype(index),
        None if allowed is None else np.asarray(allowed, dtype=np.int64),
        scores,
        indices,
        n_threads,
    )
    for buffer in buffers:
        assert (buffer[:GUARD] == 12345).all()
        assert (buffer[-GUARD:] == 12345).all()
    return indices, scores


def whole_numbers(shape, dtype, seed, largest=2):
    """Small whole numbers: scores are exact in any order of summation, and most of them tie."""
    rng = np.random.default_rng(seed)
    return rng.integers(-largest, largest + 1, size=shape).astype(dtype)


@pytest.mark.parametrize("n_threads", [1, 2, 5])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("face", FACES)
def test_same_as_a_sort_of_whole_numbers_with_ties_everywhere(face, shape, dtype, n_threads):
    n, m, width = shape
    queries, candidates = whole_numbers((n, width), dtype, 0), whole_numbers((m, width), dtype, 1)
    for k in {1, 2, min(10, m), m, m + 3}:
        found = search(face, queries, candidates, k, n_threads=n_threads)
        for mine, exact in zip(found, naive_top_k(queries, candidates, k), strict=True):
            assert_array_equal(mine, exact)


@pytest.mark.parametrize("index", [np.int32, np.int64])
@pytest.mark.parametrize("n_threads", [1, 3])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("face", FACES)
def test_filters_apply_before_selection(face, shape, dtype, n_threads, index):
    n, m, width = shape
    rng = np.random.default_rng(5)
    queries, candidates = whole_numbers((n, width), dtype, 2), whole_numbers((m, width), dtype, 3)
    offset = whole_numbers(m, dtype, 4)
    excluded = rng.random((n, m)) < rng.choice([0, 0.3, 0.99, 1], size=(n, 1))
    for share in (0, 0.02, 0.5, 0.995, 1):
        filters = {
            "offset": offset,
            "excluded": excluded,
            "allowed": np.flatnonzero(rng.random(m) < share),
        }
        for used in (["offset"], ["excluded"], ["allowed"], list(filters)):
            given = {name: filters[name] for name in used}
            found = search(face, queries, candidates, 7, **given, n_threads=n_threads, index=index)
            exact = naive_top_k(queries, candidates, 7, **given)
            assert_array_equal(found[0], exact[0])
            assert_array_equal(found[1], exact[1])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [1, 3, 4, 40, 600])
def test_not_a_bit_depends_on_the_number_of_threads(n, dtype):
    if compiled is None:
        pytest.skip("the NumPy twin leaves threads to BLAS")
    rng = np.random.default_rng(6)
    queries = rng.standard_normal((n, 21)).astype(dtype)
    candidates = rng.standard_normal((7001, 21)).astype(dtype)
    offset = rng.standard_normal(7001).astype(dtype)
    excluded = rng.random((n, 7001)) < 0.1
    results = [
        search(
            "compiled", queries, candidates, 50, offset=offset, excluded=excluded, n_threads=threads
        )
        for threads in (1, 2, 3, 5, 8)
    ]
    products = queries.astype(float) @ candidates.astype(float).T + offset
    error = 100 * np.finfo(dtype).eps
    assert_allclose(
        results[0][1], np.take_along_axis(products, results[0][0], axis=1), atol=error, rtol=error
    )
    products[excluded] = -np.inf
    assert_allclose(results[0][1], -np.sort(-products)[:, :50], atol=error, rtol=error)
    for indices, scores in results[1:]:
        assert_array_equal(indices, results[0][0])
        assert_array_equal(scores.view(np.uint8), results[0][1].view(np.uint8))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [1, 5, 40])
def test_equal_candidates_tie_wherever_they_lie(n, dtype):
    """Blocks end with a few rows that are summed by other code than the rest: same sum."""
    if compiled is None:
        pytest.skip("BLAS makes no such promise")
    rng = np.random.default_rng(7)
    queries = rng.standard_normal((n, 37)).astype(dtype)
    candidates = np.repeat(rng.standard_normal((1, 37)).astype(dtype), 1003, axis=0)
    indices, scores = search("compiled", queries, candidates, 1003)
    assert_array_equal(indices, np.tile(np.arange(1003), (n, 1)))
    assert (scores == scores[:, :1]).all()


def test_a_score_is_that_of_its_pair_whatever_else_is_asked():
    if compiled is None:
        pytest.skip("BLAS makes no such promise")
    rng = np.random.default_rng(8)
    queries, candidates = rng.standard_normal((50, 37)), rng.standard_normal((500, 37))
    whole = np.empty((50, 500))
    indices, scores = search("compiled", queries, candidates, 500)
    np.put_along_axis(whole, indices, scores, axis=1)
    allowed = np.array([0, 3, 77, 241, 242, 490, 499])
    indices, scores = search("compiled", queries[11:19], candidates, 7, allowed=allowed)
    assert_array_equal(scores, np.take_along_axis(whole[11:19], indices, axis=1))


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("n", [2, 9])
@pytest.mark.parametrize("rising", [True, False])
def test_candidates_in_order_of_their_scores(face, n, rising):
    candidates = np.arange(2000.0)[:, np.newaxis] * (1 if rising else -1)
    indices, scores = search(face, np.ones((n, 1)), candidates, 300)
    best = np.arange(1999, 1699, -1) if rising else np.arange(300)
    assert_array_equal(indices, np.tile(best, (n, 1)))
    assert_array_equal(scores, candidates[indices, 0])


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("n", [1, 9])
def test_overflow_is_worst_but_still_a_candidate(face, n):
    huge = np.float32(3e38)
    queries = np.full((n, 2), huge)
    candidates = np.array([[1, -1], [-huge, 0], [0, 0], [huge, -huge], [huge, huge]], np.float32)
    indices, scores = search(face, queries, candidates, 7)
    # Candidate 3 is not a number, or infinite where the second product is not rounded.
    assert (scores[indices == 4] == np.inf).all()
    assert (scores[indices == 1] == -np.inf).all()
    assert_array_equal(np.sort(indices), np.tile([-1, -1, 0, 1, 2, 3, 4], (n, 1)))
    assert_array_equal(indices[:, 5:], -1)
    assert_array_equal(scores[:, 5:], -np.inf)
    assert not np.isnan(scores).any()


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("n", [1, 9])
def test_not_a_number_and_minus_infinity_tie(face, n):
    queries, candidates = np.ones((n, 1)), np.array([[-np.inf], [np.nan], [-np.inf], [2.0]])
    for k in (1, 2, 3, 4):
        indices, scores = search(face, queries, candidates, k)
        assert_array_equal(indices, np.tile([3, 0, 1, 2][:k], (n, 1)))
        assert_array_equal(scores, np.tile([2, -np.inf, -np.inf, -np.inf][:k], (n, 1)))


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize(("n", "m", "k"), [(0, 5, 2), (4, 0, 2), (4, 5, 0), (0, 0, 0)])
def test_nothing_to_do(face, n, m, k):
    indices, scores = search(face, np.ones((n, 3)), np.ones((m, 3)), k)
    assert_array_equal(indices, np.full((n, k), -1))
    assert_array_equal(scores, np.full((n, k), -np.inf))


@pytest.mark.parametrize("face", FACES)
def test_input_may_be_read_only(face):
    queries, candidates = whole_numbers((9, 5), float, 0), whole_numbers((40, 5), float, 1)
    offset, allowed = np.arange(40.0), np.arange(0, 40, 3)
    for array in (queries, candidates, offset, allowed):
        array.setflags(write=False)
    found = search(face, queries, candidates, 4, offset=offset, allowed=allowed)
    exact = naive_top_k(queries, candidates, 4, offset=offset, allowed=allowed)
    assert_array_equal(found[0], exact[0])


def sound_call():
    return {
        "queries": np.ones((8, 3)),
        "candidates": np.ones((20, 3)),
        "offset": np.ones(20),
        "excluded": np.array([1, 4, 19, 0], dtype=np.int32),
        "indptr": np.array([0, 3, 3, 3, 3, 3, 3, 3, 4], dtype=np.int32),
        "allowed": np.array([0, 5, 19]),
        "scores": np.full((8, 2), 12345.0),
        "indices": np.full((8, 2), 12345),
        "n_threads": 2,
    }


MISTAKES = {
    "queries of another width": ("queries", lambda a: a[:, :2].copy()),
    "queries too few": ("queries", lambda a: a[:-1]),
    "queries by columns": ("queries", np.asfortranarray),
    "queries of another precision": ("queries", lambda a: a.astype(np.float32)),
    "queries of integers": ("queries", lambda a: a.astype(int)),
    "queries in one dimension": ("queries", np.ravel),
    "queries are None": ("queries", lambda a: None),
    "candidates by columns": ("candidates", np.asfortranarray),
    "candidates fewer than the offset": ("candidates", lambda a: a[:-1]),
    "candidates are None": ("candidates", lambda a: None),
    "offset too long": ("offset", lambda a: np.ones(21)),
    "offset of another precision": ("offset", lambda a: a.astype(np.float32)),
    "offset with gaps": ("offset", lambda a: np.ones(40)[::2]),
    "excluded outside": ("excluded", put(2, 20)),
    "excluded negative": ("excluded", put(0, -1)),
    "excluded falls": ("excluded", put(1, 0)),
    "excluded too short": ("excluded", lambda a: a[:-1]),
    "excluded empty": ("excluded", lambda a: a[:0]),
    "excluded of another index type": ("excluded", lambda a: a.astype(np.int64)),
    "excluded of floats": ("excluded", lambda a: a.astype(float)),
    "indptr too short": ("indptr", lambda a: a[:-1]),
    "indptr empty": ("indptr", lambda a: a[:0]),
    "indptr negative": ("indptr", put(0, -1)),
    "indptr falls": ("indptr", put(4, 1)),
    "indptr beyond the end": ("indptr", put(8, 5)),
    "allowed outside": ("allowed", put(2, 20)),
    "allowed negative": ("allowed", put(0, -1)),
    "allowed falls": ("allowed", put(0, 6)),
    "allowed repeated": ("allowed", put(1, 0)),
    "allowed of another index type": ("allowed", lambda a: a.astype(np.int32)),
    "scores too few": ("scores", lambda a: a[:-1]),
    "scores of another precision": ("scores", lambda a: a.astype(np.float32)),
    "scores read-only": ("scores", lambda a: np.broadcast_to(a, a.shape)),
    "scores by columns": ("scores", np.asfortranarray),
    "scores are None": ("scores", lambda a: None),
    "indices too narrow": ("indices", lambda a: a[:, :1].copy()),
    "indices of another type": ("indices", lambda a: a.astype(np.int32)),
    "indices read-only": ("indices", lambda a: np.broadcast_to(a, a.shape)),
    "no thread": ("n_threads", lambda n: 0),
    "threads are None": ("n_threads", lambda n: None),
}


@pytest.mark.parametrize("mistake", MISTAKES)
@pytest.mark.parametrize("face", FACES)
def test_mistakes_are_refused(face, mistake):
    arguments = sound_call()
    name, change = MISTAKES[mistake]
    scores, indices = arguments["scores"], arguments["indices"]
    arguments[name] = change(arguments[name])
    with pytest.raises(REFUSED):
        FACES[face].top_k(*arguments.values())
    assert (scores == 12345).all()
    assert (indices == 12345).all()


@pytest.mark.parametrize("face", FACES)
def test_the_call_without_a_mistake_works(face):
    arguments = sound_call()
    FACES[face].top_k(*arguments.values())
    assert_array_equal(arguments["indices"], [[0, 5]] * 7 + [[5, 19]])
    assert_array_equal(arguments["scores"], np.full((8, 2), 4.0))


@pytest.mark.parametrize("face", FACES)
def test_messages_name_the_argument_and_the_rule(face):
    def refused(message, **changed):
        with pytest.raises(ValueError, match=message):
            FACES[face].top_k(*{**sound_call(), **changed}.values())

    refused("no columns", queries=np.ones((8, 0)), candidates=np.ones((20, 0)))
    refused("indptr has 3 entries; it must have 9", indptr=np.zeros(3, np.int32))
    refused("n_threads=-3 must be at least 1", n_threads=-3)
    refused("allowed must rise", allowed=np.array([3, 2]))
    refused("excluded entries", excluded=np.array([4, 1, 0, 0], dtype=np.int32))
