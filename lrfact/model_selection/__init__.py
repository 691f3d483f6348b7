"""Choosing the rank: `select_rank` for one matrix."""

from ._select_rank import RankSelection, select_rank

__all__ = ["RankSelection", "select_rank"]
