"""Components of a fitted estimator, Pipeline or search, with their feature names."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.pipeline import Pipeline
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted

from lrfact._typing import Array
from lrfact.checks._estimator_given import require_estimator

# Attributes with the fraction of the total of each component.
_SHARES = ("topic_share_", "explained_energy_ratio_", "explained_variance_ratio_")


@dataclass(frozen=True)
class FittedComponents:
    """The data of a fitted estimator that plots of components need.

    Parameters
    ----------
    components : ndarray of shape (n_components, n_features)
        Attribute `components_` of the estimator.

    share : ndarray of shape (n_components,) or None
        Fraction of the total of each component, if the estimator has it.

    step : estimator
        The estimator that has the components.

    before : Pipeline or None
        Preceding steps of the Pipeline.
    """

    components: Array
    share: Array | None
    step: Any
    before: Pipeline | None

    def feature_names(self, given: Any) -> npt.NDArray[np.object_]:
        """Return the given names, or those seen in `fit`, or else x0, x1 and so on."""
        n_features = self.components.shape[1]
        if given is not None:
            given = np.asarray(given, dtype=object)
            if given.shape != (n_features,):
                raise ValueError(
                    f"feature_names has shape {given.shape}, but {type(self.step).__name__} has "
                    f"{n_features} features; give one name for each column of components_"
                )
            return given
        if hasattr(self.step, "feature_names_in_"):
            return np.asarray(self.step.feature_names_in_, dtype=object)
        try:
            names = None if self.before is None else self.before.get_feature_names_out()
        except AttributeError as unnamed:
            raise ValueError(
                f"the steps before {type(self.step).__name__} in the Pipeline do not name their "
                "features; pass feature_names, one for each column of components_"
            ) from unnamed
        # A Pipeline whose steps are all "passthrough" returns None.
        if names is None:
            return np.array([f"x{j}" for j in range(n_features)], dtype=object)
        return np.asarray(names, dtype=object)

    def rows(self, chosen: Any, name: str) -> npt.NDArray[np.intp]:
        """Return the indices of the components to show.

        Parameters
        ----------
        chosen : array-like of int or None
            Indices of components; None selects all.

        name : str
            Name of the parameter, for the error message.

        Returns
        -------
        ndarray of int

        Raises
        ------
        ValueError
            If `chosen` are not indices of components.
        """
        n_components = len(self.components)
        if chosen is None:
            return np.arange(n_components)
        rows = np.asarray(chosen)
        if (
            rows.ndim != 1
            or rows.size == 0
            or not np.issubdtype(rows.dtype, np.integer)
            or rows.min() < 0
            or rows.max() >= n_components
        ):
            raise ValueError(
                f"{name}={chosen!r} must be a list of integers from 0 to {n_components - 1}, rows "
                "of components_, or None for all"
            )
        return rows.astype(np.intp)


def fitted_components(estimator: Any, caller: str) -> FittedComponents:
    """Find the components of a fitted estimator.

    Parameters
    ----------
    estimator : estimator
        An estimator with `components_`; a Pipeline, whose last step with `components_` is used; or
        a search over either.

    caller : str
        Name of the caller, for error messages.

    Returns
    -------
    FittedComponents

    Raises
    ------
    ValueError
        If there are no components.

    NotFittedError
        If the estimator is not fitted.
    """
    require_estimator(estimator, f"{caller}.from_estimator")
    if hasattr(estimator, "best_estimator_"):
        estimator = estimator.best_estimator_
    check_is_fitted(estimator)
    step, before = estimator, None
    if isinstance(estimator, Pipeline):
        positions = [
            position
            for position, (_, candidate) in enumerate(estimator.steps)
            if hasattr(candidate, "components_")
        ]
        if not positions:
            raise ValueError(
                f"{caller} found no step with components_ in the Pipeline with steps "
                f"{[name for name, _ in estimator.steps]}; let one step be an NMFTopics, a "
                "PCAFromSVD or another estimator with components_"
            )
        step = estimator.steps[positions[-1]][1]
        before = estimator[: positions[-1]] if positions[-1] else None
    elif not hasattr(estimator, "components_"):
        raise ValueError(
            f"{type(estimator).__name__} has no components_; {caller} takes a fitted NMFTopics, "
            "PCAFromSVD or another estimator with components_, or a Pipeline or search that "
            "contains one"
        )
    components = check_array(
        step.components_, dtype=[np.float64, np.float32], input_name="components_"
    )
    share = next((getattr(step, name) for name in _SHARES if hasattr(step, name)), None)
    return FittedComponents(components, share, step, before)
