"""LSASearch: retrieval results, scikit-learn conventions and error messages."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.decomposition import TruncatedSVD
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors
from sklearn.pipeline import make_pipeline

from lrfact import LSASearch, RankSearchCV, TermWeighting, retrieval_scorer
from lrfact.metrics import average_precision_at_k
from reference import naive_search

TEXTS = [
    "The car has a strong engine and four wheels",
    "An auto with a new engine was sold",
    "The vehicle is an auto on wheels, a car",
    "The vet looked at the cat",
    "Cats and dogs see a vet, the dog barks",
    "A dog chased the cat over the road",
    "The road was closed for every car",
    "Bread needs flour, water and salt",
    "Salt and flour make the water of the dough",
    "The dough of bread rests before it is baked",
]
LABELS = ["car"] * 3 + ["pet"] * 3 + ["car"] + ["food"] * 3
IDS = list("abcdefghij")

# Latent semantic analysis and nothing else.
PLAIN = {"weighting": None, "lexical_weight": 0, "n_feedback": 0}

# Example of a course: words car, vehicle, auto, road, engine, cat, dog, pet, animal, kitten.
ARTICLES = np.array(
    [
        [3, 2, 1, 1, 2, 0, 0, 0, 0, 0],
        [2, 3, 2, 0, 1, 0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0, 3, 2, 2, 1, 0],
        [0, 0, 0, 0, 0, 2, 0, 1, 2, 3],
        [1, 1, 0, 2, 0, 0, 0, 0, 0, 0],
    ]
)


def make(n_components=3, **options):
    return LSASearch(n_components, **{"random_state": 0, "tol": 1e-6, **options})


@pytest.fixture
def counts():
    rng = np.random.default_rng(0)
    topics = rng.gamma(0.2, size=(4, 40))
    X = rng.poisson(0.1 + rng.gamma(0.3, size=(80, 4)) @ topics)
    X[7] = 0  # an empty document
    return sparse.csr_array(X.astype(float))


class TestResults:
    def test_vehicles_and_animals(self):
        search = make(2, **PLAIN).fit(ARTICLES)
        query = np.zeros(10)
        query[:3] = 1
        hits = search.search(query)
        assert {hit.document: round(hit.score, 3) for hit in hits} == {
            **{0: 1.0, 1: 1.0, 4: 1.0},
            **{2: 0.0, 3: 0.0},
        }

    @pytest.mark.parametrize("sigma_power", [1.0, 0.0])
    def test_plain_search_is_scikit_learn_in_pieces(self, sigma_power):
        queries = ["car engine", "a dog", "bread and salt"]
        tfidf = TfidfVectorizer(stop_words="english")
        A = tfidf.fit_transform(TEXTS)
        svd = TruncatedSVD(3, algorithm="arpack", random_state=0).fit(A)
        stretch = svd.singular_values_ ** (sigma_power - 1)
        expected = cosine_similarity(
            svd.transform(tfidf.transform(queries)) * stretch, svd.transform(A) * stretch
        )
        options = {**PLAIN, "vectorizer": tfidf, "sigma_power": sigma_power}
        distances, indices = make(**options).fit(TEXTS).kneighbors(queries, len(TEXTS))
        for i in range(3):
            assert_allclose(1 - distances[i], expected[i, indices[i]], atol=1e-5)
            assert_allclose(1 - distances[i], np.sort(expected[i])[::-1], atol=1e-5)

    def test_the_lexical_score_alone_is_bm25(self, counts):
        search = make(lexical_weight=1, n_feedback=0).fit(counts)
        queries = counts[:5].toarray()
        expected = naive_search.bm25(counts.toarray(), queries, k1=1.2, b=0.5)
        indices = search.kneighbors(queries, 20, return_distance=False)
        for i in range(5):
            best = np.sort(expected[i])[::-1][:20]
            assert_allclose(expected[i, indices[i]], best, rtol=1e-5)

    def test_the_lexical_score_alone_is_the_cosine_of_other_weights(self):
        queries = ["car engine", "dog and cat"]
        tfidf = TfidfVectorizer(stop_words="english")
        expected = cosine_similarity(tfidf.fit_transform(TEXTS), tfidf.transform(queries)).T
        search = make(lexical_weight=1, n_feedback=0, vectorizer="tfidf").fit(TEXTS)
        for i, hits in enumerate(search.search(queries)):
            found = [expected[i, hit.document] for hit in hits]
            assert_allclose(found, np.sort(expected[i])[::-1], atol=1e-6)

    def test_meaning_finds_what_words_do_not(self):
        assert "auto" not in TEXTS[0]
        found = [hit.label for hit in make().fit(TEXTS, LABELS).search("auto", n=3)]
        assert found == ["car"] * 3
        words = make(lexical_weight=1, n_feedback=0).fit(TEXTS)
        assert sum(hit.score > 0 for hit in words.search("auto")) == 2

    def test_correspondence_analysis_of_counts(self, counts):
        X = counts.toarray()
        search = make(3, centering="correspondence", **PLAIN).fit(counts)
        P = X / X.sum()
        r, c = P.sum(axis=1), P.sum(axis=0)
        full = r > 0
        S = (P[full] - np.outer(r[full], c)) / np.sqrt(np.outer(r[full], c))
        U, s, _ = np.linalg.svd(S, full_matrices=False)
        assert_allclose(search.singular_values_, s[:3], rtol=1e-6)
        expected = np.abs(U[:, :3] * s[:3] / np.sqrt(r[full])[:, np.newaxis])
        assert_allclose(np.abs(search.transform(counts))[full], expected, atol=1e-6)
        with pytest.raises(ValueError, match=r"Negative values in data .* give centering=None"):
            make(3, centering="correspondence").fit(-X - 0.5)

    def test_a_share_of_the_energy_and_rules(self, counts):
        for n_components in (0.5, "gap", "gavish-donoho"):
            search = make(n_components).fit(counts)
            assert 1 <= search.n_components_ <= 40
            assert len(search.components_) == search.n_components_
        half = make(0.5).fit(counts)
        assert half.explained_energy_ratio_.sum() > 0.5 > half.explained_energy_ratio_[:-1].sum()

    @pytest.mark.parametrize("solver", ["exact", "gram", "randomized", "lanczos"])
    @pytest.mark.parametrize("centering", [None, "correspondence"])
    def test_every_solver_finds_the_same(self, counts, solver, centering):
        expected = make(centering=centering, solver="exact").fit(counts)
        search = make(centering=centering, solver=solver).fit(counts)
        assert_allclose(search.singular_values_, expected.singular_values_, rtol=1e-5)
        query = counts[:3]
        assert_allclose(
            search.kneighbors(query)[0], expected.kneighbors(query)[0], rtol=0, atol=1e-3
        )

    def test_results_do_not_depend_on_threads(self, counts):
        one, four = (make(n_jobs=n_jobs).fit(counts) for n_jobs in (1, 4))
        assert_array_equal(one.document_vectors_, four.document_vectors_)
        for a, b in zip(one.kneighbors(counts, 9), four.kneighbors(counts, 9), strict=True):
            assert_array_equal(a, b)

    def test_vectors_are_float32_of_length_one(self, counts):
        search = make().fit(counts)
        assert search.document_vectors_.dtype == np.float32
        lengths = np.linalg.norm(search.document_vectors_, axis=1)
        assert_allclose(np.delete(lengths, 7), 1, rtol=1e-6)
        assert lengths[7] == 0
        longer = make(metric="dot").fit(counts)
        assert_allclose(longer.document_vectors_, longer.transform(counts), rtol=1e-5, atol=1e-6)


class TestInput:
    @pytest.mark.parametrize(
        "container", [list, tuple, iter, np.array, lambda t: np.array(t, dtype=object)]
    )
    def test_texts_of_any_kind(self, container):
        search = make().fit(container(TEXTS))
        expected = make().fit(TEXTS)
        assert_array_equal(search.document_vectors_, expected.document_vectors_)
        assert list(search.search("car")) == list(expected.search("car"))

    def test_a_generator_and_columns(self):
        pandas = pytest.importorskip("pandas")
        polars = pytest.importorskip("polars")
        expected = make().fit(TEXTS).document_vectors_
        for given in ((t for t in TEXTS), pandas.Series(TEXTS), polars.Series(TEXTS)):
            assert_array_equal(make().fit(given).document_vectors_, expected)

    def test_text_is_its_matrix(self):
        words = CountVectorizer(stop_words="english")
        X = words.fit_transform(TEXTS).astype(np.float32)
        by_text, by_matrix = make().fit(TEXTS), make().fit(X)
        assert_array_equal(by_text.transform(TEXTS), by_matrix.transform(X))
        assert_array_equal(by_text.kneighbors(TEXTS)[1], by_matrix.kneighbors(X)[1])
        dense = make().fit(X.toarray())
        assert_allclose(dense.kneighbors(X)[0], by_matrix.kneighbors(X)[0], atol=1e-4)

    def test_in_a_pipeline(self):
        pipeline = make_pipeline(CountVectorizer(), make()).fit(TEXTS, LABELS)
        assert list(pipeline.predict(["cat and dog", "salt"])) == ["pet", "food"]
        assert pipeline.transform(TEXTS).shape == (10, 3)
        assert pipeline.score(TEXTS, LABELS) > 0.5

    def test_weights_chosen_by_what_comes(self, counts):
        assert make().fit(counts).weighting_.scheme == "bm25"
        assert make().fit(counts * 0.5).weighting_ is None
        assert make().fit(-counts.toarray()).weighting_ is None
        assert make(weighting="log-entropy").fit(counts).weighting_.scheme == "log-entropy"
        ours = TermWeighting(k1=2)
        search = make(weighting=ours).fit(counts)
        assert search.weighting_ is not ours
        assert search.weighting_.k1 == 2

    def test_the_vectorizer_given_is_left_alone(self):
        words = CountVectorizer(ngram_range=(1, 2))
        search = make(vectorizer=words).fit(TEXTS)
        assert not hasattr(words, "vocabulary_")
        assert "strong engine" in search.vectorizer_.vocabulary_
        assert_array_equal(clone(search).fit(TEXTS).components_, search.components_)

    def test_rank_is_clipped_with_a_warning(self, counts):
        with pytest.warns(UserWarning, match="n_components=500 is more than the 40 components"):
            search = LSASearch(500).fit(counts)
        assert search.n_components_ == 40
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert LSASearch().fit(counts).n_components_ == 40
            assert LSASearch().fit(["one text"]).n_components_ == 1


class TestNeighbors:
    def test_as_those_of_scikit_learn(self, counts):
        search = make(**PLAIN).fit(counts)
        W = np.delete(search.transform(counts), 7, axis=0)
        theirs = NearestNeighbors(metric="cosine").fit(W)
        distances, indices = search.kneighbors(counts[:7], 4)
        expected, places = theirs.kneighbors(W[:7], 4)
        assert_allclose(distances, expected, atol=1e-6)
        assert_array_equal(indices, places + (places >= 7))
        assert_array_equal(search.kneighbors(counts[:7], 4, return_distance=False), indices)
        assert search.kneighbors(counts[:2])[0].shape == (2, 5)

    def test_of_inner_products(self, counts):
        search = make(metric="dot", **PLAIN).fit(counts)
        W = search.transform(counts)
        distances, _ = search.kneighbors(counts[:4], 3)
        expected = np.sort(-(W[:4] @ W.T), axis=1)[:, :3]
        assert_allclose(distances, expected, rtol=1e-5)

    def test_what_says_nothing_is_not_found_and_finds_nothing(self, counts):
        search = make().fit(counts)
        distances, indices = search.kneighbors(counts[:8], 80)
        assert (indices[:7, -1] == -1).all()
        assert not (indices == 7).any()
        assert np.isinf(distances[indices == -1]).all()
        assert (indices[7] == -1).all()
        assert np.isfinite(distances[indices >= 0]).all()

    @pytest.mark.parametrize(
        ("n_neighbors", "message"),
        [(81, "n_neighbors=81 must be at most n_samples_fit_=80"), (0, "n_neighbors=0 must be")],
    )
    def test_numbers_out_of_range(self, counts, n_neighbors, message):
        with pytest.raises(ValueError, match=message):
            make().fit(counts).kneighbors(counts, n_neighbors)


class TestSearch:
    def test_hits_can_be_read(self):
        search = make(n_feedback=0).fit(TEXTS, LABELS, ids=IDS)
        hits = search.search("engine sold", n=2)
        first = hits[0]
        assert (first.rank, first.document, first.label) == (1, "b", "car")
        assert first.snippet == TEXTS[1]
        assert [hit.rank for hit in hits] == [1, 2]
        assert first.score >= hits[1].score
        assert "b  [car]" in str(hits)
        assert TEXTS[1] in repr(hits)
        assert hits.note == ""
        assert len(hits[:1]) == 1

    def test_a_snippet_shows_a_word_of_the_query(self):
        long = "nothing of note " * 20 + "here stands the engine of a car " + "and so on " * 20
        (hit,) = make(1).fit([long]).search("engine")
        assert "engine" in hit.snippet
        assert hit.snippet.startswith("... ")
        assert hit.snippet.endswith(" ...")
        assert len(hit.snippet) < 90
        assert make(1, keep_documents=False).fit([long]).search("engine")[0].snippet is None

    def test_a_snippet_prefers_whole_words(self):
        text = "a scarf " + "lies with many others in the shop " * 5 + "and is sold by CAR only"
        search = make(1).fit([text])
        assert "CAR" in search.search("car")[0].snippet
        assert search.search("car scarf")[0].snippet.startswith("a scarf")
        # Parts of words are found inside of them, in texts that lower case makes longer, too.
        parts = CountVectorizer(analyzer="char_wb", ngram_range=(3, 3))
        (hit,) = (
            make(1, vectorizer=parts).fit(["\u0130" * 40 + " one " * 40 + "zebra"]).search("zeb")
        )
        assert "zebra" in hit.snippet

    def test_a_snippet_shows_all_of_a_short_text(self):
        text = "Many words of little weight come before the engine"
        assert make(1).fit([text]).search("engine")[0].snippet == text

    def test_several_queries_at_once(self):
        search = make().fit(TEXTS)
        both = search.search(["engine", "bread"], n=3)
        assert [list(hits) for hits in both] == [
            list(search.search("engine", n=3)),
            list(search.search("bread", n=3)),
        ]

    def test_more_hits_than_documents(self):
        assert len(make().fit(TEXTS).search("engine", n=1000)) == len(TEXTS)

    @pytest.mark.parametrize("lexical_weight", [0, 0.4])
    def test_only_what_is_allowed(self, lexical_weight):
        search = make(lexical_weight=lexical_weight).fit(TEXTS, ids=IDS)
        assert {h.document for h in search.search("engine", allowed=["d", "a", "j"])} == set("daj")
        mask = np.array([i in "ab" for i in IDS])
        assert {h.document for h in search.search("engine", allowed=mask)} == {"a", "b"}
        assert len(search.search("engine", allowed=[])) == 0
        by_position = make().fit(TEXTS)
        assert {h.document for h in by_position.search("cat", allowed=range(2))} == {0, 1}

    @pytest.mark.parametrize(
        "container", [list, tuple, set, frozenset, iter, np.array, lambda i: dict.fromkeys(i)]
    )
    @pytest.mark.parametrize("ids", [None, np.arange(10) + 20, IDS])
    def test_allowed_in_any_container(self, container, ids):
        search = make().fit(TEXTS, ids=ids)
        chosen = [search.document_ids_.tolist()[place] for place in (3, 0, 9)]
        hits = search.search("engine", allowed=container(chosen))
        assert {hit.document for hit in hits} == set(chosen)
        mask = [one in chosen for one in search.document_ids_.tolist()]
        assert list(search.search("engine", allowed=mask)) == list(hits)

    def test_a_position_that_is_not_there(self):
        with pytest.raises(ValueError, match=r"10.*, of no document; .* positions, 0 to 9"):
            make().fit(TEXTS).search("engine", allowed=np.array([0, 10]))

    @pytest.mark.parametrize(
        ("allowed", "message"),
        [
            (["a", "zz"], "allowed has the id 'zz', of no document"),
            (["a", "a"], "contains a document twice"),
            ([True, False], "mask of length 2; it must have one entry for each of the 10"),
            ([["a"]], r"allowed has the id \['a'\], of no document"),
            (np.array([["a"]]), r"allowed has shape \(1, 1\); it must be a list of ids, or a mask"),
            ("a", "allowed is 'a'; it must be a list of ids"),
            (3, "allowed is 3; it must be a list of ids"),
            ([3], "the id 3, of no document; give ids as they were given"),
        ],
    )
    def test_what_cannot_be_allowed(self, allowed, message):
        with pytest.raises(ValueError, match=message):
            make().fit(TEXTS, ids=IDS).search("engine", allowed=allowed)

    @pytest.mark.parametrize("query", ["", "   ", "the of and", "zebra quagga"])
    def test_a_query_without_a_known_word(self, query):
        search = make().fit(TEXTS)
        hits = search.search(query)
        assert len(hits) == 0
        assert "nothing found: the query has no known word" in hits.note
        assert "no known word" in str(hits)
        distances, indices = search.kneighbors([query])
        assert (indices == -1).all()
        assert np.isinf(distances).all()
        assert (search.transform([query]) == 0).all()

    def test_unknown_words_are_named(self):
        hits = make().fit(TEXTS).search("zebra engine quagga")
        assert hits.note == "'zebra', 'quagga' are in no document of the fit"
        assert hits[0].document in (0, 1)

    def test_the_closest_word_stands_in(self):
        search = make().fit(TEXTS)
        hits = search.search("enginne", unknown="closest")
        assert hits.note == "'enginne' is taken for 'engine'"
        assert list(hits) == list(search.search("engine"))
        lost = search.search("xxxxxx", unknown="closest")
        assert "'xxxxxx' is in no document of the fit; nothing found" in lost.note

    def test_documents_without_a_word(self):
        search = make().fit([*TEXTS, "", "the"])
        assert {hit.document for hit in search.search("car", n=50)} == set(range(10))
        assert len(search.similar_documents(10)) == 0

    @pytest.mark.parametrize(
        ("call", "error", "message"),
        [
            (lambda s: s.search(b"car"), TypeError, "query holds bytes"),
            (lambda s: s.search(["car", 3]), TypeError, r"query\[1\] is 3, no string"),
            (lambda s: s.search("car", n=0), ValueError, "n=0 must be an integer from 1"),
            (lambda s: s.search("car", n=2.5), ValueError, "n=2.5 must be"),
            (lambda s: s.search("car", unknown="guess"), ValueError, "unknown='guess' must be"),
            (lambda s: s.search([]), ValueError, "query has no documents"),
            (lambda s: s.search(np.ones(3)), ValueError, "X has 3 features, but LSASearch"),
            (lambda s: s.transform("car"), TypeError, "give a list of texts"),
            (lambda s: s.kneighbors("car"), TypeError, "a single string"),
            (lambda s: s.explain("car", 99), ValueError, "no document with the id 99"),
            (lambda s: s.explain(["a", "b"], 0), ValueError, "explain takes one query"),
            (lambda s: s.similar_documents(-1), ValueError, "positions, 0 to 9"),
            (lambda s: s.similar_documents(0, n=0), ValueError, "n=0 must be"),
            (lambda s: s.similar_terms("zebra"), ValueError, "no document .* term 'zebra'"),
            (lambda s: s.similar_terms(10**6), ValueError, "must be a term, or an index"),
            (lambda s: s.truncate(0), ValueError, "n_components=0 must be an integer from 1"),
        ],
    )
    def test_what_cannot_be_answered(self, call, error, message):
        with pytest.raises(error, match=message):
            call(make().fit(TEXTS))

    def test_text_where_the_fit_was_on_a_matrix(self, counts):
        search = make().fit(counts)
        for method in (search.search, lambda t: search.kneighbors([t]), search.explain):
            arguments = ("car", 0) if method == search.explain else ("car",)
            with pytest.raises(ValueError, match="was fitted on a matrix"):
                method(*arguments)


class TestReasons:
    @pytest.mark.parametrize("options", [{}, {"lexical_weight": 0}, {"n_feedback": 0}, PLAIN])
    @pytest.mark.parametrize("centering", [None, "correspondence"])
    @pytest.mark.parametrize("metric", ["cosine", "dot"])
    def test_contributions_add_up_to_the_score(self, options, centering, metric):
        search = make(centering=centering, metric=metric, **options).fit(TEXTS)
        query = "the new engine of a car, an engine"
        for hit in search.search(query):
            why = search.explain(query, hit.document)
            assert_allclose(why.score, hit.score, rtol=1e-5, atol=1e-5)
            assert_allclose(why.contributions.sum() + why.feedback, why.score)
            assert set(why.terms) == {"new", "engine", "car"}
            assert (np.diff(np.abs(why.contributions)) <= 0).all()

    def test_a_hit_among_those_allowed(self):
        search = make().fit(TEXTS)
        for hit in search.search("engine of a car", allowed=[2, 5, 8]):
            why = search.explain("engine of a car", hit.document, allowed=[2, 5, 8])
            assert_allclose(why.score, hit.score, rtol=1e-5, atol=1e-5)

    def test_strangers_are_no_feedback(self):
        """A kitten is in one article; no other has anything to do with it but by rounding."""
        search = make(2).fit(ARTICLES)
        hits = search.search(np.eye(10)[9])
        assert {hit.document for hit in hits[:2]} == {2, 3}

    def test_it_can_be_read(self):
        search = make(n_feedback=0).fit(TEXTS)
        why = search.explain("engine", 1)
        assert str(why).splitlines()[0].startswith("1: ")
        assert "engine (of which +" in str(why)
        nothing = search.explain("zebra", 1)
        assert nothing.score == 0
        assert len(nothing.terms) == 0

    def test_columns_of_a_matrix(self, counts):
        search = make().fit(counts)
        why = search.explain(counts[:1], 3)
        assert set(why.terms) == set(counts[[0]].indices)
        assert_allclose(search.explain(counts[[0]].toarray()[0], 3).score, why.score, rtol=1e-5)

    def test_terms_used_in_the_same_texts(self):
        search = make(3, **PLAIN).fit(TEXTS)
        terms, cosines = search.similar_terms("flour", n=3)
        assert "flour" not in terms
        assert set(terms) <= {"salt", "water", "bread", "needs", "make", "dough", "baked", "rests"}
        assert (cosines > 0.9).all()
        S = search.components_.T * search.singular_values_
        names = list(search.vectorizer_.get_feature_names_out())
        at = names.index("flour")
        expected = cosine_similarity(S[[at]], S)[0]
        assert_allclose(cosines, [expected[names.index(t)] for t in terms], atol=1e-5)

    def test_documents_that_are_alike(self, counts):
        search = make().fit(counts)
        hits = search.similar_documents(3, n=6)
        W = search.document_vectors_
        expected = np.sort(np.delete(W @ W[3], [3, 7]))[::-1][:6]
        assert_allclose([hit.score for hit in hits], expected, atol=1e-6)
        terms, _ = search.similar_terms(0, n=100)
        assert len(terms) == 39


class TestLabels:
    def test_each_hit_votes_with_its_score(self, counts):
        y = np.random.default_rng(0).integers(0, 3, 80)
        search = make(n_neighbors=4, **PLAIN).fit(counts, y)
        W = search.transform(counts)
        vote = KNeighborsClassifier(4, metric="cosine", weights=lambda d: np.maximum(1 - d, 1e-12))
        rows = np.arange(80) != 7
        expected = vote.fit(W[rows], y[rows]).predict(W[rows])
        assert_array_equal(search.predict(counts)[rows], expected)

    def test_without_a_known_word_the_most_frequent(self):
        search = make().fit(TEXTS, LABELS)
        assert list(search.predict(["zebra", "bread"])) == ["car", "food"]
        assert_array_equal(search.classes_, ["car", "food", "pet"])

    def test_without_labels(self, counts):
        search = make().fit(TEXTS)
        with pytest.raises(ValueError, match=r"predict of LSASearch needs labels .* y to fit"):
            search.predict(TEXTS)
        with pytest.raises(ValueError, match="score of LSASearch needs y"):
            search.score(TEXTS)
        with pytest.raises(ValueError, match="score with labels of LSASearch needs labels"):
            search.score(TEXTS, LABELS)
        mixed = make().fit(TEXTS, np.array([None, *LABELS[1:]], dtype=object))
        with pytest.raises(ValueError, match="labels that can be sorted"):
            mixed.predict(TEXTS)
        with pytest.raises(ValueError, match="no document has the label of any query, such as 'x'"):
            make().fit(TEXTS, LABELS).score(["car", "cat"], ["x", "y"])
        assert search.labels_ is None
        assert search.classes_ is None

    def test_score_is_mean_average_precision(self, counts):
        y = np.arange(80) % 5
        search = make().fit(counts, y)
        relevance = (y[:, np.newaxis] == y).astype(int)[:6]
        ranking = search.kneighbors(counts[:6], 80, return_distance=False)
        expected = average_precision_at_k(ranking, relevance, k=80)
        assert search.score(counts[:6], y[:6]) == pytest.approx(expected)
        assert search.score(counts[:6], relevance) == pytest.approx(expected)
        assert search.score(counts[:6], sparse.csr_array(relevance)) == pytest.approx(expected)
        # A query whose label no document has is left out.
        with_stranger = [*y[:6], 99]
        assert search.score(counts[:7], with_stranger) == pytest.approx(expected)
        assert type(search.score(counts[:6], y[:6])) is float
        with pytest.raises(ValueError, match=r"y has shape \(6, 5\); a relevance matrix must"):
            search.score(counts[:6], relevance[:, :5])
        with pytest.raises(ValueError, match=r"y has shape \(0, 80\)"):
            search.score(counts[:6], y[:0])

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"y": LABELS[:3]}, "y has 3 entries for 10 documents"),
            ({"ids": IDS[:3]}, "ids has 3 entries for 10 documents"),
            ({"ids": ["a"] * 10}, "the id 'a' comes more than once"),
            ({"ids": set(IDS)}, "ids are a set, which has no order"),
        ],
    )
    def test_what_does_not_go_with_the_documents(self, options, message):
        search = make()
        with pytest.raises(ValueError, match=message):
            search.fit(TEXTS, **options)
        assert not hasattr(search, "components_")

    def test_ids_of_any_kind(self):
        ids = [*range(5), *"abcde"]
        search = make().fit(TEXTS, ids=ids)
        assert [type(hit.document) for hit in search.search("car", n=10)].count(int) == 5
        assert search.explain("car", 0).document == 0
        pairs = [(i, i % 2) for i in range(8)] + [(8,), 9]
        hits = make().fit(TEXTS, ids=pairs).search("engine", allowed=[(3, 1), (8,), 9])
        assert {hit.document for hit in hits} == {(3, 1), (8,), 9}
        with pytest.raises(ValueError, match=r"\[0\] cannot be an id"):
            make().fit(TEXTS, ids=[[i] for i in range(10)])
        numbers = make().fit(TEXTS, ids=np.arange(10) + 100)
        assert numbers.search("bread")[0].document in (107, 108, 109)


class TestGrowth:
    def test_added_documents_are_folded_in(self, counts):
        search = make().fit(counts[:50])
        expected = search.transform(counts[50:])
        before = search.document_vectors_.copy()
        assert search.add(counts[50:]) is search
        assert search.n_samples_fit_ == 80
        assert_array_equal(search.document_vectors_[:50], before)
        units = expected / np.linalg.norm(expected, axis=1, keepdims=True)
        assert_allclose(search.document_vectors_[50:], units, atol=1e-6)
        assert_array_equal(search.document_ids_, np.arange(80))
        indices = search.kneighbors(counts[60:62], 1, return_distance=False)
        assert set(indices[:, 0]) <= set(range(80))

    def test_adding_is_the_same_in_any_batches(self, counts):
        once = make().fit(counts[:50]).add(counts[50:])
        twice = make().fit(counts[:50]).add(counts[50:60]).add(counts[60:])
        queries = counts[:9]
        for a, b in zip(once.kneighbors(queries, 9), twice.kneighbors(queries, 9), strict=True):
            assert_allclose(a, b, atol=1e-6)
        assert once.drift_ == pytest.approx(twice.drift_)

    @pytest.mark.parametrize("centering", [None, "correspondence"])
    def test_partial_fit_turns_the_directions(self, centering):
        rng = np.random.default_rng(0)
        # Of rank 3: what is merged is all that there is.
        X = rng.random((60, 3)) @ rng.random((3, 20))
        options = {**PLAIN, "centering": centering, "tol": 1e-9}
        search = make(3, **options).fit(X[:40]).partial_fit(X[40:])
        whole = make(3, **options).fit(X)
        if centering is None:
            assert_allclose(search.singular_values_, whole.singular_values_, rtol=1e-5)
            assert_allclose(search.components_, whole.components_, atol=1e-4)
            assert_allclose(search.document_vectors_, whole.document_vectors_, atol=1e-4)
            assert search.drift_ < 1e-6
        # Where the masses stay as they were, the documents lie where a transform puts them.
        W = search.transform(X)
        units = W / np.linalg.norm(W, axis=1, keepdims=True)
        if centering is None:
            assert_allclose(search.document_vectors_, units, atol=1e-5)
        assert_allclose(search.document_vectors_[40:], units[40:], atol=1e-5)

    def test_partial_fit_starts_a_search(self):
        a, b = make().partial_fit(TEXTS), make().fit(TEXTS)
        assert_array_equal(a.document_vectors_, b.document_vectors_)

    def test_drift_tells_strangers_from_more_of_the_same(self):
        rng = np.random.default_rng(0)
        topics = rng.gamma(0.1, size=(6, 200))

        def documents(n, of):
            return rng.poisson(rng.gamma(0.5, size=(n, 3)) @ topics[of] * 5)

        X = documents(300, slice(3))
        same, strange = documents(100, slice(3)), documents(100, slice(3, 6))
        fitted = make().fit(X)
        assert fitted.drift_ == 0
        drift_of_same = make().fit(X).add(same).drift_
        drift_of_strange = make().fit(X).add(strange).drift_
        assert drift_of_same < 0.05 < drift_of_strange <= 1
        # An updated latent space explains more of the next batch.
        more = documents(100, slice(3, 6))
        turned, kept = make().fit(X).partial_fit(strange), make().fit(X).add(strange)
        assert turned.drift_ == kept.drift_
        assert turned.partial_fit(more).drift_ < kept.add(more).drift_

    def test_the_lexical_weight_may_change_where_words_were_kept(self, counts):
        search = make().fit(counts[:50]).set_params(lexical_weight=0)
        latent = make(lexical_weight=0).fit(counts[:50])
        assert_array_equal(search.kneighbors(counts[:9])[1], latent.kneighbors(counts[:9])[1])
        search.add(counts[50:]).set_params(lexical_weight=0.4)
        expected = make().fit(counts[:50]).add(counts[50:])
        assert_array_equal(search.kneighbors(counts[:9])[1], expected.kneighbors(counts[:9])[1])
        latent.add(counts[50:]).set_params(lexical_weight=0.4)
        with pytest.raises(ValueError, match=r"lexical_weight=0\.4 needs the words"):
            latent.kneighbors(counts[:9])

    def test_columns_of_arrow_are_lists(self):
        arrow = pytest.importorskip("pyarrow")
        listed = (
            make().fit(TEXTS[:8], LABELS[:8], ids=IDS[:8]).add(TEXTS[8:], LABELS[8:], ids=IDS[8:])
        )
        column = make().fit(
            arrow.array(TEXTS[:8]), arrow.array(LABELS[:8]), ids=arrow.array(IDS[:8])
        )
        column.add(
            arrow.chunked_array([TEXTS[8:]]), arrow.array(LABELS[8:]), ids=arrow.array(IDS[8:])
        )
        assert_array_equal(column.document_vectors_, listed.document_vectors_)
        assert_array_equal(column.labels_, listed.labels_)
        assert column.document_ids_.tolist() == IDS
        queries = ["car engine", "dog"]
        allowed = ["a", "d", "f"]
        for in_arrow in (arrow.array(queries), arrow.chunked_array([queries[:1], queries[1:]])):
            found = column.search(in_arrow, allowed=arrow.array(allowed))
            assert [list(hits) for hits in found] == [
                list(hits) for hits in listed.search(queries, allowed=allowed)
            ]
            assert_array_equal(column.predict(in_arrow), listed.predict(queries))
            assert_array_equal(column.transform(in_arrow), listed.transform(queries))
            labels = ["car", "pet"]
            assert column.score(in_arrow, arrow.array(labels)) == listed.score(queries, labels)
        word, a = arrow.array(["car", "a"])
        assert list(column.search(word)) == list(listed.search("car"))
        assert column.explain(word, a).score == listed.explain("car", "a").score
        assert list(column.similar_documents(a)) == list(listed.similar_documents("a"))
        mask = arrow.array([True] * 3 + [False] * 7)
        assert len(column.search("car", allowed=mask)) == 3

    def test_a_grid_search_over_a_column_of_arrow(self):
        arrow = pytest.importorskip("pyarrow")
        grid = {"n_components": [2, 3]}
        of_list = GridSearchCV(make(), grid, cv=3).fit(TEXTS * 3, LABELS * 3)
        of_arrow = GridSearchCV(make(), grid, cv=3).fit(arrow.array(TEXTS * 3), LABELS * 3)
        assert of_arrow.best_score_ == of_list.best_score_

    def test_texts_that_cannot_be_encoded(self):
        texts = ["car", "dog \udc00 cat", "car engine"]
        hashing = HashingVectorizer(n_features=64, analyzer="char")
        message = r"X\[1\] has the lone surrogate '\\udc00' at 4, .* 'replace'\)\.decode\(\)"
        with pytest.raises(ValueError, match=message):
            make(2, vectorizer=hashing).fit(texts)
        search = make(2, vectorizer=hashing).fit(["car", "dog", "cat"])
        with pytest.raises(ValueError, match=r"X\[0\] has the lone surrogate"):
            search.search(texts[1])
        hits = make(2).fit(texts).search("dog")
        assert hits[0].snippet == texts[1]
        assert r"dog \udc00 cat" in str(hits)
        str(hits).encode()

    def test_texts_and_labels_go_on(self):
        search = make().fit(TEXTS, LABELS).add(["a new car with an engine"], ["new"])
        (hit,) = [h for h in search.search("new engine", n=11) if h.document == 10]
        assert hit.label == "new"
        assert hit.snippet == "a new car with an engine"
        assert "new" in search.classes_


class TestRank:
    @pytest.mark.parametrize("options", [{}, {"centering": "correspondence"}, {"metric": "dot"}])
    def test_truncate_is_a_fit_with_fewer(self, counts, options):
        longer = make(8, **options).fit(counts)
        shorter = longer.truncate(4)
        expected = make(4, **options).fit(counts)
        assert shorter.get_params() == expected.get_params()
        assert longer.n_components_ == 8
        assert shorter.n_components_ == 4
        assert_allclose(shorter.components_, expected.components_, atol=1e-3)
        assert_allclose(shorter.kneighbors(counts)[0], expected.kneighbors(counts)[0], atol=1e-3)
        assert shorter.drift_ == pytest.approx(0, abs=1e-12)
        assert longer.truncate(99).n_components_ == 8

    def test_a_rank_search_is_a_grid_search(self, counts):
        rows = np.arange(80)
        scoring = retrieval_scorer(counts[:20], (counts @ counts.T)[:20] > 3, k=20)
        options = {"cv": [(rows, rows)], "scoring": scoring}
        ranks = [1, 2, 4, 8]
        fast = RankSearchCV(make(), ranks=ranks, **options).fit(counts)
        slow = GridSearchCV(make(), {"n_components": ranks}, **options).fit(counts)
        assert_allclose(
            fast.cv_results_["mean_test_score"], slow.cv_results_["mean_test_score"], atol=2e-3
        )
        assert fast.best_rank_ == slow.best_params_["n_components"]

    def test_search_over_texts_with_labels(self):
        texts, labels = TEXTS * 3, LABELS * 3
        grid = {"weighting": ["bm25", "log-entropy"], "n_components": [2, 3]}
        search = GridSearchCV(make(), grid, cv=3).fit(texts, labels)
        assert search.best_score_ > 0.6
        fast = RankSearchCV(make(), ranks=[2, 3], cv=3).fit(texts, labels)
        assert set(fast.cv_results_["param_n_components"]) == {2, 3}


class TestBadInput:
    @pytest.mark.parametrize(
        ("X", "error", "message"),
        [
            ("a single text", TypeError, "a single string, whose documents would be its letters"),
            (b"bytes", TypeError, "X holds bytes"),
            ([b"one", b"two"], TypeError, "decode them first"),
            (["one", None], TypeError, r"X\[1\] is None, no string; put '' where"),
            (["one", 2], TypeError, r"X\[1\] is 2, no string; every document must"),
            ([["one", "two"], ["three"]], TypeError, "a list of strings, .* join its words"),
            ({0: "one"}, TypeError, r"X is a dict; give its texts: list\(X.values\(\)\)"),
            ([], ValueError, "no documents"),
            (["", ""], ValueError, "empty vocabulary"),
            ([[1.0, np.nan]], ValueError, "NaN"),
            ([[1.0, np.inf]], ValueError, "infinity"),
            (np.empty((0, 3)), ValueError, "0 sample"),
            (np.ma.masked_array([[1.0, 2.0]], [[True, False]]), ValueError, "masked array"),
            ([[1e200, 1.0], [1.0, 1.0]], ValueError, "too large for their squares"),
        ],
    )
    @pytest.mark.parametrize("method", ["fit", "fit_transform", "partial_fit"])
    def test_what_is_refused(self, method, X, error, message):
        search = make(1, weighting=None)
        with pytest.raises(error, match=message):
            getattr(search, method)(X)
        assert not [n for n in vars(search) if n.endswith("_") or n.startswith("_fitted")]

    @pytest.mark.parametrize("sigma_power", [500, -500])
    def test_powers_beyond_all_numbers(self, sigma_power):
        search = make(sigma_power=sigma_power)
        with pytest.raises(
            ValueError, match=r"sigma_power=-?500 makes all coordinates overflow or"
        ):
            search.fit(TEXTS)
        assert not hasattr(search, "components_")

    @pytest.mark.parametrize("query", [None, 3, 2.5])
    def test_a_query_that_is_no_text_and_no_matrix(self, query):
        with pytest.raises(TypeError, match=f"query={query} must be a text, a list of texts or"):
            make().fit(TEXTS).search(query)

    def test_names_of_columns_that_have_none(self, counts):
        search = make().fit(counts)
        message = "term='car' is a name, but the columns of the fit have none; give an index from 0"
        with pytest.raises(ValueError, match=message):
            search.similar_terms("car")

    @pytest.mark.parametrize("name", ["labels_", "document_ids_", "classes_"])
    def test_attributes_before_a_fit(self, name):
        assert not hasattr(make(), name)
        with pytest.raises(NotFittedError, match="This LSASearch instance is not fitted yet"):
            getattr(make(), name)

    def test_text_without_a_vectorizer(self):
        with pytest.raises(
            ValueError, match="X is text, but vectorizer=None accepts only a matrix"
        ):
            make(vectorizer=None).fit(TEXTS)

    def test_negative_counts(self, counts):
        with pytest.raises(ValueError, match="Negative values in data passed to TermWeighting: X"):
            make(weighting="bm25").fit(-counts.toarray())

    @pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
    def test_nothing_but_zeros(self, container):
        search = make(2).fit(container(np.zeros((5, 4))), list("abcde"))
        assert (search.kneighbors(np.ones((1, 4)), 2)[1] == -1).all()
        assert list(search.predict(np.ones((1, 4)))) == ["a"]
        assert np.isfinite(search.transform(np.ones((1, 4)))).all()

    def test_a_failed_fit_leaves_nothing(self, counts):
        search = make().fit(counts)
        with pytest.raises(TypeError):
            search.fit("text")
        assert not hasattr(search, "components_")

    @pytest.mark.parametrize("centering", [None, "correspondence"])
    def test_terms_that_the_fit_has_not_seen(self, counts, centering):
        X = counts.toarray()
        X[:, 5] = 0
        search = make(centering=centering, weighting=None).fit(X)
        only_new = np.zeros((1, 40))
        only_new[0, 5] = 3
        assert (search.kneighbors(only_new, 3)[1] == -1).all()
        beside = X[:1].copy()
        beside[0, 5] = 3
        assert_allclose(search.transform(beside), search.transform(X[:1]), atol=1e-9)
