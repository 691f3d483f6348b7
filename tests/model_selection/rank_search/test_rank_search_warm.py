"""RankSearchCV of factor models: each rank starts from the one above."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.exceptions import FitFailedWarning
from sklearn.impute import SimpleImputer
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from lrfact import (
    BayesianMF,
    MaskedMF,
    RankSearchCV,
    SoftImpute,
    TruncatedSVDReducer,
    holdout_scorer,
)
from lrfact.model_selection.rank_search._rank_search_parameter import find_rank_parameter

RANKS = [1, 2, 3, 4, 5, 6, 8]


def synthetic(rank, seed=0, shape=(120, 30), noise=0.3):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(shape[0], rank)) @ rng.normal(size=(rank, shape[1]))
    X += rng.normal(size=shape[1]) + noise * rng.normal(size=shape)
    X[rng.random(shape) < 0.5] = np.nan
    return X


def as_sparse(X):
    rows, columns = np.nonzero(~np.isnan(X))
    return sparse.csr_array((X[rows, columns], (rows, columns)), shape=X.shape)


class Counting(MaskedMF):
    """Keeps rank, start and number of iterations of each fit, in a list shared by its clones."""

    log: list = []

    def fit(self, X, y=None, entry_weight=None):
        starts_from = getattr(self, "n_components_", None) if self.warm_start else None
        super().fit(X, y, entry_weight)
        self.log.append((self.n_components_, starts_from, self.n_iter_))
        return self


@pytest.fixture
def log():
    Counting.log.clear()
    return Counting.log


@pytest.mark.parametrize(
    ("estimator", "strategy"),
    [
        (MaskedMF(), "continued"),
        (Counting(), "continued"),
        (TruncatedSVDReducer(), "nested"),
        (GaussianMixture(), "one by one"),
        (make_pipeline(FunctionTransformer(), MaskedMF()), "one by one"),
    ],
    ids=str,
)
def test_who_is_continued(estimator, strategy):
    """A warm start of a mixture cannot change the number of components, so it does not count."""
    assert find_rank_parameter(estimator).strategy == strategy


def test_mixtures_are_searched_as_before():
    X = np.random.default_rng(0).normal(size=(60, 2))
    model = GaussianMixture(random_state=0)
    search = RankSearchCV(model, ranks=[1, 2, 3], cv=2).fit(X)
    grid = GridSearchCV(model, {"n_components": [1, 2, 3]}, cv=2).fit(X)
    assert_array_equal(search.cv_results_["mean_test_score"], grid.cv_results_["mean_test_score"])


@pytest.mark.parametrize("container", [np.asarray, as_sparse])
@pytest.mark.parametrize("rank", [2, 5])
def test_synthetic_rank_is_found(rank, container, global_random_seed):
    X = container(synthetic(rank, seed=global_random_seed))
    model = MaskedMF(reg=0.2, random_state=0)
    search = RankSearchCV(model, ranks=RANKS, cv=3).fit(X)
    grid = GridSearchCV(model, {"n_components": RANKS}, cv=3).fit(X)
    assert search.best_rank_ == grid.best_params_["n_components"] == rank


def test_results_have_the_form_of_a_grid_search():
    X = synthetic(3)
    model = MaskedMF(reg=0.2, tol=1e-7, max_iter=2000, random_state=0)
    options = {"cv": 3, "return_train_score": True}
    search = RankSearchCV(model, ranks=RANKS, **options).fit(X)
    grid = GridSearchCV(model, {"n_components": RANKS}, **options).fit(X)
    assert list(search.cv_results_) == list(grid.cv_results_)
    assert search.cv_results_["params"] == grid.cv_results_["params"]
    assert_array_equal(search.ranks_, RANKS)
    at = RANKS.index(3)
    for key in ("mean_test_score", "mean_train_score", "split0_test_score"):
        # Where the rank is that of the data there is one minimum, from wherever one starts.
        assert_allclose(search.cv_results_[key][at], grid.cv_results_[key][at], rtol=1e-3)
        # Elsewhere there may be more of them; none is much worse.
        assert_allclose(search.cv_results_[key], grid.cv_results_[key], rtol=0.05)
    assert np.all(search.cv_results_["mean_fit_time"] > 0)
    assert np.all(search.cv_results_["mean_score_time"] > 0)


def test_each_rank_starts_from_the_one_above(log):
    RankSearchCV(Counting(random_state=0), ranks=[4, 1, 2], cv=2).fit(synthetic(3))
    per_fold = [(4, None), (2, 4), (1, 2)]
    assert [(rank, start) for rank, start, _ in log[:6]] == per_fold * 2
    assert log[6][1] is None, "the refit starts afresh"


def test_it_takes_fewer_iterations(log):
    X = synthetic(3)
    model = Counting(reg=0.2, random_state=0)
    options = {"cv": 2, "refit": False}
    RankSearchCV(model, ranks=RANKS, **options).fit(X)
    ours = sum(n_iter for _, _, n_iter in log)
    log.clear()
    GridSearchCV(model, {"n_components": RANKS}, **options).fit(X)
    assert ours < 0.7 * sum(n_iter for _, _, n_iter in log)


@pytest.mark.parametrize("warm_start", [False, True])
def test_refit_is_a_plain_fit(warm_start):
    X = synthetic(2)
    model = MaskedMF(random_state=0, warm_start=warm_start)
    search = RankSearchCV(model, ranks=[1, 2, 3], cv=3).fit(X)
    plain = MaskedMF(search.best_rank_, random_state=0).fit(X)
    assert_array_equal(search.best_estimator_.components_, plain.components_)
    assert search.best_estimator_.warm_start is warm_start
    assert_array_equal(search.predict(X), plain.predict(X))


def test_jobs_do_not_change_the_result():
    X = synthetic(2)
    one, other = (
        RankSearchCV(MaskedMF(random_state=0), ranks=iter([1, 2, 3]), cv=3, n_jobs=n_jobs).fit(X)
        for n_jobs in (None, 2)
    )
    scores = [search.cv_results_["mean_test_score"] for search in (one, other)]
    assert_array_equal(*scores)


def test_scorings_and_frames():
    pandas = pytest.importorskip("pandas")
    X = pandas.DataFrame(synthetic(2)).rename(columns=str)
    scoring = {"held": holdout_scorer(), "own": lambda estimator, X: estimator.score(X)}
    search = RankSearchCV(
        MaskedMF(reg=0.2, random_state=0), ranks=[1, 2, 3], cv=3, scoring=scoring, refit="held"
    ).fit(X)
    held = search.cv_results_["mean_test_held"]
    assert search.best_rank_ == 1 + np.argmax(held)
    assert held[0] < held[1:].min()
    assert search.cv_results_["rank_test_own"][1] == 1
    assert_array_equal(search.feature_names_in_, X.columns)


def test_weights_are_split_with_the_rows():
    X = synthetic(2)
    weights = np.ones(X.shape)
    model = MaskedMF(random_state=0)
    weighted = RankSearchCV(model, ranks=[1, 2], cv=3).fit(X, entry_weight=weights)
    plain = RankSearchCV(model, ranks=[1, 2], cv=3).fit(X)
    assert_allclose(
        weighted.cv_results_["mean_test_score"], plain.cv_results_["mean_test_score"], rtol=1e-6
    )


def test_all_ranks_that_the_folds_allow():
    X = synthetic(2, shape=(9, 7), noise=1.0)
    search = RankSearchCV(MaskedMF(random_state=0), cv=KFold(3)).fit(X)
    assert_array_equal(search.ranks_, np.arange(1, 7))


def test_a_rank_too_many_fails_alone():
    X = synthetic(2, shape=(30, 5))
    search = RankSearchCV(MaskedMF(random_state=0), ranks=[1, 2, 6], cv=2)
    with pytest.warns((FitFailedWarning, UserWarning)) as warned:
        search.fit(X)
    assert any("n_components=6 must be between 1 and" in str(w.message) for w in warned)
    assert_array_equal(np.isnan(search.cv_results_["mean_test_score"]), [False, False, True])
    with pytest.raises(ValueError, match="n_components=6 must be between 1 and"):
        search.set_params(error_score="raise").fit(X)


def test_all_fits_fail():
    X = np.full((6, 4), np.inf)
    with pytest.raises(ValueError, match="All the 4 fits failed"):
        RankSearchCV(MaskedMF(), ranks=[1, 2], cv=2).fit(X)


@pytest.mark.parametrize("container", [sparse.dia_array, sparse.bsr_array])
def test_formats_that_store_what_nobody_observed(container):
    X = container(as_sparse(synthetic(2, shape=(30, 5))))
    for model in (MaskedMF(), BayesianMF(), make_pipeline(SoftImpute(), TruncatedSVDReducer())):
        with pytest.raises(TypeError, match=f"the format '{X.format}' stores zeros that nobody"):
            RankSearchCV(model, ranks=[1, 2], cv=2).fit(X)
    model = make_pipeline(SimpleImputer(), TruncatedSVDReducer())  # absent entries are zeros
    found = RankSearchCV(model, ranks=[1, 2], cv=2).fit(X).cv_results_["mean_test_score"]
    other = RankSearchCV(model, ranks=[1, 2], cv=2).fit(X.tocsr()).cv_results_["mean_test_score"]
    assert_array_equal(found, other)
