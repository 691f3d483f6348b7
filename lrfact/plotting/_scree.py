"""ScreeDisplay: scree plots of singular values and explained variance ratios."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils import check_array, check_random_state
from sklearn.utils.validation import check_is_fitted

from lrfact._typing import ArrayLike
from lrfact.checks._estimator_given import require_estimator
from lrfact.checks._matrix_input import validated_matrix
from lrfact.linalg.as_operator import as_operator
from lrfact.model_selection._matrix_spectrum import MatrixSpectrum
from lrfact.plotting._matplotlib import axes_of, marker_for, whole_number_ticks

# Singular values shown of a matrix whose whole spectrum would cost too much.
_LEADING_VALUES = 128

KINDS = ("share", "singular_values")


class ScreeDisplay:
    """Scree plot: fraction of the variance or energy, or singular value, of each component.

    Create it with `from_estimator` or `from_singular_values`.

    Parameters
    ----------
    singular_values : array-like of shape (n_values,)
        Singular values, in descending order.

    share : array-like of shape (n_values,)
        Fraction of the total variance or energy of each component.

    n_components : int, default=None
        Number of components to mark. If None, nothing is marked.

    quantity : {"variance", "energy"}, default="variance"
        Quantity of which `share` is a fraction: the variance of a centered matrix, or the energy,
        which is the sum of squared entries.

    Attributes
    ----------
    line_ : matplotlib Line2D
        Line of the cumulative fraction, or of the singular values.

    bars_ : matplotlib StepPatch or None
        Bars of the fraction of each component; None if singular values are plotted.

    rank_line_ : matplotlib Line2D or None
        Vertical line at `n_components`.

    ax_ : matplotlib Axes
        Axes of the plot.

    figure_ : matplotlib Figure
        Figure that contains the axes.

    See Also
    --------
    RankSearchDisplay : Scores against the rank.
    select_rank : Estimate the number of components from singular values.

    Notes
    -----
    Fractions are plotted on a linear axis, which shows a knee, and singular values on a logarithmic
    one, which shows their decay: a straight line is exponential decay, a flat end is noise.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from lrfact import PCAFromSVD, ScreeDisplay
    >>> X, _ = load_digits(return_X_y=True)
    >>> pca = PCAFromSVD(n_components=0.95).fit(X)
    >>> display = ScreeDisplay.from_estimator(pca, X)
    >>> display.n_components, len(display.singular_values)
    (29, 64)
    >>> display.ax_.get_xlabel()
    'Component'
    """

    def __init__(
        self,
        *,
        singular_values: ArrayLike,
        share: ArrayLike,
        n_components: int | None = None,
        quantity: str = "variance",
    ) -> None:
        self.singular_values = singular_values
        self.share = share
        self.n_components = n_components
        self.quantity = quantity

    def plot(
        self,
        ax: Any = None,
        *,
        kind: str = "share",
        name: str | None = None,
        line_kw: dict[str, Any] | None = None,
    ) -> Self:
        """Draw the plot.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to plot on. If None, a new figure is created.

        kind : {"share", "singular_values"}, default="share"
            Quantity to plot: the fraction of each component and the cumulative fraction, or the
            singular values.

        name : str, default=None
            Label of the line in the legend. If None, it describes the line.

        line_kw : dict, default=None
            Keyword arguments of the line, passed to `matplotlib.axes.Axes.plot`.

        Returns
        -------
        ScreeDisplay
            The display, with the matplotlib artists as attributes.

        Raises
        ------
        ValueError
            If `kind` is not one of the two.

        ImportError
            If matplotlib is not installed.
        """
        if kind not in KINDS:
            raise ValueError(f"kind={kind!r} of ScreeDisplay.plot must be one of {KINDS}")
        ax = axes_of(ax, "ScreeDisplay.plot")
        if kind == "share":
            self._plot_share(ax, name, line_kw or {})
        else:
            self._plot_singular_values(ax, name, line_kw or {})
        self.rank_line_ = self._mark_rank(ax, kind)
        ax.set_xlabel("Component")
        whole_number_ticks(ax)
        ax.legend()
        self.ax_ = ax
        self.figure_ = ax.figure
        return self

    def _plot_share(self, ax: Any, name: str | None, line_kw: dict[str, Any]) -> None:
        share = np.asarray(self.share, dtype=np.float64)
        self.line_, *_ = ax.plot(
            np.arange(1, share.size + 1),
            np.cumsum(share),
            **{"marker": marker_for(share.size), "label": name or "cumulative", **line_kw},
        )
        # One artist for all bars: thousands of single ones would take seconds.
        self.bars_ = ax.stairs(
            share,
            np.arange(share.size + 1) + 0.5,
            baseline=0,
            fill=True,
            alpha=0.5,
            color=self.line_.get_color(),
            label="each component" if name is None else None,
        )
        ax.set_ylim(0, 1.03)
        ax.set_ylabel(f"Fraction of the {self.quantity}")

    def _plot_singular_values(self, ax: Any, name: str | None, line_kw: dict[str, Any]) -> None:
        values = np.asarray(self.singular_values, dtype=np.float64)
        self.line_, *_ = ax.plot(
            np.arange(1, values.size + 1),
            values,
            **{"marker": marker_for(values.size), "label": name or "singular values", **line_kw},
        )
        self.bars_ = None
        rounding = values.size * np.finfo(np.float64).eps * values.max(initial=0)
        visible = values[values > rounding]
        if visible.size:
            ax.set_yscale("log")
        if 0 < visible.size < values.size:
            # Zeros that are 1e-14 after rounding would squeeze all other values at the top.
            ax.set_ylim(bottom=visible.min() / 2)
        ax.set_ylabel("Singular value")

    def _mark_rank(self, ax: Any, kind: str) -> Any:
        if self.n_components is None:
            return None
        k = self.n_components
        text = f"{k} component{'' if k == 1 else 's'}"
        share = np.asarray(self.share, dtype=np.float64)
        if kind == "share" and k <= share.size:
            text += f": {100 * share[:k].sum():.1f} % of the {self.quantity}"
        return ax.axvline(k, color="black", linestyle="--", linewidth=1, label=text)

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any = None,
        *,
        ax: Any = None,
        kind: str = "share",
        name: str | None = None,
        line_kw: dict[str, Any] | None = None,
    ) -> Self:
        """Plot the spectrum of a fitted reducer and mark its number of components.

        Parameters
        ----------
        estimator : estimator
            A fitted `PCAFromSVD` or `TruncatedSVDReducer`, a Pipeline that contains one, or a
            search over one (its `best_estimator_` is used). scikit-learn's PCA and TruncatedSVD
            are also accepted.

        X : {array-like, sparse matrix} of shape (n_samples, n_features), default=None
            Training data, as passed to `estimator`. With it the plot extends beyond the components
            that were kept; without it only those are shown.

        ax : matplotlib Axes, default=None
            Axes to plot on. If None, a new figure is created.

        kind : {"share", "singular_values"}, default="share"
            See `plot`.

        name : str, default=None
            See `plot`.

        line_kw : dict, default=None
            See `plot`.

        Returns
        -------
        ScreeDisplay
            The display, after plotting.

        Raises
        ------
        ValueError
            If there is no fitted reducer in `estimator`, or `X` has another number of columns.

        ImportError
            If matplotlib is not installed.

        Notes
        -----
        All singular values of `X` are computed if ``n_samples * n_features * min(n_samples,
        n_features)`` is at most 2e10. Of a larger matrix, the 128 leading ones are computed, or
        twice the number of components if that is more.
        """
        reducer, X = _fitted_reducer(estimator, X)
        n_components = len(reducer.components_)
        if X is None:
            has_energy = hasattr(reducer, "explained_energy_ratio_")
            display = cls(
                singular_values=reducer.singular_values_,
                share=(
                    reducer.explained_energy_ratio_
                    if has_energy
                    else reducer.explained_variance_ratio_
                ),
                n_components=n_components,
                quantity="energy" if has_energy else "variance",
            )
            return display.plot(ax, kind=kind, name=name, line_kw=line_kw)
        options = {"accept_sparse": "csr", "dtype": [np.float64, np.float32]}
        X = validated_matrix("ScreeDisplay", X, reset=False, **options)
        if X.shape[1] != reducer.components_.shape[1]:
            raise ValueError(
                f"X has {X.shape[1]} columns where {type(reducer).__name__} was fitted on "
                f"{reducer.components_.shape[1]}; pass the training data"
            )
        A = as_operator(X)
        centered = hasattr(reducer, "mean_")
        if centered:
            A = A.centered(A.column_means())
        source = MatrixSpectrum(A, check_random_state(0))
        spectrum = source.leading(min(max(_LEADING_VALUES, 2 * n_components), source.max_rank))
        return cls.from_singular_values(
            spectrum.singular_values,
            total_energy=spectrum.total_energy,
            n_components=n_components,
            centered=centered,
            ax=ax,
            kind=kind,
            name=name,
            line_kw=line_kw,
        )

    @classmethod
    def from_singular_values(
        cls,
        singular_values: ArrayLike,
        *,
        total_energy: float | None = None,
        n_components: int | None = None,
        centered: bool = False,
        ax: Any = None,
        kind: str = "share",
        name: str | None = None,
        line_kw: dict[str, Any] | None = None,
    ) -> Self:
        """Plot given singular values.

        Parameters
        ----------
        singular_values : array-like of shape (n_values,)
            Singular values, in any order.

        total_energy : float, default=None
            Squared Frobenius norm of the matrix, needed if only its leading singular values are
            given. None means that all are given.

        n_components : int, default=None
            Number of components to mark. If None, nothing is marked.

        centered : bool, default=False
            Whether the matrix was centered, so that its energy is called variance.

        ax : matplotlib Axes, default=None
            Axes to plot on. If None, a new figure is created.

        kind : {"share", "singular_values"}, default="share"
            See `plot`.

        name : str, default=None
            See `plot`.

        line_kw : dict, default=None
            See `plot`.

        Returns
        -------
        ScreeDisplay
            The display, after plotting.

        Raises
        ------
        ValueError
            If the values are negative, not finite or not one-dimensional.

        ImportError
            If matplotlib is not installed.

        Examples
        --------
        >>> from lrfact import ScreeDisplay
        >>> display = ScreeDisplay.from_singular_values([3.0, 2.0, 1.0], n_components=2)
        >>> display.share.round(3).tolist()
        [0.643, 0.286, 0.071]
        """
        values = check_array(
            singular_values, ensure_2d=False, dtype=np.float64, input_name="singular_values"
        )
        if values.ndim != 1 or values.min() < 0:
            raise ValueError(
                "singular_values must be one-dimensional and not negative; got shape "
                f"{values.shape} and least value {values.min():.6g}"
            )
        values = np.sort(values)[::-1]
        # In units of the largest value, whose square may overflow or underflow.
        unit = values[0] if values[0] > 0 else 1.0
        energies = (values / unit) ** 2
        total = energies.sum() if total_energy is None else total_energy / unit / unit
        display = cls(
            singular_values=values,
            share=energies / total if total > 0 else np.zeros_like(energies),
            n_components=n_components,
            quantity="variance" if centered else "energy",
        )
        return display.plot(ax, kind=kind, name=name, line_kw=line_kw)


def _fitted_reducer(estimator: Any, X: Any) -> tuple[Any, Any]:
    """Return the reducer inside an estimator, and the data as passed to that step."""
    require_estimator(estimator, "ScreeDisplay.from_estimator")
    if hasattr(estimator, "best_estimator_"):
        estimator = estimator.best_estimator_
    if isinstance(estimator, Pipeline):
        for position, (_, step) in enumerate(estimator.steps):
            if hasattr(step, "singular_values_"):
                before = estimator[:position] if position else None
                return step, X if X is None or before is None else before.transform(X)
        raise ValueError(
            "ScreeDisplay found no step with singular_values_ in the Pipeline with steps "
            f"{[name for name, _ in estimator.steps]}; fit it first, and let one step be a "
            "PCAFromSVD or TruncatedSVDReducer"
        )
    check_is_fitted(estimator)
    if not hasattr(estimator, "singular_values_"):
        raise ValueError(
            f"{type(estimator).__name__} has no singular_values_; ScreeDisplay takes a fitted "
            "PCAFromSVD or TruncatedSVDReducer, or a Pipeline or search that contains one"
        )
    return estimator, X
