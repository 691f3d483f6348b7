"""Parameters for the task ``implicit_ranking``, by dataset, program and variant.

Usual values, the same for all datasets where nothing speaks against it. ``implicit_search.py``
looks for better ones, on pairs that it holds out from the training pairs; its csv says how each
fared. A program without an entry here is not run on the dataset.
"""

from __future__ import annotations

_ALS = {"n_components": 128, "alpha": 10.0, "reg": 0.003, "reg_exponent": 1.0, "max_iter": 16}
_IMPLICIT_BPR = {"factors": 127, "learning_rate": 0.05, "regularization": 0.01, "iterations": 100}

PARAMETERS = {
    "gowalla_clicks": {
        "popularity": {},
        "lrfact als": _ALS,
        "lrfact svd": {"n_components": 512},
        "implicit als": {"factors": 128, "alpha": 10.0, "regularization": 100.0, "iterations": 16},
        "implicit bpr": _IMPLICIT_BPR,
    },
    "movielens_1m_clicks": {
        "popularity": {},
        "lrfact als": _ALS,
        "lrfact svd": {"n_components": 64},
        "implicit als": {"factors": 128, "alpha": 10.0, "regularization": 10.0, "iterations": 16},
        "implicit bpr": _IMPLICIT_BPR,
    },
    "lastfm_plays": {
        "popularity": {},
        "lrfact als": _ALS,
        "lrfact svd": {"n_components": 64},
        "implicit als": {"factors": 128, "alpha": 10.0, "regularization": 30.0, "iterations": 16},
        "implicit bpr": _IMPLICIT_BPR,
    },
}
