"""Ratings to try things on: planted ones, and MovieLens."""

from lrfact.datasets._make_ratings import SyntheticRatings, make_ratings
from lrfact.datasets._movielens import fetch_movielens

__all__ = ["SyntheticRatings", "fetch_movielens", "make_ratings"]
