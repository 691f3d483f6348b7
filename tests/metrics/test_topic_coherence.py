"""Topic coherence against its definitions, by hand, and on bad input."""

from math import log, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from lrfact.metrics import _term_windows, topic_coherence
from reference import naive_coherence

REFERENCE = {
    "u_mass": naive_coherence.u_mass,
    "npmi": naive_coherence.npmi,
    "c_v": naive_coherence.c_v,
}
PUBLISHED = {"u_mass": None, "npmi": 10, "c_v": 110}
every_measure = pytest.mark.parametrize("measure", list(REFERENCE))

DOCUMENTS = [
    ["the", "cat", "and", "the", "dog"],
    ["a", "dog", "is", "a", "pet"],
    ["my", "cat", "is", "my", "pet"],
    ["the", "car", "is", "on", "the", "road"],
    ["a", "car", "needs", "a", "road"],
]
TOPICS = [["cat", "dog", "pet"], ["car", "dog", "is"], ["road", "car"]]


def expected(measure, topics, documents, width):
    windows = naive_coherence.windows_of(documents, width)
    return [REFERENCE[measure](list(topic), windows) for topic in topics]


def counts_of(documents, names):
    return np.array([[tokens.count(name) for name in names] for tokens in documents])


@st.composite
def corpora(draw):
    """Documents over few letters, many of them repeated, some empty, and topics with letters
    that never occur."""
    tokens = st.lists(st.sampled_from("aaabcdefx"), max_size=14)
    documents = draw(st.lists(tokens, min_size=1, max_size=8).filter(any))
    topic = st.lists(st.sampled_from("abcdefgh"), min_size=2, max_size=6, unique=True)
    return documents, draw(st.lists(topic, min_size=1, max_size=4))


@every_measure
@given(corpus=corpora(), window=st.sampled_from([None, "document", 2, 3, 5, 14]))
def test_measures_are_their_definitions(measure, corpus, window):
    documents, topics = corpus
    scores = topic_coherence(topics, documents, measure=measure, window=window, average=False)
    width = PUBLISHED[measure] if window is None else None if window == "document" else window
    assert_allclose(scores, expected(measure, topics, documents, width), rtol=1e-10, atol=1e-12)
    assert np.isfinite(scores).all()


@every_measure
@given(corpus=corpora())
def test_a_matrix_is_documents_as_windows(measure, corpus):
    documents, topics = corpus
    names = list("xhgfedcba")
    X = counts_of(documents, names)
    options = {"measure": measure, "average": False}
    of_tokens = topic_coherence(topics, documents, window="document", **options)
    by_column = [[names.index(term) for term in topic] for topic in topics]
    for container in (np.asarray, sparse.csr_array, sparse.csc_matrix, sparse.coo_array):
        matrix = container(X * 0.25)
        of_names = topic_coherence(topics, matrix, feature_names=names, **options)
        assert_allclose(of_names, of_tokens, rtol=1e-12, atol=1e-14)
        assert_array_equal(topic_coherence(by_column, matrix, **options), of_names)


def test_u_mass_by_hand():
    # Documents with cat: 0, 2; dog: 0, 1; pet: 1, 2. Each pair meets once.
    assert topic_coherence([TOPICS[0]], DOCUMENTS, measure="u_mass") == pytest.approx(0)
    # car: 3, 4; dog: 0, 1; is: 1, 2, 3.
    by_hand = (log(1 / 2) + log(2 / 2) + log(2 / 2)) / 3
    assert topic_coherence([TOPICS[1]], DOCUMENTS, measure="u_mass") == pytest.approx(by_hand)
    # The other way round D(is) = 3 divides.
    by_hand = (log(2 / 3) + log(2 / 3) + log(1 / 2)) / 3
    turned = TOPICS[1][::-1]
    assert topic_coherence([turned], DOCUMENTS, measure="u_mass") == pytest.approx(by_hand)


def test_npmi_by_hand():
    # Windows ab, bc, cd: P(b) = P(c) = 2/3, P(b, c) = 1/3; a and d never meet.
    options = {"measure": "npmi", "window": 2}
    value = topic_coherence([["b", "c"]], [list("abcd")], **options)
    assert value == pytest.approx(log((1 / 3) / (4 / 9)) / log(3), rel=1e-9)
    value = topic_coherence([["a", "d"]], [list("abcd")], **options)
    assert value == pytest.approx(log(1e-12 * 9) / log(1e12), rel=1e-9)


