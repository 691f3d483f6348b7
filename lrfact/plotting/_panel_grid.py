"""A grid of small axes, one for each component, and the titles above them."""

from math import ceil
from numbers import Integral
from typing import Any

import numpy as np
import numpy.typing as npt

from lrfact.plotting._matplotlib import pyplot


def panel_grid(
    axes: Any,
    n_panels: int,
    *,
    n_columns: int | None,
    most_columns: int,
    panel_size: tuple[float, float],
    caller: str,
) -> npt.NDArray[np.object_]:
    """Return the axes to plot on, row by row.

    Parameters
    ----------
    axes : matplotlib Axes, array-like of Axes or None
        Axes to plot on; those in excess are not used. If None, a new figure is created.

    n_panels : int
        Number of panels.

    n_columns : int or None
        Number of columns of a new figure. If None, at most `most_columns`, with rows of similar
        length.

    most_columns : int
        Maximum number of columns if `n_columns` is None.

    panel_size : tuple of float
        Width and height of a panel of a new figure, in inches.

    caller : str
        Name of the caller, for error messages.

    Returns
    -------
    ndarray of Axes, shape (n_panels,)

    Raises
    ------
    ValueError
        If there are not enough axes, or `n_columns` is not a positive integer.

    ImportError
        If matplotlib is not installed.
    """
    plt = pyplot(caller)
    if axes is not None:
        given = np.asarray(axes, dtype=object).ravel()
        if given.size < n_panels:
            raise ValueError(
                f"axes of {caller} has {given.size} Axes for {n_panels} panels; give one for each, "
                "or show fewer"
            )
        return given[:n_panels]
    if n_columns is None:
        n_columns = ceil(n_panels / ceil(n_panels / most_columns))
    elif not isinstance(n_columns, Integral) or n_columns < 1:
        raise ValueError(f"n_columns={n_columns!r} of {caller} must be an integer from 1, or None")
    n_columns = min(int(n_columns), n_panels)
    n_rows = ceil(n_panels / n_columns)
    width, height = panel_size
    _, grid = plt.subplots(
        n_rows,
        n_columns,
        figsize=(n_columns * width, n_rows * height),
        layout="constrained",
        squeeze=False,
    )
    panels = grid.ravel()
    for unused in panels[n_panels:]:
        unused.remove()
    return panels[:n_panels]


def panel_titles(name: str, indices: Any, share: Any, n_panels: int) -> list[str]:
    """Return the title of each panel: index of the component and, if given, its percentage."""
    numbers = np.arange(n_panels) if indices is None else np.asarray(indices)
    if numbers.shape != (n_panels,):
        raise ValueError(
            f"indices has shape {numbers.shape}; there must be one for each of {n_panels} panels"
        )
    titles = [f"{name} {number}".strip() for number in numbers]
    if share is None:
        return titles
    shares = np.asarray(share, dtype=np.float64)
    if shares.shape != (n_panels,):
        raise ValueError(
            f"share has shape {shares.shape}; there must be one for each of {n_panels} panels"
        )
    return [f"{title}: {_percent(part)}" for title, part in zip(titles, shares, strict=True)]


def _percent(share: float) -> str:
    """Format a fraction as a percentage with one decimal, or as less than 0.1 %."""
    return "< 0.1 %" if 0 < share < 0.0005 else f"{100 * share:.1f} %"
