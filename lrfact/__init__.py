"""Low-rank factorization with the scikit-learn API: X ~ W @ components_."""

from importlib.metadata import version as _version

from lrfact._show_versions import show_versions
from lrfact.estimators import MaskedMF, PCAFromSVD, TruncatedSVDReducer
from lrfact.model_selection import RankSearchCV, RankSelection, select_rank
from lrfact.plotting import RankSearchDisplay, ScreeDisplay

__version__ = _version("lrfact")

__all__ = [
    "MaskedMF",
    "PCAFromSVD",
    "RankSearchCV",
    "RankSearchDisplay",
    "RankSelection",
    "ScreeDisplay",
    "TruncatedSVDReducer",
    "select_rank",
    "show_versions",
]
