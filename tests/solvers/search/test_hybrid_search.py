import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from lrfact.kernels import IMPLEMENTATION
from lrfact.solvers.search.document_index import document_index
from lrfact.solvers.search.hybrid_search import (
    Queries,
    feedback_documents,
    hybrid_search,
    lexical_scale,
    moved_towards,
)
from lrfact.solvers.search.score_contributions import score_contributions
from reference import naive_search

N, M, K, N_QUERIES = 60, 25, 5, 7


@pytest.fixture(params=[True, False], ids=["cosine", "dot"])
def unit(request):
    return request.param


@pytest.fixture
def problem(unit):
    """Documents, queries and their words, as arrays; and the same as a search takes them."""
    rng = np.random.default_rng(0)
    lexical = rng.random((N, M)) * (rng.random((N, M)) < 0.3)
    loadings = rng.standard_normal((M, K))
    terms = rng.integers(1, 3, (N_QUERIES, M)) * (rng.random((N_QUERIES, M)) < 0.15)
    terms[0, 3] = 1  # at least one has a word
    index = document_index(lexical @ loadings, sparse.csr_array(lexical), unit=unit)
    raw = terms @ loadings
    if unit:
        raw = np.array([naive_search.unit(z) for z in raw])
    queries = Queries(raw.astype(np.float32), sparse.csr_array(terms.astype(np.float32)))
    return lexical, loadings, terms, index, queries


def search_all(index, queries, allowed, **options):
    return hybrid_search(index, queries, N, allowed=allowed, **options)


@pytest.mark.parametrize("allowed", [None, [3, 4, 10, 11, 12, 40]])
@pytest.mark.parametrize("n_feedback", [0, 1, 4])
@pytest.mark.parametrize("lexical_weight", [0, 0.4, 1])
def test_it_ranks_as_the_slow_version(problem, lexical_weight, n_feedback, allowed):
    lexical, _, terms, index, queries = problem
    indices, scores = search_all(
        index, queries, allowed, lexical_weight=lexical_weight, n_feedback=n_feedback
    )
    for i in range(N_QUERIES):
        ranking, expected = naive_search.hybrid_search(
            queries.vectors[i].astype(float),
            terms[i],
            index.vectors.astype(float),
            lexical,
            lexical_weight,
            n_feedback,
            list(range(N)) if allowed is None else allowed,
        )
        assert len(indices[i]) == len(ranking)
        # Sums of float32; what is equal but for rounding may change places.
        tolerance = 1e-5 * max(1, np.abs(expected).max())
        assert_allclose(scores[i], expected[indices[i]], atol=tolerance)
        assert_allclose(scores[i], expected[ranking], atol=tolerance)


@pytest.mark.parametrize("lexical_weight", [0, 0.4])
def test_bits_do_not_depend_on_threads_or_on_the_batch(problem, lexical_weight):
    *_, index, queries = problem
    options = {"lexical_weight": lexical_weight, "n_feedback": 3}
    indices, scores = search_all(index, queries, None, **options)
    again = search_all(index, queries, None, n_threads=4, **options)
    assert_array_equal(again[0], indices)
    assert_array_equal(again[1], scores)
    if lexical_weight:  # without, few and many queries go through different products
        one = Queries(queries.vectors[2:3], queries.terms[[2]])
        assert_array_equal(search_all(index, one, None, **options)[1][0], scores[2])


def test_a_filter_changes_no_score_without_feedback(problem):
    *_, index, queries = problem
    options = {"lexical_weight": 0.4, "n_feedback": 0}
    indices, scores = search_all(index, queries, None, **options)
    few, of_few = search_all(index, queries, [5, 6, 7], **options)
    for i in range(N_QUERIES):
        by_document = dict(zip(indices[i].tolist(), scores[i].tolist(), strict=True))
        # BLAS, used by the NumPy fallback, may sum a row by other code if there are fewer.
        error = 0 if IMPLEMENTATION == "compiled" else 1e-6 * np.abs(scores[i]).max()
        assert_allclose(of_few[i], [by_document[j] for j in few[i].tolist()], rtol=0, atol=error)


