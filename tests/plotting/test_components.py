"""ComponentsDisplay shows each component as the image that it is, with honest colors."""

import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.datasets import load_digits
from sklearn.decomposition import NMF, PCA, TruncatedSVD
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from lrfact import ComponentsDisplay, NMFTopics, PCAFromSVD, TruncatedSVDReducer


@pytest.fixture(scope="module")
def digits():
    return load_digits().data[:300]


def arrays(display):
    return [np.asarray(image.get_array()) for image in display.images_]


@pytest.mark.parametrize(
    "estimator",
    [
        NMFTopics(5, random_state=0, tol=1e-2),
        NMF(5, init="nndsvda", tol=1e-2),
        PCAFromSVD(5),
        PCA(5),
        TruncatedSVDReducer(5),
        TruncatedSVD(5, random_state=0),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_images_are_the_components(estimator, digits):
    estimator.fit(digits)
    display = ComponentsDisplay.from_estimator(estimator, (8, 8))
    assert len(display.images_) == 5
    np.testing.assert_array_equal(arrays(display), estimator.components_.reshape(5, 8, 8))
    for ax, image in zip(display.axes_, display.images_, strict=True):
        assert list(ax.images) == [image]
        # Row 0 on top, column 0 on the left, square pixels.
        assert image.get_extent() == [-0.5, 7.5, 7.5, -0.5]
        assert ax.get_aspect() == 1


def test_height_comes_first(digits):
    display = ComponentsDisplay(components=[np.arange(6)], image_shape=(2, 3)).plot()
    np.testing.assert_array_equal(arrays(display)[0], [[0, 1, 2], [3, 4, 5]])


def test_components_that_are_not_negative_are_grey_from_zero(digits):
    nmf = NMF(4, init="nndsvda", tol=1e-2).fit(digits)
    display = ComponentsDisplay.from_estimator(nmf, (8, 8))
    for image, component in zip(display.images_, nmf.components_, strict=True):
        assert image.get_clim() == (0, component.max())
        red, green, blue, _ = np.moveaxis(image.cmap(np.linspace(0, 1, 9)), -1, 0)
        np.testing.assert_array_equal(red, green)
        np.testing.assert_array_equal(red, blue)
        assert np.all(np.diff(red) > 0)


def test_signed_components_are_centred_on_zero_each_with_its_own_limits(digits):
    pca = PCAFromSVD(4).fit(digits)
    display = ComponentsDisplay.from_estimator(pca, (8, 8))
    limits = [image.get_clim() for image in display.images_]
    assert len({high for _, high in limits}) == 4
    for image, component in zip(display.images_, pca.components_, strict=True):
        limit = np.abs(component).max()
        assert image.get_clim() == (-limit, limit)
        negative, zero, positive = image.to_rgba(np.array([[-limit, 0, limit]]))[0, :, :3]
        assert zero.min() > 0.9  # all but white
        assert negative[2] > negative[0]  # blue
        assert positive[0] > positive[2]  # red


def test_one_negative_entry_makes_all_signed():
    display = ComponentsDisplay(components=[[1.0, 2.0], [-1e-3, 4.0]], image_shape=(1, 2)).plot()
    assert [image.get_clim() for image in display.images_] == [(-2, 2), (-4, 4)]


def test_colours():
    components = np.random.default_rng(0).random((3, 4 * 5 * 3))
    display = ComponentsDisplay(components=components, image_shape=(4, 5, 3)).plot()
    for shown, component in zip(arrays(display), components, strict=True):
        np.testing.assert_allclose(shown, (component / component.max()).reshape(4, 5, 3))
    signed = components - 0.3
    display = ComponentsDisplay(components=signed, image_shape=(4, 5, 3)).plot()
    for shown, component in zip(arrays(display), signed, strict=True):
        np.testing.assert_allclose(
            2 * shown - 1, (component / np.abs(component).max()).reshape(4, 5, 3), atol=1e-12
        )


@pytest.mark.parametrize("image_shape", [(2, 3), (1, 2, 3)])
def test_component_of_zeros_is_black(image_shape, tmp_path):
    display = ComponentsDisplay(components=np.zeros((1, 6)), image_shape=image_shape).plot()
    (image,) = display.images_
    rgb = image.to_rgba(image.get_array())[..., :3]
    np.testing.assert_array_equal(rgb, 0)
    display.figure_.savefig(tmp_path / "components.png")


def test_components_that_are_chosen_keep_their_number_and_share(digits):
    topics = NMFTopics(5, random_state=0, tol=1e-2).fit(digits)
    display = ComponentsDisplay.from_estimator(topics, (8, 8), components=[3, 1])
    np.testing.assert_array_equal(arrays(display), topics.components_[[3, 1]].reshape(2, 8, 8))
    expected = [f"{j}: {100 * topics.topic_share_[j]:.1f} %" for j in (3, 1)]
    assert [ax.get_title() for ax in display.axes_] == expected


def test_share_is_in_the_titles_where_it_is_known(digits):
    for estimator, name in (
        (PCA(2), "explained_variance_ratio_"),
        (TruncatedSVDReducer(2), "explained_energy_ratio_"),
    ):
        share = getattr(estimator.fit(digits), name)
        display = ComponentsDisplay.from_estimator(estimator, (8, 8))
        expected = [f"0: {100 * share[0]:.1f} %", f"1: {100 * share[1]:.1f} %"]
        assert [ax.get_title() for ax in display.axes_] == expected
    display = ComponentsDisplay.from_estimator(NMF(2, init="nndsvda", tol=1e-2).fit(digits), (8, 8))
    assert [ax.get_title() for ax in display.axes_] == ["0", "1"]


def test_inside_a_pipeline_and_a_search(digits):
    model = make_pipeline(MinMaxScaler(), NMF(3, init="nndsvda", tol=1e-2)).fit(digits)
    display = ComponentsDisplay.from_estimator(model, (8, 8))
    np.testing.assert_array_equal(arrays(display), model[-1].components_.reshape(3, 8, 8))
    search = GridSearchCV(PCAFromSVD(), {"n_components": [2]}, cv=2).fit(digits)
    display = ComponentsDisplay.from_estimator(search, (8, 8))
    expected = search.best_estimator_.components_.reshape(2, 8, 8)
    np.testing.assert_array_equal(arrays(display), expected)


def test_draws_on_given_axes_with_given_keywords(digits):
    figure, axes = plt.subplots(2, 2)
    pca = PCA(3).fit(digits)
    display = ComponentsDisplay.from_estimator(
        pca, (8, 8), axes=axes, image_kw={"cmap": "PiYG", "vmax": 7}
    )
    assert display.figure_ is figure
    assert display.axes_.tolist() == axes.ravel()[:3].tolist()
    assert not axes[1, 1].images
    assert axes[1, 1].get_xticks().size
    assert {image.get_cmap().name for image in display.images_} == {"PiYG"}
    assert {image.get_clim()[1] for image in display.images_} == {7}
    assert plt.get_fignums() == [figure.number]


@pytest.mark.parametrize(
    ("n_components", "n_columns", "rows_and_columns"),
    [
        (1, None, (1, 1)),
        (4, None, (1, 4)),
        (6, None, (2, 3)),
        (49, None, (7, 7)),
        (50, None, (7, 8)),
        (6, 2, (3, 2)),
        (2, 5, (1, 2)),
    ],
)
def test_grid_of_a_new_figure(n_components, n_columns, rows_and_columns):
    display = ComponentsDisplay(components=np.eye(n_components, 64), image_shape=(8, 8))
    display.plot(n_columns=n_columns)
    assert display.axes_.shape == (n_components,)
    assert display.axes_[0].get_gridspec().get_geometry() == rows_and_columns
    assert display.figure_.axes == display.axes_.tolist()  # no empty ones


@pytest.mark.parametrize(
    ("n_components", "image_shape"),
    [
        *((n, shape) for n in (3, 49) for shape in ((8, 8), (24, 8), (8, 24), (1, 128))),
        # The most that one looks at, of the tallest and the widest: the layout takes seconds.
        (120, (24, 8)),
        (120, (1, 128)),
    ],
)
def test_nothing_overlaps(n_components, image_shape):
    components = np.ones((n_components, np.prod(image_shape)))
    share = np.full(n_components, 1 / n_components)
    display = ComponentsDisplay(components=components, image_shape=image_shape, share=share).plot()
    display.figure_.draw_without_rendering()  # all is in its place
    whole = display.figure_.bbox
    # An image to be looked at, and a figure for a screen.
    assert all(ax.get_window_extent().width > 40 for ax in display.axes_)
    assert max(display.figure_.get_size_inches()) < 24
    boxes = [box for ax in display.axes_ for box in (ax.title.get_window_extent(), ax.bbox)]
    low, high = np.moveaxis([box.get_points() for box in boxes], 1, 0)
    assert (low < high).all()
    assert (whole.min <= low).all()
    assert (high <= whole.max).all()
    # Two overlap where each begins before the other ends, in both directions.
    begins_before = (low[:, np.newaxis] <= high).all(axis=2)
    overlap = begins_before & begins_before.T
    assert_array_equal(overlap, np.eye(len(boxes), dtype=bool))


def test_constructor_keeps_data_only():
    components = [[1.0, 2.0]]
    display = ComponentsDisplay(components=components, image_shape=(1, 2))
    assert display.components is components
    assert not hasattr(display, "axes_")
    assert display.plot() is display


@pytest.mark.parametrize(
    ("image_shape", "message"),
    [
        ((8, 9), r"\(8, 9\) of ComponentsDisplay has 72 entries, but components have 64 features"),
        ((8, 8, 3), r"\(8, 8, 3\) of ComponentsDisplay has 192 entries"),
        ((64,), r"\(64,\) of ComponentsDisplay must be \(height, width\), or"),
        (64, "=64 of ComponentsDisplay must be"),
        ((8, 8, 1), "must be"),
        ((4, 4, 4), "must be"),
        ((1, 8, 8, 1), "must be"),
        ((-8, -8), "must be"),
        ((8.0, 8.0), "must be"),
    ],
)
def test_bad_image_shape(image_shape, message, digits):
    pca = PCA(2).fit(digits)
    with pytest.raises(ValueError, match=message):
        ComponentsDisplay.from_estimator(pca, image_shape)
    assert not plt.get_fignums()  # what is refused leaves no empty figure behind


def test_messages(digits):
    pca = PCA(2).fit(digits)
    with pytest.raises(ValueError, match=r"components=\[2\] must be a list of integers from 0 to"):
        ComponentsDisplay.from_estimator(pca, (8, 8), components=[2])
    with pytest.raises(ValueError, match=r"n_columns=0 of ComponentsDisplay.plot must be"):
        ComponentsDisplay.from_estimator(pca, (8, 8), n_columns=0)
    with pytest.raises(ValueError, match="StandardScaler has no components_; ComponentsDisplay"):
        ComponentsDisplay.from_estimator(StandardScaler().fit(digits), (8, 8))
    with pytest.raises(NotFittedError):
        ComponentsDisplay.from_estimator(PCA(), (8, 8))
    with pytest.raises(ValueError, match=r"n_features\) and not be empty; got \(2,\)"):
        ComponentsDisplay(components=[1, 2], image_shape=(1, 2)).plot()
    with pytest.raises(ValueError, match=r"share has shape \(1,\); .* each of 2 panels"):
        ComponentsDisplay(components=np.eye(2), image_shape=(1, 2), share=[1]).plot()
    assert not plt.get_fignums()
    _, ax = plt.subplots()
    with pytest.raises(ValueError, match=r"axes of ComponentsDisplay.plot has 1 Axes for 2 panels"):
        ComponentsDisplay.from_estimator(pca, (8, 8), axes=ax)


def test_without_matplotlib_the_extra_is_named(monkeypatch, digits):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r"ComponentsDisplay.plot needs .*'lrfact\[plot\]'"):
        ComponentsDisplay.from_estimator(PCA(2).fit(digits), (8, 8))
