"""Progress of a fit, to scikit-learn's callbacks where it has them and to the terminal."""

from typing import Any


class FitProgress:
    """Tells callbacks, and a person where `verbose` is set, how far a fit has come.

    Parameters
    ----------
    estimator : estimator
        Being fitted; has `_init_callback_context`.

    X : array-like or sparse matrix
        The data, for callbacks.

    verbose : int
        Whether to print a line for each measurement.

    measure : str, default="error of singular values"
        Name of the measure; it may change during the fit.
    """

    def __init__(
        self,
        estimator: Any,
        X: Any,
        verbose: int,
        measure: str = "error of singular values",
    ) -> None:
        self._estimator = estimator
        self._X = X
        self._verbose = verbose
        self.measure = measure
        # The number of steps is not known beforehand.
        context = estimator._init_callback_context(max_subtasks=None)
        self._context = context.call_on_fit_task_begin(estimator=estimator, X=X)

    def __call__(self, step: int, measured: float) -> bool:
        """Report a step and what it reached; True when a callback asks to stop."""
        if self._verbose:
            name = type(self._estimator).__name__
            digits = "1e" if self.measure.startswith("error") else "6g"
            print(f"[{name}] step {step}, {self.measure} {measured:.{digits}}")
        task = self._context.subcontext(task_name="step").call_on_fit_task_begin(
            estimator=self._estimator, X=self._X
        )
        return bool(task.call_on_fit_task_end(estimator=self._estimator, X=self._X))

    def finish(self) -> None:
        """Close the task of the whole fit."""
        self._context.call_on_fit_task_end(
            estimator=self._estimator, X=self._X, reconstruction_attributes={}
        )
