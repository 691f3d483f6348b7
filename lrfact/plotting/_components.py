"""ComponentsDisplay: components of images, seen as images."""

from __future__ import annotations

from math import ceil, prod, sqrt
from numbers import Integral
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from lrfact._typing import ArrayLike
from lrfact.plotting._fitted_components import fitted_components
from lrfact.plotting._panel_grid import panel_grid, panel_titles

# Inches: the title of a panel, and how wide a figure should be if its panels allow.
_TITLE_WIDTH, _TITLE_HEIGHT, _FIGURE_WIDTH = 0.8, 0.2, 8.0


class ComponentsDisplay:
    """Components as images in a grid: parts of faces, eigenfaces.

    Make it with `from_estimator`.

    Parameters
    ----------
    components : array-like of shape (n_components, n_features)
        One image a row, its pixels in the order of ``image.ravel()``.

    image_shape : tuple of int
        Shape of the images, (height, width) or (height, width, 3) for colours.

    share : array-like of shape (n_components,), default=None
        Part of the whole that each component carries, for the titles; None says nothing.

    indices : array-like of int, shape (n_components,), default=None
        Number of each component, for the titles; None counts from 0.

    Attributes
    ----------
    images_ : list of matplotlib AxesImage
        The image of each component.

    axes_ : ndarray of matplotlib Axes, shape (n_components,)
        Where each component is drawn.

    figure_ : matplotlib Figure
        The figure around the axes.

    See Also
    --------
    NMFTopics : Finds parts, which are not negative.
    PCAFromSVD : Finds principal components, which have both signs.
    TopicsDisplay : Components as lists of their heaviest terms.

    Notes
    -----
    Components that are not negative are grey, from black at 0 to white at the largest entry.
    Where there is a negative entry in any of them, all are drawn in red (positive), white (0) and
    blue (negative), with limits symmetric around 0. Images of colours show a component scaled to
    its largest entry; if there are negative ones, 0 is a medium grey.

    Limits are those of each component by itself: its scale is shared with its factors, and so
    means nothing. Components are counted from 0, as the rows of `components_` are.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from lrfact import ComponentsDisplay, NMFTopics
    >>> X, _ = load_digits(return_X_y=True)
    >>> parts = NMFTopics(n_components=10, random_state=0).fit(X)
    >>> display = ComponentsDisplay.from_estimator(parts, image_shape=(8, 8))
    >>> len(display.images_), display.images_[0].get_array().shape
    (10, (8, 8))
    """

    def __init__(
        self,
        *,
        components: ArrayLike,
        image_shape: tuple[int, ...],
        share: ArrayLike | None = None,
        indices: ArrayLike | None = None,
    ) -> None:
        self.components = components
        self.image_shape = image_shape
        self.share = share
        self.indices = indices

    def plot(
        self,
        axes: Any = None,
        *,
        n_columns: int | None = None,
        image_kw: dict[str, Any] | None = None,
    ) -> Self:
        """Draw the plot.

        Parameters
        ----------
        axes : matplotlib Axes or array-like of Axes, default=None
            Where to draw, row by row; further ones than there are components are left alone. None
            makes a new figure.

        n_columns : int, default=None
            Columns of a new figure; None makes it about square.

        image_kw : dict, default=None
            Keywords for the images, handed to `matplotlib.axes.Axes.imshow`.

        Returns
        -------
        ComponentsDisplay
            The display itself, with the artists as attributes.

        Raises
        ------
        ValueError
            If `image_shape` is no shape of an image with n_features entries, `components`, `share`
            and `indices` do not fit together, there are fewer axes than components, or `n_columns`
            is not a positive integer.

        ImportError
            If matplotlib is not installed.
        """
        components = np.asarray(self.components, dtype=np.float64)
        if components.ndim != 2 or components.size == 0:
            raise ValueError(
                "components of ComponentsDisplay must have shape (n_components, n_features) and "
                f"not be empty; got {components.shape}"
            )
        n_components, n_features = components.shape
        shape = _checked_shape(self.image_shape, n_features)
        titles = panel_titles("", self.indices, self.share, n_components)
        aspect = min(max(shape[0] / shape[1], 1 / 3), 3.0)
        most_columns = max(4, ceil(sqrt(n_components * aspect)))
        side = min(max(_FIGURE_WIDTH / most_columns, 1.0), 2.0)
        width = max(side / sqrt(aspect), _TITLE_WIDTH)
        panels = panel_grid(
            axes,
            n_components,
            n_columns=n_columns,
            most_columns=most_columns,
            panel_size=(width, width * aspect + _TITLE_HEIGHT),
            caller="ComponentsDisplay.plot",
        )
        signed = bool(components.min() < 0)
        self.images_ = [
            _draw_component(ax, title, component.reshape(shape), signed, image_kw or {})
            for ax, title, component in zip(panels, titles, components, strict=True)
        ]
        self.axes_ = panels
        self.figure_ = panels[0].figure
        return self

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        image_shape: tuple[int, ...],
        *,
        components: ArrayLike | None = None,
        axes: Any = None,
        n_columns: int | None = None,
        image_kw: dict[str, Any] | None = None,
    ) -> Self:
        """Draw the components of an estimator that was fitted on images.

        Parameters
        ----------
        estimator : estimator
            Fitted: an `NMFTopics`, `PCAFromSVD`, `TruncatedSVDReducer` or any other estimator with
            `components_`; a Pipeline, whose last step with `components_` is taken; or a search
            over either (its `best_estimator_` is taken).

        image_shape : tuple of int
            Shape of the images, (height, width) or (height, width, 3) for colours, whose pixels
            are the columns of `components_`.

        components : array-like of int, default=None
            Which to show, as rows of `components_`, and in which order. None shows all.

        axes : matplotlib Axes or array-like of Axes, default=None
            As in `plot`.

        n_columns : int, default=None
            As in `plot`.

        image_kw : dict, default=None
            As in `plot`.

        Returns
        -------
        ComponentsDisplay
            Drawn.

        Raises
        ------
        ValueError
            If `estimator` has no `components_`, or `components` are no rows of these; and as in
            `plot`.

        ImportError
            If matplotlib is not installed.

        Notes
        -----
        The share in the titles is `topic_share_`, `explained_energy_ratio_` or
        `explained_variance_ratio_`, the first of these that the estimator has.
        """
        found = fitted_components(estimator, "ComponentsDisplay")
        rows = found.rows(components, "components")
        display = cls(
            components=found.components[rows],
            image_shape=image_shape,
            share=None if found.share is None else np.asarray(found.share)[rows],
            indices=rows,
        )
        return display.plot(axes, n_columns=n_columns, image_kw=image_kw)


