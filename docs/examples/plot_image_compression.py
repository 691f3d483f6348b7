"""
Image compression by SVD, and why JPEG does better
==================================================

A rank-k approximation of an image of m x n pixels takes ``k (m + n + 1)`` numbers instead of ``m
n``. The SVD has the smallest possible error for this k, and ``n_components=0.99`` finds the
smallest k that leaves less than 1 % of the energy unexplained, which is a relative error of 10 %.

The first example has 16 x 16 pixels: two squares and a bar, a matrix of rank 2 plus noise. Rank 2
leaves 5.5 % of the energy unexplained and rank 3 leaves 4.0 %, so the smallest rank under 5 % is 3,
one more than the rank of the drawing, because the noise contributes to the energy.

The second example is a photograph. Here the SVD of the whole image is far worse than JPEG at every
rank. The usual explanation is that JPEG works on blocks of 8 x 8 pixels, and that the structure of
photographs is local. This is only half of the explanation: principal components of such blocks,
with the same number for every block, are no better than the SVD of the image. They are better if
the number of coefficients of each block is adaptive: few in the sky, many on the roof. A rank is
the same everywhere.
"""

import sys
from io import BytesIO

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image
from sklearn.datasets import load_sample_image

from lrfact import PCAFromSVD, TruncatedSVDReducer

RANKS = (5, 20, 50, 100)


def small_drawing(seed=42):
    """Two squares of 4 x 4 and a bar of 4 x 6 on 16 x 16 pixels, with noise 0.1."""
    drawing = np.zeros((16, 16))
    drawing[2:6, 2:6] = 0.8
    drawing[2:6, 10:14] = 0.9
    drawing[10:14, 5:11] = 0.7
    return drawing + 0.1 * np.random.RandomState(seed).standard_normal((16, 16))


def energy_left_out(image, ranks):
    """Share of the energy that each rank leaves out."""
    kept = np.cumsum(TruncatedSVDReducer(min(image.shape)).fit(image).explained_energy_ratio_)
    return [float(1 - kept[rank - 1]) for rank in ranks]


def smallest_rank(image, share=0.95):
    """Smallest rank that keeps more than this share of the energy."""
    return len(TruncatedSVDReducer(n_components=share).fit(image).components_)


def grey_pattern(size=256):
    """Waves along both axes, and rings; gray levels from 0 to 255."""
    y, x = np.mgrid[:size, :size] / size
    rings = np.cos(60 * np.hypot(x - 0.5, y - 0.5))
    return 127.5 + 60 * np.sin(12 * x) * np.cos(7 * y) + 60 * rings


def colour_photo():
    """The photo as one matrix: red, green and blue side by side, 427 x 1920."""
    photo = load_sample_image("china.jpg").astype(np.float64)
    return np.hstack(list(np.moveaxis(photo, 2, 0)))


def grey_photo():
    """Its brightness, 427 x 640."""
    return load_sample_image("china.jpg") @ np.array([0.299, 0.587, 0.114])


def compress_by_rank(image, ranks=RANKS):
    """For each rank: the image, numbers stored, their ratio to the pixels, MSE, PSNR, energy."""
    m, n = image.shape
    reducer = TruncatedSVDReducer(n_components=max(ranks)).fit(image)
    rows = []
    for rank in ranks:
        small = reducer.truncate(rank)
        rebuilt = small.inverse_transform(small.transform(image))
        stored = rank * (m + n + 1)
        rows.append(
            {
                "rank": rank,
                "image": rebuilt,
                "stored": stored,
                "ratio": m * n / stored,
                "mse": np.mean((image - rebuilt) ** 2),
                "psnr": psnr(image, rebuilt),
                "energy": float(small.explained_energy_ratio_.sum()),
            }
        )
    return rows


