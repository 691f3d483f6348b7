"""lrfact.BayesianMF: at defaults, with more factors, and with chains of several lengths."""

from __future__ import annotations

from peers import FEW_RATINGS, missing, ranks_to_try

NAME = "lrfact BayesianMF"
TASKS = ("ratings", "accuracy", "calibration")
OURS = True

# Lengths of chains to try, the longest first; those of the defaults have 160 sweeps.
CHAINS = (
    {"n_burn_in": 50, "n_draws": 50, "thinning": 9},
    {"n_burn_in": 40, "n_draws": 40, "thinning": 3},
    {"n_burn_in": 20, "n_draws": 20, "thinning": 2},
    {"n_burn_in": 10, "n_draws": 10, "thinning": 1},
)
# Ratings from which more factors than the defaults have are worth their time.
MANY_FACTORS_FROM = 200_000


def available():
    return missing("lrfact", "BayesianMF")


def settings(task, X, k):
    grid: list[dict] = [{"variant": "defaults"}]
    if task in ("accuracy", "calibration"):
        more = (32, 64) if MANY_FACTORS_FROM <= X.nnz <= FEW_RATINGS else ()
        return grid + [{"variant": f"{rank} factors", "n_components": rank} for rank in more]
    if X.nnz > FEW_RATINGS:
        return grid
    return grid + [
        {"variant": "Gibbs", "n_components": min(rank, 64), **chain}
        for rank in ranks_to_try(X, k)
        for chain in CHAINS
    ]


def refusal(task, X, k):
    return None


def prepare(X):
    return X


def train(data, setting, n_threads, random_state):
    from lrfact import BayesianMF

    options = {name: value for name, value in setting.items() if name != "variant"}
    return BayesianMF(n_jobs=n_threads, random_state=random_state, **options).fit(data)


def predict_entries(model, rows, columns):
    return model.predict_entries(rows, columns)


def predict_spread(model, rows, columns):
    return model.predict_entries(rows, columns, return_std=True)
