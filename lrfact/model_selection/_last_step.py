"""From a fitted Pipeline to its last step, and to what that step was given."""

from typing import Any

from sklearn.pipeline import Pipeline


def last_step(estimator: Any, X: Any) -> tuple[Any, Any]:
    """Return the last step of a Pipeline, and `X` transformed by those before.

    Parameters
    ----------
    estimator : estimator
        Fitted; a Pipeline may end in another.

    X : object
        What `estimator` takes.

    Returns
    -------
    estimator : estimator
        No Pipeline.

    X : object
        What it takes.
    """
    while isinstance(estimator, Pipeline):
        if len(estimator) > 1:
            X = estimator[:-1].transform(X)
        estimator = estimator[-1]
    return estimator, X
