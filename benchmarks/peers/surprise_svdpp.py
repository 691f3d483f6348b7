"""Surprise's SVD++: its SVD with the missingness pattern as additional information."""

from __future__ import annotations

from peers import missing
from peers._biased_factors import BiasedFactors, predict_from_factors, where_seen
from peers._surprise import pattern_by_root_of_row, surprise_refusal, surprise_trainset

NAME = "Surprise SVD++"
TASKS = ("ratings", "accuracy")


def available():
    return missing("surprise")


def settings(task, X, k):
    if task == "accuracy":
        return [{"variant": "defaults"}]
    # 20 factors, 20 epochs and a rate of 0.007 are the defaults; an epoch takes long.
    epochs = (5, 10, 20, 40) if X.nnz <= 200_000 else (5, 20)
    return [
        {"n_factors": 20, "lr_all": 0.007, "reg_all": reg, "n_epochs": n}
        for reg in ((0.02, 0.05) if X.nnz <= 200_000 else (0.02,))
        for n in epochs
    ]


def refusal(task, X, k):
    return surprise_refusal(X)


def prepare(X):
    return surprise_trainset(X), X


def train(data, setting, n_threads, random_state):
    from surprise import SVDpp

    trainset, X = data
    options = {name: value for name, value in setting.items() if name != "variant"}
    # Keeping ratings in an array makes it twice as fast.
    return SVDpp(random_state=random_state, cache_ratings=True, **options).fit(trainset), X


def predict_entries(model, rows, columns):
    svdpp, X = model
    W = svdpp.pu + pattern_by_root_of_row(X) @ svdpp.yj
    factors = BiasedFactors(svdpp.trainset.global_mean, svdpp.bu, svdpp.bi, W, svdpp.qi)
    return predict_from_factors(where_seen(factors, X), rows, columns)
