"""fbpca.pca: randomized SVD with LU-normalized power iterations.

fbpca draws from NumPy's global generator, the only way to make it repeatable: it is seeded around
the call and put back after.
"""

from __future__ import annotations

import numpy as np

from peers import Factors, dense_copy_refusal, missing

NAME = "fbpca"
TASKS = ("svd", "pca", "memory")


def available():
    return missing("fbpca")


def settings(task, X, k):
    # l = k + 2 is fbpca's default; l = k + 10 is the width of scikit-learn's sketch.
    grid = [{"n_iter": n, "l": k + 2} for n in (2, 4, 7, 10, 15, 20, 30)]
    grid += [{"n_iter": n, "l": k + 10} for n in (2, 4, 7, 10, 15, 20)]
    return grid + [{"n_iter": n, "l": 2 * k} for n in (2, 4, 7, 10)]


def refusal(task, X, k):
    # Near full rank fbpca turns sparse input dense.
    near_full = 2 * k >= min(X.shape) / 1.25
    return dense_copy_refusal(X) if near_full else None


def fit(task, X, k, setting, random_state):
    import fbpca

    state = np.random.get_state()  # noqa: NPY002
    np.random.seed(random_state)  # noqa: NPY002
    try:
        return Factors(*fbpca.pca(X, k=k, raw=task == "svd", **setting))
    finally:
        np.random.set_state(state)  # noqa: NPY002


def fit_transform(task, X, k, setting, random_state):
    factors = fit(task, X, k, setting, random_state)
    return factors.U * factors.s, factors
