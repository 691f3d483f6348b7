"""RankSearchDisplay draws the table of a search, or the curve of a rule."""

import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline

from lrfact import PCAFromSVD, RankSearchCV, RankSearchDisplay, TruncatedSVDReducer, select_rank

METHODS = ("energy", "gap", "gavish-donoho", "parallel", "mle", "cv")


@pytest.fixture
def search():
    X, y = load_iris(return_X_y=True)
    model = Pipeline([("svd", TruncatedSVDReducer()), ("lr", LogisticRegression(max_iter=1000))])
    grid = {"svd__n_components": [3, 1, 4, 2]}
    return GridSearchCV(model, grid, scoring="accuracy", cv=3).fit(X, y)


def results_of(ranks, means, **more):
    means = np.asarray(means, dtype=float)
    table = {
        "param_n_components": ranks,
        "mean_test_score": means,
        "std_test_score": np.full(len(ranks), 0.1),
    }
    return {**table, **more}


def test_a_grid_search_in_order_of_rank(search):
    display = RankSearchDisplay.from_estimator(search)
    order = [1, 3, 0, 2]
    assert display.ranks.tolist() == [1, 2, 3, 4]
    np.testing.assert_array_equal(display.mean_score, search.cv_results_["mean_test_score"][order])
    np.testing.assert_array_equal(display.std_score, search.cv_results_["std_test_score"][order])
    assert display.best_rank == search.best_params_["svd__n_components"]
    assert display.best_line_.get_xdata() == [display.best_rank] * 2
    assert display.ax_.get_ylabel() == "Accuracy"
    assert display.ax_.get_xlabel() == "Number of components"


def test_a_rank_search_draws_what_a_grid_search_draws(search):
    X, y = load_iris(return_X_y=True)
    ours = RankSearchCV(search.estimator, ranks=[3, 1, 4, 2], scoring="accuracy", cv=3).fit(X, y)
    display = RankSearchDisplay.from_estimator(ours)
    reference = RankSearchDisplay.from_estimator(search)
    np.testing.assert_array_equal(display.ranks, reference.ranks)
    np.testing.assert_allclose(display.mean_score, reference.mean_score)
    np.testing.assert_allclose(display.std_score, reference.std_score)
    assert display.best_rank == ours.best_rank_ == reference.best_rank


def test_band_is_one_standard_deviation(search):
    display = RankSearchDisplay.from_estimator(search)
    lowest, highest = display.fill_between_.get_datalim(display.ax_.transData).intervaly
    assert lowest == pytest.approx(np.min(display.mean_score - display.std_score))
    assert highest == pytest.approx(np.max(display.mean_score + display.std_score))
    assert display.plot(std_display_style=None).fill_between_ is None


def test_negated_scores_are_errors():
    X, _ = load_iris(return_X_y=True)
    search = GridSearchCV(TruncatedSVDReducer(), {"n_components": [1, 2, 3]}).fit(X)
    display = RankSearchDisplay.from_estimator(search, negate_score=True)
    np.testing.assert_array_equal(display.line_.get_ydata(), -display.mean_score)
    assert np.all(display.line_.get_ydata() > 0)


def test_name_of_a_negative_scoring(search):
    search.scoring = "neg_log_loss"
    assert RankSearchDisplay.from_estimator(search).ax_.get_ylabel() == "Neg log loss"
    display = RankSearchDisplay.from_estimator(search, negate_score=True)
    assert display.ax_.get_ylabel() == "Log loss"
    display = RankSearchDisplay.from_estimator(search, score_name="Own name")
    assert display.ax_.get_ylabel() == "Own name"


def test_several_metrics():
    X, y = load_iris(return_X_y=True)
    model = make_pipeline(PCAFromSVD(), LogisticRegression(max_iter=1000))
    search = GridSearchCV(
        model,
        {"pcafromsvd__n_components": [1, 2, 3]},
        scoring=["accuracy", "neg_log_loss"],
        refit="neg_log_loss",
    ).fit(X, y)
    display = RankSearchDisplay.from_estimator(search)
    np.testing.assert_array_equal(display.mean_score, search.cv_results_["mean_test_neg_log_loss"])
    assert display.ax_.get_ylabel() == "Neg log loss"
    display = RankSearchDisplay.from_estimator(search, metric="accuracy")
    np.testing.assert_array_equal(display.mean_score, search.cv_results_["mean_test_accuracy"])
    with pytest.raises(ValueError, match=r"metric='f1' .* choose one of \['accuracy', 'neg_log"):
        RankSearchDisplay.from_estimator(search, metric="f1")


