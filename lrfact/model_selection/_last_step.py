"""The last step of a fitted Pipeline, and its input."""

from typing import Any

from sklearn.pipeline import Pipeline


def last_step(estimator: Any, X: Any) -> tuple[Any, Any]:
    """Return the last step of a Pipeline, and `X` transformed by those before.

    Parameters
    ----------
    estimator : estimator
        Fitted estimator or Pipeline, possibly nested.

    X : object
        Input of `estimator`.

    Returns
    -------
    estimator : estimator
        The last step, which is not a Pipeline.

    X : object
        Input of the last step.
    """
    while isinstance(estimator, Pipeline):
        if len(estimator) > 1:
            X = estimator[:-1].transform(X)
        estimator = estimator[-1]
    return estimator, X
