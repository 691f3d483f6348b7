"""MovieLens 1M ratings as in movielens_1m, with twice the rank."""

from __future__ import annotations

from datasets.movielens_1m import load

__all__ = ["DTYPES", "N_COMPONENTS", "TASKS", "load"]

TASKS = ("svd",)
N_COMPONENTS = {"full": 100, "quick": 20}
DTYPES = ("float64",)
