"""lrfact.MaskedMF, both solvers, with common ranks, regularization and iterations."""

from __future__ import annotations

from peers import FEW_RATINGS, missing, ranks_to_try

NAME = "lrfact MaskedMF"
TASKS = ("ratings", "accuracy", "als_sweep", "als_100m")
OURS = True

# Numbers of sweeps to try with each solver, and penalties.
SWEEPS_OF_FEW = {"als": (1, 2, 3, 5, 8, 12, 20), "sgd": (3, 5, 8, 12, 20, 40)}
SWEEPS_OF_MANY = {"als": (1, 2, 3, 5, 8), "sgd": (3, 6, 10, 15)}
PENALTIES_OF_FEW = (0.7, 1.0, 1.4, 2.0)
PENALTIES_OF_MANY = (1.0, 1.4)


def available():
    return missing("lrfact", "MaskedMF")


def settings(task, X, k):
    defaults = [{"variant": "defaults"}]
    if task == "accuracy":
        return defaults
    few = X.nnz <= FEW_RATINGS
    return defaults + [
        {"variant": solver, "n_components": rank, "reg": reg, "max_iter": n}
        for solver, numbers in (SWEEPS_OF_FEW if few else SWEEPS_OF_MANY).items()
        for rank in ranks_to_try(X, k)
        for reg in (PENALTIES_OF_FEW if few else PENALTIES_OF_MANY)
        for n in numbers
    ]


def refusal(task, X, k):
    return None


def prepare(X):
    return X


def train(data, setting, n_threads, random_state):
    from lrfact import MaskedMF

    options = {name: value for name, value in setting.items() if name != "variant"}
    if setting["variant"] != "defaults":
        # All the sweeps asked for: the number of them is what the grid varies.
        options |= {"solver": setting["variant"], "tol": 0.0}
    return MaskedMF(n_jobs=n_threads, random_state=random_state, **options).fit(data)


def predict_entries(model, rows, columns):
    return model.predict_entries(rows, columns)


def sweep_setting(k, n_sweeps):
    return {"variant": "als", "n_components": k, "max_iter": n_sweeps}
