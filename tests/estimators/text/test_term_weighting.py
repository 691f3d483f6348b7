import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
from sklearn.pipeline import make_pipeline

from lrfact import TermWeighting, TruncatedSVDReducer
from reference import naive_term_weights

SCHEMES = ["bm25", "log-entropy", "tf-idf"]


@pytest.fixture
def counts():
    rng = np.random.default_rng(0)
    X = rng.poisson(rng.gamma(0.4, 2, size=(20, 9))).astype(float)
    X[4] = 0
    X[:, 2] = 0
    X[:, 5] = 1  # in every document, the empty one too
    return X


def dense(X):
    return X.toarray() if sparse.issparse(X) else X


@pytest.mark.parametrize(
    "container",
    [np.asarray, sparse.csr_array, sparse.csc_matrix, sparse.coo_array, sparse.csr_matrix],
)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_as_the_slow_version(counts, scheme, container):
    transformer = TermWeighting(scheme).fit(container(counts))
    new = np.random.default_rng(1).poisson(0.7, size=(6, 9)).astype(float)
    new[:, 2] = 0
    for X in (counts, new):
        expected = naive_term_weights.weigh(X, counts, scheme)
        found = transformer.transform(container(X))
        assert_allclose(dense(found), expected, rtol=1e-12, atol=1e-14)
        assert sparse.issparse(found) == sparse.issparse(container(X))


@pytest.mark.parametrize(("k1", "b"), [(0, 0.5), (1.2, 0), (1.2, 1), (2, 0.75)])
def test_parameters_of_bm25(counts, k1, b):
    expected = naive_term_weights.weigh(counts, counts, "bm25", k1, b)
    assert_allclose(TermWeighting(k1=k1, b=b).fit_transform(counts), expected, rtol=1e-12)


def test_tfidf_is_that_of_scikit_learn(counts):
    expected = TfidfTransformer(norm=None).fit_transform(counts).toarray()
    assert_allclose(TermWeighting("tf-idf").fit_transform(counts), expected, rtol=1e-12)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_what_is_stored_twice_or_as_zero(counts, scheme):
    expected = TermWeighting(scheme).fit_transform(counts)
    rows, columns = np.nonzero(counts)
    half = counts[rows, columns] / 2
    data = np.concatenate([half, half, [0.0]])
    twice = sparse.coo_array(
        (data, (np.append(np.tile(rows, 2), 4), np.append(np.tile(columns, 2), 1))),
        shape=counts.shape,
    )
    unsummed = sparse.csr_array(counts)
    unsummed = sparse.csr_array(
        (np.repeat(unsummed.data / 2, 2), np.repeat(unsummed.indices, 2), 2 * unsummed.indptr),
        shape=counts.shape,
    )
    for X in (twice, unsummed):
        found = TermWeighting(scheme).fit(X).transform(X).toarray()
        assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_term_that_no_document_of_the_fit_has(counts, scheme):
    X = np.zeros((1, 9))
    X[0, 2] = 1
    weight = TermWeighting(scheme).fit(counts).transform(X)[0, 2]
    assert np.isfinite(weight)
    assert weight > 0


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("X", [np.zeros((3, 2)), np.ones((1, 2)), np.full((3, 2), 1e300)])
def test_extremes_are_finite(X, scheme):
    weights = TermWeighting(scheme, k1=0).fit(X).transform(X)
    assert np.isfinite(weights).all()
    tiny = TermWeighting(scheme).fit(X * 1e-300)
    assert np.isfinite(tiny.transform(X * 1e-300)).all()


def test_one_document_knows_no_entropy():
    assert_array_equal(TermWeighting("log-entropy").fit([[3, 1]]).term_weights_, [1, 1])


@pytest.mark.parametrize("method", ["fit", "transform"])
@pytest.mark.parametrize(
    ("value", "message"),
    [(-1, "Negative values in data"), (np.nan, "NaN"), (np.inf, "infinity")],
)
def test_what_is_refused(counts, value, message, method):
    wrong = counts.copy()
    wrong[3, 3] = value
    for X in (wrong, sparse.csr_array(wrong)):
        with pytest.raises(ValueError, match=message):
            getattr(TermWeighting().fit(counts), method)(X)


@pytest.mark.parametrize("options", [{"b": 2}, {"k1": -1}, {"scheme": "bm25+"}])
def test_parameters_out_of_range(counts, options):
    (name,) = options
    with pytest.raises(ValueError, match=f"The '{name}' parameter of TermWeighting must be"):
        TermWeighting(**options).fit(counts)


def test_in_a_pipeline():
    texts = ["a car with an engine", "an auto engine", "the cat and the dog", "a dog and its cat"]
    pipeline = make_pipeline(CountVectorizer(), TermWeighting(), TruncatedSVDReducer(2))
    W = pipeline.fit_transform(texts)
    assert W.shape == (4, 2)
    names = pipeline[:2].get_feature_names_out()
    assert "engine" in names


def test_weights_that_overflow():
    huge = np.array([[3e38, 0], [0, 1]], dtype=np.float32)
    with pytest.raises(ValueError, match="too large for float32; divide X by its maximum"):
        TermWeighting("tf-idf").fit_transform(huge)
    assert np.isfinite(TermWeighting("bm25").fit_transform(huge)).all()
    with pytest.raises(ValueError, match=r"too large for float64; lower k1=1e\+308"):
        TermWeighting(k1=1e308).fit_transform(np.array([[3.0, 0], [1, 1]]))
