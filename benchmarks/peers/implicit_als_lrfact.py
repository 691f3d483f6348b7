"""lrfact.ImplicitMF with equal regularization for all rows; includes its last exact solve."""

from __future__ import annotations

import warnings

from peers import missing

NAME = "lrfact ImplicitMF"
TASKS = ("implicit_als",)
OURS = True
VARIANTS = ("als",)


def available():
    return missing("lrfact", "ImplicitMF")


def prepare(X, alpha):
    return X


def train(data, variant, *, k, alpha, reg, n_sweeps, n_threads, random_state):
    from sklearn.exceptions import ConvergenceWarning

    from lrfact import ImplicitMF

    model = ImplicitMF(
        k,
        solver=variant,
        alpha=alpha,
        reg=reg,
        reg_exponent=0.0,
        # All the sweeps asked for: the number of them is what the grid varies.
        max_iter=n_sweeps,
        tol=0.0,
        n_jobs=n_threads,
        random_state=random_state,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(data)


def factors(model):
    return model.row_factors_, model.components_.T