def test_a_search_with_its_own_choice_marks_it():
    X, y = load_iris(return_X_y=True)
    model = make_pipeline(PCA(), LogisticRegression(max_iter=1000))
    grid = {"pca__n_components": [1, 2, 3]}
    search = GridSearchCV(model, grid, refit=lambda results: 0).fit(X, y)
    assert RankSearchDisplay.from_estimator(search).best_rank == 1


def test_table_alone_and_as_a_frame():
    results = results_of([2, 1, 3], [0.7, 0.5, 0.6])
    display = RankSearchDisplay.from_cv_results(results)
    assert display.best_rank == 2
    assert display.mean_score.tolist() == [0.5, 0.7, 0.6]
    assert RankSearchDisplay.from_cv_results(results, best_index=1).best_rank == 1
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(results)
    assert RankSearchDisplay.from_cv_results(frame).best_rank == 2


def test_failed_folds_leave_gaps():
    display = RankSearchDisplay.from_cv_results(results_of([1, 2, 3], [0.7, np.nan, 0.6]))
    assert display.best_rank == 1
    display = RankSearchDisplay.from_cv_results(results_of([1, 2], [np.nan, np.nan]))
    assert display.best_rank is None


@pytest.mark.parametrize(
    ("ranks", "scale"),
    [
        ([1, 2, 3, 4], "linear"),
        ([5, 10, 20, 30], "linear"),
        ([1, 2, 5, 10, 100], "log"),
        ([7], "linear"),
    ],
)
def test_unevenly_spaced_ranks_get_a_logarithmic_axis(ranks, scale, tmp_path):
    display = RankSearchDisplay.from_cv_results(results_of(ranks, np.linspace(0, 1, len(ranks))))
    assert display.ax_.get_xscale() == scale
    display.figure_.savefig(tmp_path / "search.png")


@pytest.mark.parametrize("method", METHODS)
def test_curve_that_a_rule_looked_at(method, tmp_path):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3)) @ rng.normal(size=(3, 20)) + 0.3 * rng.normal(size=(60, 20))
    selection = select_rank(X, method, random_state=0)
    display = RankSearchDisplay.from_selection(selection)
    np.testing.assert_array_equal(display.line_.get_ydata(), selection.curve)
    assert display.best_rank == selection.n_components
    assert (display.threshold_line_ is None) == (selection.threshold is None)
    display.figure_.savefig(tmp_path / "curve.png")


def test_draws_on_given_axes_with_given_keywords(search):
    figure, (left, right) = plt.subplots(1, 2)
    display = RankSearchDisplay.from_estimator(
        search, ax=right, line_kw={"color": "red"}, fill_between_kw={"alpha": 0.7}
    )
    assert display.ax_ is right
    assert display.figure_ is figure
    assert not left.lines
    assert display.line_.get_color() == "red"
    assert display.fill_between_.get_alpha() == 0.7


def test_constructor_keeps_data_only():
    ranks = [1, 2]
    display = RankSearchDisplay(ranks=ranks, mean_score=[0.5, 0.6])
    assert display.ranks is ranks
    assert not hasattr(display, "ax_")
    display.plot()
    assert display.fill_between_ is None
    assert display.best_line_ is None


def test_messages(search):
    X, y = load_iris(return_X_y=True)
    both = {"svd__n_components": [1, 2], "lr__C": [1.0, 2.0]}
    wide = GridSearchCV(search.estimator, both, cv=2).fit(X, y)
    with pytest.raises(ValueError, match=r"one n_components and nothing else; .*'lr__C'"):
        RankSearchDisplay.from_estimator(wide)
    with pytest.raises(ValueError, match=r"is over \['max_iter'\]"):
        RankSearchDisplay.from_cv_results({"param_max_iter": [1]})
    with pytest.raises(ValueError, match="is over no parameter"):
        RankSearchDisplay.from_cv_results({})
    with pytest.raises(ValueError, match=r"integers for n_components, got \[0.5, 'gap'\]"):
        RankSearchDisplay.from_cv_results(results_of([0.5, "gap"], [1, 2]))
    with pytest.raises(ValueError, match="std_display_style='errorbar'"):
        RankSearchDisplay.from_estimator(search, std_display_style="errorbar")
    with pytest.raises(NotFittedError):
        RankSearchDisplay.from_estimator(GridSearchCV(PCAFromSVD(), {"n_components": [1]}))
    assert not plt.get_fignums()  # what is refused leaves no empty figure behind


def test_without_matplotlib_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r"RankSearchDisplay.plot needs .*'lrfact\[plot\]'"):
        RankSearchDisplay.from_cv_results(results_of([1, 2], [0.5, 0.6]))
