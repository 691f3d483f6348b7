"""The score of NMFTopics, several starts, and searches for the number of components."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.optimize import linear_sum_assignment
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline

from lrfact import NMFTopics, RankSearchCV, coherence_scorer

LOSSES = ["frobenius", "kullback-leibler", "itakura-saito", 1.5]
BETAS = [2, 1, 0, 1.5]


def synthetic(seed=0, n_components=3, shape=(60, 25), noise=0.1):
    rng = np.random.default_rng(seed)
    W = rng.gamma(1.0, size=(shape[0], n_components))
    H = rng.gamma(1.0, size=(n_components, shape[1]))
    return W @ H * np.exp(noise * rng.standard_normal(shape))


def counts_of(seed=0, n_components=3, shape=(60, 25)):
    truth = synthetic(seed, n_components, shape, noise=0)
    return np.random.default_rng(seed).poisson(5 * truth).astype(float)


def separate_documents(n_topics=4, n_documents=120, seed=0):
    """Counts of documents of one topic each; topics of six terms of their own."""
    rng = np.random.default_rng(seed)
    topics = np.kron(np.eye(n_topics), np.ones(6))
    return rng.poisson(2 * topics[rng.integers(n_topics, size=n_documents)]).astype(float)


def divergence(x, s, beta):
    if beta == 1:
        return np.where(x > 0, x * np.log(np.where(x > 0, x, 1) / s), 0) - x + s
    if beta == 0:
        return x / s - np.log(x / s) - 1
    return (x**beta + (beta - 1) * s**beta - beta * x * s ** (beta - 1)) / beta / (beta - 1)


class TestScore:
    @pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
    @pytest.mark.parametrize("with_missing", [False, True])
    @pytest.mark.parametrize(("loss", "beta"), list(zip(LOSSES, BETAS, strict=True)), ids=str)
    def test_is_the_loss_of_columns_held_out(self, loss, beta, with_missing, container):
        """Fold rows in with every fifth column missing, through the public methods."""
        X, new = synthetic(), synthetic(1)[:20]
        model = NMFTopics(3, beta_loss=loss, random_state=0, tol=0, max_iter=20).fit(X)
        lost = np.random.default_rng(0).random(new.shape) < (0.2 if with_missing else 0)
        smoothing = {2: 0.0, 0: X.min() / 128}.get(beta, X.mean() / 128)
        total = 0.0
        for group in range(5):
            shown = np.where(lost, np.nan, new)
            shown[:, group::5] = np.nan
            predicted = model.inverse_transform(model.transform(shown)) + smoothing
            asked = ~lost[:, group::5]
            total += divergence(new[:, group::5][asked], predicted[:, group::5][asked], beta).sum()
        score = model.score(container(new), mask=lost if with_missing else None)
        assert type(score) is float
        assert score == pytest.approx(-total / len(new), rel=1e-4)

    def test_float32(self):
        X = synthetic()
        score = NMFTopics(3, random_state=0).fit(X.astype(np.float32)).score(X.astype(np.float32))
        assert score == pytest.approx(NMFTopics(3, random_state=0).fit(X).score(X), rel=1e-2)

    @pytest.mark.parametrize("loss", ["frobenius", "kullback-leibler", 0.5])
    @pytest.mark.parametrize("shape", [(1, 8), (8, 1), (1, 1), (3, 2)])
    def test_small_shapes(self, shape, loss):
        X = synthetic()[: shape[0], : shape[1]]
        assert np.isfinite(NMFTopics(1, beta_loss=loss, random_state=0).fit(X).score(X))

    def test_zeros_and_counts_that_were_thought_impossible(self):
        X = separate_documents()
        model = NMFTopics(4, beta_loss="kullback-leibler", random_state=0).fit(X)
        assert model.score(np.zeros((3, 24))) == pytest.approx(-24 * X.mean() / 128, rel=1e-6)
        strange = np.eye(4, 24)
        assert -50 < model.score(strange) < model.score(X[:4] > 0)


class TestSearches:
    """More components than there are predict worse."""

    @pytest.mark.parametrize(
        ("loss", "make"),
        [("frobenius", synthetic), ("kullback-leibler", counts_of), ("frobenius", counts_of)],
    )
    @pytest.mark.parametrize("n_components", [2, 4])
    def test_find_the_synthetic_number(self, loss, make, n_components, global_random_seed):
        # In counts, that are noisier, one seed of ten leads to one component more.
        seed = global_random_seed if make is synthetic else 0
        X = make(seed, n_components, (80, 40))
        model = NMFTopics(beta_loss=loss, random_state=0, max_iter=1000)
        grid = {"n_components": [1, 2, 3, 4, 5]}
        search = GridSearchCV(model, grid, cv=3).fit(X)
        assert search.best_params_ == {"n_components": n_components}

    def test_rank_search_equals_grid_search(self):
        X = sparse.csr_array(counts_of())
        model, ranks = NMFTopics(random_state=0), range(1, 6)
        grid = GridSearchCV(model, {"n_components": ranks}, cv=KFold(3)).fit(X)
        found = RankSearchCV(model, ranks=ranks, cv=KFold(3)).fit(X)
        assert found.best_rank_ == grid.best_params_["n_components"] == 3
        assert_allclose(
            found.cv_results_["mean_test_score"], grid.cv_results_["mean_test_score"], rtol=1e-9
        )
        assert_allclose(found.best_estimator_.components_, grid.best_estimator_.components_)

    def test_missing_entries_do_not_hinder(self):
        X = synthetic(shape=(80, 40))
        X[np.random.default_rng(0).random(X.shape) < 0.3] = np.nan
        model = NMFTopics(random_state=0, max_iter=1000)
        search = GridSearchCV(model, {"n_components": range(1, 6)}, cv=3)
        assert search.fit(X).best_params_ == {"n_components": 3}

    def test_pipeline_over_texts(self):
        counts = separate_documents(3)
        words = [f"{'abc'[j // 6]}{j % 6}word" for j in range(18)]
        texts = [" ".join(np.repeat(words, row.astype(int))) + " filler" for row in counts]
        pipeline = make_pipeline(TfidfVectorizer(), NMFTopics(random_state=0))
        grid = {"nmftopics__n_components": [2, 3, 4, 5]}
        search = GridSearchCV(pipeline, grid, cv=3).fit(texts)
        assert search.best_params_ == {"nmftopics__n_components": 3}
        best = search.best_estimator_
        terms = best[-1].top_terms(best[0].get_feature_names_out(), n_terms=6)
        assert sorted("".join(sorted({term[0] for term in topic})) for topic in terms) == [
            "a",
            "b",
            "c",
        ]
        assert best.transform(texts).shape == (len(texts), 3)
        scorer = coherence_scorer(n_terms=6)
        shuffled = [" ".join(np.random.default_rng(i).choice(words, 6)) for i in range(90)]
        assert scorer(best, texts) > scorer(best, shuffled) + 0.2


class TestSeveralStarts:
    def test_the_best_end_is_kept(self):
        X = synthetic(n_components=5)
        model = NMFTopics(5, init="random", n_init=6, random_state=0).fit(X)
        ends = model.start_objectives_
        assert ends.shape == (6,)
        assert len(set(ends)) == 6
        assert model.objective_[-1] == ends.min()
        assert model.reconstruction_err_**2 / 2 <= ends.min() * (1 + 1e-9)

    def test_stability_is_the_mean_cosine_with_partners(self):
        X = synthetic(n_components=5, noise=1.0)
        model = NMFTopics(5, init="random", n_init=2, random_state=0).fit(X)
        seeds = np.random.RandomState(0).randint(np.iinfo(np.int32).max, size=2)
        ends = [NMFTopics(5, init="random", random_state=int(s)).fit(X).components_ for s in seeds]
        # Which start is which: the stored components are those of one of them.
        chosen = int(np.argmin([abs(e - model.components_).max() for e in ends]))
        assert_allclose(ends[chosen], model.components_, rtol=1e-10)
        one, other = (
            e / np.linalg.norm(e, axis=1, keepdims=True) for e in (ends[chosen], ends[1 - chosen])
        )
        cosines = one @ other.T
        own, partner = linear_sum_assignment(-cosines)
        assert_array_equal(own, range(5))
        assert_allclose(model.topic_stability_, cosines[own, partner], rtol=1e-9)
        assert model.stability_ == pytest.approx(cosines[own, partner].mean())
        assert 0 < model.stability_ < 1

    def test_stability_of_separate_topics_is_one(self):
        """Where no start ends in another local minimum, as some do with other seeds."""
        X = separate_documents()
        right = NMFTopics(4, n_init=4, random_state=2).fit(X)
        assert right.stability_ == pytest.approx(1, abs=1e-3)
        assert (right.topic_stability_ <= 1).all()
        many = NMFTopics(9, n_init=4, random_state=2, max_iter=1000).fit(X)
        assert many.stability_ < right.stability_ - 0.02

    @pytest.mark.parametrize("loss", ["frobenius", "kullback-leibler"])
    def test_bits_do_not_depend_on_threads(self, loss):
        X = sparse.csr_array(separate_documents())
        one, two, all_ = (
            NMFTopics(4, beta_loss=loss, n_init=3, random_state=0, n_jobs=n_jobs).fit(X)
            for n_jobs in (1, 2, None)
        )
        for other in (two, all_):
            assert_array_equal(one.components_, other.components_)
            assert_array_equal(one.start_objectives_, other.start_objectives_)
            assert one.stability_ == other.stability_

    def test_one_start_has_no_stability(self):
        model = NMFTopics(3, n_init=2, random_state=0).fit(synthetic())
        model.set_params(n_init=1).fit(synthetic())
        for name in ("stability_", "topic_stability_", "start_objectives_"):
            assert not hasattr(model, name)

    def test_one_warning_of_all(self):
        with pytest.warns(ConvergenceWarning, match="max_iter=3") as record:
            NMFTopics(3, n_init=3, max_iter=3, tol=1e-9, random_state=0).fit(synthetic())
        assert len(record) == 1

    def test_more_components_than_singular_vectors(self):
        X = synthetic()[:, :4]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model = NMFTopics(7, n_init=2, random_state=0, max_iter=20).fit(X)
        assert model.components_.shape == (7, 4)

    @pytest.mark.parametrize("init", ["nndsvd", "nndsvda"])
    def test_equal_starts_are_refused(self, init):
        with pytest.raises(ValueError, match=f"n_init=2 starts by init='{init}' would end alike"):
            NMFTopics(2, init=init, n_init=2).fit(synthetic())
        W, H = np.ones((60, 2)), np.ones((2, 25))
        with pytest.raises(ValueError, match="n_init=2 starts from the same W and H"):
            NMFTopics(2, init="custom", n_init=2).fit(synthetic(), W=W, H=H)
