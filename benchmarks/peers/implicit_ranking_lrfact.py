"""lrfact.ImplicitMF by each of its solvers."""

from __future__ import annotations

import warnings

import numpy as np
from scipy.sparse import eye_array

from peers import missing

NAME = "lrfact ImplicitMF"
TASKS = ("implicit_ranking",)
OURS = True
PROGRAM = "lrfact"
MODELS = {
    "als": {"loss": "squared", "solver": "als"},
    "svd": {"loss": "squared", "solver": "svd"},
    "bpr": {"loss": "bpr"},
}


def available():
    return missing("lrfact", "ImplicitMF")


def rankers():
    """Of the models that the installed version can fit."""
    return {variant: _ranker(model) for variant, model in MODELS.items() if _fits(model)}


def _ranker(model):
    def fit(X, parameters, n_threads, random_state):
        from sklearn.exceptions import ConvergenceWarning

        from lrfact import ImplicitMF

        estimator = ImplicitMF(**model, **parameters, n_jobs=n_threads, random_state=random_state)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            estimator.fit(X)
        # The bias of a column, where there is one, as a factor that is 1 in all rows.
        W, V = estimator.row_factors_, estimator.components_.T
        return (
            np.column_stack([W, np.ones(len(W), W.dtype)]),
            np.column_stack([V, estimator.column_bias_]),
        )

    return fit


def _fits(model) -> bool:
    try:
        _ranker(model)(eye_array(4, format="csr"), {"n_components": 2, "max_iter": 2}, 1, 0)
    # A version without this model may say so in any way.
    except Exception:
        return False
    return True
