"""Low-rank factorization with the scikit-learn API: X ~ W @ components_."""

from importlib.metadata import version as _version

from lrfact._show_versions import show_versions

__version__ = _version("lrfact")

__all__ = ["show_versions"]
