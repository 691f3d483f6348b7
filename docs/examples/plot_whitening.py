"""
Whitening, and when it hurts
============================

With ``whiten=True`` every coordinate is divided by its standard deviation, so that all have
variance 1: all components then have the same weight in distances.

This helps if the components with the largest variance are not the relevant ones, as in the wine
data with raw columns: magnesium and proline have large values that dominate the features which
distinguish the wines. It hurts if the components with small variance are noise, as in the last of
the 64 components of the digits.

The model of the data is the same with and without whitening: `get_covariance` and `score` describe
`X`, not its coordinates, so whitening does not change them. In scikit-learn 1.9 it does (the
components are scaled a second time).
"""

import sys

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits, load_wine
from sklearn.decomposition import PCA
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline

from lrfact import PCAFromSVD

CASES = (("wine", load_wine, 6), ("digits", load_digits, 16), ("digits", load_digits, 50))


def accuracy(load, rank, whiten):
    """Accuracy of five nearest neighbors on the coordinates, over five folds."""
    X, y = load(return_X_y=True)
    model = make_pipeline(
        PCAFromSVD(n_components=rank, whiten=whiten), KNeighborsClassifier(n_neighbors=5)
    )
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    return cross_val_score(model, X, y, cv=folds).mean()


def scores(rank=10):
    """Mean log-likelihood of the digits: ours and scikit-learn's, plain and whitened."""
    X, _ = load_digits(return_X_y=True)
    models = {
        cls.__name__: [cls(n_components=rank, whiten=whiten) for whiten in (False, True)]
        for cls in (PCAFromSVD, PCA)
    }
    return {name: [model.fit(X).score(X) for model in both] for name, both in models.items()}


def main():
    X, y = load_wine(return_X_y=True)
    plain = PCAFromSVD(n_components=2).fit_transform(X)
    white = PCAFromSVD(n_components=2, whiten=True).fit_transform(X)
    print("wine, standard deviation of two coordinates:", plain.std(axis=0, ddof=1).round(1))
    print("  whitened:", white.std(axis=0, ddof=1).round(3))

    print("accuracy of five nearest neighbors, plain and whitened:")
    for name, load, rank in CASES:
        before, after = (accuracy(load, rank, whiten) for whiten in (False, True))
        print(f"  {name}, {rank} components: {before:.3f} and {after:.3f}")

    print("mean log-likelihood of the digits, 10 components, plain and whitened:")
    for name, (before, after) in scores().items():
        print(f"  {name}: {before:.2f} and {after:.2f}")

    figure, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
    for ax, W, title in zip(axes, (plain, white), ("plain", "whitened"), strict=True):
        ax.scatter(*W.T, c=y, cmap="viridis", s=14)
        ax.set(title=title, xlabel="first component", ylabel="second component")
        # Equal units on both axes show what a distance sees.
        ax.set_aspect("equal", adjustable="datalim")
    figure.suptitle("Wine, raw columns, coloured by kind: what a distance sees")
    return figure


if __name__ == "__main__":
    figure = main()
    if len(sys.argv) > 1:
        figure.savefig(sys.argv[1])
    else:
        plt.show()
