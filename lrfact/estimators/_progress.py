"""Progress reports of a fit, by scikit-learn callbacks (if available) and printed lines."""

from typing import Any


class FitProgress:
    """Report the progress of a fit to callbacks, and print it if `verbose` is set.

    Parameters
    ----------
    estimator : estimator
        Estimator that is being fitted, with a method `_init_callback_context`.

    X : array-like or sparse matrix
        Training data, which is passed to callbacks.

    verbose : int
        Whether to print a line for each report.

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
        """Report the measure after a step, and return whether a callback requests to stop."""
        if self._verbose:
            name = type(self._estimator).__name__
            digits = "1e" if self.measure.startswith("error") else "6g"
            print(f"[{name}] step {step}, {self.measure} {measured:.{digits}}")
        task = self._context.subcontext(task_name="step").call_on_fit_task_begin(
            estimator=self._estimator, X=self._X
        )
        return bool(task.call_on_fit_task_end(estimator=self._estimator, X=self._X))

    def finish(self) -> None:
        """Report the end of the fit."""
        self._context.call_on_fit_task_end(
            estimator=self._estimator, X=self._X, reconstruction_attributes={}
        )
