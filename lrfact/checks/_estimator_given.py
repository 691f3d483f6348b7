"""An estimator where one is expected, and nothing else."""

from typing import Any


def require_estimator(given: Any, caller: str) -> None:
    """Raise where something else than an estimator is given, such as its data.

    Parameters
    ----------
    given : object
        Argument that must be an estimator, fitted or not.

    caller : str
        Name of the function, for the message.

    Raises
    ------
    TypeError
        If it is a class, or has no method `fit`. The message has its type, not its values.
    """
    if isinstance(given, type):
        raise TypeError(
            f"{caller} takes a fitted estimator, and got the class {given.__name__}; give "
            f"{given.__name__}().fit(X)"
        )
    if not hasattr(given, "fit"):
        shape = getattr(given, "shape", None)
        of_shape = "" if shape is None else f" of shape {tuple(shape)}"
        raise TypeError(
            f"{caller} takes a fitted estimator, and got an object of type "
            f"{type(given).__name__}{of_shape}; fit an estimator to it first, for example "
            "PCAFromSVD().fit(X)"
        )
