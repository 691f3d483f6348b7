"""RankSearchDisplay: cross-validated scores by number of components."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.utils.validation import check_is_fitted

from lrfact._typing import ArrayLike
from lrfact.checks._estimator_given import require_estimator
from lrfact.plotting._matplotlib import axes_of, marker_for, whole_number_ticks

if TYPE_CHECKING:
    from lrfact.model_selection import RankSelection

# Label of the curve of each rule of `select_rank`.
_CURVE_OF_RULE = {
    "cv": "Leave-one-entry-out error (RMSE)",
    "energy": "Cumulative fraction of the energy",
    "gap": "Ratio of a singular value to the next",
    "gavish-donoho": "Singular value",
    "mle": "Log-evidence",
    "parallel": "Singular value",
}

# A larger ratio between the gaps of the ranks is shown on a logarithmic axis.
_UNEVEN = 5


class RankSearchDisplay:
    """Cross-validated score by number of components: mean and standard deviation over the folds.

    Create it with `from_estimator`, `from_cv_results` or `from_selection`.

    Parameters
    ----------
    ranks : array-like of shape (n_ranks,)
        Numbers of components, in ascending order.

    mean_score : array-like of shape (n_ranks,)
        Mean score over the folds, or the curve on which a rank rule is based.

    std_score : array-like of shape (n_ranks,), default=None
        Standard deviation over the folds. If None, no band is plotted.

    best_rank : int, default=None
        Number of components to mark. If None, nothing is marked.

    threshold : float or array-like of shape (n_ranks,), default=None
        Threshold with which the curve is compared. If None, it is not plotted.

    score_name : str, default="Score"
        Label of the vertical axis.

    Attributes
    ----------
    line_ : matplotlib Line2D
        Line of the mean score.

    fill_between_ : matplotlib PolyCollection or None
        Band of one standard deviation on either side of the mean.

    best_line_ : matplotlib Line2D or None
        Vertical line at `best_rank`.

    threshold_line_ : matplotlib Line2D or None
        Line of the threshold.

    ax_ : matplotlib Axes
        Axes of the plot.

    figure_ : matplotlib Figure
        Figure that contains the axes.

    See Also
    --------
    RankSearchCV : Search for the number of components by cross-validation.
    ScreeDisplay : Singular values, or fractions of the variance.
    sklearn.model_selection.ValidationCurveDisplay : Scores by the values of any parameter.

    Notes
    -----
    The band shows the standard deviation between the folds, not the standard error of their mean,
    which is smaller.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.model_selection import GridSearchCV
    >>> from lrfact import PCAFromSVD, RankSearchDisplay
    >>> X, _ = load_digits(return_X_y=True)
    >>> search = GridSearchCV(PCAFromSVD(), {"n_components": [5, 10, 15]}, cv=3).fit(X)
    >>> display = RankSearchDisplay.from_estimator(search)
    >>> display.ranks.tolist(), display.best_rank
    ([5, 10, 15], 15)
    """

    def __init__(
        self,
        *,
        ranks: ArrayLike,
        mean_score: ArrayLike,
        std_score: ArrayLike | None = None,
        best_rank: int | None = None,
        threshold: float | ArrayLike | None = None,
        score_name: str = "Score",
    ) -> None:
        self.ranks = ranks
        self.mean_score = mean_score
        self.std_score = std_score
        self.best_rank = best_rank
        self.threshold = threshold
        self.score_name = score_name

    def plot(
        self,
        ax: Any = None,
        *,
        negate_score: bool = False,
        score_name: str | None = None,
        std_display_style: str | None = "fill_between",
        line_kw: dict[str, Any] | None = None,
        fill_between_kw: dict[str, Any] | None = None,
    ) -> Self:
        """Draw the plot.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to plot on. If None, a new figure is created.

        negate_score : bool, default=False
            Whether to plot the negated score, for scores that are negated errors.

        score_name : str, default=None
            Label of the vertical axis. If None, `score_name` of the display is used.

        std_display_style : {"fill_between"} or None, default="fill_between"
            Style of the standard deviation between the folds: a band, or None to omit it.

        line_kw : dict, default=None
            Keyword arguments of the line, passed to `matplotlib.axes.Axes.plot`.

        fill_between_kw : dict, default=None
            Keyword arguments of the band, passed to `matplotlib.axes.Axes.fill_between`.

        Returns
        -------
        RankSearchDisplay
            The display, with the matplotlib artists as attributes.

        Raises
        ------
        ValueError
            If `std_display_style` is not one of the two.

        ImportError
            If matplotlib is not installed.
        """
        if std_display_style not in ("fill_between", None):
            raise ValueError(
                f"std_display_style={std_display_style!r} of RankSearchDisplay.plot must be "
                "'fill_between' or None"
            )
        ax = axes_of(ax, "RankSearchDisplay.plot")
        sign = -1 if negate_score else 1
        ranks = np.asarray(self.ranks)
        mean = sign * np.asarray(self.mean_score, dtype=np.float64)
        has_spread = self.std_score is not None
        self.line_, *_ = ax.plot(
            ranks,
            mean,
            **{
                "marker": marker_for(ranks.size),
                "label": "mean over folds" if has_spread else None,
                **(line_kw or {}),
            },
        )
        self.fill_between_ = self.best_line_ = self.threshold_line_ = None
        if self.std_score is not None and std_display_style is not None:
            std = np.asarray(self.std_score, dtype=np.float64)
            self.fill_between_ = ax.fill_between(
                ranks,
                mean - std,
                mean + std,
                **{
                    "alpha": 0.2,
                    "color": self.line_.get_color(),
                    "linewidth": 0,
                    "label": "± 1 standard deviation",
                    **(fill_between_kw or {}),
                },
            )
        if self.threshold is not None:
            level = np.broadcast_to(sign * np.asarray(self.threshold, np.float64), ranks.shape)
            self.threshold_line_, *_ = ax.plot(
                ranks, level, color="tab:red", linewidth=1, label="threshold"
            )
        if self.best_rank is not None:
            self.best_line_ = ax.axvline(
                self.best_rank,
                color="black",
                linestyle="--",
                linewidth=1,
                label=self._describe_best(ranks, mean),
            )
        gaps = np.diff(ranks)
        if ranks.min() > 0 and gaps.size and gaps.max() > _UNEVEN * gaps.min():
            _logarithmic_ranks(ax, ranks)
        else:
            whole_number_ticks(ax)
        ax.set_xlabel("Number of components")
        ax.set_ylabel(self.score_name if score_name is None else score_name)
        if ax.get_legend_handles_labels()[1]:
            ax.legend()
        self.ax_ = ax
        self.figure_ = ax.figure
        return self

    def _describe_best(self, ranks: npt.NDArray, mean: npt.NDArray) -> str:
        """Describe the chosen rank, with its score if it was chosen by a score."""
        text = f"chosen: {self.best_rank}"
        at = np.flatnonzero(ranks == self.best_rank)
        return f"{text} ({mean[at[0]]:.4g})" if at.size and self.threshold is None else text

    @classmethod
    def from_estimator(
        cls,
        search: Any,
        *,
        metric: str | None = None,
        ax: Any = None,
        negate_score: bool = False,
        score_name: str | None = None,
        std_display_style: str | None = "fill_between",
        line_kw: dict[str, Any] | None = None,
        fill_between_kw: dict[str, Any] | None = None,
    ) -> Self:
        """Plot the scores of a fitted search.

        Parameters
        ----------
        search : RankSearchCV, GridSearchCV or the like
            A fitted search. A GridSearchCV must search over `n_components` of one estimator only.

        metric : str, default=None
            Name of the score to plot, if there are several. If None, the only score, or that of
            ``refit``, is plotted.

        ax : matplotlib Axes, default=None
            Axes to plot on. If None, a new figure is created.

        negate_score : bool, default=False
            See `plot`.

        score_name : str, default=None
            See `plot`. If None, the name of the scoring is used.

        std_display_style : {"fill_between"} or None, default="fill_between"
            See `plot`.

        line_kw : dict, default=None
            See `plot`.

        fill_between_kw : dict, default=None
            See `plot`.

        Returns
        -------
        RankSearchDisplay
            The display, after plotting.

        Raises
        ------
        ValueError
            If the search is not over one `n_components` only, or has no such metric.

        ImportError
            If matplotlib is not installed.
        """
        require_estimator(search, "RankSearchDisplay.from_estimator")
        check_is_fitted(search, "cv_results_")
        refitted_metric = search.refit if isinstance(search.refit, str) else None
        if metric is None:
            metric = refitted_metric
        scoring = getattr(search, "scoring", None)
        return cls.from_cv_results(
            search.cv_results_,
            # The search may have its own way to choose, but it chooses by one metric only.
            best_index=getattr(search, "best_index_", None) if metric == refitted_metric else None,
            metric=metric,
            ax=ax,
            negate_score=negate_score,
            score_name=(
                scoring
                if score_name is None and metric is None and isinstance(scoring, str)
                else score_name
            ),
            std_display_style=std_display_style,
            line_kw=line_kw,
            fill_between_kw=fill_between_kw,
        )

    @classmethod
    def from_cv_results(
        cls,
        cv_results: Mapping[str, Any],
        *,
        best_index: int | None = None,
        metric: str | None = None,
        ax: Any = None,
        negate_score: bool = False,
        score_name: str | None = None,
        std_display_style: str | None = "fill_between",
        line_kw: dict[str, Any] | None = None,
        fill_between_kw: dict[str, Any] | None = None,
    ) -> Self:
        """Plot the scores in the results table of a search.

        Parameters
        ----------
        cv_results : mapping of str to array
            Table such as the attribute `cv_results_` of a search, or a DataFrame of it.

        best_index : int, default=None
            Row of the chosen rank. If None, the row with the highest mean score.

        metric : str, default=None
            Name of the score to plot, if there are several. If None, ``"mean_test_score"``.

        ax : matplotlib Axes, default=None
            Axes to plot on. If None, a new figure is created.

        negate_score : bool, default=False
            See `plot`.

        score_name : str, default=None
            See `plot`. If None, `metric` is used.

        std_display_style : {"fill_between"} or None, default="fill_between"
            See `plot`.

        line_kw : dict, default=None
            See `plot`.

        fill_between_kw : dict, default=None
            See `plot`.

        Returns
        -------
        RankSearchDisplay
            The display, after plotting.

        Raises
        ------
        ValueError
            If the search was not over one `n_components` only, or has no such metric.

        TypeError
            If `cv_results` is not a table with columns of these names.

        ImportError
            If matplotlib is not installed.
        """
        ranks = _searched_ranks(cv_results)
        key = "score" if metric is None else metric
        if f"mean_test_{key}" not in cv_results:
            known = [k.removeprefix("mean_test_") for k in cv_results if k.startswith("mean_test_")]
            raise ValueError(
                f"metric={metric!r} of RankSearchDisplay is not in the results; choose one of "
                f"{known}"
            )
        mean = np.asarray(cv_results[f"mean_test_{key}"], dtype=np.float64)
        std = np.asarray(cv_results[f"std_test_{key}"], dtype=np.float64)
        if best_index is None and not np.isnan(mean).all():
            best_index = int(np.nanargmax(mean))
        ascending = np.argsort(ranks, kind="stable")
        display = cls(
            ranks=ranks[ascending],
            mean_score=mean[ascending],
            std_score=std[ascending],
            best_rank=None if best_index is None else int(ranks[best_index]),
            score_name=_readable(key, negate_score),
        )
        return display.plot(
            ax,
            negate_score=negate_score,
            score_name=None if score_name is None else _readable(score_name, negate_score),
            std_display_style=std_display_style,
            line_kw=line_kw,
            fill_between_kw=fill_between_kw,
        )

    @classmethod
    def from_selection(
        cls,
        selection: RankSelection,
        *,
        ax: Any = None,
        line_kw: dict[str, Any] | None = None,
    ) -> Self:
        """Plot the curve on which a rule of `select_rank` is based.

        Parameters
        ----------
        selection : RankSelection
            Return value of `select_rank`.

        ax : matplotlib Axes, default=None
            Axes to plot on. If None, a new figure is created.

        line_kw : dict, default=None
            See `plot`.

        Returns
        -------
        RankSearchDisplay
            The display, after plotting.

        Raises
        ------
        TypeError
            If `selection` is something else, such as the data.

        ImportError
            If matplotlib is not installed.

        Examples
        --------
        >>> import numpy as np
        >>> from lrfact import RankSearchDisplay, select_rank
        >>> rng = np.random.default_rng(0)
        >>> X = rng.normal(size=(200, 5)) @ rng.normal(size=(5, 60)) + rng.normal(size=(200, 60))
        >>> display = RankSearchDisplay.from_selection(select_rank(X, "cv"))
        >>> display.best_rank
        5
        """
        if not all(hasattr(selection, needed) for needed in ("ranks", "curve", "threshold")):
            raise TypeError(
                "RankSearchDisplay.from_selection takes the return value of select_rank, got an "
                f"object of type {type(selection).__name__}; pass select_rank(X)"
            )
        display = cls(
            ranks=selection.ranks,
            mean_score=selection.curve,
            best_rank=selection.n_components,
            threshold=selection.threshold,
            score_name=_CURVE_OF_RULE[selection.method],
        )
        return display.plot(ax, line_kw=line_kw)


def _searched_ranks(cv_results: Mapping[str, Any]) -> npt.NDArray[np.intp]:
    """Return the ranks in the rows of the table; refuse searches over other parameters."""
    if not all(hasattr(cv_results, needed) for needed in ("keys", "__getitem__")):
        raise TypeError(
            "RankSearchDisplay.from_cv_results takes the attribute cv_results_ of a search, got an "
            f"object of type {type(cv_results).__name__}; pass search.cv_results_"
        )
    searched = [key.removeprefix("param_") for key in cv_results if key.startswith("param_")]
    if len(searched) != 1 or searched[0].split("__")[-1] != "n_components":
        raise ValueError(
            "RankSearchDisplay plots a search over one n_components and nothing else; this one is "
            f"over {searched or 'no parameter'}"
        )
    values = list(cv_results[f"param_{searched[0]}"])
    if not all(isinstance(value, int | np.integer) for value in values):
        raise ValueError(
            f"RankSearchDisplay needs integers for {searched[0]}, got {values}: fractions and "
            "rules are not ranks"
        )
    return np.asarray(values, dtype=np.intp)


def _readable(name: str, negated: bool) -> str:
    """Return the label of a scoring: "Log loss" for "neg_log_loss", negated."""
    if negated:
        name = name.removeprefix("neg_")
    text = name.replace("_", " ")
    return text[:1].upper() + text[1:]


def _logarithmic_ranks(ax: Any, ranks: npt.NDArray) -> None:
    """Use a logarithmic axis with ticks at the ranks."""
    from matplotlib.ticker import FixedLocator, NullLocator, ScalarFormatter

    ax.set_xscale("log")
    if len(ranks) <= 12:
        ax.xaxis.set_major_locator(FixedLocator(list(ranks)))
        ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(ScalarFormatter())
