"""Choosing the rank: `select_rank` for one matrix, `RankSearchCV` by cross-validation."""

from ._rank_search import RankSearchCV
from ._select_rank import RankSelection, select_rank

__all__ = ["RankSearchCV", "RankSelection", "select_rank"]
