"""Parameters for the task ``implicit_ranking``, by dataset, program and variant.

Those of the greatest gain that ``implicit_search.py`` has found on pairs held out from the
training pairs; its csv says how each setting fared. A program without an entry here is not run on
the dataset.

On MovieLens all programs have 64 factors, as the published figures that it is compared with.
"""

from __future__ import annotations

PARAMETERS = {
    "gowalla_clicks": {
        "popularity": {},
        "lrfact als": {
            "n_components": 1024,
            "alpha": 30.0,
            "reg": 0.003,
            "reg_exponent": 1.0,
            "max_iter": 8,
            "tol": 0.0,
        },
        "lrfact svd": {"n_components": 1024, "reg": 0.4},
        "lrfact bpr": {"n_components": 64, "reg": 0.003, "max_iter": 120},
        "implicit als": {
            "factors": 1024,
            "alpha": 30.0,
            "regularization": 105.0,
            "iterations": 16,
        },
        "implicit bpr": {
            "factors": 64,
            "regularization": 0.003,
            "learning_rate": 0.05,
            "iterations": 120,
        },
    },
    "movielens_1m_clicks": {
        "popularity": {},
        "lrfact als": {
            "n_components": 64,
            "alpha": 2.0,
            "reg": 0.006,
            "reg_exponent": 1.0,
            "max_iter": 16,
            "tol": 0.0,
        },
        "lrfact svd": {"n_components": 64, "reg": 0.0},
        "lrfact bpr": {"n_components": 64, "reg": 0.01, "max_iter": 60},
        "implicit als": {"factors": 64, "alpha": 3.0, "regularization": 53.2, "iterations": 16},
        "implicit bpr": {
            "factors": 64,
            "regularization": 0.01,
            "learning_rate": 0.05,
            "iterations": 60,
        },
    },
    "lastfm_plays": {
        "popularity": {},
        "lrfact als": {
            "n_components": 128,
            "alpha": 3.0,
            "reg": 0.01,
            "reg_exponent": 1.0,
            "max_iter": 16,
            "tol": 0.0,
        },
        "lrfact svd": {"n_components": 128, "reg": 0.0},
        "lrfact bpr": {"n_components": 128, "reg": 0.003, "max_iter": 100},
        "implicit als": {"factors": 128, "alpha": 1.0, "regularization": 34.6, "iterations": 16},
        "implicit bpr": {
            "factors": 64,
            "regularization": 0.01,
            "learning_rate": 0.05,
            "iterations": 100,
        },
    },
}
