"""RankSearchCV finds what GridSearchCV over n_components finds."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin, clone
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits, load_wine
from sklearn.decomposition import NMF, PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.exceptions import FitFailedWarning, NotFittedError
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.feature_selection import VarianceThreshold
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    LeaveOneOut,
    ShuffleSplit,
    cross_val_score,
)
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from lrfact import PCAFromSVD, RankSearchCV, TruncatedSVDReducer
from lrfact.estimators import _svd_transformer
from reference.synthetic import synthetic_low_rank

RANKS = [1, 2, 3, 5, 8, 12]
EXACT = PCAFromSVD(solver="exact")


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X[:240] / 16, y[:240]


@pytest.fixture(scope="module")
def synthetic():
    return synthetic_low_rank(80, 20, 4, seed=0)


def grid_search(estimator, ranks=RANKS, name="n_components", fit_params=None, **options):
    data = options.pop("data")
    grid = GridSearchCV(estimator, {name: list(ranks)}, **options)
    return grid.fit(*data, **(fit_params or {}))


def assert_equal_searches(search, grid, rtol=1e-9):
    found, expected = search.cv_results_, grid.cv_results_
    assert list(found) == list(expected)
    for key, column in expected.items():
        if "time" in key:
            assert np.all(found[key] >= 0)
        elif key == "params":
            assert found[key] == column
        elif key.startswith("param_"):
            assert isinstance(found[key], np.ma.MaskedArray)
            assert found[key].dtype == column.dtype
            assert_array_equal(found[key], column)
            assert_array_equal(np.ma.getmaskarray(found[key]), np.ma.getmaskarray(column))
        elif key.startswith("rank_"):
            assert found[key].dtype == column.dtype
            assert_array_equal(found[key], column, err_msg=key)
        else:
            atol = 1e-9 if key.startswith("std_") else 0
            assert_allclose(found[key], column, rtol=rtol, atol=atol, err_msg=key)
    names = ["best_index_", "best_params_", "n_splits_", "multimetric_", "feature_names_in_"]
    for name in names:
        assert hasattr(search, name) == hasattr(grid, name), name
        if hasattr(grid, name):
            assert_array_equal(getattr(search, name), getattr(grid, name), err_msg=name)
    assert hasattr(search, "best_score_") == hasattr(grid, "best_score_")
    if hasattr(grid, "best_score_"):
        assert_allclose(search.best_score_, grid.best_score_, rtol=rtol)
    if hasattr(grid, "best_index_"):
        assert search.best_rank_ == search.ranks_[search.best_index_]
        assert list(search.best_params_.values()) == [search.best_rank_]


class Recorder(TransformerMixin, BaseEstimator):
    """Passes rows on, and counts in a list shared by its clones."""

    log: list = []

    def fit(self, X, y=None):
        self.log.append(("fit", len(X)))
        self.fitted_ = True
        return self

    def transform(self, X):
        self.log.append(("transform", len(X)))
        return X


@pytest.fixture
def log():
    Recorder.log.clear()
    return Recorder.log


# One factorization serves all ranks, and the results are those of GridSearchCV


@pytest.mark.parametrize("whiten", [False, True])
@pytest.mark.parametrize("solver", ["exact", "gram", "auto"])
def test_pca_alone(synthetic, solver, whiten):
    reducer = PCAFromSVD(solver=solver, whiten=whiten, random_state=0)
    search = RankSearchCV(reducer, ranks=RANKS, return_train_score=True).fit(synthetic)
    assert_equal_searches(search, grid_search(reducer, data=[synthetic], return_train_score=True))
    theirs = grid_search(PCA(), data=[synthetic], return_train_score=True)
    assert_equal_searches(search, theirs, rtol=1e-6)


@pytest.mark.parametrize("solver", ["randomized", "lanczos"])
def test_iterative_solvers(synthetic, solver):
    reducer = PCAFromSVD(solver=solver, tol=1e-8, random_state=0)
    search = RankSearchCV(reducer, ranks=RANKS).fit(synthetic)
    assert_equal_searches(search, grid_search(reducer, data=[synthetic]), rtol=1e-6)


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array, sparse.csc_matrix])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_truncated_svd_alone(synthetic, container, dtype):
    X = container(synthetic.astype(dtype))
    reducer = TruncatedSVDReducer(solver="exact")
    search = RankSearchCV(reducer, ranks=RANKS).fit(X)
    rtol = 1e-9 if dtype == np.float64 else 1e-4
    assert_equal_searches(search, grid_search(reducer, data=[X]), rtol=rtol)
    assert search.transform(X).dtype == dtype


@pytest.mark.parametrize("reducer", [PCAFromSVD(), TruncatedSVDReducer()])
@pytest.mark.parametrize("rank", [3, 7])
def test_synthetic_rank_is_found(reducer, rank, global_random_seed):
    X = synthetic_low_rank(150, 40, rank, seed=global_random_seed)
    for model in (reducer, make_pipeline(FunctionTransformer(), reducer)):
        assert RankSearchCV(model, ranks=range(1, 13)).fit(X).best_rank_ == rank


@pytest.mark.parametrize("reducer", [PCAFromSVD(solver="exact"), TruncatedSVDReducer()])
def test_scores_by_rank_are_those_of_shorter_fits(synthetic, reducer):
    fitted = clone(reducer).set_params(n_components=20).fit(synthetic[:50])
    ranks = np.arange(1, 21)
    expected = [
        clone(reducer).set_params(n_components=k).fit(synthetic[:50]).score(synthetic[50:])
        for k in ranks
    ]
    assert_allclose(fitted._scores_by_rank(synthetic[50:], ranks), expected, rtol=1e-9)
    assert_allclose([fitted.truncate(k).score(synthetic[50:]) for k in ranks], expected, rtol=1e-9)
    # A reducer may know more directions than it shows.
    batches = clone(reducer).set_params(n_components=4).partial_fit(synthetic[:50])
    assert_allclose(batches._scores_by_rank(synthetic[50:], [2, 4]), np.take(expected, [1, 3]))


PIPELINES = {
    "classifier": make_pipeline(StandardScaler(), EXACT, LogisticRegression(max_iter=500)),
    "neighbors": make_pipeline(PCAFromSVD(solver="exact", whiten=True), KNeighborsClassifier()),
    "transformer between": make_pipeline(EXACT, StandardScaler(), KNeighborsClassifier()),
    "discriminants": make_pipeline(EXACT, LinearDiscriminantAnalysis()),
    "clusters": make_pipeline(EXACT, KMeans(3, n_init=1, random_state=0)),
    "in-place steps": make_pipeline(
        StandardScaler(copy=False), EXACT, StandardScaler(copy=False), Ridge()
    ),
    "reducer last": make_pipeline(StandardScaler(), EXACT),
    "reducer only": Pipeline([("svd", TruncatedSVDReducer(solver="exact"))]),
    "passed through": Pipeline(
        [
            ("nothing", "passthrough"),
            ("svd", TruncatedSVDReducer(solver="exact")),
            ("still nothing", None),
            ("classifier", KNeighborsClassifier()),
        ]
    ),
    "random state": make_pipeline(
        EXACT, KMeans(4, n_init=1, random_state=np.random.RandomState(3))
    ),
}


@pytest.mark.parametrize("name", PIPELINES)
def test_pipeline(digits, name):
    pipeline = PIPELINES[name]
    step = next(s for s, e in pipeline.steps if isinstance(e, PCAFromSVD | TruncatedSVDReducer))
    # GridSearchCV scores training rows that such steps have overwritten.
    options = {"cv": 3, "return_train_score": name != "in-place steps"}
    search = RankSearchCV(pipeline, ranks=RANKS, **options).fit(*digits)
    grid = grid_search(pipeline, name=f"{step}__n_components", data=digits, **options)
    assert_equal_searches(search, grid)
    assert_allclose(search.score(*digits), grid.score(*digits))


def reconstruction(estimator, X, y=None):
    """A score that compares raw rows with what comes back from them."""
    return -np.linalg.norm(X - estimator.inverse_transform(estimator.transform(X)))


def of_the_reducer(estimator, X, y):
    """A score that looks into the steps."""
    return float(estimator.named_steps["pcafromsvd"].explained_variance_ratio_.sum())


def accuracy_and_size(estimator, X, y):
    return {"accuracy": estimator.score(X, y), "size": float(X.shape[1])}


@pytest.mark.parametrize("before", [False, True])
def test_callable_scoring_sees_raw_rows(synthetic, before):
    model = make_pipeline(StandardScaler(), EXACT) if before else EXACT
    name = "pcafromsvd__n_components" if before else "n_components"
    options = {"scoring": reconstruction, "return_train_score": True}
    search = RankSearchCV(model, ranks=RANKS, **options).fit(synthetic)
    assert_equal_searches(search, grid_search(model, name=name, data=[synthetic], **options))


SCORINGS = {
    "name": "balanced_accuracy",
    "probabilities": "neg_log_loss",
    "made": make_scorer(accuracy_score, normalize=False),
    "function": of_the_reducer,
    "several names": ["accuracy", "neg_log_loss"],
    "dict": {"a": "accuracy", "b": make_scorer(accuracy_score)},
    "dict with a function": {"a": "accuracy", "b": of_the_reducer},
    "function of several": accuracy_and_size,
}


@pytest.mark.parametrize("kind", SCORINGS)
def test_scoring(digits, kind):
    scoring = SCORINGS[kind]
    refit = {"several names": "neg_log_loss", "function of several": "accuracy"}.get(
        kind, "a" if isinstance(scoring, dict) else True
    )
    options = {"scoring": scoring, "refit": refit, "cv": 3, "return_train_score": True}
    pipeline = PIPELINES["classifier"]
    search = RankSearchCV(pipeline, ranks=[2, 6, 10], **options).fit(*digits)
    grid = grid_search(pipeline, [2, 6, 10], "pcafromsvd__n_components", data=digits, **options)
    # Probabilities amplify the rounding in the solver of the classifier.
    assert_equal_searches(search, grid, rtol=1e-4 if "log_loss" in str(scoring) else 1e-9)
    assert_allclose(search.score(*digits), grid.score(*digits), rtol=1e-4)
    if isinstance(grid.scorer_, dict):
        assert list(search.scorer_) == list(grid.scorer_)


@pytest.mark.parametrize(
    "cv",
    [
        2,
        KFold(4, shuffle=True, random_state=0),
        ShuffleSplit(2, random_state=1),
        GroupKFold(3),
        [(np.arange(40), np.arange(40, 80)), (np.arange(30, 80), np.arange(20))],
        [(np.arange(80) < 50, np.arange(80) >= 50)],
    ],
    ids=["int", "KFold", "ShuffleSplit", "GroupKFold", "indices", "masks"],
)
@pytest.mark.parametrize("ranks", [RANKS, None])
def test_folds(synthetic, cv, ranks):
    groups = np.repeat(np.arange(8), 10)
    params = {"groups": groups} if isinstance(cv, GroupKFold) else {}
    search = RankSearchCV(EXACT, ranks=ranks, cv=cv).fit(synthetic, **params)
    grid = grid_search(EXACT, search.ranks_, data=[synthetic], cv=cv, fit_params=params)
    assert_equal_searches(search, grid)


def test_an_iterator_of_folds(synthetic):
    folds = list(KFold(3).split(synthetic))
    for ranks in (RANKS, None):
        for model in (EXACT, PCA()):
            search = RankSearchCV(model, ranks=ranks, cv=iter(folds)).fit(synthetic)
            assert search.n_splits_ == 3


def test_test_folds_of_one_row():
    X = synthetic_low_rank(16, 6, 2, seed=0)
    options = {"cv": LeaveOneOut()}
    search = RankSearchCV(EXACT, ranks=[1, 2, 3], **options).fit(X)
    assert_equal_searches(search, grid_search(EXACT, [1, 2, 3], data=[X], **options))


def test_more_columns_than_rows():
    X = synthetic_low_rank(30, 90, 3, seed=0)
    search = RankSearchCV(EXACT).fit(X)
    # 24 rows in a fold span 23 directions: nothing is left for noise then.
    assert_array_equal(search.ranks_, np.arange(1, 25))
    assert_equal_searches(search, grid_search(EXACT, range(1, 25), data=[X]), rtol=1e-6)
    assert RankSearchCV(TruncatedSVDReducer()).fit(X).ranks_[-1] == 24


def test_n_jobs_changes_nothing(digits):
    pipeline = PIPELINES["classifier"]
    one = RankSearchCV(pipeline, ranks=[2, 6], cv=3).fit(*digits)
    two = RankSearchCV(pipeline, ranks=[2, 6], cv=3, n_jobs=2, pre_dispatch=2).fit(*digits)
    assert_equal_searches(two, one, rtol=1e-12)


# How often anything is done


def test_steps_before_are_fitted_once_per_fold(digits, log):
    X, y = digits
    model = make_pipeline(Recorder(), EXACT, KNeighborsClassifier())
    RankSearchCV(model, ranks=RANKS, cv=3, refit=False).fit(X, y)
    assert log == 3 * [("fit", 160), ("transform", 160), ("transform", 80)]


def test_factorized_once_per_fold(synthetic, monkeypatch):
    fitted = []
    original = PCAFromSVD.fit

    def fit(self, X, y=None):
        fitted.append(self.n_components)
        return original(self, X, y)

    monkeypatch.setattr(PCAFromSVD, "fit", fit)
    RankSearchCV(PCAFromSVD(), ranks=RANKS).fit(synthetic)
    assert fitted[:-1] == 5 * [12]


@pytest.mark.parametrize("ranks", [RANKS, None])
def test_given_data_are_left_alone(digits, ranks):
    X, y = digits
    given = X.copy()
    model = PIPELINES["in-place steps"]
    RankSearchCV(model, ranks=ranks, cv=2, refit=False, scoring=reads_all).fit(given, y)
    assert_array_equal(given, X)


def reads_all(estimator, X, y):
    return float(estimator.predict(X).mean())


def test_given_estimator_is_left_alone(digits):
    model = make_pipeline(StandardScaler(), PCAFromSVD(n_components="mle"), KNeighborsClassifier())
    before = pickle.dumps(model)
    RankSearchCV(model, ranks=[3]).fit(*digits)
    assert pickle.dumps(model) == before


# Fitted one by one


@pytest.mark.parametrize("ranks", [[1, 2, 3], None])
@pytest.mark.parametrize(
    ("estimator", "name"),
    [
        (PCA(random_state=0), "n_components"),
        (make_pipeline(StandardScaler(), PCA()), "pca__n_components"),
        (
            FeatureUnion([("pca", PCA()), ("same", "passthrough")]),
            "pca__n_components",
        ),
    ],
    ids=["PCA", "Pipeline", "FeatureUnion"],
)
def test_other_estimators(synthetic, estimator, name, ranks):
    X = synthetic[:, :8]
    scoring = reconstruction if hasattr(estimator, "inverse_transform") else first_column
    search = RankSearchCV(estimator, ranks=ranks, scoring=scoring, return_train_score=True).fit(X)
    assert_array_equal(search.ranks_, [1, 2, 3] if ranks else np.arange(1, 9))
    grid = grid_search(
        estimator, search.ranks_, name, data=[X], scoring=scoring, return_train_score=True
    )
    assert_equal_searches(search, grid)
    assert_allclose(search.transform(X), grid.transform(X))


def first_column(estimator, X, y=None):
    return float(estimator.transform(X)[:, 0].mean())


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_nmf():
    X = np.abs(synthetic_low_rank(40, 6, 2, seed=0))
    model = NMF(tol=0.01, max_iter=1000, random_state=0)
    search = RankSearchCV(model, ranks=[2, 1], scoring=reconstruction).fit(X)
    assert_equal_searches(search, grid_search(model, [1, 2], data=[X], scoring=reconstruction))


class TwiceThePCA(PCAFromSVD):
    """A subclass whose score is not that of the reducer."""

    def score(self, X, y=None):
        return 2 * super().score(X)


class SteppedPipeline(Pipeline):
    """A subclass that fits in its own way."""

    def fit(self, X, y=None, **params):
        return super().fit(np.sign(X), y, **params)


def test_subclasses_are_fitted_one_by_one(synthetic):
    search = RankSearchCV(TwiceThePCA(), ranks=[1, 2]).fit(synthetic)
    assert_equal_searches(search, grid_search(TwiceThePCA(), [1, 2], data=[synthetic]))
    stepped = SteppedPipeline([("scale", StandardScaler()), ("pca", EXACT)])
    search = RankSearchCV(stepped, ranks=[1, 2]).fit(synthetic)
    assert_equal_searches(
        search, grid_search(stepped, [1, 2], "pca__n_components", data=[synthetic])
    )


def test_search_in_a_search(digits):
    inner = GridSearchCV(PIPELINES["neighbors"], {"kneighborsclassifier__n_neighbors": [1, 3]})
    search = RankSearchCV(inner, ranks=[2, 5], cv=2).fit(*digits)
    assert list(search.best_params_) == ["estimator__pcafromsvd__n_components"]


# Ranks


@pytest.mark.parametrize(
    "ranks",
    [
        range(1, 5),
        [4, 2, 3, 1, 2],
        {1, 2, 3, 4},
        np.array([1, 2, 3, 4], np.int8),
        iter([1, 2, 3, 4]),
    ],
    ids=["range", "unsorted", "set", "array", "iterator"],
)
def test_kinds_of_ranks(synthetic, ranks):
    search = RankSearchCV(PCAFromSVD(), ranks=ranks).fit(synthetic)
    assert_array_equal(search.ranks_, [1, 2, 3, 4])
    assert search.cv_results_["params"] == [{"n_components": k} for k in (1, 2, 3, 4)]
    assert all(type(params["n_components"]) is int for params in search.cv_results_["params"])
    assert type(search.best_rank_) is int


def test_a_generator_of_ranks_in_several_processes(synthetic):
    ranks = (k for k in (2, 4))
    search = RankSearchCV(PCAFromSVD(), ranks=ranks, cv=2, n_jobs=2).fit(synthetic)
    assert_array_equal(search.ranks_, [2, 4])
    with pytest.raises(ValueError, match=r"has no element.*pass a list"):
        search.fit(synthetic)


@pytest.mark.parametrize(
    ("ranks", "message"),
    [
        ([], "ranks=.* has no element; pass at least one"),
        ([0, 1], "must be integers of at least 1, got 0"),
        ([1, 2.0], "must be integers of at least 1, got 2.0"),
        ([True], "got True"),
        (["2"], "got '2'"),
        ("mle", "ranks='mle'"),
        ([1, 21], "go up to 21, but .*n_samples=64 and n_features=20 allows 20 at most; lower"),
        (5, "'ranks' parameter of RankSearchCV must be"),
    ],
)
@pytest.mark.parametrize("error_score", [np.nan, "raise"])
def test_invalid_ranks(synthetic, ranks, message, error_score):
    search = RankSearchCV(PCAFromSVD(), ranks=ranks, error_score=error_score)
    with pytest.raises(ValueError, match=message):
        search.fit(synthetic)
    with pytest.raises(NotFittedError):
        search.transform(synthetic)


def test_ranks_of_one_fold_are_too_high(synthetic):
    folds = [(np.arange(60), np.arange(60, 80)), (np.arange(10), np.arange(10, 80))]
    with pytest.raises(ValueError, match="n_samples=10 and n_features=20 allows 10 at most"):
        RankSearchCV(PCAFromSVD(), ranks=[3, 12], cv=folds).fit(synthetic)
    search = RankSearchCV(TruncatedSVDReducer(), cv=folds).fit(synthetic)
    assert_array_equal(search.ranks_, np.arange(1, 11))


def test_all_ranks_are_thinned_where_they_are_many():
    X = synthetic_low_rank(150, 100, 3, seed=0)
    ranks = RankSearchCV(TruncatedSVDReducer()).fit(X).ranks_
    assert len(ranks) <= 50
    assert_array_equal(ranks[:10], np.arange(1, 11))
    assert ranks[-1] == 100
    assert np.all(np.diff(ranks) > 0)
    growth = ranks[-10:] / ranks[-11:-1]
    assert_allclose(growth, growth.mean(), rtol=0.02)


def test_all_ranks_of_lanczos_stop_before_the_last(synthetic):
    X = synthetic[:, :6]
    reducer = TruncatedSVDReducer(solver="lanczos", random_state=0)
    assert_array_equal(RankSearchCV(reducer).fit(X).ranks_, np.arange(1, 6))
    with pytest.raises(ValueError, match=r"go up to 6, but .* allows 5 at most"):
        RankSearchCV(reducer, ranks=[6]).fit(X)


def test_all_ranks_follow_the_columns_that_reach_the_reducer(synthetic):
    X = synthetic.copy()
    X[:, 5:] = 1  # constant
    model = make_pipeline(VarianceThreshold(), TruncatedSVDReducer())
    assert_array_equal(RankSearchCV(model).fit(X).ranks_, np.arange(1, 6))
    with pytest.raises(ValueError, match="n_features=5 allows 5 at most"):
        RankSearchCV(model, ranks=[6]).fit(X)
    model = make_pipeline(VarianceThreshold(), PCA())
    assert_array_equal(RankSearchCV(model).fit(X).ranks_, np.arange(1, 6))


def test_text():
    words = ["rank", "low", "matrix", "noise", "row", "column", "sparse", "dense", "sum", "zero"]
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(words, size=6)) for _ in range(60)]
    y = np.array(["noise" in text for text in texts])
    model = make_pipeline(
        TfidfVectorizer(), TruncatedSVDReducer(solver="exact"), LogisticRegression()
    )
    search = RankSearchCV(model, cv=3).fit(texts, y)
    assert_array_equal(search.ranks_, np.arange(1, 11))
    name = "truncatedsvdreducer__n_components"
    assert_equal_searches(search, grid_search(model, search.ranks_, name, data=(texts, y), cv=3))
    assert search.predict(["noise in a row"]).shape == (1,)


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        (Ridge(), r"must have a parameter n_components, itself or in a step, got Ridge\(\)"),
        (make_pipeline(StandardScaler(), Ridge()), "must have a parameter n_components"),
        (make_pipeline(PCA(), NMF(), Ridge()), "exactly one .*'pca__n_components', 'nmf__n_comp"),
        (make_pipeline(PCAFromSVD(), TruncatedSVDReducer()), "exactly one n_components"),
        (FeatureUnion([("a", PCA()), ("b", NMF())]), "use GridSearchCV, which takes the name"),
    ],
)
def test_estimators_without_the_one_rank(synthetic, estimator, message):
    with pytest.raises(ValueError, match=message):
        RankSearchCV(estimator, scoring=first_column).fit(synthetic)


def test_our_reducer_comes_first(digits):
    model = make_pipeline(PCA(n_components=30), PCAFromSVD(), LinearDiscriminantAnalysis())
    search = RankSearchCV(model, ranks=[5, 10], cv=2).fit(*digits)
    assert list(search.best_params_) == ["pcafromsvd__n_components"]
    model = make_pipeline(PCA(), LinearDiscriminantAnalysis())
    search = RankSearchCV(model, ranks=[10, 20], cv=2).fit(*digits)
    assert list(search.best_params_) == ["pca__n_components"]
    search = RankSearchCV(LinearDiscriminantAnalysis(), ranks=[1, 2])
    assert search.fit(*load_wine(return_X_y=True)).best_params_ == {"n_components": 1}


# Failures


class Fragile(ClassifierMixin, BaseEstimator):
    """Refuses to be fitted on, or to score, some numbers of columns."""

    def __init__(self, not_fitting=(), not_scoring=()):
        self.not_fitting = not_fitting
        self.not_scoring = not_scoring

    def fit(self, X, y):
        if X.shape[1] in self.not_fitting:
            raise ValueError(f"cannot fit {X.shape[1]} columns")
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        if X.shape[1] in self.not_scoring:
            raise ValueError(f"cannot predict {X.shape[1]} columns")
        return np.full(len(X), self.classes_[X.shape[1] % len(self.classes_)])


@pytest.mark.parametrize("error_score", [np.nan, -3.0])
@pytest.mark.parametrize("scoring", [None, "accuracy", ["accuracy", "f1_macro"]])
@pytest.mark.parametrize("failing", ["not_fitting", "not_scoring"])
@pytest.mark.filterwarnings("ignore")
def test_failures_of_some_ranks(digits, failing, scoring, error_score):
    model = make_pipeline(EXACT, Fragile(**{failing: (3, 8)}))
    options = {"cv": 3, "error_score": error_score, "scoring": scoring, "return_train_score": True}
    options["refit"] = "accuracy" if isinstance(scoring, list) else True
    search = RankSearchCV(model, ranks=RANKS, **options).fit(*digits)
    assert_equal_searches(
        search, grid_search(model, name="pcafromsvd__n_components", data=digits, **options)
    )


def test_failures_are_told(digits):
    model = make_pipeline(EXACT, Fragile(not_fitting=(3,)))
    search = RankSearchCV(model, ranks=[2, 3], error_score=0.0, cv=3)
    with pytest.warns(
        FitFailedWarning, match=r"3 fits failed out of a total of 6[^$]*cannot fit 3"
    ):
        search.fit(*digits)
    with pytest.raises(ValueError, match="cannot fit 3"):
        search.set_params(error_score="raise").fit(*digits)
    assert not hasattr(search, "cv_results_")
    with pytest.raises(ValueError, match=r"All the 3 fits failed[^$]*cannot fit 3"):
        search.set_params(error_score=np.nan, ranks=[3]).fit(*digits)

    model = make_pipeline(EXACT, Fragile(not_scoring=(3,)))
    search = RankSearchCV(model, ranks=[2, 3], error_score=0.0, cv=3, refit=False)
    with pytest.warns(UserWarning, match=r"Scoring failed[^$]*set to 0.0[^$]*cannot predict 3"):
        search.fit(*digits)
    with pytest.raises(ValueError, match="cannot predict 3"):
        search.set_params(error_score="raise").fit(*digits)


@pytest.mark.filterwarnings("ignore")
def test_failing_steps_before(digits):
    class Unlucky(Recorder):
        def fit(self, X, y=None):
            if len(self.log) == 0:
                self.log.append("failed")
                raise ValueError("bad luck")
            return self

    X, y = digits
    Recorder.log.clear()
    model = make_pipeline(Unlucky(), EXACT, KNeighborsClassifier())
    search = RankSearchCV(model, ranks=[2, 3], cv=3, error_score=-1.0).fit(X, y)
    assert_array_equal(search.cv_results_["split0_test_score"], [-1, -1])
    assert np.all(search.cv_results_["split1_test_score"] > 0)
    Recorder.log.clear()
    with pytest.raises(ValueError, match="bad luck"):
        search.set_params(error_score="raise").fit(X, y)


def test_ranks_that_leave_no_noise():
    X = synthetic_low_rank(20, 30, 3, seed=0)
    # 16 rows in a fold span 15 directions. The sixteenth is a rounding error, of which each
    # factorization has one of its own; the logarithm of the density changes a little with it.
    for ranks in ([2, 3, 4, 14, 15], [2, 3, 4, 14, 15, 16]):
        search = RankSearchCV(EXACT, ranks=ranks, return_train_score=True).fit(X)
        grid = grid_search(EXACT, ranks, data=[X], return_train_score=True)
        if 16 not in ranks:
            assert_equal_searches(search, grid, rtol=1e-6)
    for name in ("mean_test_score", "mean_train_score"):
        assert_allclose(search.cv_results_[name], grid.cv_results_[name], rtol=1e-2)
    scores = search.cv_results_["mean_test_score"]
    assert np.isfinite(scores).all()
    assert (scores[4:] < scores[:3].min() - 1e6).all()


@pytest.mark.filterwarnings("ignore:One or more of the test scores are non-finite")
@pytest.mark.parametrize("error_score", [np.nan, -1e6])
def test_rows_without_variance(error_score):
    X = np.ones((20, 30))
    X[:10, 0] = 2  # the first of two folds trains on the rest
    options = {"error_score": error_score, "cv": 2}
    search = RankSearchCV(EXACT, ranks=[1, 2], **options)
    with pytest.warns(UserWarning, match="Scoring failed[^$]*have no variance"):
        search.fit(X)
    assert_array_equal(search.cv_results_["split0_test_score"], [error_score, error_score])
    with pytest.raises(ValueError, match="have no variance"):
        search.set_params(error_score="raise").fit(X)


@pytest.mark.filterwarnings("ignore")
def test_ranks_that_one_solver_cannot_do_spoil_no_others(synthetic, monkeypatch):
    original = _svd_transformer.truncated_svd

    def limited(A, k, **options):
        if k > 5:
            raise ValueError(f"cannot find {k} triplets")
        return original(A, k, **options)

    monkeypatch.setattr(_svd_transformer, "truncated_svd", limited)
    X = synthetic[:, :8]
    reducer = TruncatedSVDReducer(solver="exact")
    search = RankSearchCV(reducer, ranks=range(1, 9)).fit(X)
    grid = grid_search(reducer, range(1, 9), data=[X])
    assert np.isnan(search.cv_results_["mean_test_score"]).any()
    assert_equal_searches(search, grid, rtol=1e-5)


@pytest.mark.filterwarnings("ignore")
def test_nothing_is_left_of_a_failed_fit(synthetic):
    search = RankSearchCV(PCAFromSVD(), ranks=[1, 2]).fit(synthetic)
    bad = synthetic.copy()
    bad[0, 0] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        search.fit(bad)
    assert not [name for name in vars(search) if name.endswith("_")]


# Refit


def test_no_refit(digits):
    search = RankSearchCV(PIPELINES["neighbors"], ranks=[2, 5], refit=False).fit(*digits)
    assert search.best_rank_ == 5
    assert search.best_score_ == search.cv_results_["mean_test_score"].max()
    for name in ("best_estimator_", "refit_time_", "predict", "classes_", "n_features_in_"):
        assert not hasattr(search, name)
    with pytest.raises(
        AttributeError, match=r"score of RankSearchCV is available only after a refit"
    ):
        search.score(*digits)


def test_callable_refit(digits):
    search = RankSearchCV(
        PIPELINES["neighbors"], ranks=[2, 5, 9], refit=lambda results: np.int64(1)
    ).fit(*digits)
    assert search.best_rank_ == 5
    assert search.best_estimator_["pcafromsvd"].n_components_ == 5
    assert not hasattr(search, "best_score_")
    for refit, error in [(lambda r: "5", TypeError), (lambda r: 3, IndexError)]:
        with pytest.raises(error, match="refit of RankSearchCV"):
            search.set_params(refit=refit).fit(*digits)


@pytest.mark.parametrize("scoring", [["accuracy"], {"a": "accuracy"}, accuracy_and_size])
def test_one_of_several_scores_decides(digits, scoring):
    search = RankSearchCV(PIPELINES["neighbors"], ranks=[2, 5], scoring=scoring, cv=2)
    for refit in (True, "recall"):
        with pytest.raises(
            ValueError, match="must be the name of the score by which the best rank"
        ):
            search.set_params(refit=refit).fit(*digits)
    search.set_params(refit=False).fit(*digits)
    assert search.multimetric_
    assert not hasattr(search, "best_rank_")
    search.set_params(refit=lambda results: 1).fit(*digits)
    assert search.best_rank_ == 5
    with pytest.raises(ValueError, match="is ambiguous for several scores"):
        search.score(*digits)


def test_best_estimator_is_an_ordinary_fit(digits):
    X, y = digits
    pipeline = PIPELINES["classifier"]
    search = RankSearchCV(pipeline, ranks=[2, 6], cv=2).fit(X, y)
    plain = clone(pipeline).set_params(pcafromsvd__n_components=search.best_rank_).fit(X, y)
    assert_allclose(search.predict_proba(X), plain.predict_proba(X))
    assert_allclose(search.predict_log_proba(X), plain.predict_log_proba(X))
    assert_allclose(search.decision_function(X), plain.decision_function(X))
    assert_array_equal(search.predict(X), plain.predict(X))
    assert_array_equal(search.classes_, plain.classes_)
    assert search.n_features_in_ == 64
    assert not hasattr(search, "transform")
    assert search.refit_time_ > 0


def test_methods_of_a_reducer(synthetic):
    search = RankSearchCV(PCAFromSVD(), ranks=[2, 4])
    assert hasattr(search, "transform")
    assert not hasattr(search, "predict")
    assert not hasattr(search, "n_features_in_")
    W = search.fit_transform(synthetic)
    assert_allclose(W, search.transform(synthetic))
    best = search.best_estimator_
    assert_allclose(search.inverse_transform(W), best.inverse_transform(W))
    assert_allclose(search.score_samples(synthetic), best.score_samples(synthetic))
    assert_allclose(search.score(synthetic), best.score(synthetic))
    with pytest.raises(ValueError, match="only with metadata routing"):
        search.score(synthetic, sample_weight=np.ones(80))


# In company


def test_pickle_clone_and_cross_val_score(digits):
    search = RankSearchCV(PIPELINES["neighbors"], ranks=range(2, 6, 3), cv=2)
    copy = clone(search)
    assert copy.get_params()["estimator__pcafromsvd__solver"] == "exact"
    copy.fit(*digits)
    again = pickle.loads(pickle.dumps(copy))
    assert_array_equal(again.predict(digits[0]), copy.predict(digits[0]))
    assert cross_val_score(search, *digits, cv=2, n_jobs=2).shape == (2,)
    refitted = pickle.dumps(copy.fit(*digits).best_params_)
    assert pickle.dumps(copy.fit(*digits).best_params_) == refitted


def test_inside_a_pipeline(digits):
    pd = pytest.importorskip("pandas")
    X, y = digits
    X = pd.DataFrame(X, columns=[f"p{i}" for i in range(64)], index=np.arange(len(X))[::-1])
    search = RankSearchCV(TruncatedSVDReducer(), ranks=[4, 2])
    model = make_pipeline(StandardScaler(), search, LogisticRegression())
    model.set_output(transform="pandas").fit(X, y)
    W = model[:-1].transform(X)
    assert list(W.columns) == [f"truncatedsvdreducer{i}" for i in range(W.shape[1])]
    assert_array_equal(model[:-1].get_feature_names_out(), W.columns)
    assert_array_equal(W.index, X.index)
    assert_array_equal(model[1].feature_names_in_, X.columns)
    assert clone(model)[1].fit_transform(X).columns[0] == "truncatedsvdreducer0"


class WantsNames(ClassifierMixin, BaseEstimator):
    def fit(self, X, y):
        self.names_ = list(X.columns)
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        assert list(X.columns) == self.names_
        return np.full(len(X), self.classes_[len(self.names_) % len(self.classes_)])


@pytest.mark.parametrize("container", ["pandas", "polars"])
def test_frames_inside(digits, container):
    library = pytest.importorskip(container)
    X, y = digits
    X = (
        library.DataFrame(X, [f"p{i}" for i in range(64)])
        if container == "polars"
        else (library.DataFrame(X, columns=[f"p{i}" for i in range(64)]))
    )
    model = make_pipeline(StandardScaler(), EXACT, WantsNames()).set_output(transform=container)
    search = RankSearchCV(model, ranks=RANKS, cv=2).fit(X, y)
    grid = grid_search(model, name="pcafromsvd__n_components", data=(X, y), cv=2)
    assert_equal_searches(search, grid)  # feature_names_in_, too


@pytest.mark.parametrize("estimator", [None, PIPELINES["classifier"]])
@pytest.mark.parametrize("refit", [True, False])
def test_shown_in_a_notebook(digits, estimator, refit):
    search = RankSearchCV(estimator, ranks=[2, 4], cv=2, refit=refit)
    assert "RankSearchCV" in search._repr_html_()
    assert "RankSearchCV" in search.fit(*digits)._repr_html_()
    assert repr(search).startswith("RankSearchCV(")


def test_verbose_prints_a_line_per_fold(synthetic, capsys):
    RankSearchCV(PCAFromSVD(), ranks=[1, 2], cv=2, verbose=1).fit(synthetic)
    lines = capsys.readouterr().out.splitlines()
    assert [line.rpartition(" in ")[0] for line in lines] == [
        "[RankSearchCV] fold 1 of 2: 2 ranks",
        "[RankSearchCV] fold 2 of 2: 2 ranks",
    ]
    RankSearchCV(PCA(), ranks=[1, 2], cv=2, verbose=1).fit(synthetic)
    assert "Fitting 2 folds for each of 2 candidates" in capsys.readouterr().out


def test_memory_of_a_pipeline(digits, tmp_path):
    model = clone(PIPELINES["classifier"]).set_params(memory=str(tmp_path))
    search = RankSearchCV(model, ranks=[2, 6], cv=2).fit(*digits)
    plain = RankSearchCV(PIPELINES["classifier"], ranks=[2, 6], cv=2).fit(*digits)
    assert_equal_searches(search, plain)


def test_ranks_are_the_second_argument():
    """As the grid is in GridSearchCV."""
    assert RankSearchCV(PCAFromSVD(), [1, 2]).ranks == [1, 2]


def test_ranks_by_a_word_are_refused():
    with pytest.raises(ValueError, match=r"ranks='auto' of RankSearchCV .* None for all ranks"):
        RankSearchCV(ranks="auto").fit(np.eye(8))
