"""The one door to matplotlib, which is an optional extra."""

from typing import Any


def pyplot(caller: str) -> Any:
    """Import matplotlib.

    Parameters
    ----------
    caller : str
        Who asks, for the message.

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
    """Return the axes to draw on.

    Parameters
    ----------
    ax : matplotlib Axes or None
        None makes a new figure.

    caller : str
        Who asks, for the message.

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
    # Labels and legend never run out of the picture, whatever size it is saved in.
    _, ax = plt.subplots(layout="constrained")
    return ax


def whole_number_ticks(ax: Any) -> None:
    """Put the ticks of the horizontal axis, which counts components, at integers."""
    from matplotlib.ticker import MaxNLocator

    ax.xaxis.set_major_locator(MaxNLocator(integer=True))


def few_ticks(ax: Any) -> None:
    """Leave the horizontal axis of a small panel as many numbers as stand side by side."""
    from matplotlib.ticker import MaxNLocator

    ax.xaxis.set_major_locator(MaxNLocator(nbins=3, steps=[1, 2, 5, 10]))


def marker_for(n_points: int) -> str:
    """Dots where they can be told apart, else a plain line."""
    return "." if n_points <= 100 else ""
