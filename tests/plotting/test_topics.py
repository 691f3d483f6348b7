"""TopicsDisplay shows the heaviest terms, best on top, whichever estimator has the components."""

import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.decomposition import NMF, LatentDirichletAllocation, TruncatedSVD
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, Normalizer, StandardScaler

from lrfact import NMFTopics, TopicsDisplay, TruncatedSVDReducer

DOCUMENTS = [
    "cats and dogs",
    "a dog chased cats",
    "dogs bark",
    "stocks fell",
    "the market and its stocks",
    "bonds, stocks and the market",
]


class Components(TransformerMixin, BaseEstimator):
    """Has the components that it is given."""

    def __init__(self, components=None):
        self.components = components

    def fit(self, X=None, y=None):
        self.components_ = np.asarray(self.components)
        return self

    def transform(self, X):
        return X @ self.components_.T


@pytest.fixture
def model():
    return make_pipeline(TfidfVectorizer(), NMFTopics(2, random_state=0)).fit(DOCUMENTS)


@pytest.fixture
def known():
    return Components([[0.5, 2.0, 0.0, 1.0], [3.0, 0.0, 4.0, 0.0], [1.0, 1.0, 2.0, 0.5]]).fit()


def labels(ax):
    """From top to bottom, by where they are in the picture."""
    ax.figure.canvas.draw()
    shown = sorted(ax.get_yticklabels(), key=lambda text: -text.get_window_extent().y0)
    return [text.get_text() for text in shown]


def lengths(bars):
    """From top to bottom."""
    shown = sorted(bars, key=lambda bar: -bar.get_window_extent().y0)
    return [bar.get_width() for bar in shown]


def test_heaviest_on_top_and_as_long_as_its_weight(known):
    display = TopicsDisplay.from_estimator(known, ["a", "b", "c", "d"], n_terms=3)
    assert [labels(ax) for ax in display.axes_] == [
        ["b", "d", "a"],
        ["c", "a", "b"],  # of equal ones the first
        ["c", "a", "b"],
    ]
    assert [lengths(bars) for bars in display.bars_] == [[2, 1, 0.5], [4, 3, 0], [2, 1, 1]]
    for ax, bars in zip(display.axes_, display.bars_, strict=True):
        assert set(bars.patches) <= set(ax.patches)
        assert ax.get_xlim()[0] == 0


def test_terms_are_those_of_top_terms(model):
    display = TopicsDisplay.from_estimator(model, n_terms=4)
    tfidf, topics = model[0], model[-1]
    expected = topics.top_terms(tfidf.get_feature_names_out(), n_terms=4, relevance=1)
    np.testing.assert_array_equal(display.terms, expected)
    assert [labels(ax) for ax in display.axes_] == expected.tolist()
    np.testing.assert_array_equal(display.weights, -np.sort(-topics.components_)[:, :4])


def test_names_of_features(known):
    X = np.random.default_rng(0).random((10, 3))
    lone = NMF(2, init="nndsvda").fit(X)
    assert set(np.ravel(TopicsDisplay.from_estimator(lone).terms)) == {"x0", "x1", "x2"}
    scaled = make_pipeline(Normalizer(), lone).fit(X)
    assert set(np.ravel(TopicsDisplay.from_estimator(scaled).terms)) == {"x0", "x1", "x2"}
    given = TopicsDisplay.from_estimator(scaled, np.array(["p", "q", "r"]))
    assert set(np.ravel(given.terms)) == {"p", "q", "r"}
    passed = make_pipeline("passthrough", lone).fit(X)
    assert set(np.ravel(TopicsDisplay.from_estimator(passed).terms)) == {"x0", "x1", "x2"}
    numbers = TopicsDisplay.from_estimator(known, [7, 8, 9, 10], n_terms=1)
    assert [labels(ax) for ax in numbers.axes_] == [["8"], ["9"], ["9"]]
    assert labels(TopicsDisplay.from_estimator(make_pipeline(known)).axes_[1])[:2] == ["x2", "x0"]

    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=["u", "v", "w"])
    lone.fit(frame)
    assert set(np.ravel(TopicsDisplay.from_estimator(lone).terms)) == {"u", "v", "w"}
    scaled.fit(frame)
    assert set(np.ravel(TopicsDisplay.from_estimator(scaled).terms)) == {"u", "v", "w"}
    nameless = make_pipeline(FunctionTransformer(), NMF(2, init="nndsvda"))
    nameless.set_output(transform="pandas").fit(frame)
    assert set(np.ravel(TopicsDisplay.from_estimator(nameless).terms)) == {"u", "v", "w"}


