"""
Rank rules side by side
=======================

The number of components of the same matrices, according to six rules and a classifier.

On a synthetic matrix, five components in white noise, all rules but one agree. A fraction of the
energy does not account for noise: it keeps 95 %, noise included. On pure noise Gavish-Donoho,
parallel analysis and cross-validation give 0, and Minka's rule 1, its minimum. The largest gap
always exists, even in noise.

On real data the rules differ, because they answer different questions: how many components exceed
white noise (Gavish-Donoho), exceed data with independent columns (parallel analysis), explain a
Gaussian model best (Minka), predict a pixel from the others (cross-validation), explain the
variance (energy), or precede the largest step (gap). A classifier after PCA is a different
criterion; if there is such a task, choose the rank by its score.
"""

import sys

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits, load_wine
from sklearn.model_selection import StratifiedKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from lrfact import PCAFromSVD, RankSearchCV, RankSearchDisplay, select_rank

RULES = ("energy", "gap", "gavish-donoho", "parallel", "mle", "cv")


def matrices(seed=0):
    """Name and matrix of each case."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(300, 40))
    synthetic = rng.normal(size=(300, 5)) @ rng.normal(size=(5, 40)) + noise
    return {
        "pure noise": noise,
        "five planted": synthetic,
        "wine": StandardScaler().fit_transform(load_wine().data),
        "digits": load_digits().data,
    }


def ranks_by_rule(X):
    """What each rule says of a matrix, centered."""
    selection = select_rank(X, "cv", center=True, compare="all", random_state=0)
    return {rule: selection.choices[rule].n_components for rule in RULES}


def accuracy_by_rank():
    """Search of the rank of PCA by the accuracy of five nearest neighbors on digits."""
    X, y = load_digits(return_X_y=True)
    model = make_pipeline(PCAFromSVD(), KNeighborsClassifier(n_neighbors=5))
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    return RankSearchCV(model, ranks=range(2, 63, 2), cv=folds).fit(X, y)


def main():
    print(f"{'':<14}" + "".join(f"{rule:>15}" for rule in RULES))
    found = {name: ranks_by_rule(X) for name, X in matrices().items()}
    for name, ranks in found.items():
        print(f"{name:<14}" + "".join(f"{ranks[rule]:>15}" for rule in RULES))
    search = accuracy_by_rank()
    print(f"nearest neighbors on digits: best at {search.best_rank_} components")

    figure, ax = plt.subplots(figsize=(9, 4.5), layout="constrained")
    RankSearchDisplay.from_estimator(search, ax=ax, score_name="Accuracy of nearest neighbors")
    mean = search.cv_results_["mean_test_score"]
    for rule, rank in found["digits"].items():
        at = np.interp(rank, search.ranks_, mean)
        ax.plot(rank, at, "o", label=f"{rule}: {rank}")
    ax.set(
        title="Digits: where each rule stops, and what a classifier makes of it", ylim=(0.55, 1.01)
    )
    ax.legend(ncols=2)
    return figure


if __name__ == "__main__":
    figure = main()
    if len(sys.argv) > 1:
        figure.savefig(sys.argv[1])
    else:
        plt.show()
