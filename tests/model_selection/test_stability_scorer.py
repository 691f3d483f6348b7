"""stability_scorer: components found again on the test rows."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse
from scipy.optimize import linear_sum_assignment
from sklearn.base import BaseEstimator
from sklearn.decomposition import NMF, PCA
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from lrfact import NMFTopics, RankSearchCV, stability_scorer


def documents(n_topics, seed, n_documents=300):
    """Counts in documents of one topic each; topics of twelve terms of their own, and noise."""
    rng = np.random.default_rng(seed)
    topics = np.kron(np.eye(n_topics), np.ones(12))
    return rng.poisson(0.02 + topics[rng.integers(n_topics, size=n_documents)])


def naive_agreement(one, other):
    """Mean cosine of pairs, by the formula."""
    cosines = np.zeros((len(one), len(other)))
    for i, a in enumerate(one):
        for j, b in enumerate(other):
            if a.any() and b.any():
                cosines[i, j] = a @ b / np.sqrt((a @ a) * (b @ b))
    return cosines[linear_sum_assignment(-cosines)].sum() / len(one)


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array, sparse.csc_matrix])
def test_score_is_the_agreement_with_a_fit_on_the_test_rows(container):
    X = documents(3, 0)
    model = NMFTopics(4, random_state=0).fit(X[:150])
    score = stability_scorer()(model, container(X[150:]))
    again = NMFTopics(4, random_state=0).fit(container(X[150:]))
    assert type(score) is float
    assert score == pytest.approx(naive_agreement(model.components_, again.components_), rel=1e-6)
    assert 0 < score < 1
    assert stability_scorer()(model, X[:150]) == pytest.approx(1)


def test_the_estimator_stays_as_it_is():
    X = documents(3, 0)
    model = NMFTopics(3, random_state=0).fit(X[:150])
    before = pickle.dumps(model)
    stability_scorer()(model, X[150:])
    assert pickle.dumps(model) == before


@pytest.mark.parametrize("n_topics", [3, 5])
def test_scores_fall_behind_the_synthetic_number(n_topics, global_random_seed):
    X = documents(n_topics, global_random_seed)
    search = GridSearchCV(
        NMFTopics(random_state=0),
        {"n_components": range(2, 9)},
        scoring=stability_scorer(),
        cv=KFold(2, shuffle=True, random_state=0),
    ).fit(X)
    scores = dict(zip(range(2, 9), search.cv_results_["mean_test_score"], strict=True))
    assert scores[n_topics] > 0.9
    # More are never split alike; fewer may be merged alike, by chance.
    assert max(scores[k] for k in range(n_topics + 1, 9)) < scores[n_topics] - 0.02
    assert search.best_params_["n_components"] <= n_topics


def test_the_best_score_is_mostly_that_of_the_synthetic_number():
    found = []
    for seed in range(5):
        search = GridSearchCV(
            NMFTopics(random_state=0),
            {"n_components": range(2, 7)},
            scoring=stability_scorer(),
            cv=2,
        )
        found.append(search.fit(documents(4, seed)).best_params_["n_components"])
    assert found.count(4) >= 4


def test_rank_search_equals_grid_search():
    X = sparse.csr_array(documents(3, 0))
    cv = KFold(2, shuffle=True, random_state=0)
    model, scorer = NMFTopics(random_state=0), stability_scorer()
    grid = GridSearchCV(model, {"n_components": range(2, 6)}, scoring=scorer, cv=cv).fit(X)
    ranks = RankSearchCV(model, ranks=range(2, 6), scoring=scorer, cv=cv).fit(X)
    assert_allclose(ranks.cv_results_["mean_test_score"], grid.cv_results_["mean_test_score"])
    assert ranks.best_rank_ == grid.best_params_["n_components"] == 3


def test_a_pipeline_is_followed_to_its_end():
    counts = documents(3, 0)
    texts = [" ".join(f"word{c}" for c in np.repeat(np.arange(36), row)) for row in counts]
    pipeline = make_pipeline(
        CountVectorizer(), make_pipeline(TfidfTransformer(), NMFTopics(3, random_state=0))
    ).fit(texts[:150])
    X = pipeline[-1][0].transform(pipeline[0].transform(texts[150:]))
    again = NMFTopics(3, random_state=0).fit(X)
    expected = naive_agreement(pipeline[-1][-1].components_, again.components_)
    scorer = stability_scorer()
    assert scorer(pipeline, texts[150:]) == pytest.approx(expected, rel=1e-6)
    assert scorer(make_pipeline(pipeline[-1][-1]), X) == scorer(pipeline[-1][-1], X)


def test_a_component_of_zeros_agrees_with_nothing():
    X = np.zeros((20, 6))
    model = NMFTopics(2, init="random", random_state=0).fit(X)
    assert stability_scorer()(model, X) == 0


def test_scorer_is_a_value():
    scorer = stability_scorer()
    assert pickle.loads(pickle.dumps(scorer)) == scorer
    X = documents(3, 0)
    model = NMF(3, init="nndsvda", max_iter=500)
    scores = cross_val_score(model, X, scoring=scorer, cv=3)
    assert ((scores > 0.8) & (scores <= 1)).all()


class FittedElsewhere(BaseEstimator):
    """Has as many components as columns, whatever was fitted before."""

    def fit(self, X, y=None):
        self.components_ = np.eye(X.shape[1])
        return self


def test_what_cannot_be_compared_is_refused():
    X = documents(3, 0)
    scorer = stability_scorer()
    with pytest.raises(TypeError, match="StandardScaler has no components_"):
        scorer(StandardScaler().fit(X), X)
    with pytest.raises(ValueError, match="PCA has components with negative entries"):
        scorer(PCA(2).fit(X), X)
    with pytest.raises(ValueError, match=r"X has 35 columns, but the components_ .* have 36"):
        scorer(FittedElsewhere().fit(X), X[:, 1:])