def test_feedback_is_of_documents_that_are_allowed_and_fit(problem):
    *_, index, queries = problem
    documents = feedback_documents(
        index, queries, 4, lexical_weight=0.4, allowed=np.array([1, 2, 50])
    )
    assert set(np.unique(documents)) <= {-1, 1, 2, 50}
    none = feedback_documents(
        index, Queries(0 * queries.vectors, queries.terms * 0), 4, lexical_weight=0.4
    )
    assert (none == -1).all()
    still = moved_towards(index, queries, np.full((N_QUERIES, 2), -1))
    assert_allclose(still.vectors, queries.vectors, atol=1e-6)


def test_a_query_opposite_to_its_feedback_stays():
    index = document_index(np.array([[1.0, 0.0], [-1.0, 0.0]]), None, unit=True)
    query = Queries(np.array([[1.0, 0.0]], dtype=np.float32), None)
    # With weights 2 to 1 the vectors cannot cancel; a zero query takes the mean of its hits.
    assert_allclose(moved_towards(index, query, np.array([[1]])).vectors, [[-1, 0]])
    nowhere = Queries(np.zeros((1, 2), dtype=np.float32), None)
    assert_allclose(moved_towards(index, nowhere, np.array([[1]])).vectors, [[-1, 0]])
    assert_allclose(moved_towards(index, nowhere, np.array([[0, 1]])).vectors, [[0, 0]])


def test_both_parts_vary_by_the_same_amount(problem):
    *_, index, queries = problem
    for i in range(N_QUERIES):
        words = queries.lexical_scores(i, index.postings)
        if words.any():
            latent = index.vectors @ queries.vectors[i]
            scale = lexical_scale(index, queries.vectors[i], words)
            assert_allclose(np.linalg.norm(scale * words), np.linalg.norm(latent), rtol=1e-5)
    zeros = np.zeros(K, dtype=np.float32)
    assert lexical_scale(index, queries.vectors[0], np.zeros(N, dtype=np.float32)) == 0
    assert lexical_scale(index, zeros, np.array([0, 4, -8], dtype=np.float32)) == 1 / 8


@pytest.mark.parametrize("lexical_weight", [0, 0.4, 1])
@pytest.mark.parametrize("n_feedback", [0, 3])
def test_parts_add_up_to_the_score(problem, lexical_weight, n_feedback):
    _, loadings, terms, index, queries = problem
    for i in range(N_QUERIES):
        one = Queries(queries.vectors[i : i + 1], queries.terms[[i]])
        moved = one
        if n_feedback:
            documents = feedback_documents(index, one, n_feedback, lexical_weight=lexical_weight)
            moved = moved_towards(index, one, documents)
        indices, scores = search_all(
            index, one, None, lexical_weight=lexical_weight, n_feedback=n_feedback
        )
        (words,) = np.nonzero(terms[i])
        directions = terms[i][words, np.newaxis] * loadings[words]
        for document in (0, 17):
            parts = score_contributions(
                index, one, moved, words, directions, document, lexical_weight=lexical_weight
            )
            expected = scores[0][indices[0].tolist().index(document)]
            total = parts.latent.sum() + parts.lexical.sum() + parts.feedback
            assert_allclose(total, expected, atol=2e-6 * max(1, np.abs(scores).max()))
            if not n_feedback:
                assert abs(parts.feedback) < 1e-6 * max(1, np.abs(scores).max())
            if not lexical_weight:
                assert not parts.lexical.any()


def test_no_query_and_no_document_to_find(problem):
    *_, index, queries = problem
    none = Queries(queries.vectors[:0], queries.terms[:0])
    indices, scores = hybrid_search(index, none, 3, lexical_weight=0.4, n_feedback=2)
    assert indices.shape == scores.shape == (0, 3)
    indices, _ = search_all(index, queries, [], lexical_weight=0.4, n_feedback=2)
    assert indices.shape == (N_QUERIES, 0)
