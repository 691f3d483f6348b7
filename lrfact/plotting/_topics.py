"""TopicsDisplay: the terms with the largest weights in each topic."""

from __future__ import annotations

from numbers import Integral
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from lrfact._typing import ArrayLike
from lrfact.plotting._fitted_components import fitted_components
from lrfact.plotting._matplotlib import few_ticks
from lrfact.plotting._panel_grid import panel_grid, panel_titles

# In inches: height of a bar, width of a letter and of the bars, height of title and ticks.
_BAR_HEIGHT, _LETTER_WIDTH, _BARS_WIDTH, _FRAME_HEIGHT = 0.19, 0.07, 1.6, 0.6


class TopicsDisplay:
    """Terms with the largest weights in each topic, as bar charts in a grid.

    Create it with `from_estimator`.

    Parameters
    ----------
    terms : array-like of str, shape (n_topics, n_terms)
        Labels of the bars, from top to bottom.

    weights : array-like of shape (n_topics, n_terms)
        Lengths of the bars. Negative ones point to the left, in another color.

    share : array-like of shape (n_topics,), default=None
        Fraction of the total of each topic, shown in the titles if given.

    indices : array-like of int, shape (n_topics,), default=None
        Index of each topic, shown in the titles. If None, topics are counted from 0.

    Attributes
    ----------
    bars_ : list of matplotlib BarContainer
        The bars of each topic.

    axes_ : ndarray of matplotlib Axes, shape (n_topics,)
        Axes of each topic.

    figure_ : matplotlib Figure
        Figure that contains the axes.

    See Also
    --------
    NMFTopics : Topic model; its `top_terms` with ``relevance=1`` returns the same terms.
    ComponentsDisplay : Components as images.
    lrfact.metrics.topic_coherence : Co-occurrence of the terms of topics.

    Notes
    -----
    Each topic has its own horizontal axis. Weights can be compared within a topic only, as the
    scale of a component is arbitrary: its factors in the documents can be scaled by the inverse.
    Topics are counted from 0, as the rows of `components_`.

    Examples
    --------
    >>> from sklearn.feature_extraction.text import TfidfVectorizer
    >>> from sklearn.pipeline import make_pipeline
    >>> from lrfact import NMFTopics, TopicsDisplay
    >>> documents = [
    ...     "cats and dogs",
    ...     "a dog chased cats",
    ...     "dogs bark",
    ...     "stocks fell",
    ...     "the market and its stocks",
    ...     "bonds, stocks and the market",
    ... ]
    >>> model = make_pipeline(
    ...     TfidfVectorizer(stop_words="english"), NMFTopics(n_components=2, random_state=0)
    ... ).fit(documents)
    >>> display = TopicsDisplay.from_estimator(model, n_terms=2)
    >>> display.terms
    array([['stocks', 'market'],
           ['dogs', 'cats']], dtype=object)
    >>> [ax.get_title() for ax in display.axes_]
    ['Topic 0: 50.6 %', 'Topic 1: 49.4 %']
    """

    def __init__(
        self,
        *,
        terms: ArrayLike,
        weights: ArrayLike,
        share: ArrayLike | None = None,
        indices: ArrayLike | None = None,
    ) -> None:
        self.terms = terms
        self.weights = weights
        self.share = share
        self.indices = indices

    def plot(
        self,
        axes: Any = None,
        *,
        n_columns: int | None = None,
        bar_kw: dict[str, Any] | None = None,
    ) -> Self:
        """Draw the plot.

        Parameters
        ----------
        axes : matplotlib Axes or array-like of Axes, default=None
            Axes to plot on, row by row; those in excess are not used. If None, a new figure is
            created.

        n_columns : int, default=None
            Number of columns of a new figure. If None, at most four.

        bar_kw : dict, default=None
            Keyword arguments of the bars, passed to `matplotlib.axes.Axes.barh`.

        Returns
        -------
        TopicsDisplay
            The display, with the matplotlib artists as attributes.

        Raises
        ------
        ValueError
            If `terms`, `weights`, `share` or `indices` do not fit together, there are fewer axes
            than topics, or `n_columns` is not a positive integer.

        ImportError
            If matplotlib is not installed.
        """
        terms = np.asarray(self.terms, dtype=object)
        weights = np.asarray(self.weights, dtype=np.float64)
        if terms.ndim != 2 or terms.size == 0 or terms.shape != weights.shape:
            raise ValueError(
                "terms and weights of TopicsDisplay must have the same shape (n_topics, n_terms) "
                f"and not be empty; got {terms.shape} and {weights.shape}"
            )
        n_topics, n_terms = terms.shape
        titles = panel_titles("Topic", self.indices, self.share, n_topics)
        longest = max(len(str(term)) for term in terms.ravel())
        panels = panel_grid(
            axes,
            n_topics,
            n_columns=n_columns,
            most_columns=4,
            panel_size=(
                _BARS_WIDTH + _LETTER_WIDTH * longest,
                _FRAME_HEIGHT + _BAR_HEIGHT * n_terms,
            ),
            caller="TopicsDisplay.plot",
        )
        self.bars_ = [
            _draw_topic(ax, title, labels, lengths, bar_kw or {})
            for ax, title, labels, lengths in zip(panels, titles, terms, weights, strict=True)
        ]
        self.axes_ = panels
        self.figure_ = panels[0].figure
        if axes is None:
            self.figure_.supxlabel("Weight", fontsize="small")
        return self

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        feature_names: ArrayLike | None = None,
        *,
        n_terms: int = 10,
        topics: ArrayLike | None = None,
        axes: Any = None,
        n_columns: int | None = None,
        bar_kw: dict[str, Any] | None = None,
    ) -> Self:
        """Plot the topics of a fitted estimator.

        Parameters
        ----------
        estimator : estimator
            A fitted `NMFTopics`, or another estimator with `components_`, such as scikit-learn's
            NMF and LatentDirichletAllocation; a Pipeline, whose last step with `components_` is
            used; or a search over either (its `best_estimator_` is used).

        feature_names : array-like of str, shape (n_features,), default=None
            Names of the columns of `components_`. If None, the feature names seen in `fit`, those
            of the output of the preceding steps in a Pipeline, such as a TfidfVectorizer, or else
            x0, x1 and so on.

        n_terms : int, default=10
            Number of terms of each topic, at most n_features.

        topics : array-like of int, default=None
            Topics to show, as row indices of `components_`, in this order. If None, all.

        axes : matplotlib Axes or array-like of Axes, default=None
            See `plot`.

        n_columns : int, default=None
            See `plot`.

        bar_kw : dict, default=None
            See `plot`.

        Returns
        -------
        TopicsDisplay
            The display, after plotting.

        Raises
        ------
        ValueError
            If `estimator` has no `components_`, there are not as many names as features, `n_terms`
            is not positive, or `topics` are not row indices of `components_`; see also `plot`.

        ImportError
            If matplotlib is not installed.

        Notes
        -----
        If components have entries of both signs, as those of an SVD or PCA, the terms with the
        largest absolute weights are shown: those on the right tend to occur together, and in
        documents without those on the left.

        The fraction in the titles is `topic_share_`, `explained_energy_ratio_` or
        `explained_variance_ratio_`, the first of these that the estimator has.
        """
        if not isinstance(n_terms, Integral) or n_terms < 1:
            raise ValueError(f"n_terms={n_terms!r} of TopicsDisplay must be an integer from 1")
        found = fitted_components(estimator, "TopicsDisplay")
        names = found.feature_names(feature_names)
        rows = found.rows(topics, "topics")
        components = found.components[rows]
        heaviest = np.argsort(-np.abs(components), axis=1, kind="stable")[:, : int(n_terms)]
        display = cls(
            terms=names[heaviest],
            weights=np.take_along_axis(components, heaviest, axis=1),
            share=None if found.share is None else np.asarray(found.share)[rows],
            indices=rows,
        )
        return display.plot(axes, n_columns=n_columns, bar_kw=bar_kw)


def _draw_topic(
    ax: Any, title: str, terms: npt.NDArray, weights: npt.NDArray, bar_kw: dict[str, Any]
) -> Any:
    """Draw one topic, its first term on top."""
    places = np.arange(len(terms))
    color = np.where(weights < 0, "tab:orange", "tab:blue")
    bars = ax.barh(places, weights, **{"color": color, "height": 0.75, **bar_kw})
    # Terms are not formulas, even if they contain dollar signs.
    ax.set_yticks(places, [str(term) for term in terms], fontsize="small", parse_math=False)
    ax.set_ylim(len(terms) - 0.5, -0.5)
    ax.tick_params(axis="y", length=0)
    ax.tick_params(axis="x", labelsize="x-small")
    few_ticks(ax)
    if weights.min() < 0:
        ax.axvline(0, color="black", linewidth=0.8)
        ax.spines["left"].set_visible(False)
    else:
        ax.set_xlim(left=0)
    ax.spines[["top", "right"]].set_visible(False)
    ax.set_title(title, fontsize="medium")
    return bars
