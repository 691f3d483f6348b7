"""Low-rank matrix factorization with the scikit-learn API: X ~ W @ components_."""

from importlib import import_module as _import_module
from importlib.metadata import version as _version
from typing import Any as _Any

from lrfact._show_versions import show_versions
from lrfact.estimators import (
    PPMI,
    BayesianMF,
    EntryRegressor,
    ImplicitMF,
    LSASearch,
    MaskedMF,
    NMFTopics,
    PCAFromSVD,
    SoftImpute,
    TermWeighting,
    TruncatedSVDReducer,
)
from lrfact.model_selection import (
    EntryKFold,
    RankSearchCV,
    RankSelection,
    coherence_scorer,
    cross_val_score_entries,
    holdout_scorer,
    retrieval_scorer,
    select_rank,
    stability_scorer,
    train_test_split_entries,
)
from lrfact.plotting import ComponentsDisplay, RankSearchDisplay, ScreeDisplay, TopicsDisplay

__version__ = _version("lrfact")

# Imported at first use.
_SUBPACKAGES = ("datasets", "metrics", "rank_rules")

__all__ = [
    "PPMI",
    "BayesianMF",
    "ComponentsDisplay",
    "EntryKFold",
    "EntryRegressor",
    "ImplicitMF",
    "LSASearch",
    "MaskedMF",
    "NMFTopics",
    "PCAFromSVD",
    "RankSearchCV",
    "RankSearchDisplay",
    "RankSelection",
    "ScreeDisplay",
    "SoftImpute",
    "TermWeighting",
    "TopicsDisplay",
    "TruncatedSVDReducer",
    "coherence_scorer",
    "cross_val_score_entries",
    "holdout_scorer",
    "retrieval_scorer",
    "select_rank",
    "show_versions",
    "stability_scorer",
    "train_test_split_entries",
]


def __getattr__(name: str) -> _Any:
    if name in _SUBPACKAGES:
        return _import_module(f"lrfact.{name}")
    raise AttributeError(f"module 'lrfact' has no attribute {name!r}")


def __dir__() -> list[str]:
    """List the public names only, so that completion does not offer private subpackages."""
    return sorted([*__all__, *_SUBPACKAGES, "__all__", "__doc__", "__version__"])
