"""Model selection: number of components, splits and scores of held-out entries, scorers."""

from lrfact.estimators._method_names import hide_private_bases

from ._coherence_scorer import coherence_scorer
from ._entry_scores import cross_val_score_entries
from ._entry_splits import EntryKFold, train_test_split_entries
from ._holdout_scorer import holdout_scorer
from ._retrieval_scorer import retrieval_scorer
from ._select_rank import RankSelection, select_rank
from ._stability_scorer import stability_scorer
from .rank_search._rank_search import RankSearchCV

__all__ = [
    "EntryKFold",
    "RankSearchCV",
    "RankSelection",
    "coherence_scorer",
    "cross_val_score_entries",
    "holdout_scorer",
    "retrieval_scorer",
    "select_rank",
    "stability_scorer",
    "train_test_split_entries",
]

hide_private_bases([RankSearchCV])
