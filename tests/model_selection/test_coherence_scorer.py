"""coherence_scorer: the components' leading columns, looked up in test documents."""

import pickle
import re
from dataclasses import dataclass
from math import log

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse
from sklearn.decomposition import NMF
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from lrfact import (
    MaskedMF,
    RankSearchCV,
    TruncatedSVDReducer,
    coherence_scorer,
    cross_val_score_entries,
    holdout_scorer,
)
from lrfact.metrics import topic_coherence

MEASURES = ("u_mass", "npmi", "c_v")


@dataclass
class Topics:
    """Stands for a fitted estimator."""

    components_: np.ndarray


@pytest.fixture
def counts():
    """Documents of one topic each: four topics with seven terms of their own, and noise."""
    rng = np.random.default_rng(0)
    topics = np.kron(np.eye(4), np.ones(7))
    return rng.poisson(0.05 + 0.4 * topics[rng.integers(4, size=240)])


def leading(components, n_terms):
    return [
        sorted(np.flatnonzero(row > 0), key=lambda column: (-row[column], column))[:n_terms]
        for row in components
    ]


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array, sparse.csc_matrix])
def test_score_is_the_coherence_of_the_leading_columns(counts, measure, container):
    model = NMF(5, init="nndsvda", max_iter=500).fit(counts[:200])
    score = coherence_scorer(measure, n_terms=4)(model, container(counts[200:]))
    topics = leading(model.components_, 4)
    assert isinstance(score, float)
    assert score == pytest.approx(topic_coherence(topics, counts[200:], measure=measure), rel=1e-12)


def test_only_weights_above_zero_lead():
    model = Topics(np.array([[0.0, 3, -5, 2, 2], [1, 0, 0, 9, 0]]))
    X = np.random.default_rng(0).integers(0, 2, (30, 5))
    expected = topic_coherence([[1, 3, 4], [3, 0]], X, measure="u_mass")
    assert coherence_scorer("u_mass")(model, X) == expected
    assert coherence_scorer("u_mass", n_terms=2)(model, X) == topic_coherence(
        [[1, 3], [3, 0]], X, measure="u_mass"
    )


@pytest.mark.parametrize(("measure", "least"), [("npmi", -1), ("c_v", 0), ("u_mass", -log(30))])
def test_an_empty_topic_takes_the_least_value(measure, least):
    X = np.random.default_rng(0).integers(0, 2, (30, 4))
    X[:, 0] = 1
    scorer = coherence_scorer(measure)
    for weights in ([0, 0, 0, 0], [0, 0, 7, 0]):
        assert scorer(Topics(np.array([weights])), X) == pytest.approx(least)
        both = scorer(Topics(np.array([weights, [3, 2, 1, 0]])), X)
        whole = scorer(Topics(np.array([[3, 2, 1, 0]])), X)
        assert both == pytest.approx((least + whole) / 2)


def test_a_pipeline_is_followed_to_its_end(counts):
    texts = [
        " ".join(f"word{column}" for column in np.repeat(np.arange(28), row)) for row in counts
    ]
    pipeline = make_pipeline(
        CountVectorizer(), make_pipeline(TfidfTransformer(), NMF(4, init="nndsvda", max_iter=900))
    ).fit(texts)
    X = pipeline[0].transform(texts)
    expected = topic_coherence(leading(pipeline[-1][-1].components_, 6), X, measure="c_v")
    scorer = coherence_scorer("c_v", n_terms=6)
    assert scorer(pipeline, texts) == pytest.approx(expected, rel=1e-12)
    alone = make_pipeline(pipeline[-1][-1])
    assert scorer(alone, X) == scorer(pipeline[-1][-1], X)


@pytest.mark.parametrize("measure", ["npmi", "c_v"])
def test_grid_search_finds_the_number_of_topics(counts, measure):
    model = make_pipeline(TfidfTransformer(), NMF(init="nndsvda", max_iter=900))
    grid = {"nmf__n_components": [3, 4, 5, 6]}
    scorer = coherence_scorer(measure, n_terms=7)
    search = GridSearchCV(model, grid, scoring=scorer, cv=4).fit(sparse.csr_array(counts))
    assert search.best_params_ == {"nmf__n_components": 4}


def test_rank_search_equals_grid_search(counts):
    cv = KFold(3, shuffle=True, random_state=0)
    scorer = coherence_scorer(n_terms=5)
    model = TruncatedSVDReducer(solver="exact")
    X = sparse.csr_array(counts.astype(float))
    grid = GridSearchCV(model, {"n_components": range(1, 7)}, scoring=scorer, cv=cv).fit(X)
    ranks = RankSearchCV(model, ranks=range(1, 7), scoring=scorer, cv=cv).fit(X)
    assert_allclose(
        ranks.cv_results_["mean_test_score"], grid.cv_results_["mean_test_score"], rtol=1e-9
    )
    assert ranks.best_rank_ == grid.best_params_["n_components"]


def test_scorer_is_a_value(counts):
    scorer = coherence_scorer("u_mass", n_terms=3)
    assert pickle.loads(pickle.dumps(scorer)) == scorer
    assert scorer != coherence_scorer("u_mass", n_terms=4)
    model = NMF(4, init="nndsvda", max_iter=500)
    scores = cross_val_score(model, counts, scoring=scorer, n_jobs=2, cv=3)
    assert_allclose(scores, cross_val_score(model, counts, scoring=scorer, cv=3))


def test_metrics_of_topics_are_no_metrics_of_rankings():
    for name in ("topic_coherence", "topic_diversity"):
        with pytest.raises(ValueError, match=f"'{name}' is not a metric of holdout_scorer"):
            holdout_scorer(name)
        with pytest.raises(ValueError, match=f"'{name}' is not a metric"):
            cross_val_score_entries(MaskedMF(), np.ones((4, 4)), scoring=name)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"measure": "perplexity"}, "'measure' parameter"), ({"n_terms": 1}, "'n_terms' parameter")],
)
def test_what_it_cannot_make_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        coherence_scorer(**options)


def test_estimators_without_topics_are_refused(counts):
    scorer = coherence_scorer()
    with pytest.raises(TypeError, match="StandardScaler has no components_"):
        scorer(StandardScaler().fit(counts), counts)
    model = NMF(2, init="nndsvda", max_iter=500).fit(counts)
    assert scorer(model, counts.tolist()) == scorer(model, counts)
    for X, shape in ((counts[:, 1:], "(240, 27)"), (["the cat", "the dog"], "(2,)")):
        message = rf"X has shape {re.escape(shape)}, but the components_ of NMF have 28 columns"
        with pytest.raises(ValueError, match=message):
            scorer(model, X)
    centered = make_pipeline(FunctionTransformer(lambda X: X - 0.1), model)
    with pytest.raises(ValueError, match="documents has negative entries"):
        scorer(centered, counts)
    with pytest.raises(ValueError, match="documents are all empty"):
        scorer(model, np.zeros((3, 28)))
