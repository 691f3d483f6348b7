"""retrieval_scorer: the documents that an estimator finds for queries, against what is relevant."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer, TfidfVectorizer
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import make_pipeline

from lrfact import RankSearchCV, TruncatedSVDReducer, metrics, retrieval_scorer

METRICS = ("average_precision", "hit_rate", "ndcg", "precision", "recall", "reciprocal_rank")
N_DOCUMENTS = 60
ROWS = np.arange(N_DOCUMENTS)
RANK = "truncatedsvdreducer__n_components"


class Found:
    """Stands for a fitted estimator that finds what it was told to."""

    def __init__(self, ranking, n_documents):
        self.ranking = np.asarray(ranking)
        self.n_samples_fit_ = n_documents

    def kneighbors(self, queries, n_neighbors, return_distance):
        assert not return_distance
        self.asked = queries, n_neighbors
        return self.ranking[:, :n_neighbors]


@pytest.fixture
def counts():
    """Documents on four subjects of ten words each, and noise."""
    rng = np.random.default_rng(0)
    subjects = np.kron(np.eye(4), np.ones(10))
    return rng.poisson(0.1 + 0.5 * subjects[ROWS % 4])


@pytest.fixture
def documents(counts):
    return [" ".join(f"word{column}" for column in np.repeat(np.arange(40), row)) for row in counts]


@pytest.fixture
def queries():
    """Two words of one subject each, three times."""
    return [f"word{10 * (q % 4) + q % 9} word{10 * (q % 4) + 1 + q % 9}" for q in range(12)]


@pytest.fixture
def relevance():
    return (np.arange(12)[:, np.newaxis] % 4 == ROWS % 4).astype(int)


def latent_search(solver="exact"):
    return make_pipeline(
        TfidfVectorizer(), TruncatedSVDReducer(solver=solver), NearestNeighbors(metric="cosine")
    )


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("k", [1, 7, 60, 1000])
def test_score_is_the_metric_of_what_is_found(documents, queries, relevance, metric, k):
    model = latent_search().set_params(**{RANK: 4}).fit(documents)
    ranking = model[-1].kneighbors(model[:-1].transform(queries), 60, return_distance=False)
    expected = getattr(metrics, f"{metric}_at_k")(ranking, relevance, k=k)
    score = retrieval_scorer(queries, relevance, metric=metric, k=k)(model, documents)
    assert isinstance(score, float)
    assert score == pytest.approx(expected, rel=1e-14)
    assert 0 < score <= 1


def test_only_places_that_are_judged_are_asked_for():
    ranking = [[2, 0, 1, 3], [1, 3, -1, -1]]
    relevance = np.eye(4)[[0, 1]]
    for k, n_neighbors in ((1, 1), (3, 3), (4, 4), (9, 4), (1000, 4)):
        model = Found(ranking, 4)
        queries = ["first", "second"]
        score = retrieval_scorer(queries, relevance, metric="recall", k=k)(model, None)
        assert model.asked == (queries, n_neighbors)
        assert score == (0.5 if k == 1 else 1)


def test_precision_is_a_share_of_the_places_that_were_named():
    scorer = retrieval_scorer(["only"], [[1, 0, 1]], metric="precision", k=8)
    assert scorer(Found([[0, 1, 2]], 3)) == 2 / 8


@pytest.mark.parametrize(
    "container",
    [
        np.ndarray.tolist,
        sparse.csr_array,
        sparse.coo_matrix,
        lambda relevance: relevance > 0,
        lambda relevance: sparse.csc_array(relevance > 0),
    ],
)
def test_relevance_in_any_container(relevance, container):
    ranking = np.random.default_rng(0).permuted(np.tile(ROWS, (12, 1)), axis=1)
    model = Found(ranking, N_DOCUMENTS)
    queries = list("abcdefghijkl")
    expected = metrics.average_precision_at_k(ranking, relevance, k=1000)
    assert retrieval_scorer(queries, container(relevance))(model, None) == expected


def test_grades_below_zero_are_not_relevant():
    model = Found([[0, 1, 2], [2, 1, 0]], 3)
    grades, gains = np.array([[-2, 1, 3], [-1, 0, -2]]), np.array([[0, 1, 3], [0, 0, 0]])
    for container in (np.asarray, sparse.csr_array):
        judgments = container(grades)
        scorer = retrieval_scorer(["judged", "junk"], judgments, metric="ndcg")
        assert scorer(model, None) == metrics.ndcg_at_k(model.ranking, gains, k=1000)
        assert_allclose(sparse.csr_array(judgments).toarray(), grades)  # the caller's is untouched


def test_the_judgments_are_those_of_the_call(relevance):
    given = relevance.astype(float)
    scorer = retrieval_scorer(list("abcdefghijkl"), given)
    given[:] = 1
    assert_allclose(scorer.relevance.toarray(), relevance)
    # Out of order and with a duplicate, which the scorer may tidy up in a copy only.
    data, columns = np.array([1.0, 2.0, 1.0, -1.0]), np.array([3, 1, 3, 0])
    given = sparse.csr_array((data, columns, np.array([0, 4])), shape=(1, 4))
    scorer = retrieval_scorer(["only"], given, metric="ndcg")
    assert data.tolist() == [1, 2, 1, -1]
    assert columns.tolist() == [3, 1, 3, 0]
    data[:] = 0
    assert_allclose(scorer.relevance.toarray(), [[0, 2, 0, 2]])


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array, sparse.csc_matrix, list])
def test_queries_may_be_rows_of_a_matrix(counts, relevance, container):
    asked = counts[:12]
    model = make_pipeline(
        TfidfTransformer(), make_pipeline(TruncatedSVDReducer(4), NearestNeighbors(metric="cosine"))
    ).fit(sparse.csr_array(counts))
    scorer = retrieval_scorer(container(asked), relevance, k=5)
    coordinates = model[-1][0].transform(model[0].transform(sparse.csr_array(asked)))
    ranking = model[-1][-1].kneighbors(coordinates, 5, return_distance=False)
    expected = metrics.average_precision_at_k(ranking, relevance, k=5)
    assert scorer(model, None) == pytest.approx(expected, rel=1e-14)


def test_an_estimator_without_steps_before(counts, relevance):
    scorer = retrieval_scorer(counts[:12], relevance)
    alone = NearestNeighbors(metric="cosine").fit(counts)
    assert scorer(alone) == scorer(make_pipeline(alone)) == scorer(alone, counts, ROWS)


@pytest.mark.parametrize("reducer", [TruncatedSVDReducer(solver="exact"), TruncatedSVD()])
def test_grid_search_finds_the_number_of_subjects(documents, queries, relevance, reducer):
    model = make_pipeline(TfidfVectorizer(), reducer, NearestNeighbors(metric="cosine"))
    name = f"{type(reducer).__name__.lower()}__n_components"
    if isinstance(reducer, TruncatedSVD):
        model.set_params(truncatedsvd__random_state=0)
    scorer = retrieval_scorer(queries, relevance)
    search = GridSearchCV(
        model, {name: [2, 3, 4, 8, 16]}, scoring=scorer, cv=[(ROWS, ROWS)], error_score="raise"
    ).fit(documents)
    assert search.best_params_ == {name: 4}
    assert search.score(documents) == search.best_score_ == scorer(search.best_estimator_)


@pytest.mark.parametrize("metric", ["average_precision", "ndcg", "precision"])
def test_rank_search_equals_grid_search(documents, queries, relevance, metric):
    options = {
        "scoring": retrieval_scorer(queries, relevance, metric=metric, k=20),
        "cv": [(ROWS, ROWS)],
        "error_score": "raise",
    }
    values = [2, 3, 4, 5, 8, 16, 30]
    grid = GridSearchCV(latent_search(), {RANK: values}, **options).fit(documents)
    ranks = RankSearchCV(latent_search(), ranks=values, **options).fit(documents)
    assert_allclose(
        ranks.cv_results_["mean_test_score"], grid.cv_results_["mean_test_score"], rtol=1e-12
    )
    assert len(np.unique(grid.cv_results_["mean_test_score"])) > 2
    assert ranks.best_rank_ == grid.best_params_[RANK]
    assert ranks.score(documents) == grid.score(documents)


def test_several_metrics_in_one_search(documents, queries, relevance):
    scoring = {
        metric: retrieval_scorer(queries, relevance, metric=metric, k=10) for metric in METRICS
    }
    options = {"scoring": scoring, "refit": "ndcg", "cv": [(ROWS, ROWS)]}
    grid = GridSearchCV(latent_search(), {RANK: [2, 4]}, **options).fit(documents)
    ranks = RankSearchCV(latent_search(), ranks=[2, 4], **options).fit(documents)
    for metric in METRICS:
        scores = grid.cv_results_[f"mean_test_{metric}"]
        assert scores[1] == scoring[metric](grid.best_estimator_)
        assert_allclose(ranks.cv_results_[f"mean_test_{metric}"], scores, rtol=1e-12)


def test_half_of_the_queries_choose_and_the_other_half_reports(documents, queries, relevance):
    chosen_by = retrieval_scorer(queries[::2], relevance[::2])
    reported_by = retrieval_scorer(queries[1::2], relevance[1::2])
    search = RankSearchCV(latent_search(), ranks=[2, 4, 8], scoring=chosen_by, cv=[(ROWS, ROWS)])
    found = search.fit(documents).best_estimator_
    both = retrieval_scorer(queries, relevance)(found)
    assert chosen_by(found) == search.best_score_
    assert (chosen_by(found) + reported_by(found)) / 2 == pytest.approx(both, rel=1e-12)


def test_scorer_can_be_sent_to_other_processes(documents, queries, relevance):
    scorer = retrieval_scorer(queries, sparse.csr_array(relevance), metric="ndcg", k=30)
    assert repr(scorer) == "RetrievalScorer(metric='ndcg', k=30)"
    model = latent_search().set_params(**{RANK: 4}).fit(documents)
    assert pickle.loads(pickle.dumps(scorer))(model, None) == scorer(model, None)
    search = GridSearchCV(
        latent_search(), {RANK: [2, 4]}, scoring=scorer, cv=[(ROWS, ROWS)], n_jobs=2
    ).fit(documents)
    assert search.best_score_ == pytest.approx(scorer(search.best_estimator_), rel=1e-12)


def test_folds_of_documents_are_explained(documents, queries, relevance):
    scorer = retrieval_scorer(queries, relevance)
    message = (
        r"relevance of retrieval_scorer has 60 columns, but NearestNeighbors was fitted on 40 "
        r"documents.*cv=\[\(rows, rows\)\] with rows = np\.arange\(60\)"
    )
    for search in (
        GridSearchCV(latent_search(), {RANK: [4]}, scoring=scorer, cv=3, error_score="raise"),
        RankSearchCV(latent_search(), ranks=[4], scoring=scorer, cv=3, error_score="raise"),
    ):
        with pytest.raises(ValueError, match=message):
            search.fit(documents)


@pytest.mark.parametrize(
    ("queries", "relevance", "message"),
    [
        ("a cat", [[1, 0]], "queries of retrieval_scorer must be a list.* one string, 'a cat'"),
        (["a", "b"], [[1, 0]], "got 2 queries, but relevance has 1 rows and 2 columns"),
        (sparse.csr_array((3, 7)), [[1, 0]], "got 3 queries, but relevance has 1 rows"),
        (["a", "b"], np.zeros((2, 3)), "no entry above 0.*give judged queries"),
        (["a", "b"], sparse.csr_array((2, 3)), "no entry above 0"),
        (["a"], [[-1, 0]], "no entry above 0"),
        (["a"], [[np.nan, 1]], "relevance contains NaN"),
        (["a"], [1, 0], "Expected 2D array"),
        (["a"], np.ma.array([[1, 1]], mask=[[0, 1]]), r"masked array.*relevance\.filled\(0\)"),
    ],
)
def test_judgments_that_do_not_fit_are_refused(queries, relevance, message):
    with pytest.raises(ValueError, match=message):
        retrieval_scorer(queries, relevance)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"metric": "map"}, "'metric' parameter"), ({"k": 0}, "'k' parameter")],
)
def test_what_it_cannot_make_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        retrieval_scorer(["a"], [[1, 0]], **options)


def test_estimators_that_find_nothing_are_refused(documents, queries, relevance):
    scorer = retrieval_scorer(queries, relevance)
    counter = CountVectorizer().fit(documents)
    for model in (counter, make_pipeline(counter)):
        with pytest.raises(TypeError, match="CountVectorizer has no kneighbors, which retrieval"):
            scorer(model, documents)
    with pytest.raises(TypeError, match=r"no n_samples_fit_.*give a fitted estimator"):
        scorer(NearestNeighbors(), documents)
