"""Every private scikit-learn import, and what older versions lack; no other file has any."""

from contextlib import nullcontext
from typing import Any

from sklearn import config_context
from sklearn.base import _fit_context as fit_context
from sklearn.utils import extmath
from sklearn.utils._param_validation import (
    HasMethods,
    Hidden,
    Interval,
    InvalidParameterError,
    Options,
    RealNotInt,
    StrOptions,
    validate_params,
)
from sklearn.utils.metaestimators import _safe_split as safe_split
from sklearn.utils.validation import _check_method_params as check_method_params
from sklearn.utils.validation import _check_sample_weight as check_sample_weight

__all__ = [
    "CallbackSupportMixin",
    "HasMethods",
    "Hidden",
    "Interval",
    "InvalidParameterError",
    "Options",
    "RealNotInt",
    "StrOptions",
    "check_method_params",
    "check_sample_weight",
    "fit_context",
    "randomized_range_finder",
    "safe_split",
    "validate_params",
    "with_callbacks",
]

# scikit-learn 1.9 validates in the public function, which then takes no LinearOperator;
# the body behind it does. Before, the public function was that body.
_range_finder = getattr(extmath, "_randomized_range_finder", extmath.randomized_range_finder)


def randomized_range_finder(A: Any, **parameters: Any) -> Any:
    """Return an orthonormal basis of the range of a LinearOperator, by scikit-learn."""
    # With dispatch on it asks every argument for its array namespace; an operator has none.
    with config_context(array_api_dispatch=False):
        return _range_finder(A, **parameters)


try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # before scikit-learn 1.9

    class _NoCallbacks:
        """A callback context that nobody listens to."""

        def subcontext(self, **kwargs: Any) -> "_NoCallbacks":
            return self

        def call_on_fit_task_begin(self, **kwargs: Any) -> "_NoCallbacks":
            return self

        def call_on_fit_task_end(self, **kwargs: Any) -> bool:
            return False  # nobody asked to stop

        def propagate_callback_context(self, *args: Any, **kwargs: Any) -> nullcontext[None]:
            return nullcontext()

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Stand-in without `set_callbacks`, so that meta-estimators see no support."""

        def _init_callback_context(self, **kwargs: Any) -> _NoCallbacks:
            return _NoCallbacks()

    def with_callbacks(method: Any) -> Any:
        """Return `method` as it is."""
        return method
