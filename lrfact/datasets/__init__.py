"""Ratings to try things on: planted ones, and MovieLens."""

from lrfact.datasets._make_ratings import PlantedRatings, make_ratings

__all__ = ["PlantedRatings", "make_ratings"]
