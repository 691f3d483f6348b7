"""ScreeDisplay: how much each direction of a matrix carries."""

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
    """Scree plot: share of the variance or energy, or singular value, of each component.

    Make it with `from_estimator` or `from_singular_values`.

    Parameters
    ----------
    singular_values : array-like of shape (n_values,)
        In descending order.

    share : array-like of shape (n_values,)
        Part of the total variance or energy that each component carries.

    n_components : int, default=None
        The rank to mark; None marks none.

    quantity : {"variance", "energy"}, default="variance"
        What `share` is a share of: the variance of a centred matrix, or the energy, which is the
        sum of the squared entries.

    Attributes
    ----------
    line_ : matplotlib Line2D
        The cumulative share, or the singular values.

    bars_ : matplotlib StepPatch or None
        The share of each component; None where singular values are drawn.

    rank_line_ : matplotlib Line2D or None
        The mark at `n_components`.

    ax_ : matplotlib Axes
        Where it is drawn.

    figure_ : matplotlib Figure
        The figure around the axes.

    See Also
    --------
    RankSearchDisplay : Scores against the rank.
    select_rank : Reads a rank off the singular values.

    Notes
    -----
    The share has a linear axis, where a knee shows; singular values have a logarithmic one, where
    the decay shows: a straight line is exponential decay, a flat end is noise.

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
            Where to draw; None makes a new figure.

        kind : {"share", "singular_values"}, default="share"
            What to draw: the share of each component and the cumulative share, or the singular
            values.

        name : str, default=None
            Label of the line in the legend; None says what the line is.

        line_kw : dict, default=None
            Keywords for the line, handed to `matplotlib.axes.Axes.plot`.

        Returns
        -------
        ScreeDisplay
            The display itself, with the artists as attributes.

        Raises
        ------
        ValueError
            If `kind` is none of the two.

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
        ax.set_ylabel(f"Share of the {self.quantity}")

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
            # Zeros that rounding made 1e-14 would press all others into a line at the top.
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
        """Draw the spectrum behind a fitted reducer, with its rank marked.

        Parameters
        ----------
        estimator : estimator
            Fitted: a `PCAFromSVD` or `TruncatedSVDReducer`, a Pipeline that holds one, or a search
            over one (its `best_estimator_` is taken). scikit-learn's PCA and TruncatedSVD will do
            too.

        X : {array-like, sparse matrix} of shape (n_samples, n_features), default=None
            The rows of the fit, as given to `estimator`. With them the plot goes on beyond the
            components that were kept. None shows those only.

        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.

        kind : {"share", "singular_values"}, default="share"
            As in `plot`.

        name : str, default=None
            As in `plot`.

        line_kw : dict, default=None
            As in `plot`.

        Returns
        -------
        ScreeDisplay
            Drawn.

        Raises
        ------
        ValueError
            If there is no fitted reducer in `estimator`, or `X` has another number of columns.

        ImportError
            If matplotlib is not installed.

        Notes
        -----
        All singular values of `X` are computed up to ``n_samples * n_features * min(n_samples,
        n_features) = 2e10``; of a larger matrix 128 of them, or twice the rank if that is more.
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
                f"{reducer.components_.shape[1]}; pass the rows of the fit"
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
        """Draw singular values that are at hand.

        Parameters
        ----------
        singular_values : array-like of shape (n_values,)
            In any order.

        total_energy : float, default=None
            Squared Frobenius norm of the matrix, where only its leading singular values are given.
            None says that all are given.

        n_components : int, default=None
            The rank to mark; None marks none.

        centered : bool, default=False
            Whether the matrix was centred, so that its energy is called variance.

        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.

        kind : {"share", "singular_values"}, default="share"
            As in `plot`.

        name : str, default=None
            As in `plot`.

        line_kw : dict, default=None
            As in `plot`.

        Returns
        -------
        ScreeDisplay
            Drawn.

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
        # In units of the largest, whose own square may be too large or too small for a number.
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
    """Return the reducer inside an estimator, and the rows as they come to it."""
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
            "PCAFromSVD or TruncatedSVDReducer, or a Pipeline or search that holds one"
        )
    return estimator, X
