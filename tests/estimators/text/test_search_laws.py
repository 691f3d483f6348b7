"""What must not matter to a search: units, storage, order, batches."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from lrfact import LSASearch

MODELS = {
    "defaults": {},
    "latent": {"weighting": None, "lexical_weight": 0, "n_feedback": 0},
    "weights": {"weighting": None},
    "tf-idf": {"weighting": "tf-idf", "sigma_power": 0.5},
    "correspondence": {"centering": "correspondence", "weighting": None, "metric": "dot"},
    "log-entropy": {"weighting": "log-entropy", "lexical_weight": 1, "n_feedback": 0},
}
every_model = pytest.mark.parametrize("model", MODELS)


def make(model, **options):
    return LSASearch(4, random_state=0, n_jobs=1, **{"tol": 1e-9, **MODELS[model], **options})


@pytest.fixture(scope="module")
def counts():
    rng = np.random.default_rng(3)
    topics = rng.gamma(0.2, size=(4, 30))
    X = rng.poisson(0.1 + rng.gamma(0.3, size=(60, 4)) @ topics).astype(float)
    X[7] = 0
    return X


def assert_alike(search, expected, queries, expected_queries, rtol=1e-5):
    """The same scores of the same documents, but for ties."""
    n = expected.n_samples_fit_
    distances, indices = search.kneighbors(queries, n)
    of_expected, expected_indices = expected.kneighbors(expected_queries, n)
    assert_array_equal(np.isfinite(distances), np.isfinite(of_expected))
    by_document = np.zeros((2, len(distances), n + 1))
    rows = np.arange(len(distances))[:, np.newaxis]
    by_document[0][rows, indices] = distances
    by_document[1][rows, expected_indices] = of_expected
    by_document[:, :, n] = 0  # of no document
    finite = by_document[1][np.isfinite(by_document[1])]
    assert_allclose(*by_document, rtol=rtol, atol=rtol * np.abs(finite).max())
    assert_allclose(
        search.explained_energy_ratio_, expected.explained_energy_ratio_, rtol=10 * rtol
    )


UNITS = [1e-140, 1e-100, 1e-30, 1e-10, 1e-3, 1e3, 1e10, 1e100, 1e140]


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("centering", [None, "correspondence"])
@pytest.mark.parametrize("lexical_weight", [0, 0.4])
def test_units_do_not_matter(counts, unit, centering, lexical_weight):
    options = {"weighting": None, "centering": centering, "lexical_weight": lexical_weight}
    expected = make("defaults", **options).fit(counts)
    search = make("defaults", **options).fit(unit * counts)
    assert_alike(search, expected, unit * counts[:9], counts[:9])
    if centering is None:
        assert_allclose(search.singular_values_, unit * expected.singular_values_, rtol=1e-9)
        assert_allclose(
            search.transform(unit * counts[:9]),
            unit * expected.transform(counts[:9]),
            rtol=1e-6,
            atol=1e-9 * unit,
        )
    # Nor do those of the queries alone.
    assert_alike(search, expected, counts[:9], counts[:9])
    assert_alike(expected, expected, sparse.csr_array(unit * counts[:9]), counts[:9])
    reasons = search.explain(unit * counts[3], 5)
    assert reasons.score == pytest.approx(expected.explain(counts[3], 5).score, rel=1e-4)


@pytest.mark.parametrize("unit", [1e-35, 1e-20, 1e-10, 1e10, 1e16])
def test_units_in_float32(counts, unit):
    X = counts.astype(np.float32)
    expected = make("weights").fit(X)
    in_units = X * np.float32(unit)
    search = make("weights").fit(in_units)
    assert search.components_.dtype == np.float32
    assert_alike(search, expected, in_units[:9], X[:9], rtol=1e-3)


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize(
    ("unit", "metric", "message"),
    [
        (1e-200, "cosine", "entries of X are too small for their squares"),
        (1e200, "cosine", "entries of X are too large for their squares"),
        (1e-60, "dot", "coordinates of documents are too small for the float32 .*metric='cosine'"),
        (1e60, "dot", "coordinates of documents are too large for the float32 .*metric='cosine'"),
    ],
)
def test_units_beyond_all_use(counts, container, unit, metric, message):
    search = make("weights", metric=metric)
    with pytest.raises(ValueError, match=message):
        search.fit(container(unit * counts))
    assert not hasattr(search, "components_")


def in_pieces(X, dtype=float, seed=0):
    """Entries in any order, those above 1 in two pieces."""
    X = sparse.coo_array(X)
    above = X.data > 1
    rows, columns = np.append(X.row, X.row[above]), np.append(X.col, X.col[above])
    values = np.append(np.where(above, X.data - 1, X.data), np.ones(above.sum()))
    order = np.random.default_rng(seed).permutation(len(values))
    return sparse.coo_array(
        (values[order].astype(dtype), (rows[order], columns[order])), shape=X.shape
    )


def rows_in_pieces(X):
    pieces = in_pieces(X)
    order = np.argsort(pieces.row, kind="stable")
    starts = np.append(0, np.cumsum(np.bincount(pieces.row, minlength=X.shape[0])))
    return sparse.csr_array((pieces.data[order], pieces.col[order], starts), shape=X.shape)


def with_zeros(X):
    rows = sparse.csr_array(np.where(X == 0, 1e-9, X))
    rows.data[rows.data == 1e-9] = 0
    return rows


def of_long_indices(X):
    rows = sparse.csr_array(X)
    rows.indices, rows.indptr = rows.indices.astype(np.int64), rows.indptr.astype(np.int64)
    return rows


STORAGES = {
    "by columns": np.asfortranarray,
    "strided": lambda X: np.repeat(X, 2, axis=1)[:, ::2],
    "csr": sparse.csr_array,
    "csc matrix": sparse.csc_matrix,
    "lil": sparse.lil_array,
    "dok": sparse.dok_array,
    "zeros": with_zeros,
    "pieces": in_pieces,
    "pieces of small integers": lambda X: in_pieces(X, np.uint8),
    "rows in pieces": rows_in_pieces,
    "long indices": of_long_indices,
    "integers": lambda X: X.astype(np.int64),
    "small integers": lambda X: X.astype(np.uint8),
    "half precision": lambda X: X.astype(np.float16),
    "list": lambda X: X.tolist(),
}


@every_model
@pytest.mark.parametrize("storage", STORAGES)
def test_storage_does_not_matter(counts, model, storage):
    expected = make(model).fit(counts)
    stored = STORAGES[storage](counts)
    before = stored.copy()
    assert_alike(make(model).fit(stored), expected, counts[:9], counts[:9])
    if sparse.issparse(stored):
        assert_array_equal(stored.toarray(), before.toarray())
    queries = STORAGES[storage](counts[:9])
    assert_alike(expected, expected, queries, counts[:9])
    assert_allclose(expected.transform(queries), expected.transform(counts[:9]), atol=1e-9)


@every_model
def test_half_of_the_digits(counts, model):
    single = counts.astype(np.float32)
    assert_alike(make(model).fit(single), make(model).fit(counts), single[:9], counts[:9], 1e-3)


@every_model
def test_order_does_not_matter(counts, model):
    rng = np.random.default_rng(0)
    rows, columns = rng.permutation(60), rng.permutation(30)
    ids = np.arange(60)
    expected = make(model).fit(counts, ids=ids)
    search = make(model).fit(counts[rows][:, columns], ids=ids[rows])
    assert_allclose(search.singular_values_, expected.singular_values_, rtol=1e-9)
    products = np.abs(np.sum(search.components_ * expected.components_[:, columns], axis=1))
    assert_allclose(products, 1, rtol=1e-6)
    # No ties among the first documents, which would move the query elsewhere.
    for query in counts[[1, 2, 3]]:
        scores = [
            {hit.document: hit.score for hit in found.search(asked, n=60)}
            for found, asked in ((search, query[columns]), (expected, query))
        ]
        assert scores[0] == pytest.approx(scores[1], abs=1e-5)


@every_model
def test_batches_do_not_matter_to_add(counts, model):
    once = make(model).fit(counts[:30]).add(counts[30:])
    parts = make(model).fit(counts[:30])
    for part in (slice(30, 31), slice(31, 45), slice(45, 60)):
        parts.add(sparse.csr_array(counts[part]))
    assert_alike(parts, once, counts[:9], counts[:9])
    assert parts.drift_ == pytest.approx(once.drift_, abs=1e-12)
    assert_allclose(parts.document_vectors_, once.document_vectors_, atol=1e-6)


def test_batches_do_not_matter_to_partial_fit_where_the_rank_holds_all():
    rng = np.random.default_rng(0)
    X = rng.random((60, 3)) @ rng.random((3, 20))
    options = {"weighting": None, "tol": 1e-10}
    whole = make("defaults", **options).set_params(n_components=3).fit(X)
    parts = make("defaults", **options).set_params(n_components=3)
    for part in (slice(0, 20), slice(20, 21), slice(21, 60)):
        parts.partial_fit(X[part])
    assert_alike(parts, whole, X[:9], X[:9], rtol=1e-4)


def test_a_count_of_two_is_two_counts():
    texts = ["car engine engine", "cat cat cat vet", "car wheels", "vet cat"]
    entries = [(i, word) for i, text in enumerate(texts) for word in text.split()]
    words = sorted({word for _, word in entries})
    X = sparse.coo_array(
        (
            np.ones(len(entries), dtype=np.int8),
            ([i for i, _ in entries], [words.index(word) for _, word in entries]),
        ),
        shape=(4, len(words)),
    )
    of_texts, of_entries = LSASearch(2).fit(texts), LSASearch(2).fit(X)
    assert_allclose(of_entries.document_vectors_, of_texts.document_vectors_, atol=1e-6)
