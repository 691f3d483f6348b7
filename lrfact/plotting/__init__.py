"""Plots as scikit-learn display objects: what a spectrum or a search over ranks looks like."""

from lrfact.plotting._rank_search import RankSearchDisplay
from lrfact.plotting._scree import ScreeDisplay

__all__ = ["RankSearchDisplay", "ScreeDisplay"]
