"""RankSearchDisplay: how a score changes with the rank."""

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

# What the curve of each rule of `select_rank` holds.
_CURVE_OF_RULE = {
    "cv": "Leave-one-entry-out error (RMSE)",
    "energy": "Cumulative share of the energy",
    "gap": "Ratio of a singular value to the next",
    "gavish-donoho": "Singular value",
    "mle": "Log-evidence",
    "parallel": "Singular value",
}

# Gaps between the ranks that differ by more than this are better seen on a logarithmic axis.
_UNEVEN = 5


class RankSearchDisplay:
    """Score against the rank: mean and spread over the folds, the best rank marked.

    Make it with `from_estimator`, `from_cv_results` or `from_selection`.

    Parameters
    ----------
    ranks : array-like of shape (n_ranks,)
        In ascending order.

    mean_score : array-like of shape (n_ranks,)
        Mean over the folds, or the curve that a rule looked at.

    std_score : array-like of shape (n_ranks,), default=None
        Standard deviation over the folds; None draws no band.

    best_rank : int, default=None
        The rank to mark; None marks none.

    threshold : float or array-like of shape (n_ranks,), default=None
        Level that the curve is compared with; None draws none.

    score_name : str, default="Score"
        Label of the vertical axis.

    Attributes
    ----------
    line_ : matplotlib Line2D
        The mean score.

    fill_between_ : matplotlib PolyCollection or None
        The band of one standard deviation to either side.

    best_line_ : matplotlib Line2D or None
        The mark at `best_rank`.

    threshold_line_ : matplotlib Line2D or None
        The level that the curve is compared with.

    ax_ : matplotlib Axes
        Where it is drawn.

    figure_ : matplotlib Figure
        The figure around the axes.

    See Also
    --------
    RankSearchCV : Searches the rank.
    ScreeDisplay : Singular values, or shares of the variance.
    sklearn.model_selection.ValidationCurveDisplay : Scores against any parameter.

    Notes
    -----
    The band is the spread between the folds, not the error of their mean, which is smaller.

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
            Where to draw; None makes a new figure.

        negate_score : bool, default=False
            Whether to draw minus the score, for scores that are minus an error.

        score_name : str, default=None
            Label of the vertical axis; None takes the display's own.

        std_display_style : {"fill_between"} or None, default="fill_between"
            How to show the spread between the folds: as a band, or not at all.

        line_kw : dict, default=None
            Keywords for the line, handed to `matplotlib.axes.Axes.plot`.

        fill_between_kw : dict, default=None
            Keywords for the band, handed to `matplotlib.axes.Axes.fill_between`.

        Returns
        -------
        RankSearchDisplay
            The display itself, with the artists as attributes.

        Raises
        ------
        ValueError
            If `std_display_style` is neither of the two.

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
                "label": "mean over the folds" if has_spread else None,
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
        """Say which rank is chosen and, where it was judged by a score, that score."""
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
        """Draw the scores of a fitted search.

        Parameters
        ----------
        search : RankSearchCV, GridSearchCV or the like
            Fitted. A GridSearchCV must search nothing but one `n_components`.

        metric : str, default=None
            Which of several scores to draw. None takes the only one, or that of ``refit``.

        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.

        negate_score : bool, default=False
            As in `plot`.

        score_name : str, default=None
            As in `plot`; None takes the name of the scoring.

        std_display_style : {"fill_between"} or None, default="fill_between"
            As in `plot`.

        line_kw : dict, default=None
            As in `plot`.

        fill_between_kw : dict, default=None
            As in `plot`.

        Returns
        -------
        RankSearchDisplay
            Drawn.

        Raises
        ------
        ValueError
            If the search is over something else than one `n_components`, or has no such metric.

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
        """Draw the scores in the table of a search.

        Parameters
        ----------
        cv_results : mapping of str to array
            As in the attribute `cv_results_` of a search; a DataFrame of it will do.

        best_index : int, default=None
            Row of the chosen rank; None takes the one with the greatest mean score.

        metric : str, default=None
            Which of several scores to draw; None takes the only one, ``"mean_test_score"``.

        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.

        negate_score : bool, default=False
            As in `plot`.

        score_name : str, default=None
            As in `plot`; None takes `metric`.

        std_display_style : {"fill_between"} or None, default="fill_between"
            As in `plot`.

        line_kw : dict, default=None
            As in `plot`.

        fill_between_kw : dict, default=None
            As in `plot`.

        Returns
        -------
        RankSearchDisplay
            Drawn.

        Raises
        ------
        ValueError
            If the table is over something else than one `n_components`, or has no such metric.

        TypeError
            If it is not a table with columns of these names.

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
        """Draw the curve that a rule of `select_rank` looked at.

        Parameters
        ----------
        selection : RankSelection
            From `select_rank`.

        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.

        line_kw : dict, default=None
            As in `plot`.

        Returns
        -------
        RankSearchDisplay
            Drawn.

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
                "RankSearchDisplay.from_selection takes what select_rank returns, and got an "
                f"object of type {type(selection).__name__}; give select_rank(X)"
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
    """Return the ranks in the rows of the table; what else was searched is refused."""
    if not all(hasattr(cv_results, needed) for needed in ("keys", "__getitem__")):
        raise TypeError(
            "RankSearchDisplay.from_cv_results takes the attribute cv_results_ of a search, and "
            f"got an object of type {type(cv_results).__name__}; give search.cv_results_"
        )
    searched = [key.removeprefix("param_") for key in cv_results if key.startswith("param_")]
    if len(searched) != 1 or searched[0].split("__")[-1] != "n_components":
        raise ValueError(
            "RankSearchDisplay draws a search over one n_components and nothing else; this one is "
            f"over {searched or 'no parameter'}"
        )
    values = list(cv_results[f"param_{searched[0]}"])
    if not all(isinstance(value, int | np.integer) for value in values):
        raise ValueError(
            f"RankSearchDisplay needs integers for {searched[0]}, got {values}: shares and rules "
            "are not ranks"
        )
    return np.asarray(values, dtype=np.intp)


def _readable(name: str, negated: bool) -> str:
    """Turn the name of a scoring into a label: "neg_log_loss", negated, is "Log loss"."""
    if negated:
        name = name.removeprefix("neg_")
    text = name.replace("_", " ")
    return text[:1].upper() + text[1:]


def _logarithmic_ranks(ax: Any, ranks: npt.NDArray) -> None:
    """Use a logarithmic axis with the ranks themselves as ticks."""
    from matplotlib.ticker import FixedLocator, NullLocator, ScalarFormatter

    ax.set_xscale("log")
    if len(ranks) <= 12:
        ax.xaxis.set_major_locator(FixedLocator(list(ranks)))
        ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(ScalarFormatter())