def _checked_shape(image_shape: Any, n_features: int) -> tuple[int, ...]:
    """Return the shape of an image as a tuple, or say what is wrong with it."""
    shape = tuple(image_shape) if np.iterable(image_shape) else (image_shape,)
    if (
        len(shape) not in (2, 3)
        or not all(isinstance(length, Integral) and int(length) > 0 for length in shape)
        or shape[2:] not in ((), (3,))
    ):
        raise ValueError(
            f"image_shape={image_shape!r} of ComponentsDisplay must be (height, width), or "
            "(height, width, 3) for colours"
        )
    if prod(shape) != n_features:
        raise ValueError(
            f"image_shape={image_shape!r} of ComponentsDisplay has {prod(shape)} entries, but "
            f"components have {n_features} features; give the shape of one image that was fitted"
        )
    return shape


def _draw_component(
    ax: Any, title: str, image: npt.NDArray[np.float64], signed: bool, image_kw: dict[str, Any]
) -> Any:
    """Draw one component."""
    # A component of zeros is drawn as zeros, whatever the limit.
    limit = float(np.abs(image).max()) or 1.0
    if image.ndim == 3:
        colours = 0.5 + image / (2 * limit) if signed else image / limit
        drawn = ax.imshow(colours, **{"interpolation": "nearest", **image_kw})
    else:
        defaults = {
            "cmap": "RdBu_r" if signed else "gray",
            "vmin": -limit if signed else 0.0,
            "vmax": limit,
            "interpolation": "nearest",
        }
        drawn = ax.imshow(image, **{**defaults, **image_kw})
    ax.set_xticks([])
    ax.set_yticks([])
    ax.spines[:].set_visible(False)
    ax.set_title(title, fontsize="small", pad=3)
    return drawn
