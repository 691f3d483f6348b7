"""Names of inherited methods in error messages, without private base classes."""

from collections.abc import Iterable
from typing import Any


def hide_private_bases(public: Iterable[type]) -> None:
    """Remove private base classes from the qualified names of inherited methods.

    The error message "got an unexpected keyword argument" of Python starts with the qualified name
    of a method. For inherited methods this contains a private base class unknown to users.

    Parameters
    ----------
    public : iterable of class
        Public classes.
    """
    known = set(public)
    for cls in known:
        for base in cls.__mro__:
            if base in known or not base.__module__.startswith("lrfact."):
                continue
            for name, attribute in vars(base).items():
                if not name.startswith("_"):
                    _set_qualified_name(attribute, name)


def _set_qualified_name(attribute: Any, name: str) -> None:
    method = getattr(attribute, "fn", attribute)  # method decorated by available_if
    method = getattr(method, "__func__", method)  # class method
    while hasattr(method, "__qualname__"):
        method.__qualname__ = name
        method = getattr(method, "__wrapped__", None)  # function inside a decorator
