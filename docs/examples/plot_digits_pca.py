"""
Principal components of handwritten digits
==========================================

1797 images of 8 x 8 pixels, as rows of 64 features. How many components are needed?

The answer depends on the scaling. Raw pixels need 29 components for 95 % of the variance and 41 for
99 %. Standardized pixels need 40 and 54: the division by the standard deviation gives pixels at the
edge, which are almost always blank, the same weight as those in the center. All pixels have the
same unit, so raw pixels are the better choice here; columns in different units (alcohol, hue,
magnesium) should be standardized.

`truncate` returns a smaller model without another fit, since the best approximations are nested.
"""

import sys

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.preprocessing import StandardScaler

from lrfact import PCAFromSVD, ScreeDisplay

RANKS = (5, 10, 20, 40, 64)


def ranks_for_shares(shares=(0.95, 0.99)):
    """Number of components that exceed each share of the variance, raw and standardized."""
    X, _ = load_digits(return_X_y=True)
    standardized = StandardScaler().fit_transform(X)
    return {
        name: [PCAFromSVD(n_components=share).fit(rows).n_components_ for share in shares]
        for name, rows in (("raw", X), ("standardized", standardized))
    }


def reconstructions(ranks=RANKS):
    """Images rebuilt from few components, and the share of the variance that is missing."""
    X, _ = load_digits(return_X_y=True)
    pca = PCAFromSVD().fit(X)
    variance = ((X - pca.mean_) ** 2).sum()
    rebuilt, lost = {}, {}
    for rank in ranks:
        small = pca.truncate(rank)
        rebuilt[rank] = small.inverse_transform(small.transform(X))
        lost[rank] = ((X - rebuilt[rank]) ** 2).sum() / variance
    return rebuilt, lost


def mosaic(rows_of_images):
    """Join images of 8 x 8 pixels, each with a white line below and to the right."""
    framed = [np.pad(row.reshape(-1, 8, 8), ((0, 0), (0, 1), (0, 1))) for row in rows_of_images]
    return np.vstack([np.hstack(list(row)) for row in framed])


def main():
    for name, (at_95, at_99) in ranks_for_shares().items():
        print(f"{name} pixels: {at_95} components for 95 % of the variance, {at_99} for 99 %")

    X, y = load_digits(return_X_y=True)
    rebuilt, lost = reconstructions()
    for rank, share in lost.items():
        print(f"{rank:2d} components leave {100 * share:.1f} % of the variance out")

    figure = plt.figure(figsize=(10, 7), layout="constrained")
    top, bottom = figure.subfigures(2, 1, height_ratios=(1.35, 1))
    scree_ax, map_ax = top.subplots(1, 2)
    ScreeDisplay.from_estimator(PCAFromSVD(n_components=0.95).fit(X), X, ax=scree_ax)
    scree_ax.set_title("Variance of raw pixels")

    W = PCAFromSVD(n_components=2).fit_transform(X)
    points = map_ax.scatter(*W.T, c=y, cmap="tab10", vmin=-0.5, vmax=9.5, s=8)
    top.colorbar(points, ax=map_ax, ticks=range(10), label="digit")
    map_ax.set(title="The first two components", xlabel="first", ylabel="second")

    mosaic_ax = bottom.subplots()
    mosaic_ax.imshow(mosaic([rebuilt[rank][:16] for rank in RANKS]), cmap="gray_r", vmin=0, vmax=16)
    mosaic_ax.set_yticks(9 * np.arange(len(RANKS)) + 4, [f"k = {rank}" for rank in RANKS])
    mosaic_ax.set_xticks([])
    mosaic_ax.tick_params(length=0)
    mosaic_ax.spines[:].set_visible(False)
    mosaic_ax.set_title("Rebuilt from k components (64 is the original)")
    return figure


if __name__ == "__main__":
    figure = main()
    if len(sys.argv) > 1:
        figure.savefig(sys.argv[1])
    else:
        plt.show()
