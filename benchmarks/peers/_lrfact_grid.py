"""The settings tried for lrfact's own estimators.

Only the variant ``auto``, the default of the package, is ranked against the peers: a user does not
know beforehand which solver wins. The others show what ``auto`` gave away.
"""

from __future__ import annotations

ASKED = (1e-2, 1e-3, 1e-4, 1e-6)


def lrfact_settings(X):
    grid = [{"variant": solver, "tol": tol} for solver in ("auto", "lanczos") for tol in ASKED]
    grid += [{"variant": "randomized", "tol": tol} for tol in ASKED]
    if min(X.shape) <= 4_000:
        grid += [{"variant": "gram", "tol": 1e-4}]
        if X.shape[0] * X.shape[1] <= 30_000_000:
            grid += [{"variant": "exact", "tol": 1e-4}]
    return grid


def lrfact_arguments(k, setting, random_state):
    return {
        "n_components": k,
        "solver": setting["variant"],
        "tol": setting["tol"],
        "random_state": random_state,
    }
