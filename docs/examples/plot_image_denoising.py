"""
Noise removal from a photo with a known or estimated noise level
================================================================

A photo with noise of standard deviation 30 (of 255 gray levels) is replaced by its best low-rank
approximation. Low ranks lose details of the picture, high ranks keep the noise, and the rank
closest to the clean photo is between them: 45 here, determined with the clean photo, which is
unknown in applications.

With the known noise level, the rule of Gavish and Donoho is within one of it, at 46. If the rule
estimates the noise level, it mistakes fine detail of the photo for noise, estimates 37 instead of
30 and keeps 26 components. The optimum is flat, so this costs only 0.3 dB; cross-validation and
Minka's rule are equally close. Parallel analysis, 95 % of the energy and the largest gap keep too
few components: the first treats randomly permuted pixels of a column as noise, and the others have
no noise model at all.
"""

import sys

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_sample_image

from lrfact import TruncatedSVDReducer, select_rank

NOISE = 30


def noisy_photo(seed=0):
    """The brightness of the photo, clean and with noise."""
    clean = load_sample_image("china.jpg") @ np.array([0.299, 0.587, 0.114])
    return clean, clean + NOISE * np.random.default_rng(seed).standard_normal(clean.shape)


def psnr(clean, estimate):
    """Peak signal-to-noise ratio in decibels, for gray levels up to 255."""
    return float(10 * np.log10(255**2 / np.mean((clean - estimate) ** 2)))


def at_rank(reducer, noisy, rank):
    """The noisy photo at a rank, from a reducer fitted with a higher one."""
    small = reducer.truncate(rank)
    return small.inverse_transform(small.transform(noisy))


def quality_by_rank(largest=120):
    """PSNR against the clean photo for ranks 1, 2, ..."""
    clean, noisy = noisy_photo()
    reducer = TruncatedSVDReducer(n_components=largest).fit(noisy)
    return np.array([psnr(clean, at_rank(reducer, noisy, rank)) for rank in range(1, largest + 1)])


def ranks_of_rules():
    """What each rule chooses, seeing the noisy photo only."""
    _, noisy = noisy_photo()
    selection = select_rank(noisy, "gavish-donoho", compare="all", random_state=0)
    told = select_rank(noisy, "gavish-donoho", noise=NOISE, compare=None)
    return {
        "gavish-donoho, noise given": told.n_components,
        "gavish-donoho": selection.n_components,
        **selection.suggestions,
    }


def main():
    clean, noisy = noisy_photo()
    quality = quality_by_rank()
    best = int(np.argmax(quality)) + 1
    print(f"with noise {psnr(clean, noisy):.2f} dB, best rank {best}: {quality[best - 1]:.2f} dB")
    chosen = ranks_of_rules()
    for rule, rank in chosen.items():
        print(f"  {rule:<27} rank {rank:2d}: {quality[rank - 1]:.2f} dB")

    figure = plt.figure(figsize=(10, 6), layout="constrained")
    axes = figure.subplot_mosaic([["noisy", "denoised"], ["curve", "curve"]])
    told = TruncatedSVDReducer(n_components=chosen["gavish-donoho, noise given"]).fit(noisy)
    denoised = told.inverse_transform(told.transform(noisy))
    for name, image in (("noisy", noisy), ("denoised", denoised)):
        axes[name].imshow(image, cmap="gray", vmin=0, vmax=255)
        axes[name].set_title(f"{name}, {psnr(clean, image):.1f} dB")
        axes[name].set_axis_off()
    ax = axes["curve"]
    ax.plot(np.arange(1, len(quality) + 1), quality, color="black", lw=1)
    for rule, rank in chosen.items():
        ax.plot(rank, quality[rank - 1], "o", label=f"{rule}: {rank}")
    ax.set(xlabel="Rank", ylabel="PSNR in dB")
    ax.legend(ncols=2)
    return figure


if __name__ == "__main__":
    figure = main()
    if len(sys.argv) > 1:
        figure.savefig(sys.argv[1])
    else:
        plt.show()