def test_c_v_by_hand():
    # Two terms of NPMI v: vectors (1, v) and (v, 1), their sum (1 + v, 1 + v).
    v = log((1 / 3) / (4 / 9)) / log(3)
    value = topic_coherence([["b", "c"]], [list("abcd")], window=2)
    assert value == pytest.approx((1 + v) / sqrt(2 * (1 + v * v)), rel=1e-9)


def test_perfect_company_scores_one():
    documents = [["a", "b", "c"], ["d"], ["c", "a", "b"]]
    for measure in ("npmi", "c_v"):
        assert topic_coherence([["a", "b", "c"]], documents, measure=measure) == pytest.approx(1)


def test_the_published_windows_are_the_default():
    documents = [["a"] + ["x"] * 8 + ["b"] + ["x"] * 100 + ["c"], ["y", "y"]]
    npmi = {"measure": "npmi"}
    assert topic_coherence([["a", "b"]], documents, **npmi) > 0
    assert topic_coherence([["b", "c"]], documents, **npmi) < -0.5
    for measure, width in (("npmi", 10), ("c_v", 110)):
        topics = [["a", "b"], ["b", "c"], ["a", "c"]]
        default, given_window = (
            topic_coherence(topics, documents, measure=measure, window=window, average=False)
            for window in (None, width)
        )
        assert_array_equal(default, given_window)


@every_measure
def test_a_term_that_never_occurs_takes_the_least_value(measure):
    least = {"u_mass": -log(5), "npmi": -1.0, "c_v": 0.0}[measure]
    options = {"measure": measure, "window": "document"}
    assert topic_coherence([["yeti", "bigfoot"]], DOCUMENTS, **options) == pytest.approx(least)
    with_one = topic_coherence([["cat", "dog", "yeti"]], DOCUMENTS, **options)
    assert least < with_one < topic_coherence([["cat", "dog", "pet"]], DOCUMENTS, **options)


@every_measure
def test_terms_in_every_window_are_finite(measure):
    value = topic_coherence([["a", "b"]], [["a", "b"], ["b", "a"]], measure=measure)
    assert value == pytest.approx({"u_mass": log(3 / 2), "npmi": 0, "c_v": 0}[measure])


@every_measure
@pytest.mark.parametrize("window", [None, "document", 3])
def test_empty_documents_change_nothing(measure, window):
    options = {"measure": measure, "window": window, "average": False}
    padded = [[], *DOCUMENTS[:2], [], *DOCUMENTS[2:], []]
    plain = topic_coherence(TOPICS, DOCUMENTS, **options)
    assert_array_equal(topic_coherence(TOPICS, padded, **options), plain)


@every_measure
def test_topics_of_any_length_and_form_and_a_generator(measure):
    one_by_one = [topic_coherence([topic], DOCUMENTS, measure=measure) for topic in TOPICS]
    generator = ((token for token in tokens) for tokens in DOCUMENTS)
    together = topic_coherence(TOPICS, generator, measure=measure, average=False)
    assert_array_equal(together, one_by_one)
    mean = topic_coherence(iter(TOPICS), DOCUMENTS, measure=measure)
    assert isinstance(mean, float)
    assert mean == pytest.approx(np.mean(one_by_one))
    for dtype in (object, str):
        array = np.array(TOPICS[:2], dtype=dtype)
        of_array = topic_coherence(array, DOCUMENTS, measure=measure, average=False)
        assert_array_equal(of_array, one_by_one[:2])


@every_measure
def test_blocks_do_not_show(measure, monkeypatch):
    rng = np.random.default_rng(0)
    documents = [
        rng.choice(list("abcdefghij"), size=size).tolist() for size in rng.integers(0, 40, 60)
    ]
    topics = [list("abcdef"), list("jihg")]
    whole = topic_coherence(topics, documents, measure=measure, window=4, average=False)
    assert_allclose(whole, expected(measure, topics, documents, 4), rtol=1e-10)
    monkeypatch.setattr(_term_windows, "_TOKENS", 7)
    monkeypatch.setattr(_term_windows, "_BLOCK", 13)
    in_blocks = topic_coherence(topics, documents, measure=measure, window=4, average=False)
    assert_array_equal(in_blocks, whole)


def test_data_frames_and_stored_zeros():
    pandas = pytest.importorskip("pandas")
    names = sorted({token for tokens in DOCUMENTS for token in tokens})
    X = counts_of(DOCUMENTS, names)
    options = {"measure": "npmi", "feature_names": names, "average": False}
    plain = topic_coherence(TOPICS, X, **options)
    frame = pandas.DataFrame(X, columns=names)
    assert_array_equal(topic_coherence(TOPICS, frame, **options), plain)
    # Also in a row that has nothing else, which is an empty document.
    padded = np.vstack([X, np.zeros_like(X[:1])])
    rows, columns = np.indices(padded.shape).reshape(2, -1)
    stored = sparse.csr_array((padded.ravel(), (rows, columns)), shape=padded.shape)
    assert stored.nnz == padded.size
    assert_array_equal(topic_coherence(TOPICS, stored, **options), plain)
    assert stored.nnz == padded.size