def test_share_is_in_the_titles_where_it_is_known(model, known):
    display = TopicsDisplay.from_estimator(model)
    first, second = 100 * model[-1].topic_share_
    titles = [ax.get_title() for ax in display.axes_]
    assert titles == [f"Topic 0: {first:.1f} %", f"Topic 1: {second:.1f} %"]
    display = TopicsDisplay.from_estimator(known)
    assert display.share is None
    assert [ax.get_title() for ax in display.axes_] == ["Topic 0", "Topic 1", "Topic 2"]
    small = TopicsDisplay(terms=[["a"]] * 3, weights=[[1]] * 3, share=[0.9996, 0.0004, 0.0])
    titles = [ax.get_title() for ax in small.plot().axes_]
    assert titles == ["Topic 0: 100.0 %", "Topic 1: < 0.1 %", "Topic 2: 0.0 %"]


def test_topics_that_are_chosen_keep_their_number_and_share(known):
    known.topic_share_ = np.array([0.5, 0.3, 0.2])
    display = TopicsDisplay.from_estimator(known, topics=[2, 0], n_terms=1)
    assert [ax.get_title() for ax in display.axes_] == ["Topic 2: 20.0 %", "Topic 0: 50.0 %"]
    assert np.ravel(display.terms).tolist() == ["x2", "x1"]
    assert [lengths(bars) for bars in display.bars_] == [[2], [2]]


@pytest.mark.parametrize("n_terms", [4, 5, 10**6, np.int64(7)])
def test_more_terms_than_features_are_all_features(known, n_terms):
    display = TopicsDisplay.from_estimator(known, n_terms=n_terms)
    assert [len(bars) for bars in display.bars_] == [4, 4, 4]


def test_signed_components_are_ordered_by_absolute_weight():
    signed = Components([[0.5, -2.0, 0.1, 1.0], [1.0, 2.0, 3.0, 4.0]]).fit()
    display = TopicsDisplay.from_estimator(signed, list("abcd"), n_terms=3)
    assert labels(display.axes_[0]) == ["b", "d", "a"]
    assert lengths(display.bars_[0]) == [-2, 1, 0.5]
    left, right, *_ = (bar.get_facecolor() for bar in display.bars_[0])
    assert left != right
    assert {bar.get_facecolor() for bar in display.bars_[1]} == {right}
    assert display.axes_[0].get_xlim()[0] < -2
    (zero,) = display.axes_[0].lines
    assert zero.get_xdata() == [0, 0]
    assert not display.axes_[1].lines


def test_estimators_of_scikit_learn_and_ours():
    X = np.random.default_rng(0).random((30, 12))
    for estimator in (
        NMF(3, init="nndsvda", max_iter=1000),
        LatentDirichletAllocation(3, random_state=0),
        TruncatedSVD(3, random_state=0),
        TruncatedSVDReducer(3),
    ):
        components = estimator.fit(X).components_
        display = TopicsDisplay.from_estimator(estimator, n_terms=5)
        best = np.abs(components).argmax(axis=1)
        assert [row[0] for row in display.terms] == [f"x{j}" for j in best]
        np.testing.assert_array_equal(np.asarray(display.weights)[:, 0], components[range(3), best])
    np.testing.assert_array_equal(display.share, estimator.explained_energy_ratio_)


