"""ComponentsDisplay: components of image data as images."""

from __future__ import annotations

from math import ceil, prod, sqrt
from numbers import Integral
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from lrfact._typing import ArrayLike
from lrfact.plotting._fitted_components import fitted_components
from lrfact.plotting._panel_grid import panel_grid, panel_titles

# In inches: the title of a panel, and the preferred width of a figure.
_TITLE_WIDTH, _TITLE_HEIGHT, _FIGURE_WIDTH = 0.8, 0.2, 8.0


class ComponentsDisplay:
    """Components of image data as a grid of images, such as eigenfaces or parts of faces.

    Create it with `from_estimator`.

    Parameters
    ----------
    components : array-like of shape (n_components, n_features)
        One image per row, with pixels in the order of ``image.ravel()``.

    image_shape : tuple of int
        Shape of the images, (height, width) or (height, width, 3) for colors.

    share : array-like of shape (n_components,), default=None
        Fraction of the total of each component, shown in the titles if given.

    indices : array-like of int, shape (n_components,), default=None
        Index of each component, shown in the titles. If None, they are counted from 0.

    Attributes
    ----------
    images_ : list of matplotlib AxesImage
        The image of each component.

    axes_ : ndarray of matplotlib Axes, shape (n_components,)
        Axes of each component.

    figure_ : matplotlib Figure
        Figure that contains the axes.

    See Also
    --------
    NMFTopics : Nonnegative matrix factorization, which finds parts.
    PCAFromSVD : Principal component analysis, whose components have both signs.
    TopicsDisplay : Components as lists of the terms with the largest weights.

    Notes
    -----
    Nonnegative components are gray, from black at 0 to white at the largest entry. If any of them
    has a negative entry, all are shown in red (positive), white (0) and blue (negative), with
    limits symmetric around 0. Color images show a component scaled to its largest entry; if there
    are negative entries, 0 is a medium gray.

    Each component has its own limits, as its scale is arbitrary. Components are counted from 0, as
    the rows of `components_`.

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
            Axes to plot on, row by row; those in excess are not used. If None, a new figure is
            created.

        n_columns : int, default=None
            Number of columns of a new figure. If None, the figure is about square.

        image_kw : dict, default=None
            Keyword arguments of the images, passed to `matplotlib.axes.Axes.imshow`.

        Returns
        -------
        ComponentsDisplay
            The display, with the matplotlib artists as attributes.

        Raises
        ------
        ValueError
            If `image_shape` is not the shape of an image with n_features entries, `components`,
            `share` and `indices` do not have the same length, there are fewer axes than components,
            or `n_columns` is not a positive integer.

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
        """Plot the components of an estimator that was fitted on images.

        Parameters
        ----------
        estimator : estimator
            A fitted `NMFTopics`, `PCAFromSVD`, `TruncatedSVDReducer` or another estimator with
            `components_`; a Pipeline, whose last step with `components_` is used; or a search
            over either (its `best_estimator_` is used).

        image_shape : tuple of int
            Shape of the images, (height, width) or (height, width, 3) for colors, whose pixels
            are the columns of `components_`.

        components : array-like of int, default=None
            Components to show, as row indices of `components_`, in this order. If None, all.

        axes : matplotlib Axes or array-like of Axes, default=None
            See `plot`.

        n_columns : int, default=None
            See `plot`.

        image_kw : dict, default=None
            See `plot`.

        Returns
        -------
        ComponentsDisplay
            The display, after plotting.

        Raises
        ------
        ValueError
            If `estimator` has no `components_`, or `components` are not row indices of these; see
            also `plot`.

        ImportError
            If matplotlib is not installed.

        Notes
        -----
        The fraction in the titles is `topic_share_`, `explained_energy_ratio_` or
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
    """Return the shape of an image as a tuple, or raise an error that explains the problem."""
    shape = tuple(image_shape) if np.iterable(image_shape) else (image_shape,)
    if (
        len(shape) not in (2, 3)
        or not all(isinstance(length, Integral) and int(length) > 0 for length in shape)
        or shape[2:] not in ((), (3,))
    ):
        raise ValueError(
            f"image_shape={image_shape!r} of ComponentsDisplay must be (height, width), or "
            "(height, width, 3) for colors"
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
    # A component of zeros is drawn as zeros, for any limit.
    limit = float(np.abs(image).max()) or 1.0
    if image.ndim == 3:
        colors = 0.5 + image / (2 * limit) if signed else image / limit
        drawn = ax.imshow(colors, **{"interpolation": "nearest", **image_kw})
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
