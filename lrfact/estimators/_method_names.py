"""Error messages of Python about arguments, without the names of private base classes."""

from collections.abc import Iterable
from typing import Any


def hide_private_bases(public: Iterable[type]) -> None:
    """Let inherited methods be called by their own name only in messages.

    Python begins "got an unexpected keyword argument" with the class in which a method is defined,
    which for shared methods is not one that users know.

    Parameters
    ----------
    public : iterable of class
        Classes whose names users know.
    """
    known = set(public)
    for cls in known:
        for base in cls.__mro__:
            if base in known or not base.__module__.startswith("lrfact."):
                continue
            for name, attribute in vars(base).items():
                if not name.startswith("_"):
                    _call_by_its_name(attribute, name)


def _call_by_its_name(attribute: Any, name: str) -> None:
    method = getattr(attribute, "fn", attribute)  # of available_if
    method = getattr(method, "__func__", method)  # of a class method
    while hasattr(method, "__qualname__"):
        method.__qualname__ = name
        method = getattr(method, "__wrapped__", None)  # what a decorator calls