def test_last_step_with_components_and_inside_a_search(known):
    lsa = make_pipeline(TfidfVectorizer(), TruncatedSVD(2, random_state=0), Normalizer())
    display = TopicsDisplay.from_estimator(lsa.fit(DOCUMENTS), n_terms=1)
    best = np.abs(lsa[1].components_).argmax(axis=1)
    assert np.ravel(display.terms).tolist() == lsa[0].get_feature_names_out()[best].tolist()

    search = GridSearchCV(
        make_pipeline(TfidfVectorizer(), NMFTopics(random_state=0)),
        {"nmftopics__n_components": [3]},
        cv=2,
    ).fit(DOCUMENTS)
    assert len(TopicsDisplay.from_estimator(search).bars_) == 3


def test_draws_on_given_axes_with_given_keywords(known):
    figure, axes = plt.subplots(2, 2)
    display = TopicsDisplay.from_estimator(known, axes=axes, bar_kw={"color": "red", "height": 0.5})
    assert display.figure_ is figure
    assert display.axes_.tolist() == axes.ravel()[:3].tolist()
    assert not axes[1, 1].patches
    assert not axes[1, 1].get_title()
    assert not figure.get_supxlabel()
    assert {bar.get_facecolor() for bars in display.bars_ for bar in bars} == {(1, 0, 0, 1)}
    assert display.bars_[0][0].get_height() == 0.5
    assert plt.get_fignums() == [figure.number]
    _, ax = plt.subplots()
    assert TopicsDisplay.from_estimator(known, topics=[1], axes=ax).axes_.tolist() == [ax]


@pytest.mark.parametrize(
    ("n_topics", "n_columns", "rows_and_columns"),
    [
        (1, None, (1, 1)),
        (4, None, (1, 4)),
        (6, None, (2, 3)),
        (7, None, (2, 4)),
        (20, None, (5, 4)),
        (6, 2, (3, 2)),
        (2, 5, (1, 2)),
    ],
)
def test_grid_of_a_new_figure(n_topics, n_columns, rows_and_columns):
    display = TopicsDisplay(terms=[["a"]] * n_topics, weights=[[1]] * n_topics)
    display.plot(n_columns=n_columns)
    assert display.axes_.shape == (n_topics,)
    assert display.axes_[0].get_gridspec().get_geometry() == rows_and_columns
    assert display.figure_.axes == display.axes_.tolist()  # no empty ones


def test_nothing_overlaps_even_if_terms_are_long():
    terms = [[f"{'long ' * 8}{j}" for j in range(15)]] * 6
    display = TopicsDisplay(terms=terms, weights=np.ones((6, 15)), share=np.full(6, 1 / 6)).plot()
    display.figure_.canvas.draw()
    texts = [
        text.get_window_extent()
        for ax in display.axes_
        for text in [ax.title, *ax.get_yticklabels(), *ax.get_xticklabels()]
        # Ticks beyond the end of the axis are not drawn.
        if text not in ax.get_xticklabels() or text.get_position()[0] <= ax.get_xlim()[1]
    ]
    whole = display.figure_.bbox
    for place, text in enumerate(texts):
        assert whole.x0 <= text.x0 < text.x1 <= whole.x1
        assert whole.y0 <= text.y0 < text.y1 <= whole.y1
        for other in texts[:place]:
            assert not text.overlaps(other)
    for ax in display.axes_:
        assert ax.get_window_extent().width > 100


def test_terms_are_no_formulas(tmp_path):
    display = TopicsDisplay(terms=[["$100", r"$\frac$", "_a_"]], weights=[[3, 2, 1]]).plot()
    display.figure_.savefig(tmp_path / "topics.png")  # raises if it is read as a formula
    assert labels(display.axes_[0]) == ["$100", r"$\frac$", "_a_"]


def test_topic_of_zeros(tmp_path):
    display = TopicsDisplay.from_estimator(Components(np.zeros((1, 3))).fit())
    assert lengths(display.bars_[0]) == [0, 0, 0]
    display.figure_.savefig(tmp_path / "topics.png")


