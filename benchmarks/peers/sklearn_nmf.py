"""scikit-learn's NMF, both solvers, at growing numbers of iterations, and at its defaults.

The last number of iterations is the default, with the default tolerance: where a user ends.
"""

from __future__ import annotations

from peers import missing

NAME = "scikit-learn NMF"
TASKS = ("nmf", "topics")

ITERATIONS = (10, 30, 100)


def available():
    return missing("sklearn")


def iterations(loss):
    solvers = ("cd", "mu") if loss == "frobenius" else ("mu",)
    return dict.fromkeys(solvers, (*ITERATIONS, "end"))


def factorize(X, k, loss, solver, n_iter, start):
    from sklearn.decomposition import NMF

    options = {} if n_iter == "end" else {"max_iter": n_iter, "tol": 0.0}
    model = NMF(k, init="custom", solver=solver, beta_loss=loss, **options)
    # It writes into the start.
    W = model.fit_transform(X, W=start[0].copy(), H=start[1].copy())
    return W, model.components_


def at_defaults(X, k, loss, random_state):
    from sklearn.decomposition import NMF

    solver = "cd" if loss == "frobenius" else "mu"
    model = NMF(k, solver=solver, beta_loss=loss, random_state=random_state)
    return model.fit_transform(X), model.components_


def topic_models(k):
    from sklearn.decomposition import NMF

    def weights(**options):
        return lambda X, seed: NMF(k, random_state=seed, **options).fit(X)

    return {"defaults": weights(), "init=random": weights(init="random")}
