"""
Searching the rank: one factorization per fold serves every rank
================================================================

The best approximation of rank 10 is the leading part of that of rank 50. `RankSearchCV` makes use
of it: each fold factorizes its training rows once, at the largest rank, and reads the others off.
`GridSearchCV` fits anew for every rank and fold. The scores are the same, the time is not.

How much is saved depends on what else there is to do. Where the score is that of the reducer
itself, nothing else is left. With a classifier behind it, the classifier is fitted for every rank
and fold on both sides, and then takes most of the time.

The band in the picture is the spread between folds. The most accurate rank is the largest, 48, but
36 components are within one standard error of it, so they would do as well.
"""

import sys
import time

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import Pipeline

from lrfact import PCAFromSVD, RankSearchCV, RankSearchDisplay, TruncatedSVDReducer

FOLDS = StratifiedKFold(5, shuffle=True, random_state=0)

CLASSIFIER = Pipeline([("pca", PCAFromSVD()), ("classify", LogisticRegression(max_iter=1000))])
CASES = {
    "pixels predicted from each other": (TruncatedSVDReducer(), "n_components", range(1, 41)),
    "classifier behind PCA": (CLASSIFIER, "pca__n_components", range(4, 49, 4)),
}


def search_both_ways(case):
    """The fitted searches of both classes, and the seconds that each took."""
    model, parameter, ranks = CASES[case]
    X, y = load_digits(return_X_y=True)
    searches = (
        RankSearchCV(model, ranks=ranks, cv=FOLDS),
        GridSearchCV(model, {parameter: list(ranks)}, cv=FOLDS),
    )
    seconds = []
    for search in searches:
        start = time.perf_counter()
        search.fit(X / 16, y)
        seconds.append(time.perf_counter() - start)
    return searches, seconds


def smallest_within_one_error(search):
    """The smallest rank whose mean score is within one standard error of the best."""
    mean = search.cv_results_["mean_test_score"]
    error = search.cv_results_["std_test_score"] / np.sqrt(search.n_splits_ - 1)
    good_enough = mean >= mean[search.best_index_] - error[search.best_index_]
    return int(search.ranks_[good_enough].min())


def main():
    figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    for ax, case in zip(axes, CASES, strict=True):
        (ours, theirs), (seconds, their_seconds) = search_both_ways(case)
        means = [search.cv_results_["mean_test_score"] for search in (ours, theirs)]
        their_rank = next(iter(theirs.best_params_.values()))
        print(f"{case}, {len(ours.ranks_)} ranks and 5 folds:")
        print(f"  RankSearchCV: rank {ours.best_rank_} in {seconds:.2f} s")
        print(f"  GridSearchCV: rank {their_rank} in {their_seconds:.2f} s")
        print(f"  largest difference of a mean score: {np.abs(means[0] - means[1]).max():.0e}")
        small = smallest_within_one_error(ours)
        print(f"  smallest rank within one standard error of the best: {small}")
        is_error = case.startswith("pixels")
        RankSearchDisplay.from_estimator(
            ours,
            ax=ax,
            negate_score=is_error,
            score_name="RMSE of a left-out pixel" if is_error else "Accuracy",
        )
        ax.set_title(case[0].upper() + case[1:])
    return figure


if __name__ == "__main__":
    figure = main()
    if len(sys.argv) > 1:
        figure.savefig(sys.argv[1])
    else:
        plt.show()
