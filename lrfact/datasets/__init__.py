"""Ratings to try things on: planted ones, and MovieLens."""

from lrfact.datasets._make_ratings import PlantedRatings, make_ratings
from lrfact.datasets._movielens import fetch_movielens

__all__ = ["PlantedRatings", "fetch_movielens", "make_ratings"]