def compress_by_blocks(image, rank=None, n_coefficients=None, side=8):
    """The same on blocks of 8 x 8: the image, and the numbers stored.

    Either `rank` coefficients for every block, or the `n_coefficients` largest of all.
    """
    m, n = (side * (length // side) for length in image.shape)
    grid = image[:m, :n].reshape(m // side, side, n // side, side).swapaxes(1, 2)
    blocks = grid.reshape(-1, side * side)
    pca = PCAFromSVD(n_components=rank).fit(blocks)
    W = pca.transform(blocks)
    if n_coefficients is None:
        stored = W.size + pca.components_.size + pca.mean_.size
    else:
        W[np.abs(W) < np.sort(np.abs(W), axis=None)[-n_coefficients]] = 0
        # Which of 64 it is takes 6 bits, next to the 8 of a coefficient.
        stored = int(1.75 * n_coefficients) + pca.components_.size + pca.mean_.size
    rebuilt = pca.inverse_transform(W).reshape(grid.shape)
    return rebuilt.swapaxes(1, 2).reshape(m, n), stored


def compress_by_jpeg(image, quality):
    """The same by JPEG: the image, and the bytes stored."""
    file = BytesIO()
    Image.fromarray(np.clip(image.round(), 0, 255).astype(np.uint8)).save(
        file, "jpeg", quality=quality
    )
    return np.asarray(Image.open(file), dtype=np.float64), file.tell()


def psnr(image, rebuilt):
    """Peak signal-to-noise ratio in decibels, for gray levels up to 255."""
    m, n = rebuilt.shape
    return float(10 * np.log10(255**2 / np.mean((image[:m, :n] - rebuilt) ** 2)))


def four_ways(image):
    """Numbers stored and PSNR: SVD of the image, of blocks in two ways, and JPEG."""
    compressed = {
        "SVD of the image": [
            (row["image"], row["stored"]) for row in compress_by_rank(image, (5, 10, 20, 40, 80))
        ],
        "blocks, equal rank": [compress_by_blocks(image, rank) for rank in (1, 2, 4, 8, 16)],
        "blocks, largest coefficients": [
            compress_by_blocks(image, n_coefficients=number)
            for number in (6_000, 10_000, 20_000, 40_000)
        ],
        "JPEG": [compress_by_jpeg(image, quality) for quality in (2, 5, 15, 40, 75, 90)],
    }
    return {
        name: [(size, psnr(image, rebuilt)) for rebuilt, size in results]
        for name, results in compressed.items()
    }


def main():
    drawing = small_drawing()
    left = ", ".join(f"{100 * share:.1f} %" for share in energy_left_out(drawing, (1, 2, 3, 4)))
    print(f"16 x 16 drawing: ranks 1 to 4 leave {left} of the energy")
    print(f"  smallest rank that leaves less than 5 %: {smallest_rank(drawing)}")

    for name, image in (
        ("gray pattern", grey_pattern()),
        ("gray photo", grey_photo()),
        ("color photo", colour_photo()),
    ):
        m, n = image.shape
        print(f"{name}, {m} x {n}: rank {smallest_rank(image, 0.99)} for a relative error of 10 %")
        print("  rank   stored  ratio      MSE   PSNR  energy kept")
        for row in compress_by_rank(image):
            print(
                "  {rank:4d} {stored:8d} {ratio:6.1f} {mse:8.1f} {psnr:6.1f} {energy:11.2%}".format(
                    **row
                )
            )

    image = grey_photo()
    curves = four_ways(image)
    print("gray photo, numbers stored and PSNR (bytes for JPEG):")
    for name, points in curves.items():
        print(f"  {name}: " + ", ".join(f"{size} {value:.1f} dB" for size, value in points))

    figure, axes = plt.subplots(2, 2, figsize=(9.5, 6.6), layout="constrained")
    for ax, row in zip(axes.flat[:3], compress_by_rank(image, (5, 20, 80)), strict=True):
        ax.imshow(row["image"], cmap="gray", vmin=0, vmax=255)
        ax.set_title(f"rank {row['rank']}: 1/{row['ratio']:.0f} stored, {row['psnr']:.1f} dB")
        ax.set_axis_off()
    ax = axes.flat[3]
    for name, points in curves.items():
        sizes, values = zip(*points, strict=True)
        ax.semilogx(np.array(sizes) / image.size, values, "o-", ms=4, label=name)
    ax.set(xlabel="Numbers stored per pixel (bytes for JPEG)", ylabel="PSNR in dB")
    ax.set_xticks([0.02, 0.05, 0.1, 0.2], ["0.02", "0.05", "0.1", "0.2"])
    ax.minorticks_off()
    ax.legend()
    return figure


if __name__ == "__main__":
    figure = main()
    if len(sys.argv) > 1:
        figure.savefig(sys.argv[1])
    else:
        plt.show()
