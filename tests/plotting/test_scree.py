"""ScreeDisplay shows what the fit found, whole or kept part, and marks the rank."""

import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from lrfact import PCAFromSVD, ScreeDisplay, TruncatedSVDReducer

REDUCERS = [PCAFromSVD(3), TruncatedSVDReducer(3)]


@pytest.fixture
def X():
    return np.random.default_rng(0).normal(size=(30, 8)) * np.arange(8, 0, -1) + 2


def whole_spectrum(reducer, X):
    centered = X - X.mean(axis=0) if isinstance(reducer, PCAFromSVD) else X
    return np.linalg.svd(centered, compute_uv=False)


@pytest.mark.parametrize("reducer", REDUCERS)
def test_components_kept(reducer, X):
    reducer = clone(reducer).fit(X)
    display = ScreeDisplay.from_estimator(reducer)
    s = whole_spectrum(reducer, X)
    np.testing.assert_allclose(display.singular_values, s[:3])
    np.testing.assert_allclose(display.share, s[:3] ** 2 / np.sum(s**2))
    assert display.n_components == 3
    assert display.quantity == ("variance" if isinstance(reducer, PCAFromSVD) else "energy")
    np.testing.assert_allclose(display.line_.get_ydata(), np.cumsum(display.share))


@pytest.mark.parametrize("reducer", REDUCERS)
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array, sparse.csc_matrix])
def test_whole_spectrum_of_the_rows_given(reducer, container, X):
    reducer = clone(reducer).fit(container(X))
    display = ScreeDisplay.from_estimator(reducer, container(X))
    s = whole_spectrum(reducer, X)
    np.testing.assert_allclose(display.singular_values, s)
    np.testing.assert_allclose(np.sum(display.share), 1)
    assert display.n_components == 3
    assert display.quantity == ("variance" if isinstance(reducer, PCAFromSVD) else "energy")


@pytest.mark.parametrize("with_X", [False, True])
def test_reducer_inside_a_pipeline(with_X, X):
    y = X[:, 0]
    model = make_pipeline(StandardScaler(), PCAFromSVD(3), LinearRegression()).fit(X, y)
    display = ScreeDisplay.from_estimator(model, X if with_X else None)
    Z = StandardScaler().fit_transform(X)
    expected = np.linalg.svd(Z, compute_uv=False)
    np.testing.assert_allclose(display.singular_values, expected if with_X else expected[:3])


def test_reducer_as_first_step_and_inside_a_search(X):
    search = GridSearchCV(
        make_pipeline(PCAFromSVD(), LinearRegression()), {"pcafromsvd__n_components": [2, 8]}
    ).fit(X, X[:, 0])
    display = ScreeDisplay.from_estimator(search, X)
    assert display.n_components == 8
    assert len(display.singular_values) == 8


@pytest.mark.parametrize("cls", [PCA, TruncatedSVD])
def test_the_classes_of_scikit_learn_will_do(cls, X):
    theirs = cls(n_components=3).fit(X)
    ours = {PCA: PCAFromSVD, TruncatedSVD: TruncatedSVDReducer}[cls](3).fit(X)
    np.testing.assert_allclose(
        ScreeDisplay.from_estimator(theirs, X).share, ScreeDisplay.from_estimator(ours, X).share
    )
    shown = ScreeDisplay.from_estimator(theirs)
    np.testing.assert_allclose(shown.share, theirs.explained_variance_ratio_)
    assert shown.quantity == "variance"


def test_artists_of_both_kinds(X):
    pca = PCAFromSVD(3).fit(X)
    display = ScreeDisplay.from_estimator(pca, X)
    assert display.bars_ in display.ax_.patches
    assert display.rank_line_.get_xdata() == [3, 3]
    assert display.ax_.get_ylabel() == "Fraction of the variance"
    share = 100 * np.sum(display.share[:3])
    assert f"3 components: {share:.1f} % of the variance" == display.rank_line_.get_label()

    again = display.plot(kind="singular_values")
    assert again is display
    assert display.bars_ is None
    assert display.ax_.get_yscale() == "log"
    np.testing.assert_array_equal(display.line_.get_ydata(), display.singular_values)


def test_draws_on_given_axes_with_given_keywords(X):
    figure, (left, right) = plt.subplots(1, 2)
    pca = PCAFromSVD(3).fit(X)
    display = ScreeDisplay.from_estimator(pca, ax=right, name="wine", line_kw={"color": "red"})
    assert display.ax_ is right
    assert display.figure_ is figure
    assert not left.lines
    assert display.line_.get_label() == "wine"
    assert display.line_.get_color() == "red"


def test_from_singular_values_sorts_and_takes_the_total():
    display = ScreeDisplay.from_singular_values([1.0, 3.0, 2.0], total_energy=28, centered=True)
    np.testing.assert_allclose(display.singular_values, [3, 2, 1])
    np.testing.assert_allclose(display.share, np.array([9, 4, 1]) / 28)
    assert display.quantity == "variance"
    assert display.rank_line_ is None


def test_constructor_keeps_data_only():
    values = [2.0, 1.0]
    display = ScreeDisplay(singular_values=values, share=[0.8, 0.2])
    assert display.singular_values is values
    assert not hasattr(display, "ax_")
    assert display.plot().figure_ is not None


def test_values_that_rounding_left_do_not_stretch_the_axis():
    display = ScreeDisplay.from_singular_values([3.0, 1.0, 1e-17], kind="singular_values")
    assert display.ax_.get_ylim()[0] == 0.5


@pytest.mark.parametrize("kind", ["share", "singular_values"])
@pytest.mark.parametrize("values", [[0.0, 0.0], [1.0]])
def test_zero_matrix_and_single_value(kind, values, tmp_path):
    display = ScreeDisplay.from_singular_values(values, n_components=1, kind=kind)
    display.figure_.savefig(tmp_path / "scree.png")


@pytest.mark.parametrize(
    ("values", "message"),
    [([[1.0]], "one-dimensional"), ([-1.0], "not negative"), ([np.nan], "NaN")],
)
def test_bad_singular_values(values, message):
    with pytest.raises(ValueError, match=message):
        ScreeDisplay.from_singular_values(values)


def test_messages(X):
    with pytest.raises(ValueError, match=r"kind='bars' of ScreeDisplay.plot must be one of"):
        ScreeDisplay.from_singular_values([1.0], kind="bars")
    with pytest.raises(ValueError, match="StandardScaler has no singular_values_;"):
        ScreeDisplay.from_estimator(StandardScaler().fit(X))
    with pytest.raises(ValueError, match=r"no step with singular_values_ .*'standardscaler'"):
        ScreeDisplay.from_estimator(make_pipeline(StandardScaler()).fit(X))
    with pytest.raises(NotFittedError):
        ScreeDisplay.from_estimator(PCAFromSVD())
    with pytest.raises(ValueError, match="X has 7 columns where PCAFromSVD was fitted on 8"):
        ScreeDisplay.from_estimator(PCAFromSVD(2).fit(X), X[:, :7])
    assert not plt.get_fignums()  # what is refused leaves no empty figure behind


def test_without_matplotlib_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r"ScreeDisplay.plot needs .*'lrfact\[plot\]'"):
        ScreeDisplay.from_singular_values([1.0])
