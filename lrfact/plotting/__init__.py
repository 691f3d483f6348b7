"""Plots as scikit-learn display objects: spectra, searches over ranks, topics and components."""

from lrfact.plotting._components import ComponentsDisplay
from lrfact.plotting._rank_search import RankSearchDisplay
from lrfact.plotting._scree import ScreeDisplay
from lrfact.plotting._topics import TopicsDisplay

__all__ = ["ComponentsDisplay", "RankSearchDisplay", "ScreeDisplay", "TopicsDisplay"]
