"""
Parts of images: additive components of NMF and signed components of PCA
========================================================================

Digits of 8 x 8 pixels, in 16 components. Components of PCA have both signs: a digit is the mean
plus one pattern minus another, and most of each pattern cancels. Components of NMF cannot cancel.
An image is a sum of parts, so the components are parts that occur in many images: strokes and arcs.

Lee and Seung decomposed images of faces in this way. (Faces are not shipped with scikit-learn; to
use those of `fetch_olivetti_faces`, of 64 x 64 pixels, change `load_digits` and `image_shape`.)

The approximation error is larger: PCA leaves 4.7 % of the sum of squares unexplained, NMF 6.6 %. In
return, and without any regularization, 79 % of the pixels in the components of NMF are near zero,
compared with 20 % for PCA. Sparse parts are often attributed to regularization. Here a
regularization strength of 0.1 has almost no effect, and one of 0.5 mainly removes components: of 16
components 7 remain, with 67 % of the pixels near zero, fewer than before. More components make the
parts sparser: with 32, 92 % of the pixels are near zero.

Ten initializations agree in most of the parts, and their best loss is almost the same as the first.
"""

import sys

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from lrfact import ComponentsDisplay, NMFTopics, PCAFromSVD, TruncatedSVDReducer

RANK = 16


def models(X):
    """Approximations of the same rank, with less and less freedom."""
    return {
        "PCAFromSVD": PCAFromSVD(RANK).fit(X),
        "TruncatedSVDReducer": TruncatedSVDReducer(RANK).fit(X),
        "NMFTopics": parts(X),
        "NMFTopics, penalty 0.1": parts(X, alpha_W=0.1, l1_ratio=1),
        "NMFTopics, penalty 0.5": parts(X, alpha_W=0.5, l1_ratio=1),
    }


def parts(X, **parameters):
    """Non-negative parts."""
    return NMFTopics(RANK, max_iter=1000, random_state=0, **parameters).fit(X)


def lost(model, X):
    """Share of the sum of squares that the approximation leaves."""
    rest = X - model.inverse_transform(model.transform(X))
    return float(np.sum(rest**2) / np.sum(X**2))


def near_zero(values):
    """Share of the values below a hundredth of the largest in their row."""
    size = np.abs(values)
    return float((size < 0.01 * size.max(axis=1, keepdims=True)).mean())


def heaviest_parts(model, x, n_parts=5):
    """The parts of one image that weigh most, and which they are."""
    weights = model.transform(x[np.newaxis])[0] * model.components_.sum(axis=1)
    chosen = np.argsort(-weights)[:n_parts]
    return chosen, model.transform(x[np.newaxis])[0, chosen, np.newaxis] * model.components_[chosen]


def main():
    X, _ = load_digits(return_X_y=True)
    fitted = models(X)
    print(f"{len(X)} images, rank {RANK}:")
    print("                            squares lost   used   near zero in: components  weights")
    for name, model in fitted.items():
        lengths = np.linalg.norm(model.components_, axis=1)
        used = lengths > 0
        zeros = near_zero(model.components_[used]), near_zero(model.transform(X) * lengths)
        share = lost(model, X)
        print(f"  {name:25} {share:8.1%} {used.sum():10} {zeros[0]:21.0%} {zeros[1]:12.0%}")
    starts = NMFTopics(RANK, max_iter=1000, n_init=10, random_state=0).fit(X)
    print(f"ten starts: {lost(starts, X):.2%} lost, stability {starts.stability_:.2f}")

    figure = plt.figure(figsize=(11, 7.2), layout="constrained")
    above, below = figure.subfigures(2, 1, height_ratios=(3, 1))
    grids = above.subfigures(1, 2)
    for part, name in zip(grids, ("NMFTopics", "PCAFromSVD"), strict=True):
        display = ComponentsDisplay.from_estimator(
            fitted[name], image_shape=(8, 8), axes=part.subplots(4, 4)
        )
        for ax in display.axes_:
            ax.set_title("")
        part.suptitle(f"{name}: {lost(fitted[name], X):.1%} of the squares lost")

    x = X[0]
    model = fitted["NMFTopics"]
    chosen, pieces = heaviest_parts(model, x)
    whole = model.inverse_transform(model.transform(x[np.newaxis]))[0]
    images = {"image": x, "all parts": whole}
    images |= {f"part {i}": piece for i, piece in zip(chosen, pieces, strict=True)}
    for ax, (title, image) in zip(below.subplots(1, len(images)), images.items(), strict=True):
        ax.imshow(image.reshape(8, 8), cmap="gray", vmin=0, vmax=16)
        ax.set(title=title, xticks=[], yticks=[])
    below.suptitle("one image, its approximation, and the heaviest parts in it")
    return figure


if __name__ == "__main__":
    figure = main()
    if len(sys.argv) > 1:
        figure.savefig(sys.argv[1])
    else:
        plt.show()
