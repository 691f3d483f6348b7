"""Parameters of fit, metadata routing and callbacks reach what is inside of RankSearchCV."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.decomposition import PCA
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, get_scorer, make_scorer
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_validate
from sklearn.pipeline import Pipeline, make_pipeline

from lrfact import PCAFromSVD, RankSearchCV
from reference.synthetic import synthetic_low_rank

RANKS = [2, 4]
NAME = "reducer__n_components"


@pytest.fixture(scope="module")
def data():
    X = synthetic_low_rank(60, 12, 3, seed=0)
    rng = np.random.default_rng(1)
    return X, (X[:, 0] + rng.normal(size=60) > 0).astype(int), rng.random(60)


class Center(TransformerMixin, BaseEstimator):
    """Subtracts a weighted mean."""

    def fit(self, X, y=None, sample_weight=None):
        self.mean_ = np.average(X, axis=0, weights=sample_weight)
        return self

    def transform(self, X, shift=None):
        shift = 0 if shift is None else np.asarray(shift)[:, np.newaxis]
        return X - self.mean_ + shift


class Weighted(ClassifierMixin, BaseEstimator):
    """Remembers the weights it got."""

    def fit(self, X, y, sample_weight=None, other=None):
        self.classes_ = np.unique(y)
        self.weights_, self.other_ = sample_weight, other
        self.inner_ = LogisticRegression().fit(X, y, sample_weight)
        return self

    def predict(self, X):
        return self.inner_.predict(X)

    def decision_function(self, X):
        return self.inner_.decision_function(X)

    def score(self, X, y, sample_weight=None):
        return self.inner_.score(X, y, sample_weight)


def pipeline(before=None, after=None):
    return Pipeline(
        [
            ("center", before or Center()),
            ("reducer", PCAFromSVD(solver="exact")),
            ("classifier", after or Weighted()),
        ]
    )


def assert_same_scores(search, grid):
    found, expected = search.cv_results_, grid.cv_results_
    assert list(found) == list(expected)
    for key in expected:
        if key.startswith("split"):
            assert_allclose(found[key], expected[key], rtol=1e-9)
    assert search.best_params_ == grid.best_params_


def test_fit_parameters_by_step(data):
    X, y, weights = data
    params = {
        "classifier__sample_weight": weights,
        "center__sample_weight": weights[::-1],
        "classifier__other": "not by row",
    }
    options = {"cv": 3, "scoring": "roc_auc"}
    search = RankSearchCV(pipeline(), ranks=RANKS, **options).fit(X, y, **params)
    grid = GridSearchCV(pipeline(), {NAME: RANKS}, **options).fit(X, y, **params)
    assert_same_scores(search, grid)
    assert_array_equal(search.best_estimator_["classifier"].weights_, weights)
    assert search.best_estimator_["classifier"].other_ == "not by row"
    expected = grid.best_estimator_["center"].mean_
    assert_array_equal(search.best_estimator_["center"].mean_, expected)
    without = RankSearchCV(pipeline(), ranks=RANKS, **options).fit(X, y)
    assert np.any(without.cv_results_["mean_test_score"] != search.cv_results_["mean_test_score"])


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("sample_weight", "does not accept the sample_weight parameter"),
        ("reducer__weights", "unexpected keyword argument 'weights'"),
        ("nobody__weights", "nobody"),
    ],
)
@pytest.mark.filterwarnings("ignore")  # that no scorer takes the weights either
def test_fit_parameters_for_nobody(data, name, message):
    X, y, weights = data
    with pytest.raises((ValueError, TypeError, KeyError), match=message):
        RankSearchCV(pipeline(), ranks=RANKS, error_score="raise").fit(X, y, **{name: weights})
    with pytest.raises((ValueError, TypeError, KeyError), match=message):
        RankSearchCV(pipeline(), ranks=RANKS).fit(X, y, **{name: weights})


def test_fit_parameters_of_a_reducer_alone(data):
    X, _, weights = data
    with pytest.raises(TypeError, match="unexpected keyword argument 'sample_weight'"):
        RankSearchCV(ranks=RANKS, error_score="raise").fit(X, sample_weight=weights)


def requests(model, fit=True, score=False):
    return model.set_fit_request(sample_weight=fit).set_score_request(sample_weight=score)


@pytest.mark.parametrize(
    ("scoring", "scored"),
    # Pipeline.score of scikit-learn wants its weights requested.
    [(None, True), ("accuracy", False), ("accuracy", True), (["accuracy"], True)],
)
def test_routed_weights(data, scoring, scored):
    X, y, weights = data
    with config_context(enable_metadata_routing=True):
        model = pipeline(
            Center().set_fit_request(sample_weight=True).set_transform_request(shift=False),
            requests(Weighted(), score=scored),
        )
        if scoring is not None:
            scorer = get_scorer("accuracy").set_score_request(sample_weight=scored)
            scoring = scorer if scoring == "accuracy" else {"accuracy": scorer}
        options = {"cv": 3, "scoring": scoring, "return_train_score": True}
        options["refit"] = "accuracy" if isinstance(scoring, dict) else True
        grid = GridSearchCV(model, {NAME: RANKS}, **options)
        try:
            grid.fit(X, y, sample_weight=weights)
        except UnsetMetadataPassedError:  # by scikit-learn 1.6, for Pipeline.score
            pytest.skip("GridSearchCV cannot do this either")
        search = RankSearchCV(model, ranks=RANKS, **options).fit(X, y, sample_weight=weights)
        assert_same_scores(search, grid)
        assert_array_equal(search.best_estimator_["classifier"].weights_, weights)
        params = {"sample_weight": weights} if scored else {}
        assert search.score(X, y, **params) == grid.score(X, y, **params)


def test_routed_groups(data):
    X, y, _ = data
    groups = np.repeat(np.arange(6), 10)
    options = {"cv": GroupKFold(3), "scoring": "accuracy"}
    with config_context(enable_metadata_routing=True):
        search = RankSearchCV(pipeline(), ranks=RANKS, **options).fit(X, y, groups=groups)
        grid = GridSearchCV(pipeline(), {NAME: RANKS}, **options).fit(X, y, groups=groups)
        assert_same_scores(search, grid)
        alone = RankSearchCV(ranks=RANKS, cv=GroupKFold(3)).fit(X, groups=groups)
        assert alone.n_splits_ == 3


@pytest.mark.parametrize("name", ["sample_weight", "nothing"])
@pytest.mark.parametrize("ranks", [RANKS, None])
def test_nobody_requested(data, name, ranks):
    X, y, weights = data
    error = UnsetMetadataPassedError if name == "sample_weight" else TypeError
    with config_context(enable_metadata_routing=True):
        search = RankSearchCV(pipeline(), ranks=ranks, scoring="accuracy", refit=False)
        with pytest.raises(error, match=name):
            search.fit(X, y, **{name: weights})


def test_search_as_a_step_with_routing(data):
    X, y, weights = data
    with config_context(enable_metadata_routing=True):
        inner = pipeline(
            Center().set_fit_request(sample_weight=False), requests(Weighted(), score=False)
        )
        scorer = get_scorer("accuracy").set_score_request(sample_weight=True)
        search = RankSearchCV(inner, ranks=RANKS, cv=2, scoring=scorer)
        result = cross_validate(
            search, X, y, params={"sample_weight": weights}, cv=2, return_estimator=True
        )
        for fitted in result["estimator"]:
            assert fitted.best_estimator_["classifier"].weights_ is not None
        reducer = RankSearchCV(PCAFromSVD(), ranks=RANKS, cv=GroupKFold(2))
        groups = np.repeat(np.arange(6), 10)
        model = make_pipeline(reducer, LogisticRegression()).fit(X, y, groups=groups)
        assert model[0].n_splits_ == 2


def test_weights_reach_a_scorer_of_one_by_one(data):
    # As the installed GridSearchCV does it: versions differ.
    X, y, weights = data

    class WeightedWithRank(Weighted):
        def __init__(self, n_components=1):
            self.n_components = n_components

    scoring = make_scorer(accuracy_score)
    options = {"cv": 3, "scoring": scoring}
    search = RankSearchCV(WeightedWithRank(), ranks=RANKS, **options)
    grid = GridSearchCV(WeightedWithRank(), {"n_components": RANKS}, **options)
    assert_same_scores(
        search.fit(X, y, sample_weight=weights), grid.fit(X, y, sample_weight=weights)
    )


class Journal:
    """A callback that writes down every task."""

    def __init__(self):
        self.open = []
        self.lines = []

    def setup(self, estimator, context):
        self.lines.append(f"setup {type(estimator).__name__}")

    def teardown(self, estimator, context):
        self.lines.append("teardown")

    def on_fit_task_begin(self, estimator, context):
        self.open.append(context.task_name)
        self.lines.append(context.task_name)

    def on_fit_task_end(self, estimator, context):
        self.open.remove(context.task_name)


@pytest.mark.parametrize("fails", [False, True])
def test_callbacks(data, fails):
    pytest.importorskip("sklearn.callback")
    X = data[0].copy()
    journal = Journal()
    search = RankSearchCV(ranks=RANKS, cv=2, error_score="raise").set_callbacks(journal)
    if fails:
        X[0, 0] = np.inf
        with pytest.raises(ValueError, match="infinity"):
            search.fit(X)
        assert journal.lines[-1] == "teardown"
        return
    search.fit(X)
    assert journal.lines == [
        "setup RankSearchCV",
        "fit",
        "search",
        "fold 1 of 2",
        "fold 2 of 2",
        "refit-with-best-rank",
        "teardown",
    ]
    assert not journal.open
    assert not [name for name in vars(search) if "callback_ctx" in name or "teardown" in name]


class JournalOfAll(Journal):
    max_propagation_depth = None  # of what is inside, too


@pytest.mark.filterwarnings("ignore:The estimator PCA does not support callbacks")
def test_callbacks_reach_what_is_inside(data):
    pytest.importorskip("sklearn.callback")
    journal = JournalOfAll()
    RankSearchCV(PCA(), ranks=RANKS, cv=2).set_callbacks(journal).fit(data[0])
    assert journal.lines.count("candidate-split-evaluation") == 4
    assert journal.lines.count("setup RankSearchCV") == 1
    assert not journal.open
    journal = JournalOfAll()
    model = make_pipeline(PCAFromSVD(), LogisticRegression())
    RankSearchCV(model, ranks=RANKS, cv=2).set_callbacks(journal).fit(*data[:2])
    assert journal.lines.count("fit") == 4  # search, and in the refit Pipeline and its steps
    assert not journal.open
