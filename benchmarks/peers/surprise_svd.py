"""Surprise's SVD: stochastic gradient descent with biases ("FunkSVD")."""

from __future__ import annotations

from peers import missing
from peers._biased_factors import BiasedFactors, predict_from_factors, where_seen
from peers._surprise import surprise_refusal, surprise_trainset

NAME = "Surprise SVD"
TASKS = ("ratings", "accuracy")


def available():
    return missing("surprise")


def settings(task, X, k):
    if task == "accuracy":
        return [{"variant": "defaults"}]
    return [
        {"n_factors": rank, "lr_all": rate, "reg_all": reg, "n_epochs": n}
        for rank in (k, 2 * k)
        for rate, reg in ((0.005, 0.02), (0.005, 0.05), (0.01, 0.1))
        for n in (5, 10, 20, 40)
    ]


def refusal(task, X, k):
    return surprise_refusal(X)


def prepare(X):
    return surprise_trainset(X), X


def train(data, setting, n_threads, random_state):
    from surprise import SVD

    trainset, X = data
    options = {name: value for name, value in setting.items() if name != "variant"}
    return SVD(random_state=random_state, **options).fit(trainset), X


def predict_entries(model, rows, columns):
    svd, X = model
    factors = BiasedFactors(svd.trainset.global_mean, svd.bu, svd.bi, svd.pu, svd.qi)
    return predict_from_factors(where_seen(factors, X), rows, columns)
