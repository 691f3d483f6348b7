"""Access to matplotlib, an optional dependency; no other module imports it at the top."""

from typing import Any


def pyplot(caller: str) -> Any:
    """Import matplotlib.

    Parameters
    ----------
    caller : str
        Name of the caller, for error messages.

    Returns
    -------
    module

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    """
    try:
        import matplotlib.pyplot as plt
    except ImportError as missing:
        raise ImportError(
            f"{caller} needs matplotlib; install it with: pip install 'lrfact[plot]'"
        ) from missing
    return plt


def axes_of(ax: Any, caller: str) -> Any:
    """Return the axes to plot on.

    Parameters
    ----------
    ax : matplotlib Axes or None
        Axes to plot on. If None, a new figure is created.

    caller : str
        Name of the caller, for error messages.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    """
    plt = pyplot(caller)
    if ax is not None:
        return ax
    # Labels and legend stay inside the figure, whatever size it is saved in.
    _, ax = plt.subplots(layout="constrained")
    return ax


def whole_number_ticks(ax: Any) -> None:
    """Put the ticks of the horizontal axis, which counts components, at integers."""
    from matplotlib.ticker import MaxNLocator

    ax.xaxis.set_major_locator(MaxNLocator(integer=True))


def few_ticks(ax: Any) -> None:
    """Limit the ticks of the horizontal axis of a small panel, so that labels do not overlap."""
    from matplotlib.ticker import MaxNLocator

    ax.xaxis.set_major_locator(MaxNLocator(nbins=3, steps=[1, 2, 5, 10]))


def marker_for(n_points: int) -> str:
    """Return a marker for few points, and none for many."""
    return "." if n_points <= 100 else ""