def test_constructor_keeps_data_only():
    terms = [["a", "b"]]
    display = TopicsDisplay(terms=terms, weights=[[2, 1]])
    assert display.terms is terms
    assert not hasattr(display, "axes_")
    assert display.plot() is display


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"feature_names": ["a", "b"]}, r"shape \(2,\), but Components has 4 features; give one"),
        ({"n_terms": 0}, "n_terms=0 of TopicsDisplay must be an integer from 1"),
        ({"n_terms": 2.0}, "n_terms=2.0 of"),
        ({"topics": [3]}, r"topics=\[3\] must be a list of integers from 0 to 2, rows of"),
        ({"topics": [-1]}, r"topics=\[-1\] must be"),
        ({"topics": []}, r"topics=\[\] must be"),
        ({"topics": 1}, "topics=1 must be"),
        ({"topics": [True]}, r"topics=\[True\] must be"),
        ({"n_columns": 0}, "n_columns=0 of TopicsDisplay.plot must be an integer from 1, or None"),
        ({"n_columns": 1.5}, "n_columns=1.5 of"),
    ],
)
def test_messages(known, parameters, message):
    with pytest.raises(ValueError, match=message):
        TopicsDisplay.from_estimator(known, **parameters)
    assert not plt.get_fignums()  # what is refused leaves no empty figure behind


def test_messages_about_estimators(known):
    X = np.random.default_rng(0).random((10, 4))
    with pytest.raises(NotFittedError):
        TopicsDisplay.from_estimator(NMF())
    with pytest.raises(NotFittedError):
        TopicsDisplay.from_estimator(make_pipeline(TfidfVectorizer(), NMF()))
    with pytest.raises(ValueError, match="StandardScaler has no components_; TopicsDisplay takes"):
        TopicsDisplay.from_estimator(StandardScaler().fit(X))
    with pytest.raises(ValueError, match=r"no step with components_ .*'standardscaler'"):
        TopicsDisplay.from_estimator(make_pipeline(StandardScaler()).fit(X))
    nameless = make_pipeline(FunctionTransformer(), known)
    with pytest.raises(ValueError, match=r"before Components .* pass feature_names, one for each"):
        TopicsDisplay.from_estimator(nameless)
    shown = TopicsDisplay.from_estimator(nameless, list("abcd"), n_terms=1)
    assert np.ravel(shown.terms).tolist() == ["b", "c", "c"]
    with pytest.raises(ValueError, match="components_ contains NaN"):
        TopicsDisplay.from_estimator(Components([[np.nan, 1.0]]).fit())


def test_messages_about_data_that_do_not_fit():
    with pytest.raises(ValueError, match=r"same shape .* got \(1, 2\) and \(1, 1\)"):
        TopicsDisplay(terms=[["a", "b"]], weights=[[1]]).plot()
    with pytest.raises(ValueError, match=r"not be empty; got \(0,\) and \(0,\)"):
        TopicsDisplay(terms=[], weights=[]).plot()
    with pytest.raises(ValueError, match=r"share has shape \(2,\); .* each of 1 panels"):
        TopicsDisplay(terms=[["a"]], weights=[[1]], share=[0.5, 0.5]).plot()
    with pytest.raises(ValueError, match=r"indices has shape \(2,\); .* each of 1 panels"):
        TopicsDisplay(terms=[["a"]], weights=[[1]], indices=[0, 1]).plot()
    assert not plt.get_fignums()
    _, axes = plt.subplots(2)
    with pytest.raises(ValueError, match=r"axes of TopicsDisplay.plot has 2 Axes for 3 panels"):
        TopicsDisplay(terms=[["a"]] * 3, weights=[[1]] * 3).plot(axes)


def test_without_matplotlib_the_extra_is_named(monkeypatch, known):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r"TopicsDisplay.plot needs .*'lrfact\[plot\]'"):
        TopicsDisplay.from_estimator(known)