@every_measure
def test_order_and_duplicates_of_stored_entries_do_not_matter(measure):
    names = sorted({token for tokens in DOCUMENTS for token in tokens})
    X = sparse.csc_array(counts_of(DOCUMENTS, names))
    options = {"measure": measure, "feature_names": names, "average": False}
    plain = topic_coherence(TOPICS, X, **options)
    columns = [slice(a, b) for a, b in zip(X.indptr[:-1], X.indptr[1:], strict=True)]
    turned, twice = (
        [
            np.concatenate([order(part[column]) for column in columns])
            for part in (X.indices, X.data)
        ]
        for order in (lambda part: part[::-1], lambda part: np.tile(part, 2))
    )
    for (indices, data), indptr in ((turned, X.indptr), (twice, 2 * X.indptr)):
        stored = sparse.csc_array((data, indices, indptr), shape=X.shape)
        assert_array_equal(topic_coherence(TOPICS, stored, **options), plain)
        assert_array_equal(stored.indices, indices)


@pytest.mark.parametrize(
    ("topics", "options", "message"),
    [
        ([], {}, "topics is empty"),
        ([["a", "b"], ["a"]], {}, r"topics\[1\] has 1 terms, but a topic needs at least 2"),
        ([["a", "b", "a"]], {}, r"topics\[0\] has the term 'a' more than once"),
        ([["a", "b"]], {"feature_names": ["a", "b"]}, "feature_names are the columns of a"),
        ([["a", "b"]], {"window": 1}, "'window' parameter"),
        ([["a", "b"]], {"measure": "uci"}, "'measure' parameter"),
    ],
)
def test_what_cannot_be_judged_is_refused(topics, options, message):
    with pytest.raises(ValueError, match=message):
        topic_coherence(topics, [["a", "b"]], **options)


def test_documents_without_tokens_are_refused():
    for documents in ([], [[], []], iter(())):
        with pytest.raises(ValueError, match="documents are all empty"):
            topic_coherence([["a", "b"]], documents)
    with pytest.raises(ValueError, match="documents are all empty"):
        topic_coherence([[0, 1]], np.zeros((3, 2)))


@pytest.mark.parametrize(
    ("topics", "documents", "message"),
    [
        (["cat", "dog"], DOCUMENTS, r"topics\[0\] must be a sequence, but is 'cat'"),
        ("cat dog", DOCUMENTS, "topics must be a sequence, but is 'cat dog'"),
        (TOPICS, ["the cat", "the dog"], "one is the string 'the cat'"),
        (TOPICS, "the cat", "documents is one string"),
        ([[0, 1]], DOCUMENTS, "topics have 0, which is not a string"),
        ([[0, 1]], [[1, 0], [0, 2]], "topics have 0, which is not a string"),
    ],
)
def test_strings_and_columns_in_the_wrong_place(topics, documents, message):
    with pytest.raises(TypeError, match=message):
        topic_coherence(topics, documents)


@pytest.mark.parametrize(
    ("topics", "options", "message"),
    [
        (
            [["a", "q"], ["z", "b"]],
            {"feature_names": ["a", "b"]},
            "not columns of documents: 'q', 'z'",
        ),
        ([["a", "b"]], {}, "pass feature_names"),
        ([[0, 2]], {}, "not columns of documents: 2; give only terms from 0 to 1"),
        ([[0, -1]], {}, "not columns of documents: -1"),
        ([["a", "b"]], {"feature_names": ["a", "a"]}, "2 names, 1 of them distinct"),
        ([["a", "b"]], {"feature_names": ["a", "b", "c"]}, "but documents has n_columns=2"),
        ([[0, 1]], {"window": 10}, "window=10 needs the order of the tokens"),
    ],
)
def test_what_does_not_fit_a_matrix_is_refused(topics, options, message):
    with pytest.raises(ValueError, match=message):
        topic_coherence(topics, np.eye(2), **options)


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
def test_matrices_that_are_no_counts_are_refused(container):
    with pytest.raises(ValueError, match="documents has negative entries"):
        topic_coherence([[0, 1]], container(np.array([[1.0, -0.5], [1, 1]])))
    with pytest.raises(ValueError, match=r"documents contains NaN|NaN"):
        topic_coherence([[0, 1]], container(np.array([[1.0, np.nan], [1, 1]])))
