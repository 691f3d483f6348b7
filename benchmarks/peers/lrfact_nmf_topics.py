"""lrfact.NMFTopics at growing numbers of iterations, and at its defaults."""

from __future__ import annotations

from peers import missing

NAME = "lrfact NMFTopics"
TASKS = ("nmf", "topics")
OURS = True

ITERATIONS = (2, 3, 5, 8, 12, 16, 20, 25, 30, 40, 50, 60, 80, 120, 200)


def available():
    return missing("lrfact", "NMFTopics")


def iterations(loss):
    return {"hals" if loss == "frobenius" else "mu": ITERATIONS}


def factorize(X, k, loss, solver, n_iter, start):
    from lrfact import NMFTopics

    model = NMFTopics(
        k, init="custom", solver=solver, beta_loss=loss, max_iter=n_iter, tol=0.0, n_jobs=None
    )
    W = model.fit_transform(X, W=start[0], H=start[1])
    return W, model.components_


def at_defaults(X, k, loss, random_state):
    from lrfact import NMFTopics

    model = NMFTopics(k, beta_loss=loss, random_state=random_state)
    return model.fit_transform(X), model.components_


def topic_models(k):
    from lrfact import NMFTopics

    def weights(**options):
        return lambda X, seed: NMFTopics(k, random_state=seed, **options).fit(X)

    return {
        "defaults": weights(),
        "init=random": weights(init="random"),
        "init=random n_init=10": weights(init="random", n_init=10),
    }
